// A picture of its own colour for each number, so that a test sees which object an image was made of.

import sharp from "sharp";

/** Steps between colours: far more than JPEG changes them. */
const STEP = 36;
const STEPS = 8;
const MAX_CHANGE = STEP / 3;

function colourOf(number: number): [red: number, green: number, blue: number] {
  const digit = (position: number) => (Math.floor(number / STEPS ** position) % STEPS) * STEP;
  return [digit(0), digit(1), digit(2)];
}

/** Draws a PNG. @param number below 512 */
export function draw(number: number): Promise<Uint8Array> {
  const [r, g, b] = colourOf(number);
  const create = { width: 16, height: 16, channels: 3, background: { r, g, b } } as const;
  return sharp({ create }).png().toBuffer();
}

/** Returns whether an image was made of the picture with this number. */
export async function isOf(image: Uint8Array, number: number): Promise<boolean> {
  const { channels } = await sharp(image).stats();
  return colourOf(number).every((part, at) => {
    return Math.abs((channels[at]?.mean ?? Number.NaN) - part) < MAX_CHANGE;
  });
}
