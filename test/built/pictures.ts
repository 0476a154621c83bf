// What tests of the built Worker read of its answers and lines.

import sharp from "sharp";

export const MODERN = { accept: "image/avif,image/webp,*/*" };

export const FORMATS: [accept: string, kind: string][] = [
  ["image/avif,image/webp", "av1"],
  ["image/webp", "webp"],
  ["*/*", "jpeg"],
];

/** Reads an answer's image as a browser would. */
export async function picture(answer: { arrayBuffer(): Promise<ArrayBuffer> }) {
  const bytes = Buffer.from(await answer.arrayBuffer());
  const { format, compression, width, height, exif } = await sharp(bytes).metadata();
  return { bytes, kind: format === "heif" ? compression : format, width, height, exif };
}
