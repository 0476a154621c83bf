// What trim leaves of a picture (O12). With `border`, it depends on the colour of the surroundings.

import { readableColour } from "./colour.ts";
import { readPixels } from "./frames.ts";
import { type Box, density, type Picture, trimBox } from "./geometry.ts";
import type { Transformations } from "./image-options.ts";
import { loadSharp } from "./sharp.ts";

const TOLERANCE = 10; // enough for the noise of a JPEG

type Surroundings = {
  /** Four bytes, as in a picture. */
  readonly colour: Uint8Array;
  /** How much a channel may differ, 0–255. */
  readonly tolerance: number;
  /** How many px of the surroundings stay. */
  readonly keep: number;
};

/** The part of a box inside its surroundings (O12); the whole box if they fill it. */
export function boxInside({ data, width }: Picture, box: Box, around: Surroundings): Box {
  const { keep, tolerance } = around;
  const [red = 0, green = 0, blue = 0, alpha = 0] = around.colour;
  const differs = (at: number) => {
    const opacity = data[at + 3] ?? 0;
    // Compared as seen on black, because a transparent pixel may have any colour.
    const off = (value = 0, other = 0) =>
      Math.abs(value * opacity - other * alpha) > tolerance * 255;
    return (
      off(data[at], red) ||
      off(data[at + 1], green) ||
      off(data[at + 2], blue) ||
      Math.abs(opacity - alpha) > tolerance
    );
  };
  const end = { x: box.left + box.width, y: box.top + box.height };
  let [left, top, right, bottom] = [end.x, end.y, -1, -1];
  for (let y = box.top; y < end.y; y += 1) {
    for (let x = box.left; x < end.x; x += 1) {
      if (!differs((y * width + x) * 4)) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return box;
  const start = {
    left: Math.max(box.left, left - keep),
    top: Math.max(box.top, top - keep),
  };
  return {
    ...start,
    width: Math.min(end.x, right + 1 + keep) - start.left,
    height: Math.min(end.y, bottom + 1 + keep) - start.top,
  };
}

/** Returns whether trim depends on the colours of the picture. */
export function trimsSurroundings({ trim }: Transformations): boolean {
  return typeof trim === "object" ? Boolean(trim.border) : trim === "border";
}

export async function trimmedBox(picture: Picture, options: Transformations): Promise<Box> {
  const box = trimBox(picture, options);
  if (!trimsSurroundings(options)) return box;
  const border = typeof options.trim === "object" ? options.trim.border : true;
  const { color, tolerance = TOLERANCE, keep = 0 } = typeof border === "object" ? border : {};
  const css = readableColour(color);
  const corner = (box.top * picture.width + box.left) * 4;
  const colour = css === undefined ? picture.data.subarray(corner, corner + 4) : await pixelOf(css);
  return boxInside(picture, box, { colour, tolerance, keep: Math.round(keep * density(options)) });
}

async function pixelOf(css: string): Promise<Uint8Array> {
  const pixel = loadSharp()({ create: { width: 1, height: 1, channels: 4, background: css } });
  return (await readPixels(pixel)).data;
}
