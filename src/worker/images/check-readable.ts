// Whether the Images binding reads an object. Pure.

import type { Refusal } from "../base/refusal.ts";
import type { OpenedObject } from "../origin/open-object.ts";

/** The longest object that the binding takes (B1): bytes. */
const MAX_BYTES = 20_000_000;

/** @returns why it does not. The edge may */
export function checkReadable({
  type,
  length,
}: Pick<OpenedObject, "type" | "length">): Refusal | undefined {
  const reason =
    type === "unknown" || type === "none"
      ? "its first bytes are of no image that the Images binding reads"
      : length === undefined
        ? "S3 does not say how long it is"
        : length > MAX_BYTES
          ? `it has ${length} bytes, and 20,000,000 are the most`
          : undefined;
  if (reason === undefined) return undefined;
  return { event: "source-unreadable", reason, certain: true, elsewhere: type !== "none" };
}
