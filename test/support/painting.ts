// Originals painted for tests, and their renditions read back with sharp. A picture is rows of letters, one a colour:
//
//     const original = await painted("rg/by"); // red, green; blue, yellow
//     const rendition = await render(original, { rotate: 90, format: "png" });
//     expect(rendition.look(2, 2)).toBe("br/yg");

import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect } from "vitest";
import type { ImageOptions } from "../../src/emulator/edge/options.ts";
import type { RasterOriginal } from "../../src/emulator/edge/original.ts";
import { measure, type Overlay, renderWithSharp } from "../../src/emulator/edge/render.ts";

export const QUALITIES = { high: 90, "medium-high": 75, "medium-low": 60, low: 40 };

/** One letter a colour. A dot is transparent, a question mark is any other colour. */
const COLOURS: Readonly<Record<string, readonly number[]>> = {
  r: [255, 0, 0, 255],
  g: [0, 255, 0, 255],
  b: [0, 0, 255, 255],
  y: [255, 255, 0, 255],
  m: [255, 0, 255, 255],
  k: [0, 0, 0, 255],
  w: [255, 255, 255, 255],
  "-": [128, 128, 128, 255],
  ".": [0, 0, 0, 0],
};

export function letterOf(pixel: readonly number[]): string {
  const [, , , alpha = 255] = pixel;
  if (alpha < 30) return ".";

  for (const [letter, colour] of Object.entries(COLOURS)) {
    if (isNear(colour, pixel)) return letter;
  }
  return "?";
}

/** Returns whether two colours are alike. A pixel without alpha is opaque. */
function isNear(colour: readonly number[], pixel: readonly number[]): boolean {
  return colour.every((value, channel) => {
    const { [channel]: other = 255 } = pixel;
    return Math.abs(value - other) < 50;
  });
}

/** Paints rows of letters. Each letter is a square of `scale` pixels. */
export function paint(look: string, scale = 10) {
  const rows = look.split("/");
  const [{ length: width } = ""] = rows;
  const height = rows.length;

  const letters = [...rows.join("")];
  const pixels = letters.flatMap((letter) => COLOURS[letter] ?? []);
  const picture = sharp(Uint8Array.from(pixels), { raw: { width, height, channels: 4 } });

  return picture.resize({ width: width * scale, height: height * scale, kernel: "nearest" });
}

export async function original(
  bytes: Uint8Array,
  type: RasterOriginal["type"],
): Promise<RasterOriginal> {
  const metadata = await sharp(bytes).metadata();
  const { width, height, pageHeight = height, pages = 1, autoOrient: upright } = metadata;
  return { bytes, type, width, height: pageHeight, frames: pages, upright };
}

export async function painted(look: string, scale?: number): Promise<RasterOriginal> {
  const png = paint(look, scale).png();
  return original(await png.toBuffer(), "image/png");
}

export async function plain(background: string, width = 4, height = 4): Promise<RasterOriginal> {
  const colour = sharp({ create: { width, height, channels: 4, background } });
  return original(await colour.png().toBuffer(), "image/png");
}

/** An animation of painted frames. */
export async function moving(frames: readonly string[]): Promise<RasterOriginal> {
  const pictures = await Promise.all(frames.map((look) => paint(look).png().toBuffer()));
  const delay = frames.map((_, index) => 120 + 220 * index);

  const animation = sharp(pictures, { join: { animated: true } });
  const gif = animation.gif({ delay, loop: 2, keepDuplicateFrames: true });
  return original(await gif.toBuffer(), "image/gif");
}

const fixture = (file: string, type: RasterOriginal["type"]) =>
  original(readFileSync(join(import.meta.dirname, "../../fixtures/objects", file)), type);

/** Makes a rendition, and checks that its type and size are as it and `measure` say. */
export async function render(
  source: RasterOriginal,
  image: ImageOptions,
  overlays: readonly Overlay[] = [],
) {
  const rendition = await renderWithSharp(source, image, overlays, { qualities: QUALITIES });

  const picture = sharp(rendition.bytes, { animated: true });
  const metadata = await picture.metadata();
  const pixels = picture.ensureAlpha().raw();
  const { data, info } = await pixels.toBuffer({ resolveWithObject: true });
  const { width, pageHeight: height = info.height, pages: frames = 1 } = info;

  expect({ width: rendition.width, height: rendition.height }).toEqual({ width, height });
  expect(measure(source, image)).toEqual({ width, height });
  expect(metadata.mediaType).toBe(rendition.type);

  const pixel = (x: number, y: number, frame = 0) => {
    const offset = ((frame * height + y) * width + x) * 4;
    return [...data.subarray(offset, offset + 4)];
  };

  /** The letters of a frame in columns and rows, each from the middle of its cell. */
  const look = (columns: number, rows: number, frame = 0) => {
    const lines: string[] = [];

    for (let row = 0; row < rows; row++) {
      const y = Math.floor(((row + 0.5) * height) / rows);
      let line = "";
      for (let column = 0; column < columns; column++) {
        const x = Math.floor(((column + 0.5) * width) / columns);
        line += letterOf(pixel(x, y, frame));
      }
      lines.push(line);
    }

    return lines.join("/");
  };

  return { ...rendition, data, metadata, frames, size: `${width}×${height}`, pixel, look };
}

/** Renders as PNG, which is lossless. */
export function exact(source: RasterOriginal, image: ImageOptions, overlays?: readonly Overlay[]) {
  return render(source, { format: "png", ...image }, overlays);
}

export const colours = await painted("rg/by");

const { bytes: fig } = await fixture("photos/fig.jpg", "image/jpeg");
/** Small, so it has detail from pixel to pixel. */
export const photo = await original(await sharp(fig).resize(120, 90).png().toBuffer(), "image/png");
