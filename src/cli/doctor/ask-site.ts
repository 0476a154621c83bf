// Asks the deployed Worker as a visitor does, with one kind of browser or another.

import { type Body, fetchBody, isLate, reasonOf } from "../net/body.ts";

export type NoAnswer = { readonly reason: string };

const PATIENCE_S = 60;
/** No rendition is so large. */
const MOST_BYTES = 100e6;

/** Sends one request, and follows no redirect. */
export async function askSite(url: string, init: RequestInit): Promise<Body | NoAnswer> {
  try {
    return await fetchBody(url, init, PATIENCE_S, () => MOST_BYTES);
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

export function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}
