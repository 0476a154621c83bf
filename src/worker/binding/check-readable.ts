// Checks whether the Images binding can read an object, before a rendering: the picture's own object, or an overlay.
// Its first bytes must show an image, and it must not be too long. The edge has other limits. Pure.

import type { Refusal } from "../http/refusal.ts";
import type { OpenedObject } from "../origin/opened-object.ts";

/** The longest object that the binding takes (B1): bytes. */
export const MAX_BINDING_BYTES = 20_000_000;

/** @returns why the binding cannot read an object; undefined if it can */
export function checkReadable({ type, length }: OpenedObject): Refusal | undefined {
  if (type === "unknown" || type === "none") {
    return unreadable("its first bytes are of no image that the Images binding reads");
  }
  if (length === undefined) return unreadable("S3 does not say how long it is");
  if (length > MAX_BINDING_BYTES)
    return unreadable(`it has ${length} bytes, and 20,000,000 are the most`);
  return undefined;
}

function unreadable(reason: string): Refusal {
  return { event: "source-unreadable", reason, certain: true };
}
