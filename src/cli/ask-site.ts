// A visitor, of one kind of browser or another.

import { createHash } from "node:crypto";

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
};

const PATIENCE_MS = 60_000;

/**
 * Asks for something. Redirects are not followed.
 * @returns why there is no answer, in words
 */
export async function visit(url: string, init: RequestInit): Promise<Answer | string> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const answer = await fetch(url, { ...init, redirect: "manual", signal });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return { status: answer.status, headers: answer.headers, bytes };
  } catch (error) {
    return signal.aborted
      ? "no answer within 60 s"
      : `${error instanceof Error ? (error.cause ?? error) : error}`;
  }
}

/** What browsers of three kinds send. */
export const ACCEPTS = [
  ["AVIF", "image/avif,image/webp,image/*,*/*;q=0.8"],
  ["WebP", "image/webp,image/*,*/*;q=0.8"],
  ["neither", "image/*,*/*;q=0.8"],
] as const;

/** True if both are the same bytes. */
export function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  if (one.length !== other?.length) return false;
  const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  return hash(one) === hash(other);
}
