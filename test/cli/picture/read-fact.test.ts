// What readFact reads from the bytes of originals: right, wrong and hostile ones.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import sharp, { type Channels, type Sharp } from "sharp";
import { expect, test } from "vitest";
import { readFact } from "../../../src/cli/picture/read-fact.ts";
import { readSvgSize } from "../../../src/cli/picture/sniff.ts";
import { ROOT } from "../../support/built.ts";
import { growthOf } from "../../support/clock.ts";
import { file } from "../../support/emulators.ts";

const plain = (width: number, height: number, background = "#c62828", channels: 3 | 4 = 3) =>
  sharp({ create: { width, height, channels, background } });
const utf8 = (text: string) => new TextEncoder().encode(text);
const RECTANGLE = '<rect width="100%" height="100%" fill="#c62828"/>';
const svg = (attributes: string) =>
  utf8(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${RECTANGLE}</svg>`);

/** An opaque picture with one transparent pixel. */
function pierced(width: number, height: number, channels: Channels = 4) {
  const data = Buffer.alloc(width * height * channels, 255);
  data[7 * channels + channels - 1] = 0;
  return sharp(data, { raw: { width, height, channels } });
}

/** An animation whose frames are these. */
async function animation(frames: readonly Sharp[]) {
  const pngs = await Promise.all(frames.map((frame) => frame.png().toBuffer()));
  return sharp(pngs, { join: { animated: true } });
}

/** A PNG that says it is of this size, and has a single pixel. */
async function headOfPng(width: number, height: number) {
  const png = await plain(1, 1).png().toBuffer();
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

/** A WebP with a frame again and again. */
async function longWebp(frames: number) {
  const two = [plain(2, 2), plain(2, 2, "#000")];
  const webp = await (await animation(two)).webp({ lossless: true, minSize: false }).toBuffer();
  const first = webp.indexOf("ANMF");
  const frame = webp.subarray(first, webp.indexOf("ANMF", first + 4));
  const long = Buffer.concat([webp.subarray(0, first), ...Array(frames).fill(frame)]);
  long.writeUInt32LE(long.length - 8, 4);
  return long;
}

const JPEG = "image/jpeg";
type Bytes = () => Uint8Array | Promise<Uint8Array>;

const FACTS: Readonly<Record<string, readonly [Bytes, facts: object]>> = {
  "a photograph": [() => file("photos/fig.jpg"), { width: 2572, height: 1740, type: JPEG }],
  "a photograph stored on its side (O9)": [
    () => file("made/rotated-gps.jpg"),
    { width: 300, height: 400, type: JPEG, bytes: 2106 },
  ],
  "an animation": [
    () => file("made/animated.gif"),
    { width: 240, height: 240, type: "image/gif", animated: true, color: "#c82828" },
  ],
  "a long WebP": [() => longWebp(2_000), { width: 2, type: "image/webp", animated: true }],
  "a transparent PNG": [
    () => file("made/transparent.png"),
    { width: 300, height: 300, type: "image/png", alpha: true },
  ],
  "an AVIF": [() => plain(8, 6).avif().toBuffer(), { width: 8, height: 6, type: "image/avif" }],
  "a single pixel": [() => plain(1, 1, "#fff").png().toBuffer(), { width: 1, color: "#f8f8f8" }],
  "the longest side (L1)": [() => plain(12_000, 1).png().toBuffer(), { width: 12_000, height: 1 }],
  CMYK: [() => plain(8, 6).toColourspace("cmyk").jpeg().toBuffer(), { width: 8, height: 6 }],
  "grey with 16 bits": [
    () => plain(8, 6, "#fff").toColourspace("grey16").png().toBuffer(),
    { width: 8, height: 6, color: "#f8f8f8" },
  ],
};

test.each(Object.entries(FACTS))("it knows the facts of %s", async (_title, [bytes, facts]) => {
  const read = await readFact(await bytes());
  expect(read).toMatchObject({ thumbhash: expect.any(String), ...facts });
  for (const name of ["alpha", "animated"]) expect(name in read).toBe(name in facts);
  expect("color" in read).toBe(!("alpha" in facts));
});

test.each<[string, Sharp, alpha: boolean]>([
  ["one pixel of many", pierced(400, 300).png(), true],
  ["one pixel of many, in WebP", pierced(400, 300).webp({ lossless: true }), true],
  ["one pixel of many, in AVIF", pierced(400, 300).avif({ lossless: true }), true],
  ["one pixel of a grey one", pierced(400, 300, 2).png(), true],
  ["one pixel of 16 bits", pierced(400, 300).toColourspace("rgb16").png(), true],
  ["none, with an alpha channel", plain(400, 300, "#f00", 4).png(), false],
  ["none, of 16 bits", plain(400, 300, "#f00", 4).toColourspace("rgb16").png(), false],
])("alpha says whether a pixel is transparent: %s", async (_what, picture, alpha) => {
  const read = await readFact(await picture.toBuffer());
  expect(read).toHaveProperty("thumbhash");
  expect("alpha" in read).toBe(alpha);
});

test.each([2, 3, 4, 5, 6, 7, 8])("the ThumbHash is upright: orientation %i (O9)", async (turn) => {
  const corner = { create: { width: 9, height: 7, channels: 3, background: "#00f" } } as const;
  const drawn = plain(60, 40).composite([{ input: corner, left: 3, top: 2 }]);
  const stored = await drawn.withMetadata({ orientation: turn }).jpeg().toBuffer();
  const upright = await readFact(await sharp(stored).autoOrient().png().toBuffer());
  expect(await readFact(stored)).toEqual({ ...upright, type: JPEG, bytes: stored.length });
});

test("the ThumbHash is that of another implementation: fixtures/vectors/thumbhash", async () => {
  const at = (name: string) => join(ROOT, "fixtures/vectors/thumbhash", name);
  const vectors: Record<string, string> = JSON.parse(readFileSync(at("vectors.json"), "utf8"));
  expect(Object.keys(vectors)).toHaveLength(100);
  for (const [name, thumbhash] of Object.entries(vectors)) {
    expect([name, await readFact(readFileSync(at(name)))]).toMatchObject([name, { thumbhash }]);
  }
});

test("the ThumbHash is of the first frame", async () => {
  const [first, second] = [plain(30, 20, "#0a0"), plain(30, 20, "#00f")];
  const moving = await (await animation([first, second])).webp({ lossless: true }).toBuffer();
  const image = await first.webp({ lossless: true }).toBuffer();
  const [read, expected] = [await readFact(moving), await readFact(image)];
  expect(read).toEqual({ ...expected, bytes: moving.length, animated: true });
});

test("the colour is that of most pixels, not a mix of all", async () => {
  const half = { create: { width: 30, height: 60, channels: 3, background: "#0000ff" } } as const;
  const drawn = plain(100, 60, "#ff0000").composite([{ input: half, left: 0, top: 0 }]);
  expect(await readFact(await drawn.png().toBuffer())).toMatchObject({ color: "#f80808" });
});

test.each<[string, Bytes, why: RegExp]>([
  ["nothing", () => new Uint8Array(), /no picture/],
  ["HTML", () => file("broken/page.jpg"), /no picture/],
  ["a TIFF (L1)", () => plain(8, 6).tiff().toBuffer(), /no picture that Cloudflare reads/],
  ["HEIC", () => utf8("\0\0\0\x18ftypheic\0\0\0\0"), /HEIC: sharp cannot read it/],
  ["half of a JPEG", () => file("broken/truncated.jpg"), /broken: .*premature end/],
  ["a side too long (L1)", () => plain(1, 12_001).png().toBuffer(), /^1 × 12001 px, .* 12,000 px/],
  ["too many pixels (L1)", () => headOfPng(10_001, 10_000), /at most 100 million pixels/],
  ["a WebP of very many frames", () => longWebp(20_001), /^more than 20,000 frames/],
  [
    "too many bytes (L1)",
    () => new Uint8Array(100_000_001).fill(0xff, 0, 2).fill(0xd8, 1, 2).fill(0xff, 2, 3),
    /over 100 MB/,
  ],
  ["an SVG in percent alone", () => svg('width="100%"'), /SVG without a size/],
  ["an SVG of no size", () => svg('width="0" height="0"'), /SVG without a size/],
  ["an SVG in mm", () => svg('width="210mm" height="297mm" viewBox="0 0 9 9"'), /without a size/],
  ["an SVG of an endless box", () => svg('width="9" viewBox="0 0 1e999 1e999"'), /without a size/],
  ["an SVG whose box has a word in it", () => svg('viewBox="0 0 Infinity 9"'), /without a size/],
])("there is no fact of %s", async (_what, bytes, reason) => {
  const read = await readFact(await bytes());
  expect("reason" in read ? read.reason : read).toMatch(reason);
});

const BOMB = '<!DOCTYPE svg [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]>';

test.each<[text: string, width: number, height: number]>([
  ['<svg width="480" height="271"/>', 480, 271],
  ['<svg width="480px" height="271px"/>', 480, 271],
  ['<svg viewBox="0 0 30 20"/>', 30, 20],
  ['<svg width="60" height="100%" viewBox="0,0,30,20"/>', 60, 40],
  ['<svg width="48.3" height="0.1"/>', 48, 1],
  [`<?xml version="1.0"?><!-- <svg width="1"> --><svg width='9' viewBox="0 0 1 2"/>`, 9, 18],
  [`${BOMB}<svg width="9" height="8"><text>&b;</text></svg>`, 9, 8],
  ['<!--ftyp00000000avif--><svg width="9" height="8"/>', 9, 8],
  ['<svg width="9" height="8"><image href="/etc/logo.png"/></svg>', 9, 8],
])("an SVG has its size, no placeholder, and is never drawn: %s", async (text, width, height) => {
  const bytes = utf8(text);
  const fact = { width, height, type: "image/svg+xml", bytes: bytes.length, alpha: true };
  expect(await readFact(bytes)).toEqual(fact);
});

test("the size of a hostile SVG is looked for in linear time", () => {
  for (const text of [
    (length: number) => `<svg ${'a="" '.repeat(length)}`,
    (length: number) => `<svg ${`a='`.repeat(length)}`,
    (length: number) => `<svg${" ".repeat(length)}`,
    (length: number) => `<svg width="${"1".repeat(length)}x" height="1"/>`,
    (length: number) => `<svg a="${"<svg a='".repeat(length)}`,
    (length: number) => "<!--".repeat(length),
  ]) {
    const inputs = new Map([15_000, 60_000].map((length) => [length, utf8(text(length))]));
    const read = (length: number) => void readSvgSize(inputs.get(length) ?? new Uint8Array());
    expect(growthOf(read, 15_000)).toBeLessThan(10);
  }
});
