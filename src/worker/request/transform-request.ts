// The request to an engine, which is Cloudflare's image edge or its Images binding: the variant of an object, and the
// format of the answer. Pure.

import type { OutputFormat, Variant } from "../config/preset.ts";
import type { ObjectType } from "../http/refusal.ts";
import type { AcceptedFormats, BrowserFormats } from "./accept.ts";

/** A point of the upright picture: how far from its left, and from its top. 0 to 1, in steps of 0.01. */
export type Focus = { readonly x: number; readonly y: number };

export type TransformRequest = {
  readonly variant: Variant;
  /** Whether `auto` may become AVIF or WebP. */
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

/**
 * Creates the request for what `formats` allows.
 * @param formats "avif.webp", "avif", "webp", "plain", "own", "svg" or "facts": see accept.ts
 * @param original the object's type by its first bytes, as far as it is known
 */
export function createTransformRequest(
  variant: Variant,
  formats: AcceptedFormats,
  original: ObjectType = "unknown",
): TransformRequest {
  // The edge cannot look at Accept, because it caches by option (O6). "avif.webp" includes both names.
  const avif = formats.includes("avif");
  // Facts are asked for as if for WebP. Most pictures have the same options then, and both are billed as one (L2).
  const webp = formats.includes("webp") || formats === "facts";
  const accepts = { avif, webp };

  const svg = formats === "svg";
  const format = formatFor(variant, svg, accepts);

  // Only a GIF may move, and only as WebP or AVIF. As a GIF it might come back untransformed, if it is too large (O8).
  const canMove = format === "webp" || format === "avif";
  const isMoving = variant.image.anim && canMove && original === "image/gif";

  return { variant, accepts, svg, format, isStill: !isMoving, original };
}

function formatFor(
  variant: Variant,
  svg: boolean,
  accepts: BrowserFormats,
): OutputFormat | undefined {
  // The edge passes an SVG on without its scripts. It refuses to make another format of an SVG (R8).
  if (svg) return undefined;
  if (variant.format !== "auto") return variant.format;

  // `acceptedFormatsOf` has left AVIF out where a side may be too long for AVIF (O7).
  if (accepts.avif) return "avif";
  if (accepts.webp) return "webp";
  return undefined;
}

/**
 * Returns whether the output may be a PNG although the preset does not ask for one. Such a request must not have
 * `quality`, which would reduce the colours of a PNG (O5).
 */
export function mayBePng(request: TransformRequest): boolean {
  const { variant, format, original } = request;

  // The preset asks for PNG by `png` or `png-force`.
  if (variant.format.startsWith("png")) return false;

  // edge/request-for-retry.ts may have set PNG as the format.
  if (format) return format.startsWith("png");

  // Without a format, a JPEG and a HEIC come back as a JPEG. Other types may come back as a PNG (O6).
  return original !== "image/jpeg" && original !== "image/heic";
}
