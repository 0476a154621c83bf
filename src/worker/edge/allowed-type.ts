// Which image types may come back for the format that was asked for. Pure.

import type { OutputFormat } from "../config/preset.ts";
import type { TransformRequest } from "../request/format.ts";

/**
 * By the format asked for: the edge may choose another (R5). Never GIF: an animation that was not
 * transformed (O8) would look the same.
 */
const YIELDS = {
  avif: ["avif", "webp", "jpeg", "png"],
  webp: ["webp", "jpeg", "png"],
  jpeg: ["jpeg"],
  "baseline-jpeg": ["jpeg"],
  png: ["png", "jpeg"],
  "png-force": ["png"],
  none: ["jpeg", "png"],
} as const satisfies Record<OutputFormat | "none", readonly string[]>;

/** Returns whether bytes of this type may go to this visitor. Not for SVG. */
export function mayYield(request: TransformRequest, type: string): boolean {
  const { variant, readable, format } = request;
  if (type === "image/webp" && variant.format === "auto" && !readable.webp) return false;
  return YIELDS[format ?? "none"].some((allowed) => type === `image/${allowed}`);
}
