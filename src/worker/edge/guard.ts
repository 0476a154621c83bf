// Lets only bytes pass that the edge made, and not of another original than S3 has. Everything else is refused.

import type { OutputFormat } from "../config/preset.ts";
import type { ObjectType, Refusal, UpstreamRefusal } from "../http/refusal.ts";
import { nameOf } from "../http/s3-reply.ts";
import type { Reply } from "../http/send.ts";
import type { OpenedObject } from "../origin/open-object.ts";
import type { TransformRequest } from "../request/transform-request.ts";
import { failureFor } from "./codes.ts";

/** The object that the edge is to render, as S3 describes it. */
export type SourceObject = Pick<OpenedObject, "etag" | "lastModified" | "type">;

type EdgeReply = Pick<Reply, "status" | "headers" | "text">;

/**
 * Returns the type of the bytes of an answer, if the edge made them and the variant may yield that type. An error of the
 * edge comes first, then a contradiction of S3's reply, and then a warning that the edge passed on the original.
 */
export function guard(
  reply: EdgeReply,
  request: TransformRequest,
  object: SourceObject,
): { readonly type: string } | Refusal {
  const { status, headers } = reply;
  const type = typeOf(headers);
  // S3's description is no proof of what the edge has, unless the edge names the same original.
  const isSame = object.etag !== undefined && originalEtag(headers) === object.etag;
  const { result, warning } = judge(reply, isSame ? object.type : "unknown");
  if (result === "not-transformed" && !warning) return readFailure(reply, request);
  const contradiction = contradictionIn(headers, object);
  if (contradiction) return contradiction;
  if (result !== "transformed") return { event: warning ?? "not-transformed", status, type };
  if (type !== "image/svg+xml") {
    return mayYield(request, type) ? { type } : { event: "wrong-type", status, type };
  }
  if (request.svg) return { type };
  return { event: "source-unreadable", status, type, certain: isOfObject(request) };
}

type Judgement = {
  /** "unknown" is not proof: such bytes may be the original's, and are never passed on. */
  readonly result: "transformed" | "not-transformed" | "unknown";
  /** The edge's warning, if the result is not "transformed" because of it (O7, R6). */
  readonly warning?: "too-large-for-avif" | "original-is-smaller";
};

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

/** Types that can be told apart. If the original has one type and the answer another, the edge made the answer. */
const FORMATS = ["jpeg", "png", "gif", "webp", "avif", "heic"] as const;

/**
 * The type that a name means. How the edge names the type of an original is not known for certain (R9):
 * `image/jpeg`, `JPEG`, `jpg`. A name that is not known is no proof of anything.
 */
export function namedType(name: string): ObjectType {
  const bare = withoutParameters(name).replace(/^image\//, "");
  const format = FORMATS.find((type) => type === (bare === "jpg" ? "jpeg" : bare));
  return format ? `image/${format}` : "unknown";
}

/** What an answer means that the edge did not make, and whether the failure is certainly one of the object. */
export function readFailure(
  { status, headers, text }: EdgeReply,
  request: Pick<TransformRequest, "variant">,
): UpstreamRefusal {
  const resized = headers.get("cf-resized") ?? "";
  const code = /\berr=(\d{4})\b/.exec(resized) ?? /^ERROR (\d{4})\b/.exec(text); // R3
  const failure = { ...failureFor(status, code?.[1], text), type: typeOf(headers) };
  const { event } = failure;
  if (event === "source-unreadable") return { ...failure, certain: isOfObject(request) };
  if (event !== "origin-denied" && event !== "object-missing") return failure;
  // S3 has just given the object to the Worker.
  return { ...failure, event: "edge-contradicts", reason: "S3 gives the edge no object" };
}

/** Refuses an answer that the edge made of another original: both its tag and its date must differ from S3's (R4). */
export function contradictionIn(
  headers: Headers,
  { etag, lastModified }: Pick<SourceObject, "etag" | "lastModified">,
): UpstreamRefusal | undefined {
  const date = headers.get("last-modified");
  const isOther = namesOther(headers, etag) && date && lastModified && date !== lastModified;
  return isOther
    ? { event: "edge-contradicts", reason: "the edge has another original" }
    : undefined;
}

/**
 * By the requested format: the edge may choose another type (R5). Never GIF: an animation that was not
 * transformed (O8) would look the same.
 */
const YIELDS = {
  avif: ["avif", "webp", "jpeg", "png"],
  webp: ["webp", "jpeg", "png"],
  jpeg: ["jpeg"],
  "baseline-jpeg": ["jpeg"],
  png: ["png", "jpeg"],
  "png-force": ["png"],
  unspecified: ["jpeg", "png"],
} as const satisfies Record<OutputFormat | "unspecified", readonly string[]>;

/** Returns whether bytes of this type may go to this visitor. Not for SVG. */
export function mayYield(request: TransformRequest, type: string): boolean {
  const { variant, accepts, format } = request;
  if (type === "image/webp" && variant.format === "auto" && !accepts.webp) return false;
  return YIELDS[format ?? "unspecified"].some((allowed) => type === `image/${allowed}`);
}

/** Returns whether this is the requested type itself, and not a type in its place. */
export function isRequestedType(request: TransformRequest, type: string): boolean {
  const { format } = request;
  return format === undefined ? mayYield(request, type) : type === typeFor(format);
}

/** The content type that a format asks for. */
export function typeFor(format: OutputFormat) {
  return `image/${YIELDS[format][0]}` as const;
}

/** Returns whether a failure is one of the object. With overlays, the edge does not say which it means (O12). */
function isOfObject({ variant: { image } }: Pick<TransformRequest, "variant">): boolean {
  return !image.draw;
}

/** The origin's entity tag of the object that an answer is about: a part of the edge's own tag (R4). */
function originalEtag(headers: Headers): string | undefined {
  return /^(?:W\/)?"cf[^:]*:(.+)"$/.exec(headers.get("etag") ?? "")?.[1];
}

/** Returns whether the edge's tag names another original than S3 does. A replaced object may have the same date. */
export function namesOther(headers: Headers, etag: string | undefined): boolean {
  const tag = originalEtag(headers);
  return tag !== undefined && etag !== undefined && tag !== etag;
}

/** The content type of an answer, without parameters, in lower case; "" if the header has none. */
export function typeOf(headers: Headers): string {
  return nameOf(withoutParameters(headers.get("content-type") ?? "")) ?? "";
}

function withoutParameters(type: string): string {
  return type.replace(/;.*/s, "").trim().toLowerCase();
}
