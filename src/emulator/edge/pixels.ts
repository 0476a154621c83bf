// From an original to a print, step by step in the edge's order, all frames of an animation alike.

import sharp, { type Metadata, type Sharp } from "sharp";
import { encode, keepsFrames, type Qualities } from "./encode.ts";
import {
  type Box,
  borderSides,
  boxInside,
  clamp,
  density,
  fitting,
  type Image,
  outputSize,
  type Picture,
  place,
  type Size,
  type Transformations,
  trimBox,
} from "./geometry.ts";
import type { Original } from "./original.ts";
import { draw } from "./overlay.ts";
import { readable } from "./unplayable.ts";

export type Overlay = {
  readonly options: RequestInitCfPropertiesImageDraw;
  readonly original: Original;
};

export type Print = {
  readonly bytes: Uint8Array;
  /** Its content-type. */
  readonly type: string;
  /** In px, of one frame. */
  readonly width: number;
  readonly height: number;
  /** R6 */
  readonly warnings: readonly string[];
};

type Frames = readonly [Picture, ...Picture[]];

/** Limits are the caller's, and a warning of the decoder's is no reason to fail. */
const LENIENT = { limitInputPixels: false, failOn: "error" } as const;

const SURROUNDINGS_TOLERANCE = 10; // enough for the noise of a JPEG

/**
 * Makes a print (O2–O6, O8–O12, R6). What is not playable is left out.
 * @param image validated; its format neither json nor svg, and AVIF only as large as may be (O7)
 * @param settings what the names of qualities stand for, 1–100 (O5)
 * @throws where sharp cannot decode an image, or encode a print of that size
 */
export async function makePrint(
  original: Original,
  image: Image,
  overlays: readonly Overlay[],
  settings: { readonly qualities: Qualities },
): Promise<Print> {
  const { frames, metadata } = await decode(original, keepsFrames(original, image));
  let print = await transform(frames, image);
  for (const { options, original } of overlays) {
    const [layer] = await transform((await decode(original, false)).frames, options);
    print = await each(print, async (frame) => draw(frame, layer, options));
  }
  const { width, height } = print[0];
  const encoded = await encode(print, original.type, image, { ...settings, metadata });
  return { ...encoded, width, height, warnings: warnings(image) };
}

/** The size that a print will have, in px (O2, O3, O11, O12). */
export async function measure(original: Original, image: Image): Promise<Size> {
  if (trimsSurroundings(image)) {
    const { frames } = await decode(original, false);
    return outputSize(await trimmed(frames[0], image), image);
  }
  const { autoOrient } = await sharp(original.bytes, LENIENT).metadata();
  return outputSize(trimBox(autoOrient, image), image);
}

function warnings({ fit, width, height }: Image): readonly string[] {
  const sides = [width, height].filter((side) => side !== undefined);
  return fit === "cover" && sides.length === 1
    ? ["cover fit mode needs both width and height"]
    : [];
}

const open = ({ data, width, height }: Picture) =>
  sharp(data, { raw: { width, height, channels: 4 }, limitInputPixels: false });

