// The one judgement of whether the edge made the bytes that it answers. Pure.

import type { ObjectType } from "../http/refusal.ts";
import type { Reply } from "../http/send.ts";

export type Judgement = {
  /** "unknown" is not proof: such bytes may be the original's, and are never passed on. */
  readonly result: "transformed" | "not-transformed" | "unknown";
  /** The edge's warning, if the result is not "transformed" because of it (O7, R6). */
  readonly warning?: "too-large-for-avif" | "original-is-smaller";
};

/** Types that can be told apart. If the original has one and the answer another, the edge made it. */
const FORMATS = ["jpeg", "png", "gif", "webp", "avif", "heic"] as const;

/**
 * Judges whether the edge transformed the image of an answer.
 * @param original the type of the object that the answer is made of. What the edge passes on untransformed is
 *   of this type (R6). If the types differ, the edge did transform the image.
 */
export function judge(
  { status, headers }: Pick<Reply, "status" | "headers">,
  original: ObjectType = "unknown",
): Judgement {
  // Any other beginning is a failure (R1). Without the header, the full original comes with 200 (R2).
  const isMarked = status === 200 && /^internal=(?:ok|ram)\b/.test(headers.get("cf-resized") ?? "");
  if (!isMarked) return { result: "not-transformed" };
  const type = typeOf(headers);
  const warning = warningIn(headers.get("warning") ?? "");
  // The edge never resizes an SVG: it makes it safe (R8).
  if (!warning || type === "image/svg+xml") return { result: "transformed" };
  const replyType = namedType(type);
  if (original === "unknown" || replyType === "unknown") return { result: "unknown", warning };
  return original === replyType
    ? { result: "not-transformed", warning }
    : { result: "transformed" };
}

/** The warning after which the bytes are the original's, or may be. */
function warningIn(text: string): Judgement["warning"] {
  if (/too large for avif/i.test(text)) return "too-large-for-avif";
  return /original is smaller/i.test(text) ? "original-is-smaller" : undefined;
}

/**
 * The type that a name means. How the edge names the type of an original is not known for certain (R9):
 * `image/jpeg`, `JPEG`, `jpg`. A name that is not known is no proof of anything.
 */
export function namedType(name: string): ObjectType {
  const bare = withoutParameters(name).replace(/^image\//, "");
  const format = FORMATS.find((type) => type === (bare === "jpg" ? "jpeg" : bare));
  return format ? `image/${format}` : "unknown";
}

/** The origin's entity tag of the object that an answer is about: a part of the edge's own tag (R4). */
export function originalEtag(headers: Headers): string | undefined {
  return /^(?:W\/)?"cf[^:]*:(.+)"$/.exec(headers.get("etag") ?? "")?.[1];
}

/** The content type of an answer, without parameters, in lower case. */
export function typeOf(headers: Headers): string {
  return withoutParameters(headers.get("content-type") ?? "");
}

function withoutParameters(type: string): string {
  return type.replace(/;.*/s, "").trim().toLowerCase();
}
