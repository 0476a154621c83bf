// What readFact reads from the bytes of originals: right, wrong and hostile ones.

import { readdirSync, readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import sharp, { type Channels, type Sharp } from "sharp";
import { expect, test, vi } from "vitest";
import { drawSvg } from "../../../src/cli/picture/draw-svg.ts";
import { readFact } from "../../../src/cli/picture/read-fact.ts";
import { file } from "../../support/stand.ts";

const plain = (width: number, height: number, background = "#c62828", channels: 3 | 4 = 3) =>
  sharp({ create: { width, height, channels, background } });
const utf8 = (text: string) => new TextEncoder().encode(text);
const svg = (attributes: string, body = '<rect width="100%" height="100%" fill="#c62828"/>') =>
  utf8(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${body}</svg>`);

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

test.each<[string, Bytes, Record<string, unknown>]>([
  ["a photograph", () => file("photos/fig.jpg"), { width: 2572, height: 1740, type: JPEG }],
  [
    "a photograph stored on its side (O9)",
    () => file("made/rotated-gps.jpg"),
    { width: 300, height: 400, type: JPEG, bytes: 2106 },
  ],
  [
    "every other orientation (O9)",
    () => plain(40, 20).withMetadata({ orientation: 5 }).jpeg().toBuffer(),
    { width: 20, height: 40 },
  ],
  [
    "an animation",
    () => file("made/animated.gif"),
    { width: 240, height: 240, type: "image/gif", animated: true, color: "#c62828" },
  ],
  [
    "an animation in WebP",
    async () => (await animation([plain(8, 6), plain(8, 6, "#000")])).webp().toBuffer(),
    { width: 8, height: 6, type: "image/webp", animated: true },
  ],
  ["a long WebP", () => longWebp(2_000), { width: 2, height: 2, animated: true }],
  [
    "a transparent PNG",
    () => file("made/transparent.png"),
    { width: 300, height: 300, type: "image/png", alpha: true, color: "#00897b" },
  ],
  ["an AVIF", () => plain(8, 6).avif().toBuffer(), { width: 8, height: 6, type: "image/avif" }],
  [
    "a single pixel",
    () => plain(1, 1, "#fff").png().toBuffer(),
    { width: 1, height: 1, color: "#ffffff" },
  ],
  ["the longest side (L1)", () => plain(12_000, 1).png().toBuffer(), { width: 12_000, height: 1 }],
  ["CMYK", () => plain(8, 6).toColourspace("cmyk").jpeg().toBuffer(), { width: 8, height: 6 }],
  [
    "grey with 16 bits",
    () => plain(8, 6, "#fff").toColourspace("grey16").png().toBuffer(),
    { width: 8, height: 6, color: "#ffffff" },
  ],
  ["an SVG", () => svg('width="480" height="271"'), { width: 480, height: 271, color: "#c62828" }],
  ["an SVG in cm", () => svg('width="2.54cm" height="1in"'), { width: 96, height: 96 }],
  ["an SVG with a viewBox", () => svg('viewBox="0 0 30 20"'), { width: 30, height: 20 }],
  [
    "an SVG with one side and a viewBox",
    () => svg('width="60" height="100%" viewBox="0,0,30,20"'),
    { width: 60, height: 40 },
  ],
])("it knows the facts of %s", async (_what, bytes, facts) => {
  const read = await readFact(await bytes());
  expect(read).toMatchObject(facts);
  expect(Object.keys(read).filter((name) => name === "alpha" || name === "animated")).toEqual(
    Object.keys(facts).filter((name) => name === "alpha" || name === "animated"),
  );
});

test.each<[string, Bytes, alpha: true | undefined]>([
  ["one pixel of many", () => pierced(400, 300).png().toBuffer(), true],
  ["one pixel of many, in WebP", () => pierced(400, 300).webp({ lossless: true }).toBuffer(), true],
  ["one pixel of many, in AVIF", () => pierced(400, 300).avif({ lossless: true }).toBuffer(), true],
  ["one pixel of a grey one", () => pierced(400, 300, 2).png().toBuffer(), true],
  ["one pixel of 16 bits", () => pierced(400, 300).toColourspace("rgb16").png().toBuffer(), true],
  [
    "only the second frame",
    async () => (await animation([plain(9, 9, "#f00", 4), pierced(9, 9)])).webp().toBuffer(),
    true,
  ],
  ["a corner of an SVG", () => svg('width="9" height="9"', '<circle r="9"/>'), true],
  ["none, with an alpha channel", () => plain(400, 300, "#f00", 4).png().toBuffer(), undefined],
  [
    "none, with an alpha channel of 16 bits",
    () => plain(400, 300, "#f00", 4).toColourspace("rgb16").png().toBuffer(),
    undefined,
  ],
  ["none of an SVG whose sides are not whole", () => svg('width="48.3" height="27.1"'), undefined],
])("alpha says whether a pixel is transparent: %s", async (_what, bytes, alpha) => {
  const read = await readFact(await bytes());
  expect(read).toHaveProperty("thumbhash");
  expect("alpha" in read ? read.alpha : undefined).toBe(alpha);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "the ThumbHash is of the upright picture: orientation %i (O9)",
  async (orientation) => {
    const corner = { create: { width: 9, height: 7, channels: 3, background: "#00f" } } as const;
    const drawn = plain(60, 40).composite([{ input: corner, left: 3, top: 2 }]);
    const stored = await drawn.withMetadata({ orientation }).jpeg().toBuffer();
    const upright = await sharp(stored).autoOrient().png().toBuffer();
    const [read, wanted] = [await readFact(stored), await readFact(upright)];
    const { type: _type, bytes: _bytes, ...facts } = { type: "", bytes: 0, ...wanted };
    expect(read).toMatchObject(facts);
  },
);

test("the ThumbHash is of the first frame", async () => {
  const [first, second] = [plain(30, 20, "#0a0"), plain(30, 20, "#00f")];
  const moving = await (await animation([first, second])).webp({ lossless: true }).toBuffer();
  const still = await first.webp({ lossless: true }).toBuffer();
  const [read, wanted] = [await readFact(moving), await readFact(still)];
  expect(read).toEqual({ ...wanted, bytes: moving.length, animated: true });
});

test("the colour is that of most visible pixels, not a mix of all", async () => {
  const half = { create: { width: 30, height: 60, channels: 4, background: "#0000ff" } } as const;
  const hidden = { create: { ...half.create, background: { r: 0, g: 255, b: 0, alpha: 0.1 } } };
  const opaque = plain(100, 60, "#ff0000", 4).composite([{ input: half, left: 0, top: 0 }]);
  expect(await readFact(await opaque.png().toBuffer())).toMatchObject({ color: "#ff0000" });
  const { data, info } = await plain(100, 60, "#ff0000", 4).raw().toBuffer({
    resolveWithObject: true,
  });
  const green = await sharp(hidden).raw().toBuffer();
  for (let row = 0; row < 60; row += 1) data.set(green.subarray(0, 30 * 4), row * 400);
  for (let at = 3; at < data.length - 400; at += 4) if (at % 400 > 150) data[at] = 20;
  const veiled = await sharp(data, { raw: info }).png().toBuffer();
  expect(await readFact(veiled)).toMatchObject({ color: "#ff0000", alpha: true });
});

const ftyp = (brand: string) => utf8(`\0\0\0\x18ftyp${brand}\0\0\0\0`);

test.each<[string, Bytes, why: RegExp]>([
  ["nothing", () => new Uint8Array(), /empty/],
  ["HTML", () => file("broken/page.jpg"), /no picture/],
  ["a TIFF (L1)", () => plain(8, 6).tiff().toBuffer(), /no picture that Cloudflare reads/],
  ["HEIC", () => ftyp("heic"), /HEIC: sharp cannot read it/],
  ["a film", () => ftyp("isom"), /no picture/],
  ["half of a JPEG", () => file("broken/truncated.jpg"), /broken: .*premature end/],
  ["the beginning of an AVIF", () => ftyp("avif"), /broken: /],
  ["a side too long (L1)", () => plain(1, 12_001).png().toBuffer(), /^1 × 12001 px, .* 12,000 px/],
  ["too many pixels (L1)", () => headOfPng(10_001, 10_000), /at most 100 million pixels/],
  ["a WebP of very many frames", () => longWebp(20_001), /^more than 20,000 frames/],
  ["too many bytes (L1)", () => new Uint8Array(100_000_001), /over 100 MB/],
  ["an SVG that does not say its size", () => svg('width="100%"'), /SVG without a size/],
  ["an SVG of no size", () => svg('width="0" height="0"'), /SVG without a size/],
  ["an SVG of an endless box", () => svg('width="9" viewBox="0 0 1e999 1e999"'), /without a size/],
  ["an SVG whose box has a word in it", () => svg('viewBox="0 0 Infinity 0x9"'), /without a size/],
  [
    "an SVG with a long word for a side",
    () => svg(`width="${"1".repeat(60_000)}x" height="9"`),
    /without a size/,
  ],
  ["an SVG that is too large", () => svg('width="1e9" height="1e9"'), /too large to draw/],
  ["an SVG that does not end", () => svg('width="9" height="9"').subarray(0, 90), /broken: /],
  [
    "an SVG with entities in entities",
    () => {
      const entities = Array.from(
        { length: 20 },
        (_, at) => `<!ENTITY a${at + 1} "${`&a${at};`.repeat(10)}">`,
      );
      const type = `<!DOCTYPE svg [<!ENTITY a0 "x">${entities.join("")}]>`;
      return Buffer.concat([utf8(type), svg('width="9" height="9"', "<text>&a20;</text>")]);
    },
    /broken: /,
  ],
  [
    "an SVG with a file in it",
    () => {
      const type = '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>';
      return Buffer.concat([utf8(type), svg('width="9" height="9"', "<text>&x;</text>")]);
    },
    /broken: /,
  ],
])("there is no fact of %s", async (_what, bytes, why) => {
  const read = await readFact(await bytes());
  expect("why" in read ? read.why : read).toMatch(why);
});

test("an SVG that takes too long to draw is given up, and the next one is drawn", async () => {
  const rect = '<g id="a0"><rect width="9" height="9" opacity="0.5"/></g>';
  const groups = Array.from(
    { length: 9 },
    (_, at) => `<g id="a${at + 1}" opacity="0.5">${`<use href="#a${at}"/>`.repeat(10)}</g>`,
  );
  const bomb = svg('width="900" height="900"', rect + groups.join(""));
  const late = { why: "an SVG that takes more than 0.02 s to draw" };
  expect(await drawSvg(bomb, 20)).toEqual(late);
  // A slow machine takes long to start the next process: that is not the time of the drawing.
  const clock = vi.spyOn(AbortSignal, "timeout");
  const drawn = drawSvg(bomb, 20);
  await new Promise<void>((settle) => process.nextTick(settle)); // before any process can answer
  expect(clock).not.toHaveBeenCalled();
  expect(await drawn).toEqual(late);
  expect(clock.mock.calls).toEqual([[20]]);
  const [one, other] = [svg('width="9" height="9"'), svg('width="9"')];
  expect(await Promise.all([readFact(one), readFact(other), readFact(one)])).toMatchObject([
    { width: 9, color: "#c62828" },
    { why: "an SVG without a size" },
    { width: 9, color: "#c62828" },
  ]);
});

test("an SVG shows no other file of this machine", async () => {
  const photo = new URL("../../../fixtures/objects/photos/fig.jpg", import.meta.url);
  const image = `<image href="${photo}" width="90" height="90"/>`;
  const empty = await readFact(svg('width="90" height="90"', ""));
  const read = await readFact(svg('width="90" height="90"', image));
  expect({ ...read, bytes: 0 }).toEqual({ ...empty, bytes: 0 });
});

/** Returns whether a process is one of this process's that draw. */
function isDrawer(pid: string): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return status.includes(`PPid:\t${process.pid}\n`) && command.includes("svg-process");
  } catch {
    return false; // it has ended
  }
}

test.runIf(process.platform === "linux")(
  "the process that draws an SVG gets none of the environment",
  async () => {
    await readFact(svg('width="9" height="9"'));
    const drawers = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && isDrawer(pid));
    expect(drawers).not.toEqual([]); // one, and those of other test files
    for (const pid of drawers) {
      const lines = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
      expect(lines.filter((line) => !line.startsWith("NODE_CHANNEL_"))).toEqual([]);
    }
  },
);
