// Small pictures whose facts are known because they are made here, and objects that are none.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import sharp from "sharp";
import { readFact } from "../../src/cli/picture/read-fact.ts";
import type { Fact } from "../../src/client/types.ts";
import type { Stored } from "../../src/emulator/s3/s3.ts";

/** What is known of a picture without reading it. */
export type Known = Pick<Fact, "width" | "height" | "type" | "alpha" | "animated">;

/** An object, and what is known of it: why it has no facts, or that it is no picture. */
export type Sample = {
  readonly stored: Stored;
  readonly known: Known | { readonly why: RegExp } | "no picture";
};

const file = (name: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, "../../fixtures/objects", name)));

const FORMATS = ["jpeg", "png", "webp", "gif"] as const;

/** A picture of its own size and colour, in turn of each format; every third PNG and WebP has a hole. */
async function make(at: number): Promise<Sample> {
  const [width, height] = [20 + at, 61 - at];
  const format = FORMATS[at % FORMATS.length] ?? "png";
  const hasAlpha = at % 3 === 0 && (format === "png" || format === "webp");
  const background = { r: (at * 37) % 256, g: (at * 91) % 256, b: (at * 53) % 256 };
  const opaque = { create: { width, height, channels: 3, background } } as const;
  const clear = { create: { width, height, channels: 4, background: { ...background, alpha: 0 } } };
  const image = hasAlpha ? sharp({ create: { ...clear.create, channels: 4 } }) : sharp(opaque);
  const half = { create: { ...opaque.create, height: 9, background: "#808080" } } as const;
  const drawn = image.composite([{ input: half, left: 0, top: 0 }]);
  const body = await drawn.toFormat(format).toBuffer();
  const type = `image/${format}`;
  const known = { width, height, type, ...(hasAlpha && { alpha: true as const }) };
  return { stored: { body, type: "application/octet-stream" }, known };
}

const text = (words: string): Stored => {
  return { body: new TextEncoder().encode(words), type: "image/jpeg" };
};

/** Pictures of all kinds, broken ones, and files that are no pictures. */
export async function makeSamples(): Promise<readonly Sample[]> {
  const pictures = await Promise.all(Array.from({ length: 30 }, (_, at) => make(at)));
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><rect width="9"/></svg>';
  const type = "image/jpeg";
  return [
    ...pictures,
    {
      stored: { body: file("made/rotated-gps.jpg"), type },
      known: { width: 300, height: 400, type },
    },
    {
      stored: { body: file("made/animated.gif"), type },
      known: { width: 240, height: 240, type: "image/gif", animated: true },
    },
    { stored: text(svg), known: { width: 30, height: 20, type: "image/svg+xml", alpha: true } },
    { stored: { body: file("broken/truncated.jpg"), type }, known: { why: /broken/ } },
    { stored: text("\0\0\0\x18ftypheic\0\0\0\0"), known: { why: /HEIC/ } },
    { stored: text("<!doctype html><title>no picture</title>"), known: "no picture" },
    { stored: text(""), known: "no picture" },
  ];
}

/** What is read from the bytes of each sample alone. */
const own = new Map<Sample, Fact>();

/**
 * Checks what vitrine facts wrote: each object's facts are right, or it is named with the reason.
 * @param out the JSON
 * @param err what it said
 * @returns the keys that are wrong
 */
export async function wrongKeys(
  objects: ReadonlyMap<string, Sample>,
  out: string,
  err: string,
): Promise<string[]> {
  const told: Record<string, Fact> = JSON.parse(out);
  const said = new Map(err.split("\n").map((line) => [line.slice(2, line.indexOf(": ")), line]));
  const wrong = Object.keys(told).filter((key) => !objects.has(key));
  for (const [key, sample] of objects) {
    const fact = told[key];
    if (!(await isRight(sample, fact, said.get(key)))) wrong.push(key);
  }
  return wrong;
}

async function isRight(sample: Sample, fact: Fact | undefined, line = ""): Promise<boolean> {
  const { known, stored } = sample;
  if (known === "no picture") return fact === undefined;
  if ("why" in known) return fact === undefined && known.why.test(line);
  const read = own.get(sample) ?? (await readFact(stored.body));
  if ("reason" in read) return false;
  own.set(sample, read);
  const { color, thumbhash } = read;
  const { version, ...pixels } = fact ?? {};
  const isVersion = version !== undefined && /^[\w-]{12}$/.test(version);
  const right = {
    ...known,
    bytes: stored.body.length,
    ...(color && { color }),
    ...(thumbhash && { thumbhash }),
  };
  return isVersion && isDeepStrictEqual(pixels, right);
}

/** Pictures as large as Cloudflare reads (L1): in bytes, or in pixels of formats that are decoded as a whole. */
export async function makeLarge(): Promise<readonly Sample[]> {
  const [width, height] = [8_000, 12_000];
  const flat = () => sharp({ create: { width, height, channels: 3, background: "#808080" } });
  const noise = sharp(randomBytes(5_600 * 5_600 * 3), {
    raw: { width: 5_600, height: 5_600, channels: 3 },
  });
  const made = [
    await noise.png({ compressionLevel: 0 }).toBuffer(), // 94 MB
    await flat().png({ progressive: true }).toBuffer(),
    await flat().ensureAlpha().png({ progressive: true }).toBuffer(),
    await flat().jpeg({ progressive: true, chromaSubsampling: "4:4:4" }).toBuffer(),
    await flat().gif().toBuffer(),
    await flat().avif({ effort: 0 }).toBuffer(),
  ];
  const types = ["png", "png", "png", "jpeg", "gif", "avif"];
  return made.map((body, at) => {
    const side = at === 0 ? { width: 5_600, height: 5_600 } : { width, height };
    return { stored: { body, type: "" }, known: { ...side, type: `image/${types[at]}` } };
  });
}
