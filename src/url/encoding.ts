// The encodings of public URLs and of what they hold: percent-encoding of paths and keys, UTF-8 and base64url. Pure.
// Each path has one spelling: the Worker refuses a signed URL whose path is encoded in another way.

/**
 * Percent-decodes the path of a public URL once, and strictly: each path has only one meaning.
 * @returns undefined if a `%` is not part of an escape, or if the bytes are not UTF-8
 * @example
 * decodePath("/images/card/a%20b.jpg"); // "/images/card/a b.jpg"
 * decodePath("/100%"); // undefined
 */
export function decodePath(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}

/**
 * Encodes a key for the path of a request to S3: UTF-8, percent-encoded once, except for `A–Z a–z 0–9 - . _ ~` and
 * `/` (A2). No URL parser and no signer changes a byte of the result.
 * @example
 * encodeKey("a b/fig (1).jpg"); // "a%20b/fig%20%281%29.jpg"
 */
export function encodeKey(key: string): string {
  // S3 signs a slash as it is, and `!'()*` percent-encoded. encodeURIComponent encodes the slash, and not these five.
  const encoded = encodeURIComponent(key).replace(/%2F/g, "/");
  return encoded.replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Encodes a public path: like a key, but `@` stays. A signed URL must have exactly this spelling.
 * @example
 * encodePath("/images/card@2x/a b.jpg"); // "/images/card@2x/a%20b.jpg"
 */
export function encodePath(path: string): string {
  return encodeKey(path).replace(/%40/g, "@");
}

// Marked as pure, so that bundlers leave it out of an app that signs nothing.
const encoder = /* @__PURE__ */ new TextEncoder();

/** Returns the bytes of a text as UTF-8. */
export function utf8(text: string) {
  return encoder.encode(text);
}

/** Returns bytes as base64url without padding. For a few kB at most: each byte is an argument of one call. */
export function encodeBase64url(bytes: ArrayBuffer | Uint8Array): string {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Returns the bytes of base64, or of base64url, with or without padding.
 * @throws DOMException if a character is not of base64 or base64url, or the length is one that base64 cannot have
 */
export function decodeBase64(base64: string) {
  const text = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
