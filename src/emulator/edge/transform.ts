// Every step from a decoded image to the pixels of a rendition, in the edge's order: trim, turn, fit, filter,
// background, border; and overlays. All frames are treated alike.

import { type Frames, isReadableColour, mapFrames, openPicture, readPixels } from "./decode.ts";
import { type Box, borderSides, fitSize, gravityBox, trimBox } from "./geometry.ts";
import { applyFilters, type DrawOptions, type Transformations } from "./options.ts";
import type { Picture, PixelSize } from "./original.ts";
import { requireSharp } from "./sharp.ts";

/** Applies the options of an image to all its frames. */
export async function transformFrames(frames: Frames, options: Transformations): Promise<Frames> {
  const trim = trimBox(frames[0], options);
  const upright = await mapFrames(frames, (frame) => turn(frame, trim, options));

  // A box that depends on pixels is taken from the first frame. Otherwise the animation would jump.
  const { part, scaled, canvas } = fitSize(upright[0], options);
  const box = await findPart(upright[0], part, options);

  return mapFrames(upright, async (frame) => {
    const cropped = openPicture(frame).extract(box);
    const resized = await readPixels(cropped.resize({ ...scaled, fit: "fill" }));
    const filtered = await applyFilters(resized, options);
    const padded = await pad(filtered, canvas, options);
    return addBorder(padded, options);
  });
}

/** Trims a picture, and turns it. sharp flips before it rotates, as the edge does (O11). */
async function turn(
  picture: Picture,
  trim: Box,
  { flip, rotate = 0 }: Transformations,
): Promise<Picture> {
  const isWhole = trim.width === picture.width && trim.height === picture.height;
  if (isWhole && flip === undefined && rotate % 360 === 0) return picture;

  const trimmed = openPicture(picture).extract(trim);
  const isUpsideDown = flip === "v" || flip === "hv";
  const isMirrored = flip === "h" || flip === "hv";
  return readPixels(trimmed.flip(isUpsideDown).flop(isMirrored).rotate(rotate));
}

/** The part that gravity selects (O4). */
async function findPart(source: Picture, part: PixelSize, options: Transformations): Promise<Box> {
  const { gravity } = options;
  if (gravity !== "auto" && gravity !== "entropy") return gravityBox(source, part, options);

  const { attention, entropy } = requireSharp().strategy;
  const position = gravity === "auto" ? attention : entropy;
  const pipeline = openPicture(source).resize({ ...part, fit: "cover", position });
  const { info } = await pipeline.raw().toBuffer({ resolveWithObject: true });

  const { cropOffsetLeft = 0, cropOffsetTop = 0 } = info;
  return { ...part, left: -cropOffsetLeft, top: -cropOffsetTop };
}

/** Returns a colour if sharp reads it. The edge reads more colours: the emulator leaves them out. */
function readableColour(css: string | undefined): string | undefined {
  return css !== undefined && isReadableColour(css) ? css : undefined;
}

/** Centres the image on the canvas of `pad` (O3), and puts the background below it (O12). */
async function pad(
  picture: Picture,
  canvas: PixelSize,
  options: Transformations,
): Promise<Picture> {
  const background = readableColour(options.background);

  // Without a background, only the canvas is white. The image stays as transparent as it is.
  const fill = background === undefined ? "white" : "transparent";
  const pipeline = openPicture(picture).resize({ ...canvas, fit: "contain", background: fill });
  if (background === undefined) return readPixels(pipeline);

  const colour = { create: { width: 1, height: 1, channels: 4, background } } as const;
  return readPixels(pipeline.composite([{ input: colour, tile: true, blend: "dest-over" }]));
}

/** Puts the border outside of the image. The rendition grows by the border (O12). */
async function addBorder(picture: Picture, options: Transformations): Promise<Picture> {
  if (options.border === undefined) return picture;

  const background = readableColour(options.border.color) ?? "black";
  return readPixels(openPicture(picture).extend({ ...borderSides(options), background }));
}

/** Draws an overlay that is already transformed: centred, or at a distance from a side in px; clipped (O12). */
export async function drawOverlay(
  image: Picture,
  overlay: Picture,
  { left, right, top, bottom, opacity = 1 }: DrawOptions,
): Promise<Picture> {
  const { width, height } = overlay;

  // sharp draws nothing that is larger than the image, so the image gets a margin of the overlay's size.
  const margin = { left: width, right: width, top: height, bottom: height };
  const wide = await readPixels(
    openPicture(image).extend({ ...margin, background: "transparent" }),
  );

  const position = {
    left: startOf(image.width, width, left, right) + width,
    top: startOf(image.height, height, top, bottom) + height,
  };
  const input = Buffer.from(fade(overlay, opacity));
  const raw = { width, height, channels: 4 } as const;
  const drawn = await readPixels(openPicture(wide).composite([{ input, raw, ...position }]));

  const withoutMargin = { left: width, top: height, width: image.width, height: image.height };
  return readPixels(openPicture(drawn).extract(withoutMargin));
}

/** The pixels with another opacity: each fourth byte is the alpha. */
function fade({ data }: Picture, opacity: number): Uint8Array {
  return data.map((value, index) => {
    const isAlpha = index % 4 === 3;
    return isAlpha ? value * opacity : value;
  });
}

/** Where the overlay begins on an axis: at most outside of the image. */
function startOf(whole: number, length: number, before?: number, after?: number): number {
  const free = whole - length;
  const fromEnd = after === undefined ? Math.floor(free / 2) : free - after;
  const start = before ?? fromEnd;
  return Math.round(Math.min(Math.max(start, -length), whole));
}
