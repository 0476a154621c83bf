// Every step from a decoded image to a rendition, in the edge's order, except overlays: trim, turn,
// fit, filter, tone, background, border. All frames are treated alike.

import { readableColour } from "./colour.ts";
import { type Frames, mapFrames, openPicture, readPixels } from "./frames.ts";
import {
  type Box,
  borderSides,
  clamp,
  fitting,
  type Picture,
  place,
  type Size,
} from "./geometry.ts";
import type { Transformations } from "./image-options.ts";
import { loadSharp } from "./sharp.ts";
import { trimmedBox } from "./trim.ts";

/** Boxes that depend on pixels are taken from the first frame. Otherwise the animation would jump. */
export async function transform(frames: Frames, options: Transformations): Promise<Frames> {
  const trim = await trimmedBox(frames[0], options);
  const upright = await mapFrames(frames, (frame) => turned(frame, trim, options));
  const { part, scaled, canvas } = fitting(upright[0], options);
  const box = await placed(upright[0], part, options);
  return mapFrames(upright, async (frame) => {
    const filtered = await toned(await resized(frame, box, scaled, options), options);
    return bordered(await padded(filtered, canvas, options), options);
  });
}

async function turned(picture: Picture, trim: Box, { flip, rotate = 0 }: Transformations) {
  const whole = trim.width === picture.width && trim.height === picture.height;
  if (whole && flip === undefined && rotate % 360 === 0) return picture;
  // sharp flips before it rotates, as the edge does (O11).
  return readPixels(
    openPicture(picture)
      .extract(trim)
      .flip(flip === "v" || flip === "hv")
      .flop(flip === "h" || flip === "hv")
      .rotate(rotate),
  );
}

/** The box that gravity keeps (O4). */
async function placed(source: Picture, part: Size, options: Transformations): Promise<Box> {
  const box = place(source, part, options);
  const strategy = options.gravity;
  if (strategy !== "auto" && strategy !== "entropy") return box;
  const { strategy: strategies } = loadSharp();
  const position = strategies[strategy === "auto" ? "attention" : "entropy"];
  const { info } = await openPicture(source)
    .resize({ ...part, fit: "cover", position })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { cropOffsetLeft = 0, cropOffsetTop = 0 } = info;
  return { ...part, left: -cropOffsetLeft, top: -cropOffsetTop };
}

function resized(picture: Picture, box: Box, size: Size, { blur, sharpen }: Transformations) {
  const pipeline = openPicture(picture)
    .extract(box)
    .resize({ ...size, fit: "fill" });
  if (blur) pipeline.blur(blur);
  if (sharpen) pipeline.sharpen({ sigma: 1, m1: sharpen, m2: 2 * sharpen });
  return readPixels(pipeline);
}

/** Brightness, contrast, gamma, saturation (O10), in this order. Of the first three, 0 is ignored. */
async function toned(picture: Picture, options: Transformations): Promise<Picture> {
  const { brightness, contrast, gamma, saturation } = options;
  const curve = Uint8ClampedArray.from({ length: 256 }, (_, value) => {
    const bright = Math.min(value * (brightness || 1), 255);
    const spread = clamp((bright - 127.5) * (contrast || 1) + 127.5, 0, 255);
    return 255 * (spread / 255) ** (1 / (gamma || 1));
  });
  const data =
    brightness || contrast || gamma
      ? picture.data.map((value, at) => (at % 4 === 3 ? value : (curve[value] ?? 0)))
      : picture.data;
  const curved = { ...picture, data };
  return saturation === undefined
    ? curved
    : readPixels(openPicture(curved).modulate({ saturation }));
}

/** Centres the image on the canvas of `pad` (O3), and puts the background below it (O12). */
async function padded(picture: Picture, canvas: Size, options: Transformations) {
  const background = readableColour(options.background);
  const left = Math.floor((canvas.width - picture.width) / 2);
  const top = Math.floor((canvas.height - picture.height) / 2);
  const right = canvas.width - picture.width - left;
  const bottom = canvas.height - picture.height - top;
  // Without a background, only the canvas is white. The image stays as transparent as it is.
  const fill = background === undefined ? "white" : "transparent";
  const pipeline = openPicture(picture).extend({ top, right, bottom, left, background: fill });
  if (background !== undefined) {
    const colour = { create: { width: 1, height: 1, channels: 4, background } } as const;
    pipeline.composite([{ input: colour, tile: true, blend: "dest-over" }]);
  }
  return readPixels(pipeline);
}

/** Puts the border outside of the image. The rendition grows by it (O12). */
async function bordered(picture: Picture, options: Transformations): Promise<Picture> {
  const { border } = options;
  if (border === undefined) return picture;
  const background = readableColour(border.color) ?? "black";
  return readPixels(openPicture(picture).extend({ ...borderSides(options), background }));
}
