// Overlays, drawn on an image (O12).

import type { Picture } from "./geometry.ts";

type Options = RequestInitCfPropertiesImageDraw;

/** Porter and Duff's shares of the overlay and of the image, by the opacities of both, 0–1. */
const SHARES: Record<
  NonNullable<Options["composite"]>,
  (overlay: number, image: number) => readonly [number, number]
> = {
  over: (overlay) => [1, 1 - overlay],
  in: (_overlay, image) => [image, 0],
  atop: (overlay, image) => [image, 1 - overlay],
  out: (_overlay, image) => [1 - image, 0],
  xor: (overlay, image) => [1 - image, 1 - overlay],
  lighter: () => [1, 1],
};

/**
 * Draws an overlay, already transformed, on an image: centred, or off an edge by px; clipped, or
 * repeated along an axis. Outside of the overlay the image stays as it is, whatever the mode (O12).
 */
export function draw(image: Picture, overlay: Picture, options: Options): Picture {
  const { repeat, opacity = 1, composite = "over" } = options;
  const across = span(image.width, overlay.width, options.left, options.right);
  const down = span(image.height, overlay.height, options.top, options.bottom);
  const data = Uint8ClampedArray.from(image.data);
  for (let y = 0; y < image.height; y += 1) {
    const row = overlaid(y - down, overlay.height, repeat === true || repeat === "y");
    if (row === undefined) continue;
    for (let x = 0; x < image.width; x += 1) {
      const column = overlaid(x - across, overlay.width, repeat === true || repeat === "x");
      if (column === undefined) continue;
      const from = (row * overlay.width + column) * 4;
      blend(data, (y * image.width + x) * 4, overlay.data, from, opacity, SHARES[composite]);
    }
  }
  return { ...image, data: new Uint8Array(data.buffer) };
}

/** Blends one pixel into another, in place. */
function blend(
  image: Uint8ClampedArray,
  at: number,
  overlay: Uint8Array,
  from: number,
  opacity: number,
  shares: (overlay: number, image: number) => readonly [number, number],
): void {
  const above = ((overlay[from + 3] ?? 0) / 255) * opacity;
  const below = (image[at + 3] ?? 0) / 255;
  const [ofOverlay, ofImage] = shares(above, below);
  const alpha = Math.min(above * ofOverlay + below * ofImage, 1);
  for (const channel of [0, 1, 2]) {
    const mixed =
      (overlay[from + channel] ?? 0) * above * ofOverlay +
      (image[at + channel] ?? 0) * below * ofImage;
    image[at + channel] = alpha === 0 ? 0 : mixed / alpha;
  }
  image[at + 3] = alpha * 255;
}

/** Where along an axis the overlay begins. */
function span(whole: number, length: number, before?: number, after?: number): number {
  const free = whole - length;
  return Math.round(before ?? (after === undefined ? Math.floor(free / 2) : free - after));
}

/** Which of the overlay's pixels lies so far from its beginning, if any. */
function overlaid(distance: number, length: number, repeated: boolean): number | undefined {
  if (repeated) return ((distance % length) + length) % length;
  return distance >= 0 && distance < length ? distance : undefined;
}
