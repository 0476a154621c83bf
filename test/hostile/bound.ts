// What a Worker with the engine "binding" asks: the objects of S3 and R2, and the Images binding. All of them
// can lie. They keep the rules by which an original could leak.

import { hash } from "node:crypto";

/** Stand-ins for the bytes of an original, of its metadata, and of a rendition. */
export const ORIGINAL = "ORIGINAL-BYTES";
export const PLACE = "GPS-OF-A-HOME";
const RENDITION = "a rendition";

/** The most bytes of an object that the binding reads (B1). */
const MOST = 20_000_000;

const bytes = (...parts: (string | readonly number[])[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))),
  );

const uint32 = (number: number) => [24, 16, 8, 0].map((by) => (number >> by) & 255);
const uint32le = (number: number) => uint32(number).reverse();
/** The parts of files: with the length before the type, or behind it. */
const segment = (marker: number, text: string) =>
  bytes([0xff, marker, (text.length + 2) >> 8, (text.length + 2) & 255], text);
const pngChunk = (type: string, data: string | readonly number[]) =>
  Buffer.concat([bytes(uint32(data.length), type, data), Buffer.alloc(4)]);
const webpChunk = (type: string, data: string) =>
  bytes(type, uint32le(data.length), data, data.length % 2 ? [0] : []);
const box = (type: string, data: string) => bytes(uint32(data.length + 8), type, data);

