// Sizes as short texts: `100×60`.

import type { Size } from "../../src/emulator/edge/picture.ts";

export const size = (text: string): Size => {
  const [width = 0, height = 0] = text.split("×").map(Number);
  return { width, height };
};
export const told = ({ width, height }: Size) => `${width}×${height}`;
