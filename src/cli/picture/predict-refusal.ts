// Which originals visitors will not see, by their format and by the limits of the engine of their bucket. So the contact
// sheet, `check` and `facts` say it before a visitor gets 415. It asks nobody: the engine has the last word. Pure.

import type { Dimensions } from "../../client/types.ts";
import { MAX_BINDING_BYTES } from "../../worker/binding/check-readable.ts";
import type { Engine } from "../../worker/config/bucket-settings.ts";
import { MAX_ORIGINAL_BYTES } from "../http/ask-s3.ts";
import { sniffImageType } from "./sniff.ts";

/** A format that not every engine, account or route shows. All of them show JPEG, PNG, GIF and WebP. */
export type DoubtfulFormat = "AVIF" | "HEIC" | "JPEG XL" | "SVG" | "TIFF";

/** What is known of an original. */
export type KnownOriginal = {
  readonly format: DoubtfulFormat | undefined;
  readonly bytes: number;
  /** In px, upright. */
  readonly sides?: Dimensions | undefined;
};

/** What shows an original: the engine of its bucket, and whether a route with `svg = true` leads to it. */
export type Shower = { readonly engine: Engine; readonly svg: boolean };

export type PredictedRefusal = {
  /** False: nobody knows whether it is refused. */
  readonly isCertain: boolean;
  readonly reason: string;
  readonly remedy: string;
};

/** The edge and the Images binding read no more (L1). */
export const MAX_PIXELS = 100e6;
const MAX_SIDE = 12_000;

const CONVERT = "convert it to JPEG, PNG or WebP";
const SHRINK = "make it smaller";

const NO_SVG: PredictedRefusal = {
  isCertain: true,
  reason: "no route with svg = true shows this SVG",
  remedy: 'write such a route, for a bucket with engine = "cf"',
};

type FormatRule = {
  readonly ending: RegExp;
  readonly reason: string;
  readonly isCertain: boolean;
  readonly isReadByBinding: boolean;
};

/** The formats that are refused because of what they are (L1, B4). */
const RULES: Readonly<Record<Exclude<DoubtfulFormat, "SVG">, FormatRule>> = {
  AVIF: {
    ending: /\.avifs?$/i,
    reason: "Cloudflare reads AVIF for Enterprise accounts only",
    isCertain: true,
    isReadByBinding: false,
  },
  HEIC: {
    ending: /\.(?:hei[cf]s?|hif)$/i,
    reason: "Cloudflare's pages contradict each other on whether the edge reads HEIC",
    isCertain: false,
    isReadByBinding: true,
  },
  "JPEG XL": {
    ending: /\.jxl$/i,
    reason: "Cloudflare reads no JPEG XL",
    isCertain: true,
    isReadByBinding: false,
  },
  TIFF: {
    ending: /\.tiff?$/i,
    reason: "Cloudflare reads no TIFF",
    isCertain: true,
    isReadByBinding: false,
  },
};

/** Finds the format in the first bytes of an original, and never believes its name. */
export function doubtfulFormatOf(head: Uint8Array): DoubtfulFormat | undefined {
  const text = Buffer.from(head.subarray(0, 12)).toString("latin1");

  // "II" and "MM" are the order of the bytes. 43, "+", marks a BigTIFF.
  if (/^(?:II[*+]\0|MM\0[*+])/.test(text)) return "TIFF";

  // Bare, or in boxes. "." is a length, or 1A and 87, as in the signature of a PNG.
  if (/^(?:\xff\n|\0\0\0.JXL \r\n..)/s.test(text)) return "JPEG XL";

  return formatOfType(sniffImageType(head));
}

/** @param type of an image, by its bytes: `image/avif` */
export function formatOfType(type: string | undefined): DoubtfulFormat | undefined {
  switch (type) {
    case "image/avif":
      return "AVIF";
    case "image/heic":
      return "HEIC";
    case "image/svg+xml":
      return "SVG";
    default:
      return undefined;
  }
}

/**
 * Finds a format by the name of an object that is not at hand: a name proves nothing.
 * @returns why visitors may get 415
 */
export function refusalReasonByName(key: string, engine: Engine): string | undefined {
  const rule = Object.values(RULES).find(({ ending }) => ending.test(key));
  if (rule === undefined || isRead(rule, engine)) return undefined;
  return rule.reason;
}

/** Predicts whether visitors get 415 in place of an original. @returns undefined if they see it */
export function predictRefusal(
  { format, bytes, sides }: KnownOriginal,
  { engine, svg }: Shower,
): PredictedRefusal | undefined {
  // The edge passes an SVG on as it is, and the binding reads none (R8, B4).
  if (format === "SVG") return svg ? undefined : NO_SVG;

  if (format !== undefined) {
    const rule = RULES[format];
    if (!isRead(rule, engine)) {
      return { isCertain: rule.isCertain, reason: rule.reason, remedy: CONVERT };
    }
  }

  const reason = bytesReason(bytes, engine) ?? sidesReason(sides);
  if (reason === undefined) return undefined;
  return { isCertain: true, reason, remedy: SHRINK };
}

function isRead({ isReadByBinding }: FormatRule, engine: Engine): boolean {
  return isReadByBinding && engine === "binding";
}

function bytesReason(bytes: number, engine: Engine): string | undefined {
  if (bytes > MAX_ORIGINAL_BYTES) {
    return "over 100 MB, and Cloudflare reads at most 100 MB";
  }
  if (engine === "binding" && bytes > MAX_BINDING_BYTES) {
    return "over 20 MB, and the Images binding reads at most 20 MB";
  }
  return undefined;
}

/** Returns why the sides of a picture are too long. */
export function sidesReason(sides: Dimensions | undefined): string | undefined {
  if (sides === undefined) return undefined;

  const { width, height } = sides;
  const isLong = Math.max(width, height) > MAX_SIDE;
  if (!isLong && width * height <= MAX_PIXELS) return undefined;

  const limit = isLong ? "12,000 px a side" : "100 million pixels";
  return `${width} × ${height} px, and Cloudflare reads at most ${limit}`;
}

/** What visitors get, and why: `visitors get 415: Cloudflare reads no TIFF`. */
export function predictedAnswer({ isCertain, reason }: PredictedRefusal): string {
  return isCertain ? `visitors get 415: ${reason}` : `visitors may get 415: ${reason}`;
}

/** The same, and what to do about it, as one line. */
export function predictionText(prediction: PredictedRefusal): string {
  return `${predictedAnswer(prediction)}: ${prediction.remedy}`;
}