async function read(pipeline: Sharp): Promise<Picture> {
  const { data, info } = await pipeline.ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

async function each(
  [first, ...others]: Frames,
  change: (frame: Picture) => Promise<Picture>,
): Promise<Frames> {
  return [await change(first), ...(await Promise.all(others.map(change)))];
}

/** Upright, in sRGB (O9); the first frame alone, or all. How large is for the caller to limit. */
async function decode(
  { bytes }: Original,
  animated: boolean,
): Promise<{ frames: Frames; metadata: Metadata }> {
  const source = sharp(bytes, { animated, ...LENIENT });
  const metadata = await source.metadata();
  // sharp cannot turn all frames at once, and formats that move are not stored lying.
  const upright = animated ? source : source.autoOrient();
  const { data, width, height } = await read(upright);
  const count = animated ? (metadata.pages ?? 1) : 1;
  const size = data.length / count;
  const frame = (index: number) => ({
    data: data.subarray(index * size, (index + 1) * size),
    width,
    height: height / count,
  });
  const others = Array.from({ length: count - 1 }, (_, index) => frame(index + 1));
  return { frames: [frame(0), ...others], metadata };
}

/** Everything but overlays. Boxes that depend on pixels are the first frame's, so that none jumps. */
async function transform(frames: Frames, options: Transformations): Promise<Frames> {
  const trim = await trimmed(frames[0], options);
  const upright = await each(frames, (frame) => turned(frame, trim, options));
  const { part, scaled, canvas } = fitting(upright[0], options);
  const box = await placed(upright[0], part, options);
  return each(upright, async (frame) => {
    const filtered = await toned(await resized(frame, box, scaled, options), options);
    return bordered(await padded(filtered, canvas, options), options);
  });
}

function trimsSurroundings({ trim }: Transformations): boolean {
  return typeof trim === "object" ? Boolean(trim.border) : trim === "border";
}

async function trimmed(picture: Picture, options: Transformations): Promise<Box> {
  const box = trimBox(picture, options);
  if (!trimsSurroundings(options)) return box;
  const border = typeof options.trim === "object" ? options.trim.border : true;
  const {
    color: named,
    tolerance = SURROUNDINGS_TOLERANCE,
    keep = 0,
  } = typeof border === "object" ? border : {};
  const color = readable(named);
  const corner = (box.top * picture.width + box.left) * 4;
  const colour =
    color === undefined ? picture.data.subarray(corner, corner + 4) : await readColour(color);
  return boxInside(picture, box, { colour, tolerance, keep: Math.round(keep * density(options)) });
}

async function readColour(css: string): Promise<Uint8Array> {
  const { data } = await read(
    sharp({ create: { width: 1, height: 1, channels: 4, background: css } }),
  );
  return data;
}

async function turned(picture: Picture, trim: Box, { flip, rotate = 0 }: Transformations) {
  const whole = trim.width === picture.width && trim.height === picture.height;
  if (whole && flip === undefined && rotate % 360 === 0) return picture;
  // sharp flips before it rotates, as the edge does (O11).
  return read(
    open(picture)
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
  const position = sharp.strategy[strategy === "auto" ? "attention" : "entropy"];
  const { info } = await open(source)
    .resize({ ...part, fit: "cover", position })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { cropOffsetLeft = 0, cropOffsetTop = 0 } = info;
  return { ...part, left: -cropOffsetLeft, top: -cropOffsetTop };
}

function resized(picture: Picture, box: Box, size: Size, { blur, sharpen }: Transformations) {
  const pipeline = open(picture)
    .extract(box)
    .resize({ ...size, fit: "fill" });
  if (blur) pipeline.blur(blur);
  if (sharpen) pipeline.sharpen({ sigma: 1, m1: sharpen, m2: 2 * sharpen });
  return read(pipeline);
}

/** Brightness, contrast, gamma, saturation (O10), in this order; a factor of 0 is ignored. */
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
  return saturation ? read(open(curved).modulate({ saturation })) : curved;
}

/** Fills the canvas of pad, centred (O3), and lays the background underneath (O12). */
async function padded(picture: Picture, canvas: Size, options: Transformations) {
  const background = readable(options.background);
  const left = Math.floor((canvas.width - picture.width) / 2);
  const top = Math.floor((canvas.height - picture.height) / 2);
  const right = canvas.width - picture.width - left;
  const bottom = canvas.height - picture.height - top;
  // Without a background it is white, and the image stays as transparent as it is.
  const fill = background === undefined ? "white" : "transparent";
  const pipeline = open(picture).extend({ top, right, bottom, left, background: fill });
  if (background !== undefined) {
    const colour = { create: { width: 1, height: 1, channels: 4, background } } as const;
    pipeline.composite([{ input: colour, tile: true, blend: "dest-over" }]);
  }
  return read(pipeline);
}

/** Outside of the image, so that the print is larger than asked (O12). */
async function bordered(picture: Picture, options: Transformations): Promise<Picture> {
  const { border } = options;
  if (border === undefined) return picture;
  const background = readable(border.color) ?? "black";
  return read(open(picture).extend({ ...borderSides(options), background }));
}
