// Draws an overlay on an image (O12).

import type { Picture } from "./geometry.ts";
import type { OverlayOptions } from "./image-options.ts";

type Shares = (overlay: number, image: number) => readonly [number, number];
type Pixel = readonly [red: number, green: number, blue: number, alpha: number];

/** Where an overlay lies, and how it is blended. */
type Placing = Omit<OverlayOptions, "url">;

/** Porter and Duff's shares of the overlay and of the image, by the opacities of both, 0–1. */
const SHARES: Record<NonNullable<OverlayOptions["composite"]>, Shares> = {
  over: (overlay) => [1, 1 - overlay],
  in: (_overlay, image) => [image, 0],
  atop: (overlay, image) => [image, 1 - overlay],
  out: (_overlay, image) => [1 - image, 0],
  xor: (overlay, image) => [1 - image, 1 - overlay],
  lighter: () => [1, 1],
};

/**
 * Draws an overlay that is already transformed: centred, or at a distance from a side in px; clipped,
 * or repeated along an axis. Outside of the overlay the image does not change, in any mode (O12).
 */
export function drawOverlay(image: Picture, overlay: Picture, options: Placing): Picture {
  const { repeat, opacity = 1, composite = "over" } = options;
  const across = startOf(image.width, overlay.width, options.left, options.right);
  const down = startOf(image.height, overlay.height, options.top, options.bottom);
  const data = Uint8ClampedArray.from(image.data);
  for (let y = 0; y < image.height; y += 1) {
    const row = overlayPixel(y - down, overlay.height, repeat === true || repeat === "y");
    if (row === undefined) continue;
    for (let x = 0; x < image.width; x += 1) {
      const column = overlayPixel(x - across, overlay.width, repeat === true || repeat === "x");
      if (column === undefined) continue;
      const above = pixelAt(overlay.data, (row * overlay.width + column) * 4);
      const at = (y * image.width + x) * 4;
      data.set(blend(above, pixelAt(image.data, at), opacity, SHARES[composite]), at);
    }
  }
  return { ...image, data: new Uint8Array(data.buffer) };
}

function pixelAt(data: Uint8Array, at: number): Pixel {
  return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0, data[at + 3] ?? 0];
}

/** Blends a pixel of the overlay with the pixel of the image below it. */
function blend(above: Pixel, below: Pixel, opacity: number, shares: Shares): Pixel {
  const opacityAbove = (above[3] / 255) * opacity;
  const opacityBelow = below[3] / 255;
  const [ofOverlay, ofImage] = shares(opacityAbove, opacityBelow);
  const alpha = Math.min(opacityAbove * ofOverlay + opacityBelow * ofImage, 1);
  const mixed = (channel: 0 | 1 | 2) =>
    alpha === 0
      ? 0
      : (above[channel] * opacityAbove * ofOverlay + below[channel] * opacityBelow * ofImage) /
        alpha;
  return [mixed(0), mixed(1), mixed(2), alpha * 255];
}

/** Where the overlay begins on an axis. */
function startOf(whole: number, length: number, before?: number, after?: number): number {
  const free = whole - length;
  return Math.round(before ?? (after === undefined ? Math.floor(free / 2) : free - after));
}

/** Which pixel of the overlay lies at this distance from its beginning, if any. */
function overlayPixel(distance: number, length: number, repeated: boolean): number | undefined {
  if (repeated) return ((distance % length) + length) % length;
  return distance >= 0 && distance < length ? distance : undefined;
}
