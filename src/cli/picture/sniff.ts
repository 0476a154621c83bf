// Recognizes images by their first bytes.

const LOOKED_AT = 4_096;

/**
 * What may come before the root of an SVG, in this order: a byte order mark, and comments anywhere. A comment
 * has only one end: else many of them could be read in so many ways that it takes for ever.
 */
const SVG =
  /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*|<!doctype svg[^>[]*(?:\[[^\]]*\]\s*)?>\s*)*<svg[\s/>]/is;

/** Returns the type, whatever the name says; undefined if browsers show no such image. */
export function sniff(bytes: Uint8Array): string | undefined {
  // Not with a TextDecoder: its latin1 is windows-1252.
  const text = Buffer.from(bytes.subarray(0, LOOKED_AT)).toString("latin1");
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (/^GIF8[79]a/.test(text)) return "image/gif";
  if (/^RIFF....WEBP/s.test(text)) return "image/webp";
  const brands = brandsIn(text);
  if (brands.some((brand) => /^avi[fs]$/.test(brand))) return "image/avif";
  if (brands.some((brand) => /^(?:hei|mif|msf|hev)/.test(brand))) return "image/heic";
  return SVG.test(text) ? "image/svg+xml" : undefined;
}

/**
 * The brands of the family of AVIF and HEIC: the first one may be common to both. Their list is short. A longer
 * one is text, such as `<!--ftyp`, and sharp would read the SVG behind it.
 */
function brandsIn(text: string): readonly string[] {
  if (text.slice(4, 8) !== "ftyp") return [];
  const end = Buffer.from(text.slice(0, 4), "latin1").readUInt32BE();
  if (end > LOOKED_AT) return [];
  const compatible = text.slice(16, end).match(/..../gs) ?? [];
  return [text.slice(8, 12), ...compatible];
}
