// Chooses the format for a visitor, by the preset and the Accept header. No I/O.

import { createBoundedCache } from "../base/bounded-cache.ts";
import { LONGEST_HEADER } from "../base/longest-header.ts";
import type { OutputFormat, Variant } from "../config/preset.ts";

/** Which formats besides JPEG and PNG a visitor's browser says that it reads. */
export type Readable = { readonly avif: boolean; readonly webp: boolean };

/** What is known of an original's type. "unknown": the edge was asked for it, and did not tell. */
export type OriginalType = `image/${"jpeg" | "png" | "gif" | "webp" | "avif" | "heic"}` | "unknown";

/** What the edge is asked for. */
export type Asked = {
  readonly variant: Variant;
  /** The formats that may be sent, as far as `auto` needs to know. */
  readonly readable: Readable;
  /** Whether an SVG may be passed on. */
  readonly svg: boolean;
  /** Undefined: the edge is free to keep JPEG or PNG. */
  readonly format: OutputFormat | undefined;
  /** Whether only the first frame is asked for, whatever the preset says. */
  readonly still: boolean;
  /** The original's type (R9). Absent: the edge was not asked for it yet. */
  readonly original?: OriginalType;
  /** The entity tag of the object that the edge described then, if it told one (R4). */
  readonly tag?: string | undefined;
};

// An entry between commas, and a part of it between semicolons. Those in quotes do not count.
const ENTRY = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const PART = /(?:[^;"]|"(?:[^"\\]|\\.)*"?)+/g;
const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** By Accept header: browsers send few different ones. */
const recent = createBoundedCache<Readable>(65_536);

/** A header that is too long counts as none: it is neither read nor remembered. */
export function readableBy(accept: string | null): Readable {
  const key = accept && accept.length <= LONGEST_HEADER ? accept : "";
  const known = recent.get(key);
  if (known !== undefined) return known;
  const readable = readAccept(key);
  recent.set(key, readable);
  return readable;
}

/**
 * Reads an Accept header. A format must be named itself, with q > 0: browsers that read neither AVIF
 * nor WebP send wildcards, too. An invalid q counts as 0. If a type is named twice, a 0 wins.
 */
export function readAccept(accept: string | null): Readable {
  const found: { avif?: boolean; webp?: boolean } = {};
  for (const entry of accept?.match(ENTRY) ?? []) {
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
 * format, or that the route shows SVGs; or that facts are wanted. Visitors with the same word get the
 * same bytes.
 */
export const READS = ["avif.webp", "avif", "webp", "plain", "own", "svg", "facts"] as const;

export type Reads = (typeof READS)[number];

/** Returns whether another visitor may get another format under the same URL. */
export function isNegotiated(reads: Reads): boolean {
  return reads !== "own" && reads !== "svg" && reads !== "facts";
}

/** The word for one visitor: without what makes no difference for this variant (O7, O8). */
export function readsOf(variant: Variant, readable: Readable, svg: boolean): Reads {
  if (svg) return "svg";
  if (variant.format !== "auto") return "own";
  const avif = readable.avif && variant.avif && !variant.image.anim;
  if (avif) return readable.webp ? "avif.webp" : "avif";
  return readable.webp ? "webp" : "plain";
}

/**
 * What to ask the edge for. `auto` is AVIF if the browser reads it and the size allows it (O7), else
 * WebP, else no format. The edge itself caches by option, not by Accept (O6). An animation needs
 * another type than GIF: one that is too large comes back as a GIF, untransformed (O8). Facts are asked
 * for with the options that most visitors cause: others would be billed as well (L2).
 */
export function askedFor(variant: Variant, reads: Reads): Asked {
  const readable = { avif: reads.startsWith("avif"), webp: /webp|facts/.test(reads) };
  const svg = reads === "svg";
  const format = formatFor(variant, readable, svg);
  const moving = variant.image.anim && (format === "webp" || format === "avif");
  return { variant, readable, svg, format, still: !moving };
}

/** What to ask the edge for, for one visitor. */
export function chooseFormat(variant: Variant, readable: Readable, svg: boolean): Asked {
  return askedFor(variant, readsOf(variant, readable, svg));
}

function formatFor(variant: Variant, readable: Readable, svg: boolean): OutputFormat | undefined {
  if (svg) return undefined; // R8
  if (variant.format !== "auto") return variant.format;
  if (readable.avif) return "avif";
  return readable.webp ? "webp" : undefined;
}
