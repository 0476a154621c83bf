// What a picture of the binding says besides itself is removed, wherever it stands (B9).

import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { stripMetadata } from "../../../src/worker/binding/strip-metadata.ts";
import { file } from "../../support/emulators.ts";
import { chunk, png } from "../../support/png.ts";

const SECRET = "48.137, 11.575";
const latin1 = (text: string) => Buffer.from(text, "latin1");
const segment = (marker: number, text: string) =>
  latin1(`\xff${String.fromCharCode(marker, 0, text.length + 2)}${text}`);
const EXIF = segment(0xe1, `Exif\0\0${SECRET}`);

/** A picture of each type, with EXIF and XMP. */
let pictures: Record<"jpeg" | "png" | "webp" | "avif", Buffer>;
beforeAll(async () => {
  const picture = sharp(file("made/transparent.png"))
    .withExif({ IFD0: { Copyright: SECRET } })
    .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/">${SECRET}</x:xmpmeta>`);

  const [jpeg, png, webp, avif] = await Promise.all([
    picture.clone().withIccProfile("p3").jpeg({ progressive: true }).toBuffer(),
    picture.clone().png().toBuffer(),
    picture.clone().webp().toBuffer(),
    picture.clone().avif({ effort: 0 }).toBuffer(),
  ]);

  pictures = { jpeg, png, webp, avif };
});
const strip = (type: keyof typeof pictures, picture: Uint8Array) =>
  stripMetadata(`image/${type}`, Uint8Array.from(picture));
const pixels = (picture: Uint8Array) => sharp(picture).ensureAlpha().raw().toBuffer();

/** Puts something before the last scan, and something behind the picture. */
function addMetadataTo(jpeg: Buffer): Buffer {
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
    ["EXIF between the scans, and a file behind it", addMetadataTo],
    ["bytes that fill up before a marker", behind(latin1("\xff\xd8\xff\xff\xff"), EXIF)],
    ["markers that no picture has", behind(START, segment(0xf0, SECRET))],
    ["IPTC", behind(START, segment(0xed, `Photoshop 3.0\0${SECRET}`))],
    ["a comment", behind(START, segment(0xfe, SECRET))],
    ["another profile's segment", behind(START, segment(0xe2, `MPF\0${SECRET}`))],
    ["a thumbnail in JFIF", behind(START, segment(0xe0, `${JFIF}${SECRET}----`))],
  ])("%s (B9)", async (_what, change) => {
    const before = change(pictures.jpeg);
    expect(before.includes(SECRET)).toBe(true);

    const after = strip("jpeg", before) ?? expect.unreachable();
    expect(Buffer.from(after).includes(SECRET)).toBe(false);
    expect(await pixels(after)).toEqual(await pixels(pictures.jpeg));

    const { exif, xmp, iptc, icc } = await sharp(after).metadata();
    expect(exif).toBe(undefined);
    expect(xmp).toBe(undefined);
    expect(iptc).toBe(undefined);
    expect(icc).toEqual((await sharp(pictures.jpeg).metadata()).icc);
    expect(strip("jpeg", after)).toEqual(after);
  });

  test.each<[what: string, header: Buffer]>([
    ["JFIF", segment(0xe0, JFIF)],
    ["Adobe", segment(0xee, "Adobe\0\x64\0\0\0\0\x01")],
  ])("the header of %s, which decides its colours, stays", (_what, header) => {
    const after = strip("jpeg", behind(START, header)(pictures.jpeg)) ?? expect.unreachable();
    expect(Buffer.from(after).includes(header)).toBe(true);
  });

  test.each<[what: string, jpeg: Uint8Array]>([
    ["a PNG", file("made/transparent.png")],
    ["a segment without a length", latin1("\xff\xd8\xff\xe1\0\0\xff\xda")],
    ["a segment that is longer than all", latin1("\xff\xd8\xff\xe1\xff\xff\xff\xda")],
    ["no marker where one must be", latin1("\xff\xd8\0\0\0\0\xff\xda")],
    ["an end before a picture", latin1("\xff\xd8\xff\xd9\0\x02\xff\xda")],
  ])("not of %s", (_what, jpeg) => {
    expect(strip("jpeg", jpeg)).toBeUndefined();
  });

  test("and not of one that ends before its picture", () => {
    const first = pictures.jpeg.indexOf(latin1("\xff\xda"));
    for (let length = 0; length < first; length += 7) {
      expect(strip("jpeg", pictures.jpeg.subarray(0, length))).toBeUndefined();
    }
  });
});

describe.each(["png", "webp"] as const)("of a %s,", (type) => {
  test("whose pixels stay, and what stands behind it (B9)", async () => {
    const before = Buffer.concat([pictures[type], latin1(SECRET)]);
    expect(pictures[type].includes(SECRET)).toBe(true);

    const after = strip(type, before) ?? expect.unreachable();
    expect(Buffer.from(after).includes(SECRET)).toBe(false);

    const { exif, xmp } = await sharp(after).metadata();
    expect(exif).toBe(undefined);
    expect(xmp).toBe(undefined);
    expect(await pixels(after)).toEqual(await pixels(pictures[type]));
    expect(strip(type, after)).toEqual(after);
  });

  test("and not of one that is broken off", () => {
    for (let length = 12; length < pictures[type].length; length += 11) {
      expect(strip(type, pictures[type].subarray(0, length))).toBeUndefined();
    }
  });
});

/** What decides how a PNG looks: its size, transparency, background, ratio of a pixel's sides, colours, animation. */
const SHOWN = "PLTE tRNS bKGD pHYs cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI acTL fcTL fdAT".split(
  " ",
);

test.each([
  ...SHOWN.map((type) => [type, true]),
  ["tEXt", false],
  ["eXIf", false],
  ["tIME", false],
])("a chunk %s of a PNG stays: %s (B9)", (type, stays) => {
  const before = png({ colour: 2 }, chunk(`${type}`, 9));
  const after = strip("png", before) ?? expect.unreachable();
  expect(after).toEqual(stays ? before : png({ colour: 2 }));
});

test("an animation stays one", async () => {
  const webp = await sharp(file("made/animated.gif"), { animated: true }).webp().toBuffer();
  const after = strip("webp", webp) ?? expect.unreachable();
  expect((await sharp(after).metadata()).pages).toBe((await sharp(webp).metadata()).pages);
});

test("they cannot be removed from an AVIF, so it is not shown; one without them is (B9)", async () => {
  const plain = await sharp(file("made/transparent.png")).avif({ effort: 0 }).toBuffer();
  expect(strip("avif", plain)).toEqual(Uint8Array.from(plain));
  expect(pictures.avif.includes(SECRET)).toBe(true);
  expect(strip("avif", pictures.avif)).toBeUndefined();

  for (const box of ["free", "skip", "moov", "mdat"]) {
    const longer = Buffer.concat([plain, latin1(`\0\0\0\x08${box}`)]);
    expect(strip("avif", longer)).toEqual(Uint8Array.from(longer));
  }

  for (const more of ["x", SECRET, `\0\0\0\x16uuid${SECRET}`]) {
    expect(strip("avif", Buffer.concat([plain, latin1(more)]))).toBeUndefined();
  }
});
