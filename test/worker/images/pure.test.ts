// What the engine "binding" decides without I/O: types by first bytes, and what a JPEG says besides its picture.

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { sniff } from "../../../src/worker/images/sniff.ts";
import { withoutMetadata } from "../../../src/worker/images/without-metadata.ts";
import { file } from "../../support/stand.ts";

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const webp = (chunk: string, at: number, flags: number) => {
  const head = bytes(`RIFF\x10\0\0\0WEBP${chunk}`.padEnd(40, "\0"));
  head[at] = flags;
  return head;
};

describe("the first bytes", () => {
  test.each<[what: string, head: Uint8Array, type: string, opaque: boolean]>([
    ["a JPEG", file("made/key.jpg"), "image/jpeg", true],
    ["a PNG", file("made/transparent.png"), "image/png", false],
    ["a GIF", file("made/animated.gif"), "image/gif", false],
    ["a GIF of 1987", bytes("GIF87a"), "image/gif", false],
    ["a lossy WebP", webp("VP8 ", 24, 0xff), "image/webp", true],
    ["a lossless WebP", webp("VP8L", 24, 0), "image/webp", true],
    ["a lossless WebP with transparency", webp("VP8L", 24, 0x10), "image/webp", false],
    ["an extended WebP", webp("VP8X", 20, 0), "image/webp", true],
    ["an extended WebP with transparency", webp("VP8X", 20, 0x10), "image/webp", false],
    ["an AVIF", bytes("\0\0\0\x20ftypavif\0\0\0\0avifmif1"), "image/avif", false],
    ["an AVIF sequence", bytes("\0\0\0\x20ftypavis\0\0\0\0"), "image/avif", false],
    [
      "an AVIF by its second brand",
      bytes("\0\0\0\x20ftypmif1\0\0\0\0miafavif"),
      "image/avif",
      false,
    ],
    ["a HEIC", bytes("\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "image/heic", true],
    ["a HEIC by its family", bytes("\0\0\0\x18ftypmif1\0\0\0\0mif1heic"), "image/heic", true],
  ])("are those of %s (B2)", (_what, head, type, opaque) => {
    expect(sniff(head)).toEqual({ type, opaque });
  });

  test.each<[what: string, head: Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["half a PNG", bytes("\x89PN")],
    ["an SVG", file("broken/script.svg")],
    ["a page", file("broken/page.jpg")],
    ["a TIFF", bytes("II*\0")],
    ["a BMP", bytes("BM")],
    ["a video", bytes("\0\0\0\x20ftypisom\0\0\0\0avc1")],
    ["a sound", bytes("RIFF\x10\0\0\0WAVEfmt ")],
    ["a JPEG behind a space", bytes(" \xff\xd8\xff\xe0")],
    ["text that names a type", bytes("image/jpeg")],
  ])("of %s are those of no image (B2)", (_what, head) => {
    expect(sniff(head)).toBeUndefined();
  });
});

describe("the metadata of a JPEG", () => {
  const SECRET = "48.137, 11.575";

  async function withAll(): Promise<Buffer> {
    const exif = { IFD0: { Copyright: SECRET, ImageDescription: SECRET } };
    const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/">${SECRET}</x:xmpmeta>`;
    const made = await sharp(file("made/key.jpg"))
      .withIccProfile("p3")
      .withExif(exif)
      .withXmp(xmp)
      .jpeg({ progressive: true })
      .toBuffer();
    const segment = (marker: number, text: string) => {
      const length = text.length + 2;
      return Buffer.from([0xff, marker, length >> 8, length & 255, ...bytes(text)]);
    };
    const iptc = segment(0xed, `Photoshop 3.0\0${SECRET}`);
    const comment = segment(0xfe, SECRET);
    const other = segment(0xe2, `MPF\0${SECRET}`);
    return Buffer.concat([made.subarray(0, 2), iptc, comment, other, made.subarray(2)]);
  }

  test("is removed: EXIF, XMP, IPTC, comments. The profile and the pixels stay (B9)", async () => {
    const before = await withAll();
    expect(before.includes(SECRET)).toBe(true);
    const after = Buffer.from(withoutMetadata(before) ?? []);
    expect(after.includes(SECRET)).toBe(false);
    const { exif, xmp, iptc, icc } = await sharp(after).metadata();
    expect([exif, xmp, iptc]).toEqual([undefined, undefined, undefined]);
    expect(icc).toEqual((await sharp(before).metadata()).icc);
    const pixels = (jpeg: Buffer) => sharp(jpeg).raw().toBuffer();
    expect(await pixels(after)).toEqual(await pixels(before));
  });

  test("of a JPEG that has none is a copy", () => {
    const jpeg = Buffer.from(withoutMetadata(file("made/key.jpg")) ?? []);
    expect(withoutMetadata(jpeg)).toEqual(new Uint8Array(jpeg));
  });

  test("cannot be told of bytes that end anywhere before the picture", async () => {
    const whole = await withAll();
    const scan = whole.lastIndexOf(Buffer.from([0xff, 0xda]));
    const first = whole.indexOf(Buffer.from([0xff, 0xda]));
    expect(first).toBeLessThanOrEqual(scan);
    for (let end = 0; end < first; end += 7) {
      expect(withoutMetadata(whole.subarray(0, end))).toBeUndefined();
    }
  });

  test.each<[what: string, jpeg: Uint8Array]>([
    ["a PNG", file("made/transparent.png")],
    ["a segment without a length", bytes("\xff\xd8\xff\xe1\0\0\xff\xda")],
    ["a segment that is longer than all", bytes("\xff\xd8\xff\xe1\xff\xff\xff\xda")],
    ["no marker where one must be", bytes("\xff\xd8\0\0\0\0\xff\xda")],
    ["an end before a picture", bytes("\xff\xd8\xff\xd9\0\x02\xff\xda")],
  ])("cannot be told of %s", (_what, jpeg) => {
    expect(withoutMetadata(jpeg)).toBeUndefined();
  });
});
