// The guard: of all that the image edge answers, it lets only those bytes pass that the edge has made, and never an
// original. The edge may pass an original on, with 200, where transformations are off (R2), where its own result would
// be larger (R6), or where it cannot make the format (O7). So a success is not enough: each answer must prove that the
// edge transformed the image, and of the same object that S3 has. What proves nothing is refused.

import type { OutputFormat, Variant } from "../config/preset.ts";
import type { ObjectType, Refusal, UpstreamRefusal } from "../http/refusal.ts";
import { nameOf } from "../http/s3-reply.ts";
import type { Reply } from "../http/send.ts";
import type { OpenedObject } from "../origin/open-object.ts";
import type { TransformRequest } from "../request/transform-request.ts";
import { failureFor } from "./codes.ts";

/** The object that the edge is to render, as S3 describes it. */
export type SourceObject = Pick<OpenedObject, "etag" | "lastModified" | "type">;

type EdgeReply = Pick<Reply, "status" | "headers" | "text">;

/** The type of bytes that may go to the visitor. */
type PassedImage = { readonly type: string };

/**
 * Decides whether the bytes of an answer may go to the visitor. The order of the steps is the order of the causes: an
 * answer that fails in several of them is refused by the first one.
 */
export function guard(
  reply: EdgeReply,
  request: TransformRequest,
  object: SourceObject,
): PassedImage | Refusal {
  const { status, headers } = reply;
  const type = typeOf(headers);
  const judgement = judge(reply, originalType(headers, object));

  // 1. No success: an error of the edge, or the origin's own answer, which may be the whole original (R2).
  if (judgement.kind === "failed") return readFailure(reply, request);

  // 2. A contradiction: the edge has used another original than S3 has.
  const contradiction = contradictionIn(headers, object);
  if (contradiction) return contradiction;

  // 3. A warning: these bytes are the original's, or may be.
  if (judgement.kind !== "transformed") return { event: judgement.warning, status, type };

  // 4. An SVG: the edge has made it safe (R8), but only a route for SVGs may show it.
  if (type === "image/svg+xml") {
    if (request.svg) return { type };
    return { event: "source-unreadable", status, type, certain: !hasOverlays(request.variant) };
  }

  // 5. Transformed, but perhaps into a type that this visitor cannot use.
  if (!mayYield(request, type)) return { event: "wrong-type", status, type };
  return { type };
}

/**
 * Returns the type of the original that the edge has used. S3 describes only the object that it has now: that is no
 * proof of what the edge has cached, unless the edge names the same original by its tag.
 */
function originalType(headers: Headers, object: SourceObject): ObjectType {
  const isSame = object.etag !== undefined && object.etag === originalEtag(headers);
  return isSame ? object.type : "unknown";
}

/** What an answer proves about its bytes. */
type Judgement =
  /** The edge made them. */
  | { readonly kind: "transformed" }
  /** The edge says that it passed on the original, and why. */
  | { readonly kind: "original"; readonly warning: Warning }
  /** Nobody can tell. Unknown is not proof: such bytes may be the original's, and are never passed on. */
  | { readonly kind: "unknown"; readonly warning: Warning }
  /** The answer is an error, or the edge did not try to transform the image. */
  | { readonly kind: "failed" };

/** Why the edge may have passed on the original: a side is too long for AVIF (O7), or the original is smaller (R6). */
type Warning = "too-large-for-avif" | "original-is-smaller";

/**
 * Judges whether the edge transformed the image of an answer.
 * @param original the type of the object that the answer is made of, if that is certain
 */
export function judge(
  reply: Pick<Reply, "status" | "headers">,
  original: ObjectType = "unknown",
): Judgement {
  if (!isMarkedAsTransformed(reply)) return { kind: "failed" };

  const type = typeOf(reply.headers);
  const warning = readWarning(reply.headers);
  // The edge never resizes an SVG: it makes it safe (R8). So no warning counts for an SVG.
  if (!warning || type === "image/svg+xml") return { kind: "transformed" };

  // What the edge passes on untransformed has the type of the original (R6). If the types are known, and differ, the
  // edge made these bytes in spite of its warning.
  const replyType = namedType(type);
  if (original === "unknown" || replyType === "unknown") return { kind: "unknown", warning };
  if (original === replyType) return { kind: "original", warning };
  return { kind: "transformed" };
}

/** The beginning of `cf-resized` after a success, as in `internal=ok/m q=0 n=317+85`. Any other is a failure (R1). */
const SUCCESS = /^internal=(?:ok|ram)\b/;

/** Returns whether the edge says that it transformed the image. Without the header, the full original comes (R2). */
function isMarkedAsTransformed(reply: Pick<Reply, "status" | "headers">): boolean {
  if (reply.status !== 200) return false;
  return SUCCESS.test(reply.headers.get("cf-resized") ?? "");
}