/** A file of each type with a text in place of its pixels, and another one in its metadata, if it is not "". */
const FILES: Readonly<Record<string, (text: string, inside: string) => Buffer>> = {
  "image/jpeg": (text, inside) => {
    const frame = [0xff, 0xc0, 0, 11, 8, 0, 99, 0, 99, 1, 1, 0x11, 0];
    const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    const told = inside === "" ? [] : [segment(0xe1, `Exif\0\0${inside}`), segment(0xfe, inside)];
    return Buffer.concat([
      bytes([0xff, 0xd8]),
      segment(0xe0, "JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
      ...told,
      bytes(frame, scan, text),
      ...told, // also between the scans, and behind the picture
      bytes(scan, text, [0xff, 0xd9], inside),
    ]);
  },
  "image/png": (text, inside) =>
    Buffer.concat([
      bytes([0x89], "PNG\r\n", [0x1a, 10]),
      pngChunk("IHDR", [0, 0, 0, 99, 0, 0, 0, 99, 8, 2, 0, 0, 0]),
      ...(inside === "" ? [] : [pngChunk("eXIf", inside), pngChunk("iTXt", inside)]),
      pngChunk("IDAT", text),
      pngChunk("IEND", ""),
      bytes(inside),
    ]),
  "image/webp": (text, inside) => {
    const told = inside === "" ? [] : [webpChunk("EXIF", inside), webpChunk("XMP ", inside)];
    const all = Buffer.concat([bytes("WEBP"), webpChunk("VP8 ", text), ...told]);
    return Buffer.concat([bytes("RIFF", uint32le(all.length)), all, bytes(inside)]);
  },
  "image/gif": (text, inside) => bytes("GIF89a", [99, 0, 99, 0, 0, 0, 0], text, inside),
  "image/avif": (text, inside) =>
    Buffer.concat([
      bytes([0, 0, 0, 28], "ftypavif", [0, 0, 0, 0], "avifmif1", [0, 0, 0, 0]),
      ...(inside === "" ? [] : [box("meta", `\0\0\0\0\0\0\0\x14infe\x02\0\0\0\0\x02\0\0Exif`)]),
      box("mdat", text + inside),
    ]),
  "image/svg+xml": (text) => bytes('<svg xmlns="http://www.w3.org/2000/svg">', text),
  "text/html": (text) => bytes("<!doctype html><p>", text),
};

/** A rendition of its own of everything else that is asked for. */
export const renditionOf = (type: string, of: string) =>
  Uint8Array.from(fileOf(type, `${RENDITION} ${hash("sha1", of)}`));

function fileOf(type: string, text: string, inside = ""): Buffer {
  return FILES[type]?.(`${text}\n`, inside) ?? bytes(text);
}

/** S3's ETag of an object, without quotes. */
export const etagOf = (revision: number) => `s3-etag-of-the-original-${revision}`;

type Sent = { body?: ReadableStream; headers?: Record<string, string>; status?: number };

/** How an object comes that is not as it should be. A header of "" is missing. */
const SPOILT = {
  "no-length": () => ({ headers: { "content-length": "" } }),
  longer: (whole) => ({ body: streamOf(Buffer.concat([whole, Buffer.alloc(9000, ORIGINAL)])) }),
  shorter: (whole) => ({ body: streamOf(whole.subarray(0, whole.length - 5)) }),
  "odd-length": (_, url) => {
    return { headers: { "content-length": hash("sha1", url).startsWith("7") ? "-1" : "0x20" } };
  },
  "too-large": (whole) => ({
    body: streamOf(whole, undefined, MOST + 1 - whole.length),
    headers: { "content-length": `${MOST + 1}` },
  }),
  gzip: () => ({ headers: { "content-encoding": "gzip" } }),
  part: ({ length }) => ({ headers: { "content-range": `bytes 0-9/${length}` }, status: 206 }),
  empty: () => ({ body: streamOf(Buffer.alloc(0)), headers: { "content-length": "0" } }),
  cut: (whole) => ({ body: streamOf(whole.subarray(0, 2)), headers: { "content-length": "2" } }),
  breaks: (whole) => ({ body: streamOf(whole.subarray(0, 40), new Error("Connection lost.")) }),
  "foreign-type": () => ({ headers: { "content-type": "image/png" } }),
  "two-types": () => ({ headers: { "content-type": "image/jpeg, text/html" } }),
  "no-etag": () => ({ headers: { etag: "" } }),
} as const satisfies Record<string, (whole: Buffer, url: string) => Sent>;

export type Lie = keyof typeof SPOILT;
export const LIES = Object.keys(SPOILT).filter((lie): lie is Lie => lie !== "no-etag");

/** The header by which the log of calls knows S3's code, or how an object is spoilt. */
export const CODE = "x-amz-code-for-the-test";

/**
 * An answer of S3 with an object.
 * @param lie how it is spoilt
 * @param isHead whether its first bytes were asked for: these short objects have no more. What is spoilt comes whole
 */
export function objectAnswer(
  url: string,
  type: string,
  lie: Lie | undefined,
  isHead: boolean,
  revision: number,
): Response {
  const whole = fileOf(type, `${ORIGINAL} ${url} ${revision}`, `${PLACE} ${ORIGINAL}`);
  const { length } = whole;
  const range = { "content-range": `bytes 0-${length - 1}/${length}` };
  const spoilt: Sent = lie
    ? SPOILT[lie](whole, url)
    : isHead
      ? { headers: range, status: 206 }
      : {};
  const { body = streamOf(whole), status = 200 } = spoilt;
  const headers = {
    ...{ "content-type": type, "content-length": `${length}`, "x-amz-request-id": "4442587F" },
    ...{ etag: `"${etagOf(revision)}"`, "last-modified": "Tue, 03 Nov 2026 09:00:00 GMT" },
    ...{ "x-amz-meta-owner": "acme-ada", [CODE]: lie ?? "", ...spoilt.headers },
  };
  const sent = Object.entries(headers).filter(([name, value]) => value !== "" || name === CODE);
  return new Response(body, { status, headers: sent });
}

/** A stream that comes in two pieces, and perhaps breaks off after them, or goes on. @param more bytes */
export function streamOf(all: Uint8Array, error?: Error, more = 0): ReadableStream<Uint8Array> {
  const half = all.length >> 1;
  const pieces = [all.subarray(0, half), all.subarray(half)].filter(({ length }) => length > 0);
  let left = more;
  const source: UnderlyingByteSource = {
    type: "bytes",
    pull(controller) {
      const piece = pieces.shift();
      if (piece) return controller.enqueue(Uint8Array.from(piece));
      if (error) return controller.error(error);
      if (left > 0) {
        const next = Math.min(left, 1_000_000);
        left -= next;
        return controller.enqueue(new Uint8Array(next));
      }
      controller.close();
      controller.byobRequest?.respond(0);
    },
  };
  return new ReadableStream(source);
}

/** What the binding was asked to make of what. */
export type Made = {
  /** Of the object of this URL, as far as its bytes say it. */
  readonly of: string;
  /** The type of its first bytes. */
  readonly type: string | undefined;
  readonly transforms: readonly object[];
  readonly output: ImageOutputOptions;
  readonly overlays: readonly { readonly of: string; readonly options: object }[];
  /** What came of it: a type, or a code. */
  readonly said: string;
};

/** What the binding makes of an object: `made`, the original, or a failure with a code. */
export type Behaviour = {
  readonly outcome: "made" | "off" | "smaller" | "fault" | "odd";
  readonly code: number;
  /** The type that an odd answer has. */
  readonly contentType: string;
  /** Whether renditions keep the metadata of the original (open). */
  readonly keepsMetadata: boolean;
  /** Whether the rendition breaks off. */
  readonly isHalf: boolean;
};

class ImagesError extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`IMAGES_TRANSFORM_ERROR ${code}: ${ORIGINAL}`);
    this.code = code;
  }
}

