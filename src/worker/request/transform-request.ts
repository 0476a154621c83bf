// The request to an engine, which is the edge or the Images binding: a variant of an object, and the format of the
// answer. Pure.

import type { OutputFormat, Variant } from "../config/preset.ts";
import type { ObjectType } from "../http/refusal.ts";
import { type AcceptedFormats, type BrowserFormats, NEITHER } from "./accept.ts";

/** A point of the upright picture: how far from its left, and from its top. 0 to 1, in steps of 0.01. */
export type Focus = { readonly x: number; readonly y: number };

export type TransformRequest = {
  readonly variant: Variant;
  /** The formats that may be sent, as far as `auto` needs to know. */
  readonly accepts: BrowserFormats;
  /** Whether an SVG may be passed on. */
  readonly svg: boolean;
  /** Undefined: the edge is free to keep JPEG or PNG. */
  readonly format: OutputFormat | undefined;
  /** Whether only the first frame is rendered, even if the preset has `anim`. */
  readonly isStill: boolean;
  /** The object's type by its first bytes. */
  readonly original: ObjectType;
  /** The object's focal point, where the variant uses it. */
  readonly focus?: Focus | undefined;
};

/** Whether AVIF and WebP may be sent. The edge cannot decide that: it caches by option, not by Accept (O6). */
const ACCEPTED: Readonly<Record<AcceptedFormats, BrowserFormats>> = {
  "avif.webp": { avif: true, webp: true },
  avif: { avif: true, webp: false },
  webp: { avif: false, webp: true },
  plain: NEITHER,
  // Nothing is left to choose: the preset names the format, or the object may be an SVG.
  own: NEITHER,
  svg: NEITHER,
  // Facts are asked for with the options that most visitors cause: others would be billed as well (L2).
  facts: { avif: false, webp: true },
};

/** Creates the request for what `formats` allows. */
export function createTransformRequest(
  variant: Variant,
  formats: AcceptedFormats,
  original: ObjectType = "unknown",
): TransformRequest {
  const accepts = ACCEPTED[formats];
  const svg = formats === "svg";
  const format = formatFor(variant, svg, accepts);

  // Only a GIF may move, and only as another type: a GIF that is too large comes back as a GIF, untransformed (O8).
  const canMove = format === "webp" || format === "avif";
  const isMoving = variant.image.anim && canMove && original === "image/gif";

  return { variant, accepts, svg, format, isStill: !isMoving, original };
}

function formatFor(
  variant: Variant,
  svg: boolean,
  accepts: BrowserFormats,
): OutputFormat | undefined {
  // The edge passes a sanitised SVG on, and refuses to make another format of it (R8).
  if (svg) return undefined;
  if (variant.format !== "auto") return variant.format;

  // `acceptedFormatsOf` has left AVIF out where a side may be too long for it (O7).
  if (accepts.avif) return "avif";
  if (accepts.webp) return "webp";
  return undefined;
}

/** `png` and `png-force`. */
const PNG = /^png/;

/** Returns whether the output may be a PNG that the preset does not ask for: `quality` would take its colours (O5). */
export function mayBePng(request: TransformRequest): boolean {
  const { variant, format, original } = request;

  if (PNG.test(variant.format)) return false;
  if (format !== undefined) return PNG.test(format);

  // Without a format, the output is a JPEG if the object is a JPEG or a HEIC. Others may come as a PNG (O6).
  return original !== "image/jpeg" && original !== "image/heic";
}
