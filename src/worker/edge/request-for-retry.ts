// Which request follows a refusal by an engine, where another one may succeed. Each picture has one such request, at
// most. Pure.
//
//   refusal               next request
//   too-large-for-avif    another format in place of AVIF
//   original-is-smaller   another format than the original's, so that the engine has to make the bytes
//   not-transformed       the first frame alone, if the animation was to move
//   wrong-type            the first frame alone, or else a format that every browser reads
//   any other             none
//
// A preset with a format of its own keeps it, or gets another one for all visitors alike.

import type { Refusal } from "../http/refusal.ts";
import { isOpaque } from "../origin/sniff.ts";
import type { TransformRequest } from "../request/transform-request.ts";

/**
 * @param head the first bytes of the object, which show whether its pixels can be transparent
 * @returns undefined if another request would not help
 */
export function requestForRetry(
  request: TransformRequest,
  refusal: Refusal,
  head: Uint8Array,
): TransformRequest | undefined {
  switch (refusal.event) {
    case "too-large-for-avif":
      return withoutAvif(request, refusal.type, head);
    case "original-is-smaller":
      return inOtherFormat(request, refusal.type, head);
    case "not-transformed":
      return asFirstFrame(request);
    case "wrong-type":
      return asFirstFrame(request) ?? inReadableFormat(request, refusal.type, head);
    default:
      return undefined;
  }
}

/** Requests another format, as a side is too long for AVIF (O7). @param type of the bytes that came */
function withoutAvif(
  request: TransformRequest,
  type: string | undefined,
  head: Uint8Array,
): TransformRequest | undefined {
  if (request.format !== "avif") return undefined;

  const firstFrame = { ...request, isStill: true };
  // Without a format, the edge keeps PNG for a transparent PNG. So a PNG needs none, even for a preset of AVIF.
  const canBeAnyFormat = request.variant.format === "auto" || type === "image/png";
  if (!canBeAnyFormat) return { ...firstFrame, format: readableFormat(request, head) };
  return { ...firstFrame, format: request.accepts.webp ? "webp" : undefined };
}

/** Requests another format than the original's: only then is it certain that the engine made the bytes (R6). */
function inOtherFormat(
  request: TransformRequest,
  type: string | undefined,
  head: Uint8Array,
): TransformRequest | undefined {
  const firstFrame = { ...request, isStill: true };
  if (type !== "image/png") return { ...firstFrame, format: "png-force" };

  // The original is a PNG, which may be transparent. WebP has transparency, too.
  if (request.accepts.webp && request.format !== "webp") return { ...firstFrame, format: "webp" };

  // JPEG has none. So a JPEG takes the place of a PNG only if the preset asks for JPEG, or nothing is lost.
  const isJpegPreset = request.variant.format.includes("jpeg");
  if (isJpegPreset || isOpaque("image/png", head)) return { ...firstFrame, format: "jpeg" };
  return undefined;
}

/** Requests the first frame alone: an animation that is too large comes back untransformed (O8). */
function asFirstFrame(request: TransformRequest): TransformRequest | undefined {
  if (request.isStill) return undefined;
  return { ...request, isStill: true };
}

/**
 * Requests a format that every browser reads: the bytes came in the original's format, which this browser may not
 * read.
 * @param type of these bytes
 */
function inReadableFormat(
  request: TransformRequest,
  type: string | undefined,
  head: Uint8Array,
): TransformRequest | undefined {
  // A route for SVGs requests no format (R8), even if the preset has one.
  if (request.svg) return { ...request, format: "png" };
  if (request.variant.format !== "auto") return undefined;

  // Any other type is no picture at all: a page, for example.
  const isPicture = /gif|webp|avif/.test(type ?? "");
  if (!isPicture) return undefined;
  return { ...request, format: readableFormat(request, head) };
}

/** Returns the format that every browser reads: JPEG, or PNG where a pixel may be transparent. */
function readableFormat(request: TransformRequest, head: Uint8Array): "jpeg" | "png" {
  return isOpaque(request.original, head) ? "jpeg" : "png";
}
