// Reads what apps want to know of a picture from its bytes: size, type, colour and ThumbHash. The bytes decide, never
// a name or a content-type. It asks no network and reads no other file: an SVG is text to it, and is never drawn.

import type { Sharp, SharpOptions } from "sharp";
import { rgbaToThumbHash } from "thumbhash";
import type { Dimensions, Fact } from "../../client/types.ts";
import { type Fault, isFault } from "../command.ts";
import { MOST_BYTES } from "../http/ask-s3.ts";
import { requireOf } from "../wrangler/packages.ts";
import type { Within } from "./budget.ts";
import { countWebpFrames, readSvgSize, sniff } from "./sniff.ts";

/** Why there is no fact, in plain words: `HEIC: sharp cannot read it`. */
export type NoFact = {
  readonly reason: string;
  /** Whether it is no picture at all, so nothing is missing. */
  readonly foreign?: true;
};

export const NO_PICTURE: NoFact = {
  reason: "it is no picture that Cloudflare reads",
  foreign: true,
};
export const TOO_LARGE: NoFact = { reason: "over 100 MB, and Cloudflare reads at most 100 MB" };

/** The edge reads no more (L1). */
export const MAX_PIXELS = 100e6;
const MAX_SIDE = 12_000;
/** More take the decoder seconds. */
const MAX_WEBP_FRAMES = 20_000;
/** A ThumbHash is made of a picture that fits into a square of this size. */
const THUMBNAIL_SIDE = 100;
const TIMEOUT_S = 60;

/** Time and size have bounds. Warnings of a decoder are not failures. */
const OPTIONS: SharpOptions = { failOn: "error", limitInputPixels: MAX_PIXELS };

type LoadedSharp = typeof import("sharp").default;

/** @returns a fault that says what to do if sharp, an optional peer, is not installed or does not run here */
export function loadSharp(): LoadedSharp | Fault {
  const require = requireOf("sharp");
  if (isFault(require)) return require;
  try {
    const sharp: LoadedSharp = require("sharp");
    return sharp;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: error.message };
  }
}

/**
 * @param bytes of the whole original
 * @param withMemory bounds the memory for pixels, if many are read at a time
 * @throws if sharp is not installed: ask `loadSharp` first
 */
export async function readFact(
  bytes: Uint8Array,
  withMemory: Within = (_pixels, work) => work(),
): Promise<Fact | NoFact> {
  const sharp = loadSharp();
  if (isFault(sharp)) throw new Error(sharp.fault);
  const type = sniff(bytes);
  if (type === undefined) return NO_PICTURE;
  if (bytes.length > MOST_BYTES) return TOO_LARGE;
  if (type === "image/svg+xml") {
    const size = readSvgSize(bytes);
    // What would shine through it is not known without a drawing: as if some pixels were transparent.
    return size
      ? { ...size, type, bytes: bytes.length, alpha: true }
      : { reason: "an SVG without a size" };
  }
  if (type === "image/heic") return { reason: "HEIC: sharp cannot read it" };
  if (type === "image/webp" && countWebpFrames(bytes) > MAX_WEBP_FRAMES) {
    return {
      reason: `more than ${MAX_WEBP_FRAMES.toLocaleString("en")} frames, which take too long`,
    };
  }
  try {
    const head = await sharp(bytes, { ...OPTIONS, limitInputPixels: false }).metadata();
    const { width, height } = head.autoOrient;
    const reason = sizeFault({ width, height });
    if (reason !== undefined) return { reason };
    // Several pages of an AVIF are pictures of their own.
    const frames = type === "image/avif" ? 1 : (head.pages ?? 1);
    return await withMemory(width * height, async () => {
      const open = () => sharp(bytes, OPTIONS).timeout({ seconds: TIMEOUT_S });
      const thumbnail = await readThumbnail(open());
      const alpha = head.hasAlpha && (await isTransparent(open()));
      return {
        ...{ width, height, type, bytes: bytes.length },
        color: await dominantColor(sharp, thumbnail.data),
        thumbhash: thumbHashOf(thumbnail),
        ...(alpha && { alpha }),
        ...(frames > 1 && { animated: true }),
      };
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { reason: `it is broken: ${error.message.split("\n", 1).join()}` };
  }
}

function sizeFault({ width, height }: Dimensions): string | undefined {
  const limit =
    Math.max(width, height) > MAX_SIDE
      ? "12,000 px a side"
      : width * height > MAX_PIXELS && "100 million pixels";
  return limit ? `${width} × ${height} px, and Cloudflare reads at most ${limit}` : undefined;
}

/** RGBA, not premultiplied. */
type Thumbnail = Dimensions & { readonly data: Uint8Array };

/** Reads the first frame: upright, in sRGB, and scaled to fit the square. */
async function readThumbnail(picture: Sharp): Promise<Thumbnail> {
  const { data, info } = await picture
    .autoOrient()
    .resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: "inside", withoutEnlargement: true })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

function thumbHashOf({ width, height, data }: Thumbnail): string {
  return Buffer.from(rgbaToThumbHash(width, height, data)).toString("base64");
}

/** Returns whether some pixel of the first frame is transparent. One of many would be lost in the thumbnail. */
async function isTransparent(picture: Sharp): Promise<boolean> {
  const alpha = await picture.extractChannel("alpha").raw().toBuffer();
  return alpha.some((byte) => byte < 255);
}

/** Pixels whose alpha is below it are not counted: what they look like depends on the page. */
const VISIBLE = 128;

/** @returns as CSS: `#8a5b3c`. White if no pixel is visible */
async function dominantColor(sharp: LoadedSharp, rgba: Uint8Array): Promise<string> {
  const visible = rgba.filter((_byte, at) => at % 4 < 3 && (rgba[at | 3] ?? 0) >= VISIBLE);
  if (visible.length === 0) return "#ffffff";
  const raw = { width: visible.length / 3, height: 1, channels: 3 } as const;
  const { r, g, b } = (await sharp(visible, { raw }).stats()).dominant;
  // sharp has 16 steps a channel, each with the value in its middle: the first one is to be black, the last one white.
  const bytes = [r, g, b].map((middle) => ((middle - 8) / 240) * 255);
  return `#${bytes.map((byte) => Math.round(byte).toString(16).padStart(2, "0")).join("")}`;
}
