// The request for a retry, after a refusal by an engine that another request may not get. Pure.

import type { Refusal } from "../http/refusal.ts";
import { isOpaque } from "../origin/sniff.ts";
import type { TransformRequest } from "../request/transform-request.ts";

/**
 * Returns another request, for one retry. A preset's own format stays, or is replaced for all visitors alike.
 * @param head the first bytes of the object
 * @returns undefined if a retry would not help
 */
export function requestForRetry(
  request: TransformRequest,
  refusal: Refusal,
  head: Uint8Array,
): TransformRequest | undefined {
  const { format, accepts, variant } = request;
  const isAuto = variant.format === "auto";
  const firstFrame = { ...request, isStill: true };
  const readableByAll = isOpaque(request.original, head) ? "jpeg" : "png";
  switch (refusal.event) {
    case "too-large-for-avif": {
      if (format !== "avif") return undefined;
      const acceptedFormat = accepts.webp ? "webp" : undefined;
      // Without a format, the edge keeps PNG for a transparent PNG.
      const isFree = isAuto || refusal.type === "image/png";
      return { ...firstFrame, format: isFree ? acceptedFormat : readableByAll };
    }
    case "original-is-smaller": {
      // In another format than the original's: the edge has to make these bytes (R6). WebP has transparency.
      if (refusal.type !== "image/png") return { ...firstFrame, format: "png-force" };
      if (accepts.webp && format !== "webp") return { ...firstFrame, format: "webp" };
      // A JPEG that the variant does not ask for must not take the place of a transparent PNG.
      const canBeJpeg = /jpeg/.test(variant.format) || isOpaque("image/png", head);
      return canBeJpeg ? { ...firstFrame, format: "jpeg" } : undefined;
    }
    case "not-transformed":
    case "wrong-type": {
      // The animation is too large to be transformed (O8): only its first frame.
      if (!request.isStill) return firstFrame;
      if (refusal.event === "not-transformed" || !(isAuto || request.svg)) return undefined;
      // The bytes have the original's format, which this browser may not read. A route for SVGs requests
      // no format (R8), even if the preset has one.
      if (request.svg) return { ...request, format: "png" };
      const isImage = /gif|webp|avif/.test(refusal.type ?? "");
      return isImage ? { ...request, format: readableByAll } : undefined;
    }
    default:
      return undefined;
  }
}
