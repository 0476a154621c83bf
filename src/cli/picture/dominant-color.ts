// The dominant colour of pixels: the mean of those in the fullest of 4,096 cells of the RGB cube. Pure.

/** Pixels below it are not counted: what they look like depends on the page. */
const VISIBLE = 128;

/**
 * @param rgba pixels, not premultiplied
 * @returns as CSS: `#8a5b3c`. White if no pixel is visible
 */
export function dominantColor(rgba: Uint8Array): string {
  const cells = new Map<number, { pixels: number; red: number; green: number; blue: number }>();
  let fullest = { pixels: 0, red: 255, green: 255, blue: 255 };
  for (let at = 0; at < rgba.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = rgba.subarray(at, at + 4);
    if (alpha < VISIBLE) continue;
    const name = ((red >> 4) << 8) | (green & 0xf0) | (blue >> 4);
    const cell = cells.get(name) ?? { pixels: 0, red: 0, green: 0, blue: 0 };
    cells.set(name, cell);
    cell.pixels += 1;
    cell.red += red;
    cell.green += green;
    cell.blue += blue;
    if (cell.pixels > fullest.pixels) fullest = cell;
  }
  const { pixels, ...sums } = fullest;
  const mean = (sum: number) => Math.round(sum / Math.max(1, pixels));
  const bytes = [sums.red, sums.green, sums.blue].map(mean);
  return `#${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
