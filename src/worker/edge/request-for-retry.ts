// Which request follows a refusal by an engine (the edge or the Images binding), where another one may succeed. Each
// picture has one such request, at most. Pure.

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
  // If the preset names its format, `accepts` has none: all visitors get the same.
  const { variant, accepts, format, original, svg } = request;
  const isAuto = variant.format === "auto";

  // An animation that is too large comes back untransformed (O8). Its first frame alone is small enough.
  const firstFrame = { ...request, isStill: true };

  // The format that every browser reads: JPEG, or PNG where a pixel may be transparent.
  const readableFormat = isOpaque(original, head) ? "jpeg" : "png";

  switch (refusal.event) {
    // A side is too long for AVIF (O7). `refusal.type` is that of the bytes that came.
    case "too-large-for-avif": {
      if (format !== "avif") return undefined;

      // Without a format, the edge keeps a PNG that is transparent. So a PNG needs none, even in a preset of AVIF.
      const canBeAnyFormat = isAuto || refusal.type === "image/png";
      if (!canBeAnyFormat) return { ...firstFrame, format: readableFormat };
      return { ...firstFrame, format: accepts.webp ? "webp" : undefined };
    }

    // Another format than the original's is requested: only then is it certain that the engine made the bytes (R6).
    case "original-is-smaller": {
      if (refusal.type !== "image/png") return { ...firstFrame, format: "png-force" };

      // The original is a PNG, which may be transparent. WebP has transparency, too.
      if (accepts.webp && format !== "webp") return { ...firstFrame, format: "webp" };

      // JPEG has none. So it takes the place of a PNG only if the preset asks for JPEG, or nothing is lost.
      const canBeJpeg = variant.format.includes("jpeg") || isOpaque("image/png", head);
      return canBeJpeg ? { ...firstFrame, format: "jpeg" } : undefined;
    }

    // An animation, or transformations are off.
    case "not-transformed":
      return request.isStill ? undefined : firstFrame;

    // The bytes are an animation that is too large, or came in the original's format, which this browser may not read.
    case "wrong-type": {
      if (!request.isStill) return firstFrame;

      // A route for SVGs requests no format (R8), even if the preset has one.
      if (svg) return { ...request, format: "png" };

      // Any other type is no picture at all: a page, for example.
      const isPicture = /gif|webp|avif/.test(refusal.type ?? "");
      if (!isAuto || !isPicture) return undefined;
      return { ...request, format: readableFormat };
    }

    default:
      return undefined;
  }
}
