// Small pictures whose facts are known because they are made here, and objects that are none.

import sharp from "sharp";
import type { Fact } from "../../src/client/types.ts";
import type { Stored } from "../../src/emulator/s3/s3.ts";
import { file } from "./stand.ts";

/** What is known of a picture without reading it. */
export type Known = Pick<Fact, "width" | "height" | "type" | "alpha" | "animated">;

/** An object, and what is known of it: why it has no facts, or that it is no picture. */
export type Sample = {
  readonly stored: Stored;
  readonly known: Known | { readonly why: RegExp } | "no picture";
};

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
