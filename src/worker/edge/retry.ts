import type { Refusal } from "../base/refusal.ts";
import type { Asked } from "../request/format.ts";

/**
 * What to ask once more after a refusal, or undefined where asking again would not help. There is no
 * third time, so that a sick origin gets at most twice the requests. A preset's own format is kept,
 * or replaced for all visitors alike.
 */
export function secondChance(asked: Asked, refusal: Refusal): Asked | undefined {
  const auto = asked.variant.format === "auto";
  const still = { ...asked, still: true };
  switch (refusal.event) {
    case "origin-failed":
    case "edge-failed":
      return refusal.passing ? asked : undefined;
    case "too-large-for-avif": {
      if (asked.format !== "avif") return undefined;
      const best = asked.readable.webp ? "webp" : undefined;
      return { ...still, format: auto ? best : "jpeg" };
    }
    case "original-is-smaller":
      // In another format than the original's, so that the edge has to make the bytes (R6).
      return { ...still, format: refusal.type === "image/png" ? "jpeg" : "png-force" };
    case "not-transformed":
    case "wrong-type": {
      // An animation too large to be transformed (O8): its first frame then.
      if (!asked.still) return still;
      if (refusal.event === "not-transformed" || !(auto || asked.svg)) return undefined;
      // The original's own format, which this browser may not read. On a route for SVGs none was
      // asked (R8), whatever the preset says.
      if (refusal.type === "image/gif" || asked.svg) return { ...asked, format: "png" };
      return /webp|avif/.test(refusal.type ?? "") ? { ...asked, format: "jpeg" } : undefined;
    }
    default:
      return undefined;
  }
}
