// Step 13 of a request, "guard": only bytes pass that the image edge has made, and never an original. The edge may pass
// an original on, with 200, where transformations are off (R2 in docs/rules.md), where its own result would be larger
// (R6), or where it cannot make the format (O7). So a success is not enough: each answer must prove that the edge
// transformed an image, and that of the object that S3 has. What proves nothing is refused. What the edge says
// of a success is documented nowhere: where it says something else, the bytes themselves may prove the same.

import type { OutputFormat, Variant } from "../config/preset.ts";
import type { ObjectType, Refusal, UpstreamRefusal } from "../http/refusal.ts";
import { nameOf } from "../http/s3-reply.ts";
import type { Reply } from "../http/send.ts";
import { HEADER_BYTES, type OpenedObject } from "../origin/opened-object.ts";
import { isSmaller, uprightSides } from "../origin/sides.ts";
import { sniff } from "../origin/sniff.ts";
import type { BrowserFormats } from "../request/accept.ts";
import type { TransformRequest } from "../request/transform-request.ts";
import { failureFor } from "./codes.ts";

/** The object that the edge is to render, as S3 describes it. */
export type SourceObject = Pick<OpenedObject, "etag" | "lastModified" | "type">;

type EdgeReply = Pick<Reply, "status" | "headers" | "text">;

/**
 * Decides whether the bytes of an answer may go to the visitor, by five checks. The first one that fails refuses them.
 * @param firstBytes those of the answer, if they must prove that the edge has made them
 * @returns the type of the bytes, or why they are refused
 */
export function guard(
  reply: EdgeReply,
  request: TransformRequest,
  object: SourceObject,
  firstBytes?: Uint8Array,
): { readonly type: string } | Refusal {
  // Checks 1 and 2: the edge has transformed an image, and that of this object.
  const isProven = firstBytes && isMadeByEdge(firstBytes, reply.headers, request, object);
  const refusal = checkSuccess(reply, request, object, isProven);
  if (refusal) return refusal;

  const { status, headers } = reply;
  const type = typeOf(headers);

  // Check 3: an SVG is never resized, but made safe (R8), so no warning counts. Only a route for SVGs may show it.
  if (type === "image/svg+xml") {
    if (request.svg) return { type };

    // With overlays, it is not certain that the object itself is the SVG.
    return { event: "source-unreadable", status, type, certain: !hasOverlays(request) };
  }

  // Check 4, a warning: these bytes are the original's, or may be, unless their type proves the contrary.
  const warning = readWarning(headers);
  if (warning && !hasOtherType(headers, object, firstBytes))
    return { event: warning, status, type };

  // Check 5: the bytes are transformed, but perhaps into a type that this visitor cannot use.
  if (!mayYield(request, type)) return { event: "wrong-type", status, type };
  return { type };
}

/** The beginning of `cf-resized` after a success, as in `internal=ok/m q=0 n=317+85`. Any other is a failure (R1). */
const SUCCESS = /^internal=(?:ok|ram)\b/;

/** As much of a result as is logged: an origin may have written it. */
const RESULT = /^[\w=/.:+-]{1,32}/;

/**
 * Returns what `cf-resized` reads where that means no success and no failure. These are not documented in full: on the day on
 * which they change, no picture should be lost that proves itself.
 * @returns its first word; undefined if the header is missing, or known, or the status is no success
 */
export function unknownResult({ status, headers }: EdgeReply): string | undefined {
  const resized = headers.get("cf-resized");
  if (status !== 200 || !resized) return undefined;
  if (SUCCESS.test(resized) || /err/i.test(resized)) return undefined;

  return RESULT.exec(resized)?.[0] ?? "other";
}

/**
 * Makes the first two checks, which are the same for a picture and for its facts.
 * @param isProven whether the answer itself proves that the edge has made it. It counts only where `unknownResult` finds one
 * @returns why the answer is refused; undefined if it passes both
 */
export function checkSuccess(
  reply: EdgeReply,
  request: TransformRequest,
  object: SourceObject,
  isProven = false,
): UpstreamRefusal | undefined {
  const { status, headers } = reply;

  // Check 1. No success: an error of the edge, or the origin's own answer, which may be the whole original (R2).
  const resized = headers.get("cf-resized") ?? "";
  const isSuccess = status === 200 && SUCCESS.test(resized);
  const isUnknown = unknownResult(reply) !== undefined;
  if (!isSuccess && !isUnknown) return readFailure(reply, resized, request);

  // Check 2. A contradiction: the edge names another original than S3 has (R4). Its date alone may differ for another reason.
  const edgeTag = originalEtag(headers);
  const isOtherOriginal = edgeTag && object.etag !== undefined && edgeTag !== object.etag;
  if (isOtherOriginal) {
    return { event: "edge-contradicts", reason: "the edge has another original" };
  }

  // Check 1, where the edge says what nobody knows: the answer itself must prove the success.
  if (isUnknown && !isProven) return readFailure(reply, resized, request);
  return undefined;
}

