// Reads the facts of a picture from its bytes: size, type, colour and ThumbHash. A name or a content-type never counts.
// It sends no request and reads no other file: an SVG is parsed as text, and never drawn.

import type { SharpOptions } from "sharp";
import { rgbaToThumbHash } from "thumbhash";
import type { Fact } from "../../client/types.ts";
import { hasProperty } from "../../worker/util/json.ts";
import { type CommandFault, isFault } from "../command.ts";
import { MAX_ORIGINAL_BYTES } from "../http/ask-s3.ts";
import { requireOf } from "../wrangler/packages.ts";
import { type DoubtfulFormat, MAX_PIXELS, sidesReason } from "./predict-refusal.ts";
import { countWebpFrames, readSvgSize, sniffImageType } from "./sniff.ts";

/** Why an object has no facts, such as `HEIC: sharp cannot read it`. */
export type NoFact = {
  readonly kind: "no-fact";
  readonly reason: string;
  /** Whether the object is no picture at all, so no fact is missing. */
  readonly isNoPicture?: true;
  /** Its format, if it is one that not all visitors see. */
  readonly format?: DoubtfulFormat | undefined;
};

export function isNoFact(value: Fact | NoFact): value is NoFact {
  return hasProperty(value, "kind") && value.kind === "no-fact";
}

export const NO_PICTURE: NoFact = {
  kind: "no-fact",
  reason: "no picture that Cloudflare reads",
  isNoPicture: true,
};

export const TOO_LARGE = tooLarge("over 100 MB, and Cloudflare reads at most 100 MB");

function noFact(reason: string): NoFact {
  return { kind: "no-fact", reason };
}

/** An original over a limit of both engines (L1). */
function tooLarge(reason: string): NoFact {
  return noFact(`${reason}: visitors get 415`);
}

/** More take the decoder seconds. */
const MAX_WEBP_FRAMES = 20_000;

/** A ThumbHash encodes a picture that fits into a square of this size. */
const THUMBNAIL_SIDE = 100;

const TIMEOUT_S = 60;

/** Time and size have bounds. Warnings of a decoder are not failures. */
const OPTIONS: SharpOptions = { failOn: "error", limitInputPixels: MAX_PIXELS };

type Sharp = typeof import("sharp").default;

/** @returns a fault that says what to do if sharp, an optional peer, is not installed or does not run here */
export function loadSharp(): Sharp | CommandFault {
  const require = requireOf("sharp");
  if (isFault(require)) return require;

  try {
    const sharp: Sharp = require("sharp");
    return sharp;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: error.message };
  }
}

/** Pictures are decoded one at a time: a large one takes up to 2 GB. */
let decoding: Promise<unknown> = Promise.resolve();

/**
 * @param bytes of the whole original
 * @throws if sharp is not installed: ask `loadSharp` first
 */
export async function readFact(bytes: Uint8Array): Promise<Fact | NoFact> {
  const sharp = loadSharp();
  if (isFault(sharp)) throw new Error(sharp.fault);

  const type = sniffImageType(bytes);
  if (type === undefined) return NO_PICTURE;
  if (bytes.length > MAX_ORIGINAL_BYTES) return TOO_LARGE;

  switch (type) {
    case "image/svg+xml":
      return readSvgFact(bytes);
    case "image/heic":
      return noFact("HEIC: sharp cannot read it");
    case "image/webp":
      if (countWebpFrames(bytes) <= MAX_WEBP_FRAMES) break;
      return noFact("more than 20,000 frames, which take too long");
  }

  const fact = decoding.then(() => decode(sharp, bytes, type));
  decoding = fact.catch(() => {});
  return fact;
}

function readSvgFact(bytes: Uint8Array): Fact | NoFact {
  const size = readSvgSize(bytes);
  if (size === undefined) return noFact("an SVG without a size");

  // What would shine through it is not known without a drawing: as if some pixels were transparent.
  return { ...size, type: "image/svg+xml", bytes: bytes.length, alpha: true };
}

async function decode(sharp: Sharp, bytes: Uint8Array, type: string): Promise<Fact | NoFact> {
  try {
    const head = await sharp(bytes, { ...OPTIONS, limitInputPixels: false }).metadata();
    const { width, height } = head.autoOrient;
    const reason = sidesReason({ width, height });
    if (reason !== undefined) return tooLarge(reason);

    const open = () => sharp(bytes, OPTIONS).timeout({ seconds: TIMEOUT_S });
    const { data, info } = await open()
      .autoOrient()
      .resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: "inside", withoutEnlargement: true })
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const thumbhash = rgbaToThumbHash(info.width, info.height, data);

    // The whole picture is read for it: one transparent pixel of many would be lost in the thumbnail.
    const alpha = head.hasAlpha ? await open().extractChannel("alpha").raw().toBuffer() : undefined;
    const isTransparent = alpha?.some((byte) => byte < 255) === true;

    const { dominant } = await sharp(data, { raw: info }).stats();
    const color = Buffer.of(dominant.r, dominant.g, dominant.b).toString("hex");

    // Several pages of an AVIF are pictures of their own.
    const pages = head.pages ?? 1;
    const isAnimated = type !== "image/avif" && pages > 1;
    return {
      width,
      height,
      type,
      bytes: bytes.length,
      ...(isTransparent ? { alpha: true } : { color: `#${color}` }),
      thumbhash: Buffer.from(thumbhash).toString("base64"),
      ...(isAnimated && { animated: true }),
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [firstLine] = error.message.split("\n", 1);
    return noFact(`it is broken: ${firstLine}`);
  }
}
