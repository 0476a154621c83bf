// How long a shared cache may use a response: RFC 9111, RFC 5861 and RFC 9213. No I/O. No clock: `now` is passed in.

export type Policy = {
  /** In seconds, from the response on. */
  readonly fresh: number;
  /** In seconds, from the end of its freshness. */
  readonly whileRevalidate: number;
  /** The same; Infinity if nothing limits it (W8). */
  readonly ifError: number;
  /** Whether requests with Authorization get it, too (W9). */
  readonly isForAll: boolean;
  /** `no-store` or `private`: the cache is bypassed (W7). */
  readonly bypasses: boolean;
};

/** W7. The first of these that is there decides alone. */
export const DECIDING = ["cloudflare-cdn-cache-control", "cdn-cache-control", "cache-control"];

/** W7. Seconds by status, where the response does not say how long it is fresh. */
const UNSAID: Readonly<Record<number, number>> = {
  ...{ 200: 7200, 203: 7200, 204: 7200 },
  ...{ 300: 1200, 301: 1200 },
  ...{ 404: 180, 410: 180 },
  ...{ 405: 60, 414: 60, 501: 60 },
};

/** W9. */
const FOR_ALL = ["public", "must-revalidate", "s-maxage"];

const DIRECTIVE = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g;

/** The directives by their names in lower case. Of two of one name, the first counts (RFC 9111, 4.2.1). */
function readDirectives(text: string): ReadonlyMap<string, string> {
  const all = [...text.matchAll(DIRECTIVE)].map(
    ([, name = "", quoted, bare]) => [name.toLowerCase(), quoted ?? bare ?? ""] as const,
  );
  return new Map(all.reverse());
}

/** A number of seconds. Anything else is 0: what has a malformed time is stale (RFC 9111, 4.2.1). */
function seconds(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : 0;
}

/**
 * Returns how long a response may be used, or undefined if a response of its status is kept only where
 * it says for how long, and it does not (W7).
 * @param now ms since 1970
 */
export function readPolicy(status: number, headers: Headers, now: number): Policy | undefined {
  const name = DECIDING.find((one) => headers.has(one)) ?? "cache-control";
  const says = readDirectives(headers.get(name) ?? "");
  const bypasses = says.has("no-store") || says.has("private");
  if (says.has("must-understand") && UNSAID[status] === undefined) return undefined;
  const said = freshFor(says, name === "cache-control" ? headers : new Headers(), now);
  const fresh = bypasses ? 0 : (said ?? UNSAID[status]);
  if (fresh === undefined) return undefined;
  const isForAll = FOR_ALL.some((directive) => says.has(directive));
  return { fresh, ...staleFor(says), isForAll, bypasses };
}

function freshFor(says: ReadonlyMap<string, string>, headers: Headers, now: number) {
  if (says.has("no-cache")) return 0;
  const said = says.get("s-maxage") ?? says.get("max-age");
  if (said !== undefined) return seconds(said);
  const expires = headers.get("expires");
  if (expires === null) return undefined;
  const from = Date.parse(headers.get("date") ?? "");
  const left = (Date.parse(expires) - (Number.isNaN(from) ? now : from)) / 1000;
  return Math.max(left || 0, 0); // `expires: 0` is no date: NaN
}

/** W8. Without `stale-if-error` there is no end, unless a directive forbids stale responses. */
function staleFor(says: ReadonlyMap<string, string>) {
  const forbids = ["s-maxage", "must-revalidate", "proxy-revalidate"];
  if (forbids.some((name) => says.has(name))) return { whileRevalidate: 0, ifError: 0 };
  const ifError = says.has("no-cache") ? "0" : says.get("stale-if-error");
  return {
    whileRevalidate: seconds(says.get("stale-while-revalidate") ?? ""),
    ifError: ifError === undefined ? Number.POSITIVE_INFINITY : seconds(ifError),
  };
}
