// Originals and renditions whose bytes say which object they show, and in which epoch of S3 it was: so a checker needs
// no name, tag or ETag of the Worker to see what a visitor sees.

/** What a picture shows: an object as S3 had it in one epoch. Each change of an object begins its next epoch. */
export type Picture = { readonly key: string; readonly epoch: number };

const encoder = new TextEncoder();

/** The length that S3 names of each original: so long that no rendition has more bytes than it should have. */
export const ORIGINAL_LENGTH = 80_000;

/** Writes the first bytes of an original: a JPEG of 1200 × 800 pixels. */
export function originalHead({ key, epoch }: Picture): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(1024);
  // SOI, APP0, SOF0 and SOS: what tells the type and the sides.
  head.set([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
  head.set(
    [0xff, 0xc0, 0, 17, 8, 3, 32, 4, 176, 3, 1, 34, 0, 2, 17, 1, 3, 17, 1, 0xff, 0xda, 0, 12],
    20,
  );
  head.set(encoder.encode(`${key} ${epoch}`), 64);
  return head;
}

/** Writes a rendition: a WebP file by its first bytes, and then the words of what it shows. */
export function rendition({ key, epoch }: Picture): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(encoder.encode(`RIFF0000WEBPVP8 shows ${JSON.stringify({ key, epoch })}`));
}

/** Reads what a rendition shows. @returns undefined for bytes that are none */
export function pictureOf(bytes: Uint8Array): Picture | undefined {
  const text = new TextDecoder().decode(bytes);
  const json = /^RIFF....WEBPVP8 shows (?<json>\{.*\})$/s.exec(text)?.groups?.["json"];
  if (json === undefined) return undefined;
  const { key, epoch }: Picture = JSON.parse(json);
  return { key, epoch };
}