/**
 * Reads what a failure means. It is `certain` if it is the object itself, and not an overlay, that cannot be read.
 * @param resized the header `cf-resized`
 */
function readFailure(
  reply: EdgeReply,
  resized: string,
  request: TransformRequest,
): UpstreamRefusal {
  const { status, headers, text } = reply;

  // An error has its code in the header, as in `cf-resized: err=9408`, or in the text: `ERROR 9408: …` (R3).
  const match = /\berr=(\d{4})\b/.exec(resized) ?? /^ERROR (\d{4})\b/.exec(text);
  const failure = { ...failureFor(status, match?.[1], text), type: typeOf(headers) };

  switch (failure.event) {
    case "source-unreadable":
      return { ...failure, certain: !hasOverlays(request) };
    case "origin-denied":
    case "object-missing":
      // S3 has just given the object to the Worker.
      return { ...failure, event: "edge-contradicts", reason: "S3 gives the edge no object" };
    case "not-transformed": {
      const result = unknownResult(reply);
      if (result === undefined) return failure;
      return { ...failure, resized: result, reason: "these bytes may be the original's" };
    }
    default:
      return failure;
  }
}

/**
 * Returns whether the first bytes of an answer prove that the edge has made them: their type is one that the original does
 * not have, or they are a smaller picture of the same type. An original that is passed on has its own type and its own sides.
 */
function isMadeByEdge(
  firstBytes: Uint8Array,
  headers: Headers,
  { source }: TransformRequest,
  object: SourceObject,
): boolean {
  // What is said of the bytes must be true, and they must be those of an image.
  const type = sniff(firstBytes);
  if (type === "none" || type === "unknown" || type !== namedType(typeOf(headers))) return false;

  // They are compared with what S3 has now. An original of an earlier time could differ, and not be transformed.
  if (mayNameOtherOriginal(headers, object)) return false;

  if (object.type === "none" || object.type === "unknown") return false;
  if (type !== object.type) return true;

  const sides = uprightSides(type, firstBytes.subarray(0, HEADER_BYTES));
  return sides !== undefined && source.sides !== undefined && isSmaller(sides, source.sides);
}

/** Returns whether an answer has another date than S3's object, or a tag that is not the object's and not the edge's own. */
function mayNameOtherOriginal(headers: Headers, object: SourceObject): boolean {
  const date = headers.get("last-modified");
  if (date && object.lastModified && date !== object.lastModified) return true;

  if (!headers.has("etag") || object.etag === undefined) return false;
  return !namesObject(headers, object.etag);
}

/** Returns whether overlays are drawn. If they are, the edge does not say which of the images it cannot read (O12). */
function hasOverlays({ variant }: TransformRequest): boolean {
  return variant.image.draw !== undefined;
}

/** Returns why the edge may have passed on the original, as it says in `warning: cf-images 299 "original is smaller"`. */
function readWarning(headers: Headers) {
  const text = headers.get("warning") ?? "";
  if (/too large for avif/i.test(text)) return "too-large-for-avif"; // a side is too long (O7)
  if (/original is smaller/i.test(text)) return "original-is-smaller"; // smaller than the rendition would be (R6)
  return undefined;
}

/**
 * Returns whether an answer certainly has another type than its original. What the edge passes on untransformed has the
 * type of the original (R6). So if a PNG comes as WebP, the edge made these bytes, whatever its warning says.
 * The name alone is no proof: an original may be passed on under the content-type that its uploader has chosen.
 */
function hasOtherType(headers: Headers, object: SourceObject, firstBytes?: Uint8Array): boolean {
  // `object` is what S3 has now. Only the same tag proves that the edge has used this object, and no older one.
  const isSameObject = object.etag !== undefined && object.etag === originalEtag(headers);
  if (!isSameObject) return false;

  const type = namedType(typeOf(headers));
  if (type === "unknown" || object.type === "unknown") return false;
  if (firstBytes && sniff(firstBytes) !== type) return false;
  return type !== object.type;
}

