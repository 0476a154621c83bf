// What a picture of the binding says besides itself is removed, wherever it stands (B9).

import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { avifWithout, pngWithout, webpWithout } from "../../../src/worker/images/without-chunks.ts";
import { withoutMetadata } from "../../../src/worker/images/without-metadata.ts";
import { file } from "../../support/stand.ts";

const SECRET = "48.137, 11.575";
const latin1 = (text: string) => Buffer.from(text, "latin1");
const segment = (marker: number, text: string) =>
  latin1(`\xff${String.fromCharCode(marker, 0, text.length + 2)}${text}`);
const EXIF = segment(0xe1, `Exif\0\0${SECRET}`);

/** A picture of each type, with EXIF and XMP. */
let told: Record<"jpeg" | "png" | "webp" | "avif", Buffer>;
beforeAll(async () => {
  const picture = sharp(file("made/transparent.png"))
    .withExif({ IFD0: { Copyright: SECRET } })
    .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/">${SECRET}</x:xmpmeta>`);
  const [jpeg, png, webp, avif] = await Promise.all([
    picture.clone().jpeg({ progressive: true }).toBuffer(),
    picture.clone().png().toBuffer(),
    picture.clone().webp().toBuffer(),
    picture.clone().avif({ effort: 0 }).toBuffer(),
  ]);
  told = { jpeg, png, webp, avif };
});
const pixels = (picture: Uint8Array) => sharp(picture).ensureAlpha().raw().toBuffer();

/** Puts something before the last scan, and something behind the picture. */
function spoilt(jpeg: Buffer): Buffer {
  const last = jpeg.lastIndexOf(latin1("\xff\xda"));
  expect(jpeg.indexOf(latin1("\xff\xda"))).toBeLessThan(last);
  return Buffer.concat([jpeg.subarray(0, last), EXIF, jpeg.subarray(last), latin1(SECRET), jpeg]);
}

const START = latin1("\xff\xd8");
const JFIF = "JFIF\0\x01\x01\0\0\x01\0\x01\x02\x03";
const behind =
  (...parts: Buffer[]) =>
  (jpeg: Buffer) =>
    Buffer.concat([...parts, jpeg.subarray(2)]);

describe("of a JPEG, whose pixels stay:", () => {
  test.each<[what: string, change: (jpeg: Buffer) => Buffer]>([
    ["nothing odd", (jpeg) => jpeg],
    ["EXIF between the scans, and a file behind it", spoilt],
    ["bytes that fill up before a marker", behind(latin1("\xff\xd8\xff\xff\xff"), EXIF)],
    ["markers that no picture has", behind(START, segment(0xf0, SECRET))],
    ["a thumbnail in JFIF", behind(START, segment(0xe0, `${JFIF}${SECRET}----`))],
  ])("%s (B9)", async (_what, change) => {
    const before = change(told.jpeg);
    expect(before.includes(SECRET)).toBe(true);
    const after = withoutMetadata(before) ?? expect.unreachable();
    expect(Buffer.from(after).includes(SECRET)).toBe(false);
    expect(await pixels(after)).toEqual(await pixels(told.jpeg));
  });
});

describe.each(["png", "webp"] as const)("of a %s,", (type) => {
  const without = type === "png" ? pngWithout : webpWithout;

  test("whose pixels stay, and what stands behind it (B9)", async () => {
    const before = Buffer.concat([told[type], latin1(SECRET)]);
    expect(told[type].includes(SECRET)).toBe(true);
    const after = without(before) ?? expect.unreachable();
    expect(Buffer.from(after).includes(SECRET)).toBe(false);
    const { exif, xmp } = await sharp(after).metadata();
    expect([exif, xmp]).toEqual([undefined, undefined]);
    expect(await pixels(after)).toEqual(await pixels(told[type]));
    expect(without(after)).toEqual(after);
  });

  test("and not of one that is broken off", () => {
    for (let end = 12; end < told[type].length; end += 11) {
      expect(without(told[type].subarray(0, end))).toBeUndefined();
    }
  });
});

test("an animation stays one", async () => {
  const webp = await sharp(file("made/animated.gif"), { animated: true }).webp().toBuffer();
  const after = webpWithout(webp) ?? expect.unreachable();
  expect((await sharp(after).metadata()).pages).toBe((await sharp(webp).metadata()).pages);
});

test("they cannot be removed from an AVIF, so it is not shown; one without them is (B9)", async () => {
  const plain = await sharp(file("made/transparent.png")).avif({ effort: 0 }).toBuffer();
  const copy = Uint8Array.from(plain);
  expect(avifWithout(copy)).toBe(copy);
  expect(told.avif.includes(SECRET)).toBe(true);
  expect(avifWithout(Uint8Array.from(told.avif))).toBeUndefined();
  for (const more of ["x", SECRET, `\0\0\0\x16uuid${SECRET}`]) {
    expect(avifWithout(Uint8Array.from([...plain, ...latin1(more)]))).toBeUndefined();
  }
});
