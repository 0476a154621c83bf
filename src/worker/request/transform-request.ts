// The request to an engine: a variant of an object, and the format of its answer. Pure.

import type { OutputFormat, Variant } from "../config/preset.ts";
import type { ObjectType } from "../http/refusal.ts";
import type { AcceptedFormats, BrowserFormats } from "./accept.ts";

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

/**
 * What to ask the engine for. `auto` is AVIF if the browser reads it and the size allows it (O7), else
 * WebP, else no format. The edge itself caches by option, not by Accept (O6). Only a GIF may move, and needs
 * another type for that: one that is too large comes back as a GIF, untransformed (O8). Facts are asked
 * for with the options that most visitors cause: others would be billed as well (L2).
 */
export function createTransformRequest(
  variant: Variant,
  formats: AcceptedFormats,
  original: ObjectType = "unknown",
): TransformRequest {
  const accepts = { avif: formats.startsWith("avif"), webp: /webp|facts/.test(formats) };
  const svg = formats === "svg";
  const best = accepts.avif ? "avif" : accepts.webp ? "webp" : undefined;
  const ownOrBest = variant.format === "auto" ? best : variant.format;
  const format = svg ? undefined : ownOrBest; // R8
  const mayMove = variant.image.anim && (format === "webp" || format === "avif");
  const isStill = !(mayMove && original === "image/gif");
  return { variant, accepts, svg, format, isStill, original };
}

/** Returns whether the output may be a PNG that the preset does not ask for: `quality` would take its colours (O5). */
export function mayBePng({ variant, format, original }: TransformRequest): boolean {
  if (/png/.test(variant.format)) return false;
  if (format !== undefined) return /png/.test(format);
  return original !== "image/jpeg" && original !== "image/heic";
}
