// Bytes and texts: hexadecimal digits, bounded bodies, and comparisons that tell nothing. Pure, but for reading.

import { type TIMED_OUT, withTimeout } from "./time.ts";

/** Two lower-case digits for each byte. */
export function hex(bytes: ArrayBuffer | Uint8Array): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256 as 64 such digits: tags of caches are compared without regard to case. */
export async function digest(text: string): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
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
  const readOn = async (): Promise<"done" | "too-long"> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "done";
      length += value.byteLength;
      if (length > maxBytes) return "too-long";
      chunks.push(value);
    }
  };
  const end = await withTimeout(deadline - Date.now(), readOn());
  if (end === "done") return concatBytes(chunks);
  reader.cancel().catch(() => {});
  return end;
}

const HMAC = { name: "HMAC", hash: "SHA-256" };

/** Compares two texts in constant time: their HMACs under a random key. */
export async function timingSafeEqual(one: string, other: string): Promise<boolean> {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", random, HMAC, false, ["sign", "verify"]);
  const bytes = (text: string) => new TextEncoder().encode(text);
  const code = await crypto.subtle.sign("HMAC", key, bytes(one));
  return crypto.subtle.verify("HMAC", key, code, bytes(other));
}
