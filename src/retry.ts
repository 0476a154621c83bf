import type { Asked } from "./format.ts";
import type { Refusal } from "./refusal.ts";

/**
 * What to ask once more after a refusal, or undefined where asking again would not help. There is no
 * third time, so that a sick origin gets at most twice the requests.
 */
export function secondChance(asked: Asked, refusal: Refusal): Asked | undefined {
  switch (refusal.event) {
    case "origin-failed":
    case "edge-failed":
      return refusal.passing === true ? asked : undefined;
    case "too-large-for-avif":
      return { ...asked, format: asked.readable.webp ? "webp" : undefined, still: true };
    case "original-is-smaller":
      // In a format that the edge has to make: the bytes are larger then, but not the original's.
      return asked.format === "png-force"
        ? undefined
        : { ...asked, format: "png-force", still: true };
    case "wrong-type":
      // An animation too large to be transformed (O8): its first frame then.
      if (refusal.type === "image/gif" && !asked.still) return { ...asked, still: true };
      // The source's own format, which this browser does not read. All read JPEG.
      if (refusal.type === "image/webp" || refusal.type === "image/avif") {
        return { ...asked, format: "jpeg", still: true };
      }
      return undefined;
    default:
      return undefined;
  }
}