/** Types that can be told apart. */
const FORMATS = ["jpeg", "png", "gif", "webp", "avif", "heic"] as const;

/**
 * Returns the type that a name means. How the edge names the type of an original is not known for certain (R9):
 * `image/jpeg`, `JPEG`, `jpg`. A name that is not known is no proof of anything.
 */
export function namedType(name: string): ObjectType {
  const bareName = withoutParameters(name).replace(/^image\//, "");
  if (bareName === "jpg") return "image/jpeg";

  const format = FORMATS.find((candidate) => candidate === bareName);
  return format ? `image/${format}` : "unknown";
}

/**
 * The formats that may come, by the format that was requested. The first one is the requested format itself, and the
 * edge may choose one of the others (R5). GIF is never among them: it may be an animation that was not transformed (O8).
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

/** Returns whether bytes of this type may come for this request, and may go to this visitor. Not for SVG. */
function mayYield(request: TransformRequest, type: string): boolean {
  const { variant, accepts, format: requestedFormat } = request;

  const allowedFormats: readonly string[] = YIELDS[requestedFormat ?? "unspecified"];
  const format = type.replace(/^image\//, "");
  if (!allowedFormats.includes(format)) return false;

  // On a route for SVGs, the format of a preset does not count.
  return request.svg || mayShow(variant, accepts, type);
}

/** The formats that a preset of each format may be shown in. A preset of AVIF is WebP if a side is too long (O7). */
const SHOWN = { ...YIELDS, auto: ["avif", "webp", "jpeg", "png"] } as const satisfies Record<
  Variant["format"],
  readonly string[]
>;

/** Returns whether a visitor may get a rendition of this type. Not for SVG. */
export function mayShow(variant: Variant, accepts: BrowserFormats, type: string): boolean {
  const shownFormats: readonly string[] = SHOWN[variant.format];
  if (!shownFormats.includes(type.replace(/^image\//, ""))) return false;

  // A preset with a fixed format is the same for every browser. With "auto", a browser must have said that it reads the
  // type. Not every browser that reads AVIF has said that it reads WebP.
  if (variant.format !== "auto") return true;
  if (type === "image/avif") return accepts.avif;
  if (type === "image/webp") return accepts.webp;
  return true;
}

/** Returns the content type that a format asks for. */
export function typeFor(format: OutputFormat) {
  return `image/${YIELDS[format][0]}` as const;
}

/** The edge's own tag, as in `"cf12:9f86d081884c7d65"`. Behind the colon stands the tag of the original (R4). */
const EDGE_ETAG = /^(?:W\/)?"cf[^:]*:(.+)"$/;

/**
 * Returns the entity tag of the original that the edge has used, without `W/` and quotes, as those of S3.
 * @returns undefined if the edge does not name it
 */
function originalEtag(headers: Headers): string | undefined {
  const etag = headers.get("etag") ?? "";
  const tag = EDGE_ETAG.exec(etag)?.[1];
  return tag && withoutQuotes(tag);
}

/** Takes `W/` and the quotes off a tag, as they are taken off those of S3 (A17). */
function withoutQuotes(tag: string): string {
  return tag.replace(/^W\/|"/g, "");
}

/** Returns whether an answer has the tag of an object: within the edge's own, or as the origin has sent it. */
function namesObject(headers: Headers, etag: string): boolean {
  const tag = headers.get("etag") ?? "";
  return originalEtag(headers) === etag || withoutQuotes(tag) === etag;
}

/**
 * Returns whether nothing in an answer that passed the guard says that it is of the object which S3 has described. Whoever
 * may replace an object could put another one in its place while the edge fetches it, and then the first one again: its
 * ETag would be right, and the picture wrong. An object without an ETag is known by its date, which does not come back.
 */
export function mayBeOfOtherObject(headers: Headers, object: SourceObject): boolean {
  if (object.etag === undefined) return false;

  const isSameDate = headers.get("last-modified") === object.lastModified;
  return !isSameDate && !namesObject(headers, object.etag);
}

/** Returns the content type of an answer, without parameters, in lower case; "" if the header has no plain name. */
export function typeOf(headers: Headers): string {
  const type = withoutParameters(headers.get("content-type") ?? "");
  return nameOf(type) ?? ""; // the type is logged, and a text that is no plain name might be a secret
}

function withoutParameters(type: string): string {
  return type.replace(/;.*/s, "").trim().toLowerCase();
}
