// Counts the frames of a WebP. The decoder walks through all frames before each one: with a million of them, which
// fit into some MB, it takes hours, and nothing ends it. Pure.

/** More take the decoder seconds. */
export const MOST_FRAMES = 20_000;

/** @param webp may be broken: what cannot be a chunk ends the count */
export function framesOfWebp(webp: Uint8Array): number {
  const view = new DataView(webp.buffer, webp.byteOffset, webp.byteLength);
  let frames = 0;
  let at = 12; // behind "RIFF", its length and "WEBP"
  while (at + 8 <= webp.length) {
    if (view.getUint32(at) === ANMF) frames += 1;
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length % 2); // a chunk begins at an even place
  }
  return frames;
}

/** The name of the chunk of a frame: "ANMF". */
const ANMF = 0x41_4e_4d_46;
