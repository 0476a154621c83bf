import type { Asked } from "./format.ts";
import type { Refusal } from "./refusal.ts";

/**
 * What to ask once more after a refusal, or undefined where asking again would not help. There is no
 * third time, so that a sick origin gets at most twice the requests. A preset's own format is kept,
 * or replaced for all visitors alike.
 */
export function secondChance(asked: Asked, refusal: Refusal): Asked | undefined {
  const auto = asked.variant.format === "auto";
  switch (refusal.event) {
    case "origin-failed":
    case "edge-failed":
      return refusal.passing === true ? asked : undefined;
    case "too-large-for-avif": {
      if (asked.format !== "avif") return undefined;
      const best = asked.readable.webp ? "webp" : undefined;
      return { ...asked, format: auto ? best : "jpeg", still: true };
    }
    case "original-is-smaller": {
      // In another format than the original's, so that the edge has to make the bytes.
      const other = refusal.type === "image/jpeg" ? "png-force" : "jpeg";
      return auto ? { ...asked, format: other, still: true } : undefined;
    }
    case "wrong-type":
      // An animation too large to be transformed (O8): its first frame then.
      if (refusal.type === "image/gif" && !asked.still) return { ...asked, still: true };
      if (!auto) return undefined;
      // The original's own format, which this browser may not read.
      if (refusal.type === "image/gif") return { ...asked, format: "png", still: true };
      if (refusal.type === "image/webp" || refusal.type === "image/avif") {
        return { ...asked, format: "jpeg", still: true };
      }
      return undefined;
    default:
      return undefined;
  }
}
