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
  const { variant, accepts, format, original: originalType, svg } = request;
  const isAuto = variant.format === "auto";

  // An animation that is too large comes back untransformed (O8). Its first frame alone is small enough.
  const firstFrame = { ...request, isStill: true };

  // The format that every browser reads: JPEG, or PNG where a pixel may be transparent.
  const readableFormat = isOpaque(originalType, head) ? "jpeg" : "png";

  switch (refusal.event) {
    // A side is too long for AVIF (O7). `refusal.type` is that of the bytes that came.
    case "too-large-for-avif": {
      if (format !== "avif") return undefined;

      // Without a format, the edge chooses JPEG or PNG. A preset of AVIF names one of the two, except where a PNG came:
      // the edge keeps a PNG that is transparent.
      const mayEdgeChoose = isAuto || refusal.type === "image/png";
      if (!mayEdgeChoose) return { ...firstFrame, format: readableFormat };
      return { ...firstFrame, format: accepts.webp ? "webp" : undefined };
    }

    // Another format than the original's is requested: only then is it certain that the engine made the bytes (R6).
    case "original-is-smaller": {
      // The bytes that came are no PNG. So if a PNG comes now, it is certainly not the original.
      if (refusal.type !== "image/png") return { ...firstFrame, format: "png-force" };

      // They are a PNG, which may be transparent. WebP has transparency, too.
      if (accepts.webp && format !== "webp") return { ...firstFrame, format: "webp" };

      // JPEG has none. So it takes the place of a PNG only if the preset asks for JPEG ("jpeg" or "baseline-jpeg"), or
      // nothing is lost.
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

      // These three are the pictures that a browser may not read. Another type may be no picture at all, but a page.
      const mayBeUnreadable = /gif|webp|avif/.test(refusal.type ?? "");
      if (!isAuto || !mayBeUnreadable) return undefined;
      return { ...request, format: readableFormat };
    }

    default:
      return undefined;
  }
}
