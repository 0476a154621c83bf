// What a JPEG says besides its picture is removed, before the picture is shown (B9).

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { withoutMetadata } from "../../../src/worker/images/without-metadata.ts";
import { file } from "../../support/stand.ts";

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
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

  test("of a JPEG that has none is a copy", async () => {
    const jpeg = await sharp(file("made/key.jpg")).jpeg().toBuffer();
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
