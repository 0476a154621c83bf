// Originals painted for tests, and their renditions read back with sharp.

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
  if ((pixel[3] ?? 255) < 30) return ".";
  const near = (colour: readonly number[]) =>
    colour.every((value, channel) => Math.abs(value - (pixel[channel] ?? 255)) < 50);
  return Object.entries(COLOURS).find(([, colour]) => near(colour))?.[0] ?? "?";
}

/** Paints rows of letters. Each letter is a square of `scale` pixels. */
export const paint = (look: string, scale = 10) => {
  const rows = look.split("/");
  const width = rows[0]?.length ?? 0;
  const data = Uint8Array.from(rows.flatMap((row) => [...row].flatMap((c) => COLOURS[c] ?? [])));

  return sharp(data, { raw: { width, height: rows.length, channels: 4 } }).resize({
    width: width * scale,
    height: rows.length * scale,
    kernel: "nearest",
  });
};

export async function original(
  bytes: Uint8Array,
  type: RasterOriginal["type"],
): Promise<RasterOriginal> {
  const metadata = await sharp(bytes).metadata();
  const { width, height, pageHeight = height, pages = 1, autoOrient: upright } = metadata;
  return { bytes, type, width, height: pageHeight, frames: pages, upright };
}

export const painted = async (look: string, scale?: number) =>
  original(await paint(look, scale).png().toBuffer(), "image/png");

export const plain = async (background: string, width = 4, height = 4) => {
  const colour = sharp({ create: { width, height, channels: 4, background } });
  return original(await colour.png().toBuffer(), "image/png");
};

export async function moving(frames: readonly string[]): Promise<RasterOriginal> {
  const pictures = await Promise.all(frames.map((look) => paint(look).png().toBuffer()));
  const gif = sharp(pictures, { join: { animated: true } });

  return original(
    await gif
      .gif({
        delay: frames.map((_, index) => 120 + 220 * index),
        loop: 2,
        keepDuplicateFrames: true,
      })
      .toBuffer(),
    "image/gif",
  );
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
  const { data, info } = await sharp(rendition.bytes, { animated: true })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const metadata = await sharp(rendition.bytes, { animated: true }).metadata();
  const { width, height, frames } = {
    width: info.width,
    height: info.pageHeight ?? info.height,
    frames: info.pages ?? 1,
  };

  expect({ width: rendition.width, height: rendition.height }).toEqual({ width, height });
  expect(measure(source, image)).toEqual({ width, height });
  expect(metadata.mediaType).toBe(rendition.type);

  const pixel = (x: number, y: number, frame = 0) => {
    const at = ((frame * height + y) * width + x) * 4;
    return [...data.subarray(at, at + 4)];
  };

  /** The letters of a frame in columns and rows, each from the middle of its cell. */
  const look = (columns: number, rows: number, frame = 0) =>
    Array.from({ length: rows }, (_, row) =>
      Array.from({ length: columns }, (_, column) => {
        const x = Math.floor(((column + 0.5) * width) / columns);
        return letterOf(pixel(x, Math.floor(((row + 0.5) * height) / rows), frame));
      }).join(""),
    ).join("/");

  return { ...rendition, data, metadata, frames, size: `${width}×${height}`, pixel, look };
}

/** Renders as PNG, which is lossless. */
export const exact = (source: RasterOriginal, image: ImageOptions, overlays?: readonly Overlay[]) =>
  render(source, { format: "png", ...image }, overlays);

export const colours = await painted("rg/by");

const { bytes: fig } = await fixture("photos/fig.jpg", "image/jpeg");
/** Small, so it has detail from pixel to pixel. */
export const photo = await original(await sharp(fig).resize(120, 90).png().toBuffer(), "image/png");
