// Asks the deployed Worker as a visitor does, with one kind of browser or another.

import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { type Body, fetchBody, isLate, reasonOf } from "../http/body.ts";

/** An image to ask for. */
export type Visit = {
  readonly route: BoundRoute;
  /** The variant, as in the URL. */
  readonly name: string;
  readonly variant: Variant;
  readonly base: string;
  readonly path: string;
  /** The object's part of the path, encoded. */
  readonly key: string;
  readonly query: string;
  /** Undefined if it cannot be read from here. */
  readonly original: Uint8Array | undefined;
};

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
