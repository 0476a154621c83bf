// The options that change the pixels of a resized image, and not its size (O10).

import type { Sharp } from "sharp";
import { openPicture, readPixels } from "./decode.ts";
import type { Picture } from "./original.ts";

/** Changes the pixels of an image by an amount. */
export type Filter = (picture: Picture, amount: number) => Picture | Promise<Picture>;

export const blur = withSharp((image, sigma) => image.blur(sigma));

export const sharpen = withSharp((image, amount) => {
  if (amount === 0) return image;
  return image.sharpen({ sigma: 1, m1: amount });
});

/** 0 is greyscale. */
export const saturation = withSharp((image, amount) => image.modulate({ saturation: amount }));

export const brightness = withSharp((image, amount) => image.linear(factorOf(amount), 0));

/** Spreads the values around the middle of 0 and 255. */
export const contrast = withSharp((image, amount) => {
  const factor = factorOf(amount);
  return image.linear(factor, 127.5 * (1 - factor));
});

/** Bends the curve of red, green and blue. sharp has only gammas of 1 to 3. */
export function gamma({ data, ...size }: Picture, amount: number): Picture {
  const exponent = 1 / factorOf(amount);
  const changed = data.map((value, index) => {
    const isAlpha = index % 4 === 3;
    return isAlpha ? value : 255 * (value / 255) ** exponent;
  });
  return { ...size, data: changed };
}

/** Of brightness, contrast and gamma, 0 is ignored (O10). */
function factorOf(amount: number): number {
  return amount === 0 ? 1 : amount;
}

function withSharp(change: (image: Sharp, amount: number) => Sharp): Filter {
  return (picture, amount) => readPixels(change(openPicture(picture), amount));
}
