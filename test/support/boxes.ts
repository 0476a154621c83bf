// Sizes and boxes as short texts: `100×60`, `40×100 at 30,0`.

import type { Box } from "../../src/emulator/edge/geometry.ts";
import type { Size } from "../../src/emulator/edge/picture.ts";

export const size = (text: string): Size => {
  const [width = 0, height = 0] = text.split("×").map(Number);
  return { width, height };
};
export const told = ({ width, height }: Size) => `${width}×${height}`;
export const toldBox = (box: Box) => `${told(box)} at ${box.left},${box.top}`;