/** Reads the warning after which the bytes are the original's, or may be: `cf-images 299 "original is smaller"`. */
function readWarning(headers: Headers): Warning | undefined {
  const text = headers.get("warning") ?? "";
  if (/too large for avif/i.test(text)) return "too-large-for-avif";
  if (/original is smaller/i.test(text)) return "original-is-smaller";
  return undefined;
}

/** Types that can be told apart. If the original has one type and the answer another, the edge made the answer. */
const FORMATS = ["jpeg", "png", "gif", "webp", "avif", "heic"] as const;

/**
 * Returns the type that a name means. How the edge names the type of an original is not known for certain (R9):
 * `image/jpeg`, `JPEG`, `jpg`. A name that is not known is no proof of anything.
 */
export function namedType(name: string): ObjectType {
  const bareName = withoutParameters(name).replace(/^image\//, "");
  if (bareName === "jpg") return "image/jpeg";

  for (const format of FORMATS) {
    if (format === bareName) return `image/${format}`;
  }
  return "unknown";
}

/** Reads what an answer means that the edge did not make, and whether the failure is certainly one of the object. */
export function readFailure(
  reply: EdgeReply,
  request: Pick<TransformRequest, "variant">,
): UpstreamRefusal {
  const { status, headers, text } = reply;
  const edgeCode = readEdgeCode(headers, text);
  const failure = { ...failureFor(status, edgeCode, text), type: typeOf(headers) };

  switch (failure.event) {
    case "source-unreadable":
      return { ...failure, certain: !hasOverlays(request.variant) };
    case "origin-denied":
    case "object-missing":
      // S3 has just given the object to the Worker.
      return { ...failure, event: "edge-contradicts", reason: "S3 gives the edge no object" };
    default:
      return failure;
  }
}

/** Reads the code of an error: from the header `cf-resized: err=9408`, or from the text `ERROR 9408: …` (R3). */
function readEdgeCode(headers: Headers, text: string): string | undefined {
  const resized = headers.get("cf-resized") ?? "";
  const match = /\berr=(?<code>\d{4})\b/.exec(resized) ?? /^ERROR (?<code>\d{4})\b/.exec(text);
  return match?.groups?.["code"];
}

/**
 * Refuses an answer that the edge made of another original. Both its tag and its date must differ from S3's (R4): a
 * difference in one of them alone may have another reason.
 */
export function contradictionIn(
  headers: Headers,
  object: Pick<SourceObject, "etag" | "lastModified">,
): UpstreamRefusal | undefined {
  if (!namesOtherOriginal(headers, object.etag)) return undefined;

  const date = headers.get("last-modified");
  if (!date || !object.lastModified || date === object.lastModified) return undefined;
  return { event: "edge-contradicts", reason: "the edge has another original" };
}

/**
 * The formats that may come, by the format that was requested. The first one is the requested format itself. The edge
 * may choose another type (R5). GIF is never among them: an animation that was not transformed (O8) would look the
 * same.
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
  // A preset with a format of its own shows it to all browsers. With "auto", the browser must read WebP.
  if (type === "image/webp" && variant.format === "auto" && !accepts.webp) return false;

  const allowedFormats = YIELDS[format ?? "unspecified"];
  return allowedFormats.some((allowed) => type === `image/${allowed}`);
}

/** Returns whether this is the requested type itself, and not a type in its place. */
export function isRequestedType(request: TransformRequest, type: string): boolean {
  const { format } = request;
  if (format === undefined) return mayYield(request, type);
  return type === typeFor(format);
}

/** Returns the content type that a format asks for. */
export function typeFor(format: OutputFormat) {
  return `image/${YIELDS[format][0]}` as const;
}

/** Returns whether a variant draws overlays. The edge then does not say which of its images it cannot read (O12). */
function hasOverlays(variant: Variant): boolean {
  return variant.image.draw !== undefined;
}

/** The edge's own tag, as in `"cf12:9f86d081884c7d65"`. Behind the colon stands the tag of the original (R4). */
const EDGE_ETAG = /^(?:W\/)?"cf[^:]*:(?<original>.+)"$/;

/** Returns the entity tag of the original that the edge has used; undefined if the edge does not name it. */
function originalEtag(headers: Headers): string | undefined {
  const match = EDGE_ETAG.exec(headers.get("etag") ?? "");
  return match?.groups?.["original"];
}

/** Returns whether the edge's tag names another original than S3 does. A replaced object may have the same date. */
export function namesOtherOriginal(headers: Headers, etag: string | undefined): boolean {
  const edgeTag = originalEtag(headers);
  if (edgeTag === undefined || etag === undefined) return false;
  return edgeTag !== etag;
}

/** Returns the content type of an answer, without parameters, in lower case; "" if the header has none. */
export function typeOf(headers: Headers): string {
  const type = withoutParameters(headers.get("content-type") ?? "");
  return nameOf(type) ?? ""; // a text that is no plain name is not logged
}

function withoutParameters(type: string): string {
  return type.replace(/;.*/s, "").trim().toLowerCase();
}
