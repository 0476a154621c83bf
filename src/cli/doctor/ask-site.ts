// A visitor, of one kind of browser or another.

import { createHash } from "node:crypto";
import { reasonOf } from "../net/ask-health.ts";
import { fetchBody, isLate } from "../net/body.ts";

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
};

const PATIENCE_S = 60;
/** No print is so large. */
const MOST_BYTES = 100e6;

/**
 * Asks for something. Redirects are not followed.
 * @returns why there is no answer, in words
 */
export async function visit(url: string, init: RequestInit): Promise<Answer | string> {
  let head: Pick<Response, "status" | "headers"> | undefined;
  const take = (answer: Response) => {
    head = answer;
    return MOST_BYTES;
  };
  try {
    const { bytes } = await fetchBody(url, init, PATIENCE_S, take);
    return { status: head?.status ?? 0, headers: head?.headers ?? new Headers(), bytes };
  } catch (error) {
    return isLate(error) ? `none within ${PATIENCE_S} s` : reasonOf(error);
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
