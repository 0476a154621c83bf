// Asks the deployed Worker as a visitor does, with one kind of browser or another.

import { createHash } from "node:crypto";
import { fetchBody, isLate, reasonOf } from "../net/body.ts";

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
};

export type NoAnswer = { readonly reason: string };

const PATIENCE_S = 60;
/** No rendition is so large. */
const MOST_BYTES = 100e6;

/** Sends one request, and follows no redirect. */
export async function askSite(url: string, init: RequestInit): Promise<Answer | NoAnswer> {
  let head: Pick<Response, "status" | "headers"> | undefined;
  const take = (answer: Response) => {
    head = answer;
    return MOST_BYTES;
  };
  try {
    const { bytes } = await fetchBody(url, init, PATIENCE_S, take);
    return { status: head?.status ?? 0, headers: head?.headers ?? new Headers(), bytes };
  } catch (error) {
    return { reason: isLate(error) ? `none within ${PATIENCE_S} s` : reasonOf(error) };
  }
}

/** What three kinds of browsers send. */
export const ACCEPTS = [
  ["AVIF", "image/avif,image/webp,image/*,*/*;q=0.8"],
  ["WebP", "image/webp,image/*,*/*;q=0.8"],
  ["neither", "image/*,*/*;q=0.8"],
] as const;

/** Returns whether both are the same bytes. */
export function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  if (one.length !== other?.length) return false;
  const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  return hash(one) === hash(other);
}
