// The `src` of a signed picture, for the loaders of frameworks: the query that signs, then `//`, then the
// key. No key holds `//`, so no key is taken for such a `src`. A signature is a credential: no message
// holds a part of it.

import { fail } from "./site.ts";

/** A query as `createSigner`'s function returns it. It holds no slash. */
const SIGNED_QUERY =
  /^\?exp=[1-9]\d{0,11}&kid=[A-Za-z][\w-]{0,31}(?:&v=[\w.-]{1,64})?&sig=[\w-]{43}$/;

/**
 * Returns the `src` of a signed picture for Nuxt Image and unpic. For next/image, use `nextSrc`. The loader
 * puts the query on each URL, so the page needs no key.
 * @param key the object's key in its bucket, below the bucket's `prefix`
 * @param query the query that `createSigner`'s function returns for this key and the preset of the picture
 * @throws RangeError if `query` is not such a query
 * @example
 * const query = await sign("private/fig.jpg", "hero", { expires: expiresWithin(3600) });
 * signedSrc("private/fig.jpg", query); // "?exp=…&kid=…&sig=…//private/fig.jpg"
 */
export function signedSrc(key: string, query: string): string {
  if (SIGNED_QUERY.test(query)) return `${query}//${key}`;
  return fail("query must be what the function of createSigner returns");
}

/**
 * Returns the key and the query of a loader's `src`. A key alone has no query.
 * @throws RangeError if it holds `//`, but not once and after a query that signs
 */
export function readSrc(src: string): { readonly key: string; readonly query?: string } {
  const [query = "", key, ...more] = src.split("//");
  if (key === undefined) return { key: src };
  if (SIGNED_QUERY.test(query) && more.length === 0) return { key, query };
  return fail("no key holds //, and this src is not what signedSrc or nextSrc returns");
}
