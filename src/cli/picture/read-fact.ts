// Reads what apps want to know of a picture from its bytes: size, type, colour and ThumbHash. The bytes decide,
// never a name or a content-type. No network, no other file.

import { rgbaToThumbHash } from "thumbhash";
import type { Dimensions, Fact } from "../../client/types.ts";
import { isFault } from "../command.ts";
import { MOST_BYTES } from "../http/ask-s3.ts";
import type { Within } from "./budget.ts";
import { dominantColor } from "./dominant-color.ts";
import { drawSvg } from "./draw-svg.ts";
import { type LoadSharp, loadSharp } from "./load-sharp.ts";
import {
  brokenBy,
  MOST_PIXELS,
  type NoFact,
  OPTIONS,
  readSmall,
  SMALL,
  TIMEOUT_S,
} from "./small.ts";
import { sniff } from "./sniff.ts";
import { readSvgSize } from "./svg-size.ts";
import { framesOfWebp, MOST_FRAMES } from "./webp-frames.ts";

const LONGEST_SIDE = 12_000;
/** The longest side that can be drawn of an SVG. */
const LONGEST_SVG_SIDE = 32_767;

/** The pixels of an animation whose frames are all looked at: more take too much memory. */
const MOST_ANIMATED = 50e6;

export const TOO_LARGE = "over 100 MB, and Cloudflare reads at most 100 MB";

type Head = Dimensions & {
  readonly type: string;
  readonly frames: number;
  readonly hasAlpha: boolean;
};

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
  if (bytes.length > MOST_BYTES) return { why: TOO_LARGE };
  const head = await readHead(sharp, bytes);
  if ("why" in head) return head;
  const { width, height, type, frames } = head;
  const wrong = sizeFault(head);
  if (wrong !== undefined) return { why: wrong };
  try {
    return await withMemory(type === SVG ? SMALL * SMALL : width * height, async () => {
      const small = await (type === SVG ? drawSvg(bytes) : readSmall(sharp, bytes, false));
      if ("why" in small) return small;
      const isAlpha = await isTransparent(sharp, bytes, head, small.data);
      const hash = rgbaToThumbHash(small.width, small.height, small.data);
      return {
        ...{ width, height, type, bytes: bytes.length },
        color: dominantColor(small.data),
        thumbhash: Buffer.from(hash).toString("base64"),
        ...(isAlpha && { alpha: true as const }),
        ...(frames > 1 && { animated: true as const }),
      };
    });
  } catch (error) {
    return brokenBy(error);
  }
}

const SVG = "image/svg+xml";

/** Reads the type and the upright size of one frame. */
async function readHead(sharp: LoadSharp, bytes: Uint8Array): Promise<Head | NoFact> {
  const type = sniff(bytes);
  if (bytes.length === 0) return { why: "it is empty", foreign: true };
  if (type === undefined) return { why: "it is no picture that Cloudflare reads", foreign: true };
  if (type === "image/heic") return { why: "HEIC: sharp cannot read it" };
  if (type === SVG) {
    const size = readSvgSize(bytes);
    return size ? { ...size, type, frames: 1, hasAlpha: true } : { why: "an SVG without a size" };
  }
  if (type === "image/webp" && framesOfWebp(bytes) > MOST_FRAMES) {
    return { why: `more than ${MOST_FRAMES.toLocaleString("en")} frames, which take too long` };
  }
  try {
    const read = await sharp(bytes, { ...OPTIONS, limitInputPixels: false }).metadata();
    const { autoOrient, pages = 1, hasAlpha } = read;
    // Several pages of an AVIF are pictures of their own.
    const frames = type === "image/avif" ? 1 : pages;
    return { ...autoOrient, type, frames, hasAlpha };
  } catch (error) {
    return brokenBy(error);
  }
}

function sizeFault({ type, width, height }: Head): string | undefined {
  const size = `${width} × ${height} px`;
  // The edge passes it on, whatever its size is (R8).
  if (type === SVG) {
    return Math.max(width, height) > LONGEST_SVG_SIDE ? `${size}, too large to draw` : undefined;
  }
  if (Math.max(width, height) > LONGEST_SIDE) {
    return `${size}, and Cloudflare reads at most 12,000 px a side`;
  }
  if (width * height <= MOST_PIXELS) return undefined;
  return `${size}, and Cloudflare reads at most 100 million pixels`;
}

/** Returns whether some pixel is transparent. One of many may be lost in the small picture. */
async function isTransparent(
  sharp: LoadSharp,
  bytes: Uint8Array,
  { type, hasAlpha, frames, width, height }: Head,
  small: Uint8Array,
): Promise<boolean> {
  if (!hasAlpha) return false;
  if (small.some((byte, at) => at % 4 === 3 && byte < 255)) return true;
  const isWhole = frames > 1 && width * height * frames <= MOST_ANIMATED;
  const isKnown = type === SVG || (width <= SMALL && height <= SMALL && !isWhole);
  if (isKnown) return false;
  const alpha = await sharp(bytes, { ...OPTIONS, animated: isWhole })
    .timeout({ seconds: TIMEOUT_S })
    .extractChannel("alpha")
    .raw()
    .toBuffer();
  return alpha.some((byte) => byte < 255);
}
