// Which image formats a visitor accepts, by the Accept header and the variant: a preset such as `card`, or with a
// descriptor `card@2x`. The result is a part of the key in Workers Cache. So it has only a few values, and leaves out
// what makes no difference to the bytes. This runs for every request, and anybody can write the header: its length is
// limited, and it is read in linear time. Pure.

import type { Variant } from "../config/preset.ts";

/** Which formats besides JPEG and PNG a visitor's browser accepts. */
export type BrowserFormats = { readonly avif: boolean; readonly webp: boolean };

/** The browser accepts JPEG and PNG alone. */
export const NEITHER: BrowserFormats = { avif: false, webp: false };

/** No browser sends a longer header: characters. */
const MAX_ACCEPT_LENGTH = 1024;

// The media ranges of a header, between its commas: `image/avif` and ` image/webp;q=0.8`. In quotes, a comma is text.
const MEDIA_RANGES = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;

/** Most media ranges name other types, and are not split. */
const MAY_NAME_FORMAT = /avif|webp/i;

/**
 * Reads an Accept header. A format must be named itself: browsers that read neither AVIF nor WebP send wildcards, too.
 * A header that is too long counts as none.
 */
export function parseAccept(accept: string | null): BrowserFormats {
  if (accept === null || accept.length > MAX_ACCEPT_LENGTH) return NEITHER;

  const mediaRanges = accept.match(MEDIA_RANGES);
  if (mediaRanges === null) return NEITHER;

  const acceptedByType = new Map<string | undefined, boolean>();
  for (const mediaRange of mediaRanges) {
    if (!MAY_NAME_FORMAT.test(mediaRange)) continue;

    // If a type is named twice, a refusal wins, whether it comes first or last.
    const [type, ...parameters] = splitMediaRange(mediaRange);
    const wasRefused = acceptedByType.get(type) === false;
    acceptedByType.set(type, !wasRefused && !isRefused(parameters));
  }

  const avif = acceptedByType.get("image/avif") === true;
  const webp = acceptedByType.get("image/webp") === true;
  return { avif, webp };
}

// The parts of a media range, between its semicolons: `image/webp` and ` q=0.8`. In quotes, a semicolon is text.
const PARTS = /(?:[^;"]|"(?:[^"\\]|\\.)*"?)+/g;

/** Splits a media range into its type and its parameters, in lower case. */
function splitMediaRange(mediaRange: string): string[] {
  const parts = mediaRange.toLowerCase().match(PARTS) ?? [];
  return parts.map((part) => part.trim());
}

/** The parameter q: `q=0.8`, and `q =0.8` with a space that is not allowed. */
const QUALITY = /^q\s*=/;

/** A number from 0 to 1 with at most three decimals (RFC 9110, section 12.4.2): `0`, `0.8` and `1.000`. */
const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** Returns whether the parameters of a media range have a q of 0, or an invalid q, which counts as 0. */
function isRefused(parameters: readonly string[]): boolean {
  const quality = parameters.find((parameter) => QUALITY.test(parameter));
  if (quality === undefined) return false; // without a q, the type is accepted

  // Of `q =0.8`, this leaves `=0.8`, which is invalid.
  const qvalue = quality.slice("q=".length);
  if (!QVALUE.test(qvalue)) return true;
  return Number(qvalue) === 0;
}

/** The best formats that a browser reads, where the Worker chooses by them. "plain": it reads JPEG and PNG alone. */
const NEGOTIATED = ["avif.webp", "avif", "webp", "plain"] as const;

/** What decides the format of a rendition. Visitors with the same value get the same bytes. */
export const ACCEPTED_FORMATS = [
  ...NEGOTIATED,
  // The format that the preset names.
  "own",
  // The route shows SVGs.
  "svg",
  // The request is for the sizes of a picture as JSON, not for its bytes.
  "facts",
] as const;

export type AcceptedFormats = (typeof ACCEPTED_FORMATS)[number];

/**
 * Returns what decides the format for one visitor.
 * @param svg whether the route shows SVGs
 */
export function acceptedFormatsOf(
  variant: Variant,
  browserFormats: BrowserFormats,
  svg: boolean,
): AcceptedFormats {
  if (svg) return "svg";
  if (variant.format !== "auto") return "own";

  const { avif, webp } = browserFormats;
  if (avif && mayBeAvif(variant)) {
    if (webp) return "avif.webp";
    return "avif";
  }

  if (webp) return "webp";
  return "plain";
}

/** Returns whether another visitor may get another format under the same URL. */
export function isNegotiated(formats: AcceptedFormats): boolean {
  return NEGOTIATED.some((negotiated) => negotiated === formats);
}

/** Returns all that `acceptedFormatsOf` can return for a variant on a route without SVGs. */
export function possibleFormats(variant: Variant): readonly AcceptedFormats[] {
  if (variant.format !== "auto") return ["own"];
  if (mayBeAvif(variant)) return NEGOTIATED;
  return ["webp", "plain"];
}

/** Returns whether `auto` may become AVIF: not where a side may be too long for AVIF (O7), and not for animations. */
function mayBeAvif({ avif, image }: Variant): boolean {
  return avif && !image.anim;
}
