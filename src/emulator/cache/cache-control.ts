// How long a shared cache may use a response: RFC 9111, RFC 5861 and RFC 9213. No I/O. No clock: `now` is passed in.

export type Policy = {
  /** In seconds, from the response on. */
  readonly fresh: number;
  /** In seconds, from the end of its freshness. */
  readonly whileRevalidate: number;
  /** In seconds, from the end of its freshness; Infinity if nothing limits it (W8). */
  readonly ifError: number;
  /** Whether requests with Authorization get the response, too (W9). */
  readonly isForAll: boolean;
  /** `no-store` or `private`: the cache is bypassed (W7). */
  readonly bypasses: boolean;
};

/** W7. The first of these headers that a response has decides alone. */
export const DECIDING = ["cloudflare-cdn-cache-control", "cdn-cache-control", "cache-control"];

/** W7. Seconds by status for responses without an explicit lifetime. */
const DEFAULT_FRESH_S: Readonly<Record<number, number>> = {
  ...{ 200: 7200, 203: 7200, 204: 7200 },
  ...{ 300: 1200, 301: 1200 },
  ...{ 404: 180, 410: 180 },
  ...{ 405: 60, 414: 60, 501: 60 },
};

/** W9. The directives by which also requests with Authorization get the response. */
const FOR_ALL = ["public", "must-revalidate", "s-maxage"];

const DIRECTIVE = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g;

/** The directives by their names in lower case. Of two directives of one name, the first counts (RFC 9111, 4.2.1). */
function readDirectives(text: string): ReadonlyMap<string, string> {
  const all = [...text.matchAll(DIRECTIVE)].map(
    ([, name = "", quoted, bare]) => [name.toLowerCase(), quoted ?? bare ?? ""] as const,
  );
  return new Map(all.reverse());
}

/** A number of seconds. Anything else is 0: what has a malformed time is stale (RFC 9111, 4.2.1). */
function parseSeconds(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : 0;
}

/**
 * Returns how long a response may be used, or undefined if a response of its status is stored only with an
 * explicit lifetime, and it has none (W7).
 * @param now ms since 1970
 */
export function readPolicy(status: number, headers: Headers, now: number): Policy | undefined {
  const name = DECIDING.find((header) => headers.has(header)) ?? "cache-control";
  const directives = readDirectives(headers.get(name) ?? "");
  const bypasses = directives.has("no-store") || directives.has("private");
  if (directives.has("must-understand") && DEFAULT_FRESH_S[status] === undefined) return undefined;
  const expiring = name === "cache-control" ? headers : new Headers(); // else Expires does not count
  const explicitFresh = freshSeconds(directives, expiring, now);
  const fresh = bypasses ? 0 : (explicitFresh ?? DEFAULT_FRESH_S[status]);
  if (fresh === undefined) return undefined;
  const isForAll = FOR_ALL.some((directive) => directives.has(directive));
  return { fresh, ...staleSeconds(directives), isForAll, bypasses };
}

function freshSeconds(directives: ReadonlyMap<string, string>, headers: Headers, now: number) {
  if (directives.has("no-cache")) return 0;
  const maxAge = directives.get("s-maxage") ?? directives.get("max-age");
  if (maxAge !== undefined) return parseSeconds(maxAge);
  const expires = headers.get("expires");
  if (expires === null) return undefined;
  const date = Date.parse(headers.get("date") ?? "");
  const remaining = (Date.parse(expires) - (Number.isNaN(date) ? now : date)) / 1000;
  return Math.max(remaining || 0, 0); // `expires: 0` is no date: NaN
}

/** W8. Without `stale-if-error` there is no end, unless a directive forbids stale responses. */
function staleSeconds(directives: ReadonlyMap<string, string>) {
  const forbids = ["s-maxage", "must-revalidate", "proxy-revalidate"];
  if (forbids.some((name) => directives.has(name))) return { whileRevalidate: 0, ifError: 0 };
  const ifError = directives.has("no-cache") ? "0" : directives.get("stale-if-error");
  return {
    whileRevalidate: parseSeconds(directives.get("stale-while-revalidate") ?? ""),
    ifError: ifError === undefined ? Number.POSITIVE_INFINITY : parseSeconds(ifError),
  };
}
