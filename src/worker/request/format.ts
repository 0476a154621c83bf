import { createBoundedCache } from "../base/bounded-cache.ts";
import type { OutputFormat, Variant } from "../config/preset.ts";

/** The formats beyond JPEG and PNG that a visitor's browser says it reads. */
export type Readable = { readonly avif: boolean; readonly webp: boolean };

/** What is asked of the edge for one visitor, and what may come back. */
export type Asked = {
  readonly variant: Variant;
  readonly readable: Readable;
  /** True where an SVG may be passed on. */
  readonly svg: boolean;
  /** Undefined: none is asked, and the edge keeps JPEG or PNG. */
  readonly format: OutputFormat | undefined;
  /** True: the first frame only, whatever the preset says. */
  readonly still: boolean;
  /** The original's type, where the edge was asked for it (R9). */
  readonly original?: string | undefined;
};

// What stands between commas, and within that between semicolons; not those in quotes.
const ENTRY = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const PART = /(?:[^;"]|"(?:[^"\\]|\\.)*"?)+/g;
const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** Browsers send few different ones. */
const recent = createBoundedCache<Readable>(65_536);

/** What an Accept header says, read once while it is remembered. */
export function readableBy(accept: string | null): Readable {
  const key = accept ?? "";
  const known = recent.get(key);
  if (known !== undefined) return known;
  const readable = readAccept(key);
  recent.set(key, readable);
  return readable;
}

/**
 * Reads an Accept header. A format counts as readable only if it is named itself, with q > 0:
 * a wildcard is sent by browsers that read neither AVIF nor WebP. A quality that cannot be read
 * counts as 0, and where a type is named twice, a 0 prevails.
 */
export function readAccept(accept: string | null): Readable {
  const found: { avif?: boolean; webp?: boolean } = {};
  for (const entry of accept?.match(ENTRY) ?? []) {
    const [type, ...parameters] = (entry.match(PART) ?? []).map((part) =>
      part.trim().toLowerCase(),
    );
    const format = type === "image/avif" ? "avif" : type === "image/webp" ? "webp" : undefined;
    if (format === undefined) continue;
    const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.slice(2) ?? "1";
    found[format] = found[format] !== false && QVALUE.test(quality) && Number(quality) > 0;
  }
  return { avif: found.avif === true, webp: found.webp === true };
}

/**
 * Chooses what to ask of the edge. `auto` is settled here, since the edge caches by option and not
 * by Accept (O6): AVIF where it is read and the size allows it (O7), else WebP, else none.
 * Animations are asked for as WebP or not at all: one too large comes back untransformed (O8), and
 * shows by its type only if it was to be another one.
 */
export function chooseFormat(variant: Variant, readable: Readable, svg: boolean): Asked {
  const format = formatFor(variant, readable, svg);
  const moving = variant.image.anim && (format === "webp" || format === "avif");
  return { variant, readable, svg, format, still: !moving };
}

function formatFor(variant: Variant, readable: Readable, svg: boolean): OutputFormat | undefined {
  if (svg) return undefined; // R8
  if (variant.format !== "auto") return variant.format;
  if (readable.avif && variant.avif && !variant.image.anim) return "avif";
  return readable.webp ? "webp" : undefined;
}
