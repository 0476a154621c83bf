import { createRecent } from "../base/bounded-cache.ts";
import { type Credentials, createSigner, type SignedHeaders } from "./sigv4.ts";

/** What a slot signs with in one period. */
export type Period = {
  readonly date: number;
  readonly sign: (url: string) => Promise<SignedHeaders>;
};

/**
 * How far the date of a signature may lie back: milliseconds. So long one is used again for the same
 * URL, and after that S3 would take it for ten minutes more (A8).
 */
const PERIOD_MS = 300_000;

/**
 * Signatures of late, by URL: one store for all slots, so that what an isolate keeps does not grow with
 * their number. In each of two halves 4 Mi characters, which are about 7,000 signatures.
 */
const recent = createRecent<{ readonly by: Period; readonly headers: SignedHeaders }>(4_194_304);

/**
 * The headers that sign a request: those of before, where the slot signed the same URL within the period
 * and they are still kept.
 * @param url of the slot's bucket
 * @param now milliseconds since 1970
 */
export function signWith(
  slot: { readonly credentials: Credentials; signing?: Period },
  url: string,
  region: string,
  now: number,
): SignedHeaders | Promise<SignedHeaders> {
  const date = now - (now % PERIOD_MS);
  if (slot.signing?.date !== date) {
    const sign = createSigner(new URL(url).origin, region, slot.credentials, date);
    slot.signing = { date, sign };
  }
  const { signing } = slot;
  const known = recent.get(url);
  if (known?.by === signing) return known.headers;
  return signing.sign(url).then((headers) => {
    recent.set(url, { by: signing, headers });
    return headers;
  });
}
