// Answers visitors: an image, or a refusal without a word about the bucket or the reason. No header of S3 or of the
// edge is copied: each answer has a fresh set of headers, so that nothing leaks (R7). No clock: `now` is passed in, in
// ms since 1970.

import type { BoundRoute } from "../config/routes.ts";
import { matchesEtag } from "../http/if-none-match.ts";
import { isCertain, type Refusal } from "../http/refusal.ts";
import { cancelBody, type Rendition } from "../http/send.ts";
import type { CacheState } from "../log/log.ts";
import type { AccessGrant } from "../request/url-signature.ts";

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

/** An image; or, where Workers Cache has confirmed that it has not changed, what is known of it. */
type Image = Partial<Rendition> & { readonly etag?: string | undefined };

/** On every answer: no script runs, no type is guessed, and any page may embed the answer. */
export const PROTECTION = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
} as const;

/** PROTECTION as Headers: workerd copies these in half the time that a record takes. */
const PROTECTED = new Headers(PROTECTION);

/**
 * Returns the answer to a request for an image.
 * @param condition the visitor's `If-None-Match`. If it names the image, the answer is a 304 without a body
 */
export function imageAnswer(
  image: Image,
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

  if (options.negotiated) {
    const vary = terms.cors?.["vary"];
    headers.set("vary", vary === undefined ? "accept" : `${vary}, accept`);
  }

  return answer;
}

/** For how long a missing object, and a stored rendition in an outage, may be cached: s. */
export const SHORT_S = 60;

const YEAR_S = 31_536_000;

/** Returns the cache-control of an image. */
function imageCaching(options: ImageOptions, terms: Terms, now: number): string {
  const { maxAge, isOutage } = options;
  const { granted } = terms;

  const seconds = isOutage ? Math.min(SHORT_S, maxAge) : maxAge;
  if (granted === undefined) return `public, max-age=${seconds}`;

  // A URL with a version has the same content until it expires. What is shown in an outage may be of an older object.
  const isImmutable = granted.version !== undefined && !isOutage;
  if (isImmutable) return `${limitedCaching(YEAR_S, terms, now)}, must-revalidate, immutable`;

  return `${limitedCaching(seconds, terms, now)}, must-revalidate`;
}

/** Returns a cache-control with a limit: at most until the URL or the cookie expires. */
export function limitedCaching(seconds: number, { granted, age = 0 }: Terms, now: number): string {
  let maxAge = seconds - age;
  if (granted !== undefined) {
    const untilExpiry = Math.floor(granted.expires - now / 1000);
    maxAge = Math.min(maxAge, untilExpiry);
  }

  const visibility = granted?.isPrivate ? "private" : "public";
  return `${visibility}, max-age=${Math.max(0, maxAge)}`;
}

/** Returns where an image came from, and how long the edge took, if it rendered for this request. */
function timingOf({ cache, took }: ImageOptions): string {
  const isRendered = cache === "miss" || cache === "direct";
  if (!isRendered) return `cache;desc=${cache}`;
  return `cache;desc=${cache}, edge;dur=${Math.round(took)}`;
}

/** Adds the headers that do not depend on the kind of answer. */
function setTerms(headers: Headers, { cors, granted }: Terms): void {
  // What a cookie opens may be embedded by pages of the same site alone.
  if (granted?.isPrivate) headers.set("cross-origin-resource-policy", "same-site");

  if (cors === undefined) return;
  for (const [name, value] of Object.entries(cors)) headers.set(name, value);
}

/** Returns the answer to a refused request. It reveals as little as possible. */
export function refusalAnswer(refusal: Refusal, terms: Terms, now: number): Response {
  const caching = { "cache-control": limitedCaching(SHORT_S, terms, now) };
  const answer = answerTo(refusal, caching);
  setTerms(answer.headers, terms);
  return answer;
}

/** Returns the status of the answer to a refused request. Only `answerTo` knows it. */
export function statusOf(refusal: Refusal): number {
  return answerTo(refusal, {}).status;
}

/** When to come back, as `retry-after` says it: s. The limiter's is the longer of Cloudflare's two periods. */
const LIMIT_RETRY_S = "60";
const QUOTA_RETRY_S = "3600";

/** @param caching the cache-control of an answer that is certain */
function answerTo(refusal: Refusal, caching: Readonly<Record<string, string>>): Response {
  const cachingIfCertain = isCertain(refusal) ? caching : {};

  switch (refusal.event) {
    case "no-such-route":
    case "no-such-variant":
    case "impossible-key":
      return plain(404, "Not found", caching);
    case "signature-wrong":
    case "object-missing":
    case "object-denied":
      return plain(404, "Not found", cachingIfCertain);
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
      return plain(415, "Not an image", cachingIfCertain);
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

/** The headers of a text. */
const UNCACHED_TEXT = new Headers({
  ...PROTECTION,
  "content-type": "text/plain; charset=utf-8",
  "cache-control": "no-store",
});

/** Returns a text answer. It may not be cached, unless `headers` allow it. */
export function plain(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const answer = new Response(`${text}\n`, { status, headers: UNCACHED_TEXT });
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
  return answer;
}

/**
 * Returns the headers that let a page read an answer, with cookies where the route takes them.
 * @returns undefined for a route without `origins`
 */
export function corsHeaders(
  headers: Headers,
  { origins, signing }: Pick<BoundRoute, "origins" | "signing">,
): Record<string, string> | undefined {
  if (origins === undefined) return undefined;

  // Needed without an `origin`, too: otherwise a browser would give a script its cached copy, without CORS headers, and
  // the script could not read it.
  const vary = "origin";
  const origin = headers.get("origin");
  if (origin === null || !origins.has(origin)) return { vary };

  return {
    vary,
    "access-control-allow-origin": origin,
    ...(signing?.cookie && { "access-control-allow-credentials": "true" }),
  };
}

/** For how long a browser may remember the answer to a preflight: s. */
const PREFLIGHT_S = 86_400;

/**
 * Returns the answer to OPTIONS, for a page that may embed.
 * @param allow the methods of the route: `GET, HEAD, OPTIONS`
 */
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
