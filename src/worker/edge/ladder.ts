// A ladder of retries: which request follows one whose picture is refused, or has too many bytes. The edge (Cloudflare's image
// service) and the Images binding both use it. Its rungs, in their order, each of which is taken once:
// 1. the best format that the browser reads;
// 2. its other formats, which cost nothing;
// 3. a lower quality and one pixel less, the last rung.
// PNG is a rung only for what may be transparent, or where the preset asks for it: a PNG of a photograph has 30 times the
// bytes. Codes such as (O7) are rules of docs/rules.md. Pure.

import { isShortEnoughForAvif, type OutputFormat } from "../config/preset.ts";
import { canRetry, detailsOf, type Refusal } from "../http/refusal.ts";
import { lowerQuality } from "../request/quality.ts";
import {
  hasOwnSidesAlone,
  isOpaqueSource,
  type TransformRequest,
} from "../request/transform-request.ts";
import { typeFor } from "./guard.ts";

/** One request, and what came of it. */
export type Attempt = { readonly request: TransformRequest; readonly outcome: Outcome };

export type Outcome =
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** The picture may be shown, but has more bytes than it should have. */
  | {
      readonly kind: "heavy";
      readonly type: string;
      /** Its bytes; undefined: unknown. */
      readonly length: number | undefined;
    };

/**
 * Returns the request that follows the last attempt.
 * @param attempts what was requested so far, at least one, in order
 * @param maxAttempts how many requests there may be
 * @returns undefined if no other request would help, or may follow
 */
export function nextRequest(
  attempts: readonly Attempt[],
  maxAttempts: number,
): TransformRequest | undefined {
  const last = attempts.at(-1);
  if (!last || attempts.length >= maxAttempts) return undefined;

  const { request, outcome } = last;
  if (outcome.kind === "heavy") return afterHeavy(attempts, request);

  const { refusal } = outcome;
  if (canRetry(refusal)) return afterTransient(attempts, request);

  // `resized`: what the header `cf-resized` says, where that is no success and no failure that is known.
  const { type, resized } = detailsOf(refusal);
  switch (refusal.event) {
    // A side is too long for AVIF (O7). Its length was not known before.
    case "too-large-for-avif":
      return request.format === "avif" ? afterTooLargeForAvif(request) : undefined;

    // The edge has passed the original on (R6).
    case "original-is-smaller":
      return afterOriginal(attempts, request);

    case "not-transformed":
      // The edge may have made these bytes, but they do not prove it. Bytes of another format would.
      if (resized !== undefined) return afterOriginal(attempts, request);

      // An animation that is too large comes back untransformed (O8), and its first frame alone is small enough. If
      // transformations are off, the first frame comes back untransformed, too.
      return request.isStill ? undefined : { ...request, isStill: true };

    case "wrong-type":
      return afterWrongType(request, type);

    default:
      return undefined;
  }
}

/** After a failure that may be over soon, the same request follows once; but not if there is a heavy picture to show. */
function afterTransient(
  attempts: readonly Attempt[],
  request: TransformRequest,
): TransformRequest | undefined {
  const failures = attempts.filter(
    ({ outcome }) => outcome.kind === "refused" && canRetry(outcome.refusal),
  );
  const hasPicture = attempts.some(({ outcome }) => outcome.kind === "heavy");
  const isFirstFailure = failures.length === 1;
  return isFirstFailure && !hasPicture ? request : undefined;
}

/** Requests WebP or JPEG in place of an AVIF that is too large, as the edge itself does (O7). */
function afterTooLargeForAvif(request: TransformRequest): TransformRequest {
  const { variant, accepts, source } = request;
  const still = { ...request, isStill: true };

  // A preset whose own format is AVIF has the same picture for every browser. Each one that reads AVIF reads WebP, too.
  if (accepts.webp || variant.format === "avif") return { ...still, format: "webp" };
  return { ...still, format: isOpaqueSource(source) ? "jpeg" : undefined };
}

/** The bytes are an animation that is too large, or came in the original's format, which this browser may not read. */
function afterWrongType(
  request: TransformRequest,
  type: string | undefined,
): TransformRequest | undefined {
  const { variant, svg, source } = request;
  if (!request.isStill) return { ...request, isStill: true };

  // A route for SVGs requests no format (R8), even if the preset has one.
  if (svg) return { ...request, format: "png" };

  // Not every browser reads these types. Any other type may be no picture at all, but a page.
  const mayBeUnreadable = /gif|webp|avif/.test(type ?? "");
  if (variant.format !== "auto" || !mayBeUnreadable) return undefined;
  return { ...request, format: isOpaqueSource(source) ? "jpeg" : "png" };
}

