// Which formats a visitor accepts, by the Accept header and the preset. Pure.

import type { Variant } from "../config/preset.ts";

/** Which formats besides JPEG and PNG a visitor's browser accepts. */
export type BrowserFormats = { readonly avif: boolean; readonly webp: boolean };

// An entry between commas, and a part of it between semicolons. Commas and semicolons in quotes do not count.
const ENTRY = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const PART = /(?:[^;"]|"(?:[^"\\]|\\.)*"?)+/g;
/** No browser sends a longer header: characters. */
const MAX_ACCEPT_LENGTH = 1024;
const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * Reads an Accept header. A format must be named itself, with q > 0: browsers that read neither AVIF
 * nor WebP send wildcards, too. An invalid q counts as 0. If a type is named twice, a 0 wins. A header that
 * is too long counts as none.
 */
export function parseAccept(accept: string | null): BrowserFormats {
  const formats: { avif?: boolean; webp?: boolean } = {};
  if (accept && accept.length > MAX_ACCEPT_LENGTH) return parseAccept(null);
  for (const entry of accept?.match(ENTRY) ?? []) {
    if (!/avif|webp/i.test(entry)) continue; // most entries
    const [type, ...parameters] = (entry.match(PART) ?? []).map((part) =>
      part.trim().toLowerCase(),
    );
    const format = (["avif", "webp"] as const).find((name) => type === `image/${name}`);
    if (!format) continue;
    const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.slice(2) ?? "1";
    formats[format] = formats[format] !== false && QVALUE.test(quality) && Number(quality) > 0;
  }
  return { avif: formats.avif === true, webp: formats.webp === true };
}

/** The best formats that a browser reads. */
const NEGOTIATED = ["avif.webp", "avif", "webp", "plain"] as const;

/**
 * What decides the format of a variant: the best formats that the browser reads, the preset's `own`
 * format, that the route shows SVGs, or that the request is for facts. Visitors with the same value get the
 * same bytes.
 */
export const ACCEPTED_FORMATS = [...NEGOTIATED, "own", "svg", "facts"] as const;

export type AcceptedFormats = (typeof ACCEPTED_FORMATS)[number];

/** The formats of one visitor, without what makes no difference for this variant (O7, O8). */
export function acceptedFormatsOf(
  variant: Variant,
  readable: BrowserFormats,
  svg: boolean,
): AcceptedFormats {
  if (svg) return "svg";
  if (variant.format !== "auto") return "own";
  if (readable.avif && mayBeAvif(variant)) return readable.webp ? "avif.webp" : "avif";
  return readable.webp ? "webp" : "plain";
}

/** Returns whether another visitor may get another format under the same URL. */
export function isNegotiated(formats: AcceptedFormats): boolean {
  return NEGOTIATED.some((negotiated) => negotiated === formats);
}

/** What `acceptedFormatsOf` can return for a variant on a route without SVGs. */
export function possibleFormats(variant: Variant): readonly AcceptedFormats[] {
  if (variant.format !== "auto") return ["own"];
  return NEGOTIATED.filter((one) => mayBeAvif(variant) || !one.startsWith("avif"));
}

function mayBeAvif({ avif, image }: Variant): boolean {
  return avif && !image.anim;
}
