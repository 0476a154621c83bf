// Which image formats a visitor accepts, by the Accept header and the variant: a preset such as `card`, or with a
// descriptor `card@2x`. The result is a part of the key in Workers Cache, Cloudflare's cache in front of the Worker. So
// it has only a few values, and leaves out what makes no difference to the bytes. This runs for every request, and
// anybody can write the header: its length is limited, and it is read in linear time. Pure.

import type { Variant } from "../config/preset.ts";

/**
 * Which formats besides JPEG and PNG a visitor's browser accepts. AVIF counts only if WebP is not more welcome: of the two,
 * the one with the higher q is requested.
 */
export type BrowserFormats = { readonly avif: boolean; readonly webp: boolean };

const NEITHER: BrowserFormats = { avif: false, webp: false };

/** No browser sends a longer header: characters. */
const MAX_ACCEPT_LENGTH = 1024;

/** A text in quotes: `"a, b"`, or with an escaped quote in it, `"a \" b"`. The closing quote may be missing. */
const QUOTED_TEXTS = /"(?:[^"\\]|\\.)*"?/g;

/**
 * Reads an Accept header. A format must be named itself: browsers that read neither AVIF nor WebP send wildcards, too.
 * A header that is too long counts as none.
 */
export function parseAccept(accept: string | null): BrowserFormats {
  if (accept === null) return NEITHER;
  if (accept.length > MAX_ACCEPT_LENGTH) return NEITHER;

  // Commas and semicolons in quotes separate nothing.
  const header = accept.toLowerCase().replace(QUOTED_TEXTS, '""');
  const mediaRanges = header.split(",");

  const avif = qualityOf("image/avif", mediaRanges);
  const webp = qualityOf("image/webp", mediaRanges);
  return { avif: avif > 0 && avif >= webp, webp: webp > 0 };
}

/** A type and its parameters, without the semicolons between them. */
const PARTS = /[^;]+/g;

/** The parameter q says how welcome a type is: `q=0.8`. An invalid one is found, too, and then refused: `q =0.8`. */
const QUALITY = /^q\s*=/;

/**
 * A valid q is a number from 0 to 1 with at most three decimals (RFC 9110, section 12.4.2): `q=0`, `q=0.85`, `q=1.000`,
 * and not `q=1.5`, `q=.5` or `q=0.1234`.
 */
const VALID_QUALITY = /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * Returns the q of a type that is named, and nowhere refused. If it is named twice, the lower q counts.
 * @param mediaRanges types with their parameters: `image/avif`, ` image/webp;q=0.8`
 * @returns 0 to 1; 0 if the type is not named, or refused
 */
function qualityOf(type: string, mediaRanges: readonly string[]): number {
  let lowest: number | undefined;

  for (const mediaRange of mediaRanges) {
    // Most media ranges name another type, and need not be split.
    if (!mediaRange.includes(type)) continue;

    const parts = mediaRange.match(PARTS) ?? [];
    const [name, ...parameters] = parts.map((part) => part.trim());
    if (name !== type) continue;

    const quality = readQuality(parameters);
    lowest = Math.min(lowest ?? 1, quality);
  }

  return lowest ?? 0;
}

/** Without a q, a type is accepted as well as can be. An invalid q refuses it. */
function readQuality(parameters: readonly string[]): number {
  const quality = parameters.find((parameter) => QUALITY.test(parameter));
  if (!quality) return 1;
  if (!VALID_QUALITY.test(quality)) return 0;
  return Number(quality.slice("q=".length));
}

/**
 * The best formats that a browser reads, where the Worker chooses the format by the browser. "plain": the browser reads
 * neither AVIF nor WebP.
 */
const NEGOTIATED = ["avif.webp", "avif", "webp", "plain"] as const;

/** What decides the format of the image that a visitor gets. Visitors with the same value get the same bytes. */
export const ACCEPTED_FORMATS = [
  ...NEGOTIATED,
  "own", // the preset names the format
  "svg", // the route shows SVGs
  "facts", // the request is for the sizes of a picture as JSON, not for its bytes: set by the callers of this file
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

/** Returns whether `auto` may become AVIF. Whether a rendition is short enough for it (O7), its original decides. */
function mayBeAvif(variant: Variant): boolean {
  return !variant.image.anim;
}
