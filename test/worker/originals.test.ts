// Which originals are pictures, by their format and size, with each engine: what docs/apps.md says of them, and what
// `check`, `facts` and the contact sheet predict, is what the Worker answers.

import sharp from "sharp";
import { expect, test } from "vitest";
import { type DoubtfulFormat, predictRefusal } from "../../src/cli/picture/predict-refusal.ts";
import type { Dimensions } from "../../src/client/types.ts";
import { envOf } from "../support/engines.ts";
import { arrange, get, put } from "../support/run-worker.ts";

const draw = (width = 40, height = 30) =>
  sharp({ create: { width, height, channels: 3, background: "teal" } });

/** A PNG that says these sides. It has no pixels: the sides alone decide. */
async function pngHead(width: number, height: number): Promise<Buffer> {
  const bytes = await draw(1, 1).png().toBuffer();
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);

  return bytes;
}

type Original = {
  readonly format?: DoubtfulFormat;
  readonly sides?: Dimensions;
  readonly encode: () => Promise<Buffer>;
};

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';

const ORIGINALS: Readonly<Record<string, Original>> = {
  "a JPEG": { encode: () => draw().jpeg().toBuffer() },
  "a PNG": { encode: () => draw().png().toBuffer() },
  "a GIF": { encode: () => draw().gif().toBuffer() },
  "a WebP": { encode: () => draw().webp().toBuffer() },
  "an SVG": { format: "SVG", encode: async () => Buffer.from(svg) },
  "an AVIF": { format: "AVIF", encode: () => draw().avif({ effort: 0 }).toBuffer() },
  "a TIFF": { format: "TIFF", encode: () => draw().tiff().toBuffer() },
  "a JPEG XL": { format: "JPEG XL", encode: async () => Buffer.from("ff0afa7f", "hex") },
  "12,001 px": { sides: { width: 12_001, height: 1 }, encode: () => pngHead(12_001, 1) },
  "100.01 MP": { sides: { width: 10_001, height: 10_000 }, encode: () => pngHead(10_001, 10_000) },
};

test.each(["cf", "binding"] as const)(
  "engine %s shows what is predicted (B4, L1, R8)",
  async (engine) => {
    for (const [name, { format, sides, encode }] of Object.entries(ORIGINALS)) {
      arrange();
      const body = await encode();
      put("photos/one.jpg", body);

      const original = { format, sides, bytes: body.length };
      const isRefused = predictRefusal(original, { engine, svg: false }) !== undefined;
      const { status } = await get("/images/card/photos/one.jpg", {}, envOf(engine));

      expect(status, name).toEqual(isRefused ? 415 : 200);
    }
  },
);
