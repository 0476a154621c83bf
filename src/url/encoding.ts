// The encodings of public URLs and of what they hold: percent-encoding of paths and keys, UTF-8 and base64url. Pure.

/**
 * Percent-decodes the path of a public URL once, and strictly: each path has only one meaning.
 * @returns undefined if a `%` is not part of an escape, or if the bytes are not UTF-8
 */
export function decodePath(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}

/**
 * UTF-8, percent-encoded once, except for `A–Z a–z 0–9 - . _ ~` and `/` (A2). No URL parser and no signer
 * changes a byte of the result.
 */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replace(/%2F/g, "/")
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Encodes a public path: like a key, but `@` stays. A signed URL must have exactly this spelling. */
export function encodePath(path: string): string {
  return encodeKey(path).replace(/%40/g, "@");
}

const encoder = /* @__PURE__ */ new TextEncoder(); // an app that signs nothing leaves it out

/** Returns the bytes of a text as UTF-8. */
export function utf8(text: string) {
  return encoder.encode(text);
}

/** Returns bytes as base64 without the characters that a URL changes, and without padding. */
export function encodeBase64url(bytes: ArrayBuffer | Uint8Array): string {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Returns the bytes of base64, or of base64url, whose length is one that base64 can have. */
export function decodeBase64(base64: string) {
  const text = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
