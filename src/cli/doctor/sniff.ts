// Recognizes images by their first bytes.

const LOOKED_AT = 512;

/** Returns the type, whatever the name says; undefined if browsers show no such image. */
export function sniff(bytes: Uint8Array): string | undefined {
  // Not with a TextDecoder: its latin1 is windows-1252.
  const text = Buffer.from(bytes.subarray(0, LOOKED_AT)).toString("latin1");
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (/^GIF8[79]a/.test(text)) return "image/gif";
  if (/^RIFF....WEBP/s.test(text)) return "image/webp";
  if (/^....ftypavi[fs]/s.test(text)) return "image/avif";
  if (/^....ftyp(?:hei|mif|msf|hev)/s.test(text)) return "image/heic";
  return /^\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*|<!doctype svg[^>]*>\s*)*<svg\b/is.test(text)
    ? "image/svg+xml"
    : undefined;
}
