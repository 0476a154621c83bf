// The one judgement of whether the edge made the bytes that it answers. Pure.

import type { Reply } from "../base/send.ts";

export type Judgement = {
  /** "unknown" is not proof: such bytes may be the original's, and are never passed on. */
  readonly result: "made" | "not-made" | "unknown";
  /** The edge's warning, where the doubt comes from it (O7, R6). */
  readonly warning?: "too-large-for-avif" | "original-is-smaller";
};

/**
 * Judges whether the edge transformed the image of an answer.
 * @param original the original's type, where the edge was asked for it (R9). What the edge passes on
 *   untransformed is of this type (R6). If the types differ, the edge did transform the image.
 */
export function judge(
  { status, headers }: Pick<Reply, "status" | "headers">,
  original?: string,
): Judgement {
  // Any other beginning is a failure (R1). Without the header, the full original comes with 200 (R2).
  const isMarked = status === 200 && /^internal=(?:ok|ram)\b/.test(headers.get("cf-resized") ?? "");
  if (!isMarked) return { result: "not-made" };
  const type = typeOf(headers);
  const warning = warningIn(headers.get("warning") ?? "");
  // The edge never resizes an SVG: it makes it safe (R8).
  if (!warning || type === "image/svg+xml") return { result: "made" };
  if (original === undefined) return { result: "unknown", warning };
  return original === type ? { result: "not-made", warning } : { result: "made" };
}

/** The warning after which the bytes are the original's, or may be. */
function warningIn(text: string): Judgement["warning"] {
  if (/too large for avif/i.test(text)) return "too-large-for-avif";
  return /original is smaller/i.test(text) ? "original-is-smaller" : undefined;
}

/** The content type of an answer, without parameters, in lower case. */
export function typeOf(headers: Headers): string {
  return (headers.get("content-type") ?? "").replace(/;.*/s, "").trim().toLowerCase();
}