/** The Images binding. @param behave how it treats the object of a URL */
export function createImages(
  behave: (url: string) => Behaviour,
  note: (made: Made) => void,
): object {
  const streams = new WeakMap<object, ReadableStream>();
  const input = (stream: ReadableStream) => {
    const transforms: object[] = [];
    const drawn: { stream: ReadableStream; options: object }[] = [];
    const output = async (output: ImageOutputOptions) => {
      const original = await readAll(stream);
      const others = drawn.map(async (one) => ({
        of: urlIn(await readAll(one.stream)),
        options: one.options,
      }));
      const asked = { transforms, output, overlays: await Promise.all(others) };
      const of = urlIn(original);
      const end = (said: string) => note({ of, type: typeOf(original), ...asked, said });
      try {
        const behaviour = behave(of);
        const made = makeOf(original, asked, behaviour);
        end(made.type);
        return resultOf(made, behaviour);
      } catch (error) {
        end(error instanceof ImagesError ? `${error.code}` : `${error}`);
        throw error;
      }
    };
    const self = {
      output,
      transform: (one: object) => {
        transforms.push(one);
        return self;
      },
      draw: (image: object, options: object = {}) => {
        const inner = image instanceof ReadableStream ? image : streams.get(image);
        if (!inner) throw new TypeError("it is neither a stream nor a picture");
        drawn.push({ stream: inner, options });
        return self;
      },
    };
    streams.set(self, stream);
    return self;
  };
  const info = async (stream: ReadableStream) => {
    const original = await readAll(stream);
    const format = typeOf(original);
    const url = urlIn(original);
    const { outcome, code } = behave(url);
    if (format === undefined || format === "text/html") throw new ImagesError(9412);
    if (outcome === "fault") throw new ImagesError(code);
    if (format === "image/svg+xml") return { format };
    const [across = 0, down = 0] = hash("sha1", url, "buffer");
    const told = { format, fileSize: original.length, width: 40 + across, height: 40 + down };
    return outcome === "odd" ? { ...told, width: across % 2 ? ORIGINAL : -1 } : told;
  };
  return { input, info };
}

function makeOf(
  original: Buffer,
  asked: Pick<Made, "transforms" | "output" | "overlays">,
  { outcome, code, contentType, keepsMetadata }: Behaviour,
) {
  const type = typeOf(original);
  if (type === undefined || type === "text/html") throw new ImagesError(9412);
  if (outcome === "fault") throw new ImagesError(code);
  const { format } = asked.output;
  if (type === "image/svg+xml") return { type, file: original }; // it is passed through, as the edge does (R8)
  if (outcome === "off") return { type: format, file: original };
  if (outcome === "smaller" && (type === format || code % 2 === 0)) return { type, file: original };
  if (outcome === "odd") return { type: contentType, file: Buffer.from("odd") };
  const text = `${RENDITION} ${hash("sha1", `${original.toString("latin1")}${JSON.stringify(asked)}`)}`;
  return { type: format, file: fileOf(format, text, keepsMetadata ? PLACE : "") };
}

function resultOf({ type, file }: ReturnType<typeof makeOf>, { isHalf }: Behaviour) {
  const image = () => streamOf(file, isHalf ? new Error("it broke off") : undefined);
  return {
    contentType: () => type,
    image,
    response: () => new Response(image(), { headers: { "content-type": type } }),
  };
}

async function readAll(stream: ReadableStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const urlIn = (file: Buffer) =>
  /ORIGINAL-BYTES (http\S+) \d+\n/.exec(file.toString("latin1"))?.[1] ?? "";

/** The type that the first bytes say. */
export function typeOf(file: Uint8Array): string | undefined {
  return Object.entries(FILES).find(([, fileWith]) => {
    const own = fileWith("", "").subarray(0, 3);
    return own.every((byte, at) => file[at] === byte);
  })?.[0];
}

/** What R2 gives for a key. @param answer what S3 would answer */
export function r2ObjectOf(key: string, answer: Response): object | null {
  if (answer.status === 404) return null;
  const { body, headers } = answer;
  const size = Number(headers.get("content-length") ?? 0);
  const httpMetadata = {
    contentType: headers.get("content-type") ?? "",
    contentEncoding: headers.get("content-encoding") ?? undefined,
  };
  const etag = headers.get("etag")?.replaceAll('"', "");
  const uploaded = new Date("2026-11-03T09:00:00Z");
  return {
    ...{ key, size, httpMetadata, etag, httpEtag: `"${etag}"`, uploaded, version: "1" },
    ...{ body, bodyUsed: false, customMetadata: { owner: "acme-ada" }, checksums: {} },
    arrayBuffer: () => answer.arrayBuffer(),
    writeHttpMetadata: () => {},
  };
}
