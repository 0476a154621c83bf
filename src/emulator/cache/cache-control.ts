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

/** The first of these headers that a response has decides alone (W7). */
export const DECIDING = ["cloudflare-cdn-cache-control", "cdn-cache-control", "cache-control"];

/** Seconds by status, for responses without an explicit lifetime (W7). */
const DEFAULT_FRESH_S: Readonly<Record<number, number>> = {
  200: 7200,
  203: 7200,
  204: 7200,
  300: 1200,
  301: 1200,
  404: 180,
  405: 60,
  410: 180,
  414: 60,
  501: 60,
};

/** The directives by which requests with Authorization get the response, too (W9). */
const FOR_ALL = ["public", "must-revalidate", "s-maxage"];

/** The directives that forbid stale responses (W8). */
const NEVER_STALE = ["s-maxage", "must-revalidate", "proxy-revalidate"];

type Directives = ReadonlyMap<string, string>;

/**
 * Returns how long a response may be used, or undefined if a response of its status is stored only with an
 * explicit lifetime, and it has none (W7).
 * @param now ms since 1970
 */
export function readPolicy(status: number, headers: Headers, now: number): Policy | undefined {
  const header = DECIDING.find((name) => headers.has(name)) ?? "cache-control";
  const directives = readDirectives(headers.get(header) ?? "");
  const isUnderstood = DEFAULT_FRESH_S[status] !== undefined;
  if (directives.has("must-understand") && !isUnderstood) return undefined;

  const isForAll = FOR_ALL.some((name) => directives.has(name));
  const stale = staleSeconds(directives);

  const bypasses = directives.has("no-store") || directives.has("private");
  if (bypasses) return { fresh: 0, ...stale, isForAll, bypasses };

  // Beside a header for CDNs alone, Expires does not count.
  const expiring = header === "cache-control" ? headers : new Headers();
  const fresh = explicitFreshSeconds(directives, expiring, now) ?? DEFAULT_FRESH_S[status];
  if (fresh === undefined) return undefined;
  return { fresh, ...stale, isForAll, bypasses };
}

/** A directive: a name, and perhaps a value in quotes or without. */
const DIRECTIVE =
  /(?<name>[\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<bare>[^\s,"]*)))?/g;

/** The directives by their names in lower case. Of two directives of one name, the first counts (RFC 9111, 4.2.1). */
function readDirectives(text: string): Directives {
  const directives = new Map<string, string>();

  for (const match of text.matchAll(DIRECTIVE)) {
    const { name = "", quoted, bare = "" } = match.groups ?? {};
    const key = name.toLowerCase();
    if (!directives.has(key)) directives.set(key, quoted ?? bare);
  }

  return directives;
}

/** The lifetime that a response names, or undefined if it names none. */
function explicitFreshSeconds(
  directives: Directives,
  headers: Headers,
  now: number,
): number | undefined {
  if (directives.has("no-cache")) return 0;

  const maxAge = directives.get("s-maxage") ?? directives.get("max-age");
  if (maxAge !== undefined) return parseSeconds(maxAge);

  const expires = headers.get("expires");
  if (expires === null) return undefined;

  const expiryTime = Date.parse(expires);
  if (Number.isNaN(expiryTime)) return 0; // `expires: 0` is no date: it has expired

  const date = Date.parse(headers.get("date") ?? "");
  const generatedAt = Number.isNaN(date) ? now : date;
  return Math.max((expiryTime - generatedAt) / 1000, 0);
}

/** For how long a response may be used after its freshness. Without `stale-if-error` there is no limit for errors (W8). */
function staleSeconds(directives: Directives): Pick<Policy, "whileRevalidate" | "ifError"> {
  if (NEVER_STALE.some((name) => directives.has(name))) return { whileRevalidate: 0, ifError: 0 };

  const whileRevalidate = parseSeconds(directives.get("stale-while-revalidate") ?? "");
  if (directives.has("no-cache")) return { whileRevalidate, ifError: 0 };

  const ifError = directives.get("stale-if-error");
  if (ifError === undefined) return { whileRevalidate, ifError: Number.POSITIVE_INFINITY };
  return { whileRevalidate, ifError: parseSeconds(ifError) };
}

/** A number of seconds. Anything else is 0: what has a malformed time is stale (RFC 9111, 4.2.1). */
function parseSeconds(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : 0;
}
