// Answers visitors: an image, or a refusal without a word about the bucket or the reason. No clock: `now` is passed in,
// in ms since 1970.

import type { BoundRoute } from "../config/routes.ts";
import { matchesEtag } from "../http/if-none-match.ts";
import { isCertain, type Refusal } from "../http/refusal.ts";
import { cancelBody, type Rendition } from "../http/send.ts";
import type { CacheState } from "../log/log.ts";
import type { AccessGrant } from "../request/url-signature.ts";

/** For how long a missing object, and a stored rendition in an outage, may be cached: s. */
export const SHORT_S = 60;
const QUOTA_RETRY_S = "3600";
/** The longer of the two periods that Cloudflare's rate limiting has. */
const LIMIT_RETRY_S = "60";
const YEAR = 31_536_000;

/** On every answer: no script runs, no type is guessed, and any page may embed the answer. */
export const PROTECTION = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
} as const;

/** PROTECTION, and the headers of a text. workerd copies Headers in half the time that a record takes. */
const PROTECTED = new Headers(PROTECTION);
const UNCACHED_TEXT = new Headers({
  ...PROTECTION,
  "content-type": "text/plain; charset=utf-8",
  "cache-control": "no-store",
});

/** What applies to every answer to a URL, image or not. */
export type Terms = {
  /** The grant of the URL's signature, or of the cookie. */
  readonly granted?: AccessGrant | undefined;
  /** On a route with `origins`: the headers that say which page may read the answer. */
  readonly cors?: Readonly<Record<string, string>> | undefined;
  /** For how long Workers Cache has had a refusal: s. This counts as part of its max-age. */
  readonly age?: number | undefined;
};

/** How an image is shown. */
export type ImageOptions = {
  /** Whether another visitor may get another format under the same URL. */
  readonly negotiated: boolean;
  /** For how long it may be cached, at most until its URL expires: s. */
  readonly maxAge: number;
  /** Whether it was stored before an outage of S3: it is cached for a minute at most. */
  readonly isOutage?: boolean;
  readonly cache: CacheState;
  /** How long it took to get the image: ms. */
  readonly took: number;
};

/**
 * The answer to a request for an image, with a fresh set of headers: nothing of the edge's or S3's gets out (R7).
 * @param condition the visitor's `If-None-Match`. If it names the image, the answer is 304
 */
export function imageAnswer(
  image: Partial<Rendition> & { readonly etag?: string | undefined },
  condition: string | null,
  options: ImageOptions,
  terms: Terms,
  now: number,
): Response {
  const { body = null, type, length, etag } = image;
  const isUnchanged = etag !== undefined && condition !== null && matchesEtag(condition, etag);
  if (isUnchanged) cancelBody(body);
  const status = isUnchanged ? 304 : 200;
  const answer = new Response(isUnchanged ? null : body, { status, headers: PROTECTED });
  const { headers } = answer;
  if (type) headers.set("content-type", type);
  headers.set("cache-control", imageCaching(options, terms, now));
  headers.set("server-timing", timingOf(options));
  if (etag) headers.set("etag", etag);
  if (length && !isUnchanged) headers.set("content-length", length);
  setTerms(headers, terms);
  if (options.negotiated)
    headers.set("vary", terms.cors ? `${terms.cors["vary"]}, accept` : "accept");
  return answer;
}

/** The cache-control of an image. With a version, its URL's content never changes until it expires. */
function imageCaching({ maxAge, isOutage }: ImageOptions, terms: Terms, now: number): string {
  const { granted } = terms;
  const seconds = isOutage ? Math.min(SHORT_S, maxAge) : maxAge;
  if (granted === undefined) return `public, max-age=${seconds}`;
  const isImmutable = granted.version && !isOutage;
  const caching = `${limitedCaching(isImmutable ? YEAR : seconds, terms, now)}, must-revalidate`;
  return isImmutable ? `${caching}, immutable` : caching;
}

/** A cache-control with a limit: at most until the URL or the cookie expires. */
export function limitedCaching(seconds: number, { granted, age = 0 }: Terms, now: number): string {
  const maxAge = Math.min(
    seconds - age,
    granted ? Math.floor(granted.expires - now / 1000) : seconds,
  );
  return `${granted?.isPrivate ? "private" : "public"}, max-age=${Math.max(0, maxAge)}`;
}

