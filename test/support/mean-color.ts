// Reads a screenshot, for tests that have packages of their own.

import sharp from "sharp";

/** Returns the means of red, green and blue, from 0 to 255. */
export async function meanColor(png: Uint8Array): Promise<number[]> {
  const { channels } = await sharp(png).removeAlpha().stats();
  return channels.map(({ mean }) => mean);
}
