// Bytes and texts: hexadecimal digits, hashes, bodies of limited length, and a comparison in constant time.

import { type TIMED_OUT, withTimeout } from "./time.ts";

/** Two lower-case digits for each byte. */
export function toHex(bytes: ArrayBuffer | Uint8Array): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256 as 64 lower-case digits: cache tags are compared without regard to case. */
export async function sha256Hex(text: string): Promise<string> {
  return toHex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * @param deadline ms since 1970
 * @throws if the body breaks off
 */
export async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  deadline: number,
): Promise<Uint8Array<ArrayBuffer> | "too-long" | typeof TIMED_OUT> {
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const readAll = async (): Promise<"done" | "too-long"> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "done";
      length += value.byteLength;
      if (length > maxBytes) return "too-long";
      chunks.push(value);
    }
  };
  const result = await withTimeout(deadline - Date.now(), readAll());
  if (result === "done") return concatBytes(chunks);
  reader.cancel().catch(() => {});
  return result;
}

const HMAC = { name: "HMAC", hash: "SHA-256" };

/** Compares two texts by their HMACs under a random key: the time it takes depends on neither text. */
export async function timingSafeEqual(a: string, b: string): Promise<boolean> {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", random, HMAC, false, ["sign", "verify"]);
  const bytes = (text: string) => new TextEncoder().encode(text);
  const code = await crypto.subtle.sign("HMAC", key, bytes(a));
  return crypto.subtle.verify("HMAC", key, code, bytes(b));
}