/** Where the image came from, and how long the edge took, if it rendered for this request. */
function timingOf({ cache, took }: Pick<ImageOptions, "cache" | "took">): string {
  const isRendered = cache === "miss" || cache === "direct";
  return `cache;desc=${cache}${isRendered ? `, edge;dur=${Math.round(took)}` : ""}`;
}

function setTerms(headers: Headers, { cors, granted }: Terms): void {
  if (granted?.isPrivate) headers.set("cross-origin-resource-policy", "same-site");
  for (const [name, value] of Object.entries(cors ?? {})) headers.set(name, value);
}

/** The answer to a refused request. It reveals as little as possible. */
export function refusalAnswer(refusal: Refusal, terms: Terms, now: number): Response {
  const answer = answerTo(refusal, { "cache-control": limitedCaching(SHORT_S, terms, now) });
  setTerms(answer.headers, terms);
  return answer;
}

/** @param caching the cache-control of an answer that is certain */
function answerTo(refusal: Refusal, caching: Readonly<Record<string, string>>): Response {
  switch (refusal.event) {
    case "no-such-route":
    case "no-such-variant":
    case "impossible-key":
      return plain(404, "Not found", caching);
    case "signature-wrong":
    case "object-missing":
    case "object-denied":
      return plain(404, "Not found", isCertain(refusal) ? caching : {});
    case "health-denied":
      return plain(401, "Unauthorized", { "www-authenticate": "Bearer" });
    case "purge-denied":
      // Some senders have a URL with a password, and send it only after this challenge.
      return plain(401, "Unauthorized", { "www-authenticate": 'Bearer, Basic realm="purge"' });
    case "method-not-allowed":
      return plain(405, "Method not allowed", { allow: refusal.allow });
    case "foreign-page":
      return plain(403, "Not for this page");
    case "url-expired":
      return plain(410, "Expired");
    case "source-unreadable":
      return plain(415, "Not an image", isCertain(refusal) ? caching : {});
    case "configuration-broken":
      return plain(500, "Internal error");
    case "rate-limited":
      return plain(429, "Too many requests", { "retry-after": LIMIT_RETRY_S });
    case "loop-detected":
      return plain(508, "Not available");
    case "quota-spent":
      return plain(503, "Not available now", { "retry-after": QUOTA_RETRY_S });
    case "timed-out":
      return plain(504, "Timed out");
    case "slots-refused":
    case "role-refused":
    case "origin-denied":
    case "origin-failed":
    case "edge-contradicts":
    case "edge-refused":
    case "edge-failed":
    case "not-transformed":
    case "too-large-for-avif":
    case "original-is-smaller":
    case "wrong-type":
      return plain(502, "Not available");
    default:
      return refusal satisfies never;
  }
}

/** A text answer. It may not be cached, unless `headers` allow it. */
export function plain(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const answer = new Response(`${text}\n`, { status, headers: UNCACHED_TEXT });
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
  return answer;
}

/** For how long a browser may remember the answer to a preflight: s. */
const PREFLIGHT_S = 86_400;

/**
 * The headers that let a page read an answer, with cookies where the route takes them.
 * @returns undefined for a route without `origins`
 */
export function corsHeaders(
  headers: Headers,
  { origins, signing }: Pick<BoundRoute, "origins" | "signing">,
): Record<string, string> | undefined {
  if (!origins) return undefined;
  const origin = headers.get("origin");
  const isAllowed = origin && origins.has(origin);
  return {
    vary: "origin",
    ...(isAllowed && { "access-control-allow-origin": origin }),
    ...(isAllowed && signing?.cookie && { "access-control-allow-credentials": "true" }),
  };
}

/** The answer to OPTIONS, for a page that may embed. */
export function preflight(
  allow: string,
  cors: Record<string, string>,
  withCredentials = false,
): Response {
  const headers = {
    ...PROTECTION,
    allow,
    ...cors,
    "access-control-allow-methods": allow,
    // The Worker reads no header of a page. With credentials, "*" is no wildcard for browsers.
    ...(!withCredentials && { "access-control-allow-headers": "*" }),
    "access-control-max-age": `${PREFLIGHT_S}`,
  };
  return new Response(null, { status: 204, headers });
}