/** The picture has too many bytes. Another format may have fewer, and the last rung certainly has. */
function afterHeavy(
  attempts: readonly Attempt[],
  request: TransformRequest,
): TransformRequest | undefined {
  const formats = modernFormats(request).filter((format) => !isTried(attempts, format));
  const [format] = formats;
  if (format) return { ...request, format };

  const lightest = lightestOf(attempts);
  if (!lightest) return undefined;

  // No format was requested, and therefore no quality, which would spoil a PNG (O5). A JPEG came, so no pixel is transparent
  // (O6): a JPEG may be requested, with a quality.
  const isChosenJpeg = lightest.request.format === undefined && lightest.type === "image/jpeg";
  if (isChosenJpeg) {
    const asJpeg = { ...lightest.request, format: "jpeg" } as const;
    return isTried(attempts, "jpeg") ? lastRung(attempts, asJpeg) : asJpeg;
  }

  // A PNG is lossless, so it has no quality to lower.
  if (lightest.type === "image/png") return undefined;
  return lastRung(attempts, lightest.request);
}

/**
 * The bytes may be those of the original. A picture of another format proves that it is not the original, and so do the sides
 * of the last rung.
 */
function afterOriginal(
  attempts: readonly Attempt[],
  request: TransformRequest,
): TransformRequest | undefined {
  const { source, variant, accepts } = request;
  const still = { ...request, isStill: true };

  // A JPEG is longer than a WebP of the same quality, so only browsers that do not read WebP get one.
  const candidates: OutputFormat[] = modernFormats(request);
  const canBeJpeg = variant.format === "auto" && !accepts.webp && isOpaqueSource(source);
  if (canBeJpeg) candidates.push("jpeg");
  const format = candidates.find(
    (candidate) => typeFor(candidate) !== source.type && !isTried(attempts, candidate),
  );
  if (format) return { ...still, format };

  const lightest = lightestOf(attempts);
  if (lightest) return lastRung(attempts, lightest.request);
  return lastRung(attempts, still) ?? asPng(attempts, still);
}

/**
 * The last rung is not possible where the sides must stay the same, as those of a picture that is enlarged. Then only a PNG is
 * certainly no original: it is better than no picture.
 */
function asPng(
  attempts: readonly Attempt[],
  request: TransformRequest,
): TransformRequest | undefined {
  const { variant, source } = request;
  const isPossible = variant.format === "auto" && source.type !== "image/png";
  if (!isPossible || isTried(attempts, "png-force")) return undefined;
  return { ...request, format: "png-force" };
}

/**
 * The last rung has a lower quality and one pixel less. So it has fewer bytes, and it cannot be the original, whose sides are
 * other ones. It is billed as one more transformation (L2): it is the same for all formats and browsers, so it is billed once.
 * A PNG gets no quality, with which it would lose colours (O5).
 */
function lastRung(
  attempts: readonly Attempt[],
  request: TransformRequest,
): TransformRequest | undefined {
  const { image, size, format } = request;

  // All rungs but the last one have the options of the first: the very same object.
  const [first] = attempts;
  const isReached = attempts.some((attempt) => attempt.request.image !== first?.request.image);
  if (isReached) return undefined;

  const narrower = withOnePixelLess(image, size);
  const mayBePng = format === undefined || format.startsWith("png");
  const quality = mayBePng ? undefined : lowerQuality(image.quality);
  if (!narrower && quality === undefined) return undefined;

  const lastImage = { ...(narrower ?? image), ...(quality !== undefined && { quality }) };
  return { ...request, image: lastImage };
}

type Image = TransformRequest["image"];

/**
 * @returns undefined if the size of the picture is not known, if the preset may enlarge it, or if it has `trim`, `border` or
 *   `draw`, whose lengths depend on `dpr` and on the sides
 */
function withOnePixelLess(image: Image, size: TransformRequest["size"]): Image | undefined {
  if (!hasOwnSidesAlone(image) || !size || size.width < 2) return undefined;

  const { width: _width, height: _height, dpr: _dpr, ...shape } = image;
  return { ...shape, width: size.width - 1 };
}

/** The formats that this browser reads besides JPEG and PNG, the best first. A preset's own format stays. */
function modernFormats({ variant, accepts, size }: TransformRequest): OutputFormat[] {
  if (variant.format !== "auto") return [];

  // If the size is not known, the sides of the preset decide.
  const isShort = size ? isShortEnoughForAvif(size) : variant.avif;
  const formats: OutputFormat[] = [];
  if (accepts.avif && isShort) formats.push("avif");
  if (accepts.webp) formats.push("webp");
  return formats;
}

function isTried(attempts: readonly Attempt[], format: OutputFormat): boolean {
  return attempts.some(({ request }) => request.format === format);
}

type HeavyPicture = {
  readonly request: TransformRequest;
  readonly type: string;
  readonly length: number | undefined;
};

/** Returns the picture with the fewest bytes so far. One of an unknown length counts as the longest. */
function lightestOf(attempts: readonly Attempt[]): HeavyPicture | undefined {
  let lightest: HeavyPicture | undefined;
  for (const { request, outcome } of attempts) {
    if (outcome.kind !== "heavy") continue;

    const { type, length = Infinity } = outcome;
    const isLighter = length < (lightest?.length ?? Infinity);
    if (!lightest || isLighter) lightest = { request, type, length: outcome.length };
  }
  return lightest;
}
