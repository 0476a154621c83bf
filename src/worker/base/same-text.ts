// Compares a secret with what a caller sent.

const HMAC = { name: "HMAC", hash: "SHA-256" };

/** Compares two texts in constant time: their HMACs under a random key. */
export async function isSameText(one: string, other: string): Promise<boolean> {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", random, HMAC, false, ["sign", "verify"]);
  const bytes = (text: string) => new TextEncoder().encode(text);
  const code = await crypto.subtle.sign("HMAC", key, bytes(one));
  return crypto.subtle.verify("HMAC", key, code, bytes(other));
}
