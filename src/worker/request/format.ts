// Chooses the format for a visitor, by the preset and the Accept header. No I/O.

import type { OutputFormat, Variant } from "../config/preset.ts";
import type { ObjectType } from "../http/refusal.ts";

/** Which formats besides JPEG and PNG a visitor's browser says that it reads. */
export type BrowserFormats = { readonly avif: boolean; readonly webp: boolean };

/** A point of the upright picture: how far from its left, and from its top. 0 to 1, in steps of 0.01. */
export type Focus = { readonly x: number; readonly y: number };

/** What an engine is asked for. */
export type TransformRequest = {
  readonly variant: Variant;
  /** The formats that may be sent, as far as `auto` needs to know. */
  readonly accepts: BrowserFormats;
  /** Whether an SVG may be passed on. */
  readonly svg: boolean;
  /** Undefined: the edge is free to keep JPEG or PNG. */
  readonly format: OutputFormat | undefined;
  /** Whether only the first frame is asked for, whatever the preset says. */
  readonly isStill: boolean;
  /** The object's type by its first bytes. */
  readonly original: ObjectType;
  /** The object's focal point, where the variant uses it. */
  readonly focus?: Focus | undefined;
};

// An entry between commas, and a part of it between semicolons. Those in quotes do not count.
const ENTRY = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const PART = /(?:[^;"]|"(?:[^"\\]|\\.)*"?)+/g;
/** No browser sends a longer one: characters. */
const MAX_ACCEPT_LENGTH = 1024;
const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * Reads an Accept header. A format must be named itself, with q > 0: browsers that read neither AVIF
 * nor WebP send wildcards, too. An invalid q counts as 0. If a type is named twice, a 0 wins. A header that
 * is too long counts as none.
 */
export function parseAccept(accept: string | null): BrowserFormats {
  const found: { avif?: boolean; webp?: boolean } = {};
  if (accept && accept.length > MAX_ACCEPT_LENGTH) return parseAccept(null);
  for (const entry of accept?.match(ENTRY) ?? []) {
    if (!/avif|webp/i.test(entry)) continue; // as most of them
    const [type, ...parameters] = (entry.match(PART) ?? []).map((part) =>
      part.trim().toLowerCase(),
    );
    const format = type === "image/avif" ? "avif" : type === "image/webp" ? "webp" : undefined;
    if (!format) continue;
    const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.slice(2) ?? "1";
    found[format] = found[format] !== false && QVALUE.test(quality) && Number(quality) > 0;
  }
  return { avif: found.avif === true, webp: found.webp === true };
}

/**
 * What decides the format of a variant: the best formats that the browser reads, the preset's `own`
 * format, or that the route shows SVGs; or that facts are asked for. Visitors with the same value get the
 * same bytes.
 */
export const ACCEPTED_FORMATS = [
  "avif.webp",
  "avif",
  "webp",
  "plain",
  "own",
  "svg",
  "facts",
] as const;

export type AcceptedFormats = (typeof ACCEPTED_FORMATS)[number];

/** Returns whether another visitor may get another format under the same URL. */
export function isNegotiated(formats: AcceptedFormats): boolean {
  return formats !== "own" && formats !== "svg" && formats !== "facts";
}

/** The formats of one visitor, without what makes no difference for this variant (O7, O8). */
export function acceptedFormatsOf(
  variant: Variant,
  readable: BrowserFormats,
  svg: boolean,
): AcceptedFormats {
  if (svg) return "svg";
  if (variant.format !== "auto") return "own";
  const avif = readable.avif && variant.avif && !variant.image.anim;
  if (avif) return readable.webp ? "avif.webp" : "avif";
  return readable.webp ? "webp" : "plain";
}

/** What `acceptedFormatsOf` can return for a variant, but for SVGs. */
export function possibleFormats({ format, avif, image }: Variant): readonly AcceptedFormats[] {
  if (format !== "auto") return ["own"];
  return avif && !image.anim ? ["avif.webp", "avif", "webp", "plain"] : ["webp", "plain"];
}

/**
 * What to ask the engine for. `auto` is AVIF if the browser reads it and the size allows it (O7), else
 * WebP, else no format. The edge itself caches by option, not by Accept (O6). Only a GIF may move, and needs
 * another type for that: one that is too large comes back as a GIF, untransformed (O8). Facts are asked
 * for with the options that most visitors cause: others would be billed as well (L2).
 */
export function createTransformRequest(
  variant: Variant,
  formats: AcceptedFormats,
  original: ObjectType = "unknown",
): TransformRequest {
  const accepts = { avif: formats.startsWith("avif"), webp: /webp|facts/.test(formats) };
  const svg = formats === "svg";
  const format = formatFor(variant, accepts, svg);
  const mayMove = variant.image.anim && (format === "webp" || format === "avif");
  return {
    variant,
    accepts,
    svg,
    format,
    isStill: !(mayMove && original === "image/gif"),
    original,
  };
}

function formatFor(
  variant: Variant,
  readable: BrowserFormats,
  svg: boolean,
): OutputFormat | undefined {
  if (svg) return undefined; // R8
  if (variant.format !== "auto") return variant.format;
  if (readable.avif) return "avif";
  return readable.webp ? "webp" : undefined;
}

/** Returns whether the output may be a PNG that the preset does not ask for: `quality` would take its colours (O5). */
export function mayBePng({ variant, format, original }: TransformRequest): boolean {
  if (/png/.test(variant.format)) return false;
  if (format !== undefined) return /png/.test(format);
  return original !== "image/jpeg" && original !== "image/heic";
}
