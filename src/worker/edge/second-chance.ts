// How to ask the edge for something else after a refusal. Once. Pure.

import type { Refusal } from "../base/refusal.ts";
import type { Asked } from "../request/format.ts";

/**
 * A preset's own format is kept, or replaced for all visitors alike.
 * @returns undefined if asking again would not help
 */
export function secondChance(asked: Asked, refusal: Refusal): Asked | undefined {
  const { format, readable } = asked;
  const auto = asked.variant.format === "auto";
  const still = { ...asked, still: true };
  switch (refusal.event) {
    case "too-large-for-avif": {
      if (format !== "avif") return undefined;
      const best = readable.webp ? "webp" : undefined;
      // The edge keeps a transparent PNG one, if it is free to.
      return { ...still, format: auto || refusal.type === "image/png" ? best : "jpeg" };
    }
    case "original-is-smaller": {
      // In another format than the original's: the edge has to make these bytes (R6). WebP has transparency.
      if (refusal.type !== "image/png") return { ...still, format: "png-force" };
      return { ...still, format: readable.webp && format !== "webp" ? "webp" : "jpeg" };
    }
    case "not-transformed":
    case "wrong-type": {
      // The animation is too large to be transformed (O8): only its first frame.
      if (!asked.still) return still;
      if (refusal.event === "not-transformed" || !(auto || asked.svg)) return undefined;
      // The bytes have the original's format, which this browser may not read. A route for SVGs asks
      // for no format (R8), whatever the preset says.
      if (refusal.type === "image/gif" || asked.svg) return { ...asked, format: "png" };
      return /webp|avif/.test(refusal.type ?? "") ? { ...asked, format: "jpeg" } : undefined;
    }
    default:
      return undefined;
  }
}
