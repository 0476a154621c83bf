// Answers visitors: an image, or a refusal without a word about the bucket or the reason. No header of S3 or of
// Cloudflare's image edge is copied: each answer has a fresh set of headers, so that nothing leaks (R7). No clock:
// `now` is passed in, in ms since 1970.

import type { NamedRendition } from "../cache/cached-answer.ts";
import type { RoutePolicy } from "../config/answers.ts";
import { matchesEtag } from "../http/if-none-match.ts";
import { isCertain, type Refusal } from "../http/refusal.ts";
import { cancelBody, type Rendition } from "../http/send.ts";
import type { CacheState } from "../log/log.ts";
import type { AccessGrant } from "../request/url-signature.ts";

/** What applies to every answer to a URL, image or not. */
export type Terms = {
  /** The grant of the URL's signature, of the cookie, or of the token. */
  readonly granted?: AccessGrant | undefined;
  /** Whether another visitor may get another format under the same URL. */
  readonly negotiated?: boolean | undefined;
  /** What every answer of the route has: which page may read it, and what it depends on. See `routeHeaders`. */
  readonly routeHeaders?: Readonly<Record<string, string>> | undefined;
  /** Whether the refusal comes before a token is checked that the route needs. */
  readonly needsToken?: boolean | undefined;
  /** How old a refusal is that Workers Cache, in front of the Worker, has kept: s. It is taken off the max-age. */
  readonly age?: number | undefined;
};

/** How an image is shown. */
export type ImageOptions = {
  /** For how long it may be cached, at most until its URL expires: s. */
  readonly maxAge: number;
  /** Whether no browser has to ask again meanwhile. */
  readonly isImmutable?: boolean;
  /** Whether it was stored before an outage of S3, and the object may have changed since then. */
  readonly isOutage?: boolean;
  /** Where the image came from. */
  readonly cache: CacheState;
  /** How long it took to get the image: ms. */
  readonly took: number;
};

/**
 * A rendition, which is a body with its type and its length, and its ETag. If the visitor has this image already, it
 * may be the ETag alone: `{ etag: "4f2a" }`. The gateway, where it renders by itself, has then compared it before.
 */
type Image = Partial<Rendition> & { readonly etag?: string | undefined };

/** On every answer: no script runs, no type is guessed, and any page may embed the answer. */
export const PROTECTION = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
} as const;

/** PROTECTION as Headers: the runtime copies these in half the time that a record takes. */
const PROTECTION_HEADERS = new Headers(PROTECTION);

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

  // An image that is an ETag alone matches here once more, so it is always a 304.
  const isUnchanged = etag !== undefined && condition !== null && matchesEtag(condition, etag);
  if (isUnchanged) cancelBody(body);

  const status = isUnchanged ? 304 : 200;
  const sentBody = isUnchanged ? null : body;
  const answer = new Response(sentBody, { status, headers: PROTECTION_HEADERS });

  // Where the image came from. "miss" and "direct" were rendered for this request: for these, how long that took.
  const { cache, took } = options;
  const isRendered = cache === "miss" || cache === "direct";
  const edgeTime = isRendered ? `, edge;dur=${Math.round(took)}` : "";

  const { headers } = answer;
  if (type) headers.set("content-type", type);
  headers.set("cache-control", imageCaching(options, terms, now));
  headers.set("server-timing", `cache;desc=${cache}${edgeTime}`);
  if (length && !isUnchanged) headers.set("content-length", length);
  setTerms(headers, terms);

  // Weak: the picture may get other bytes, as of another format or by another encoder. So nobody joins parts of two
  // answers, and `If-Range`, which needs a strong one, never matches (RFC 9110, section 13.1.5).
  if (etag) headers.set("etag", `W/${etag}`);

  return answer;
}

/** For how long a refusal, and an image in an outage, may be cached at most: s. */
export const SHORT_S = 60;

/**
 * Returns for how long browsers may keep a picture of a route. What the route sets is for a picture of the object that S3
 * has now. Any other is kept for no longer than `[vars.ANSWERS]` says, since no purge reaches a browser.
 * @param generalMaxAge the `max_age` of `[vars.ANSWERS]`: s
 */
export function browserPolicy(
  { etag, stored }: Partial<Pick<NamedRendition, "etag" | "stored">>,
  cache: CacheState,
  { maxAge, isImmutable }: RoutePolicy,
  generalMaxAge: number,
): Pick<ImageOptions, "maxAge" | "isImmutable" | "isOutage"> {
  const isOutage = stored === "outage";

  // "stale": Workers Cache shows an older picture, while S3 is asked, or because S3 or the edge fails. Without an ETag, the
  // picture may be of another object.
  const isCurrent = !isOutage && cache !== "stale" && etag !== undefined;
  if (isCurrent) return { maxAge, isImmutable };
  return { maxAge: Math.min(maxAge, generalMaxAge), isOutage };
}

const YEAR_S = 31_536_000;

/** Returns the cache-control of an image. */
function imageCaching(
  { maxAge, isImmutable, isOutage }: ImageOptions,
  terms: Terms,
  now: number,
): string {
  const { granted } = terms;

  // A URL with a version has the same content until it expires, so no browser has to ask again. In an outage, the
  // image may be of an older object.
  const hasVersion = granted?.version !== undefined && !isOutage;
  if (hasVersion) return `${limitedCaching(YEAR_S, terms, now)}, must-revalidate, immutable`;

  const seconds = isOutage ? Math.min(SHORT_S, maxAge) : maxAge;
  let caching = limitedCaching(seconds, terms, now);

  // A signed URL, a cookie or a token. After the expiry, no cache may show the image, not even if the Worker cannot be reached.
  if (granted) caching += ", must-revalidate";
  if (isImmutable) caching += ", immutable";
  return caching;
}

/** Returns a cache-control for so many seconds, and at most until the URL or the cookie expires. */
export function limitedCaching(seconds: number, { granted, age = 0 }: Terms, now: number): string {
  let maxAge = seconds - age;
  if (granted) {
    const untilExpiry = Math.floor(granted.expires - now / 1000);
    maxAge = Math.min(maxAge, untilExpiry);
  }

  const visibility = granted?.isPrivate ? "private" : "public";
  return `${visibility}, max-age=${Math.max(0, maxAge)}`;
}

/** Adds the headers that an image and a refusal have alike. */
function setTerms(headers: Headers, { routeHeaders = {}, granted, negotiated }: Terms): void {
  // What a cookie or a token opens may be embedded by pages of the same site alone.
  if (granted?.isPrivate) headers.set("cross-origin-resource-policy", "same-site");

  for (const [name, value] of Object.entries(routeHeaders)) headers.set(name, value);

  // The headers of the route may have a `vary` already.
  if (negotiated) headers.append("vary", "accept");
}

/** The faults of the URL itself: whatever the bucket has, only a deploy can make such a URL right. */
const URL_FAULTS: readonly Refusal["event"][] = [
  "no-such-route",
  "no-such-variant",
  "impossible-key",
];

/** Returns the answer to a refused request. It reveals as little as possible. */
export function refusalAnswer(refusal: Refusal, terms: Terms, now: number): Response {
  const answer = textAnswer(refusal);
  const { status, headers } = answer;

  // A fault of the URL itself stays until a deploy, so the answer may be cached. Another 404 or 415 may be cached only
  // if its cause is certain: S3 itself says that the object is missing, for example. Otherwise an image may soon come.
  // A refused token is not cached, though. Where a token is needed, nobody is to learn without one which presets there are.
  const isUrlFault = URL_FAULTS.includes(refusal.event) && !terms.needsToken;
  const isCertainFault = (status === 404 || status === 415) && isCertain(refusal);
  if (isUrlFault || isCertainFault) {
    headers.set("cache-control", limitedCaching(SHORT_S, terms, now));
  }

  // All 404s are alike: with this header on some of them, anybody could learn which presets a signed route has.
  const negotiated = status === 404 || terms.negotiated;
  setTerms(headers, { ...terms, negotiated });
  return answer;
}

/** The header with the event of a refusal, `signature-wrong` for example. Only operators get it. */
export const EVENT_HEADER = "vitrine-event";

/** Adds the event to the answer to a request that an operator has sent. No cache may show that answer to visitors. */
export function addEvent({ headers }: Response, { event }: Refusal): void {
  headers.set(EVENT_HEADER, event);
  headers.set("cache-control", "no-store");
}

/** Returns the status of the answer to a refused request. Only `textAnswer` knows it, so its text is dropped. */
export function statusOf(refusal: Refusal): number {
  return textAnswer(refusal).status;
}

/** When a visitor over the rate limit may come back: s. Cloudflare's limiters count for 10 or for 60 s. */
const LIMIT_RETRY_S = "60";

/** When to come back if the month's quota of transformations is spent: s. The operator may have more by then. */
const QUOTA_RETRY_S = "3600";

/** When to come back if there are too many large originals at once: s. */
const BUSY_RETRY_S = "5";

/** Returns the text for a refusal, under its status. */
function textAnswer(refusal: Refusal): Response {
  switch (refusal.event) {
    case "no-such-route":
    case "no-such-variant":
    case "impossible-key":
    case "signature-wrong":
    case "token-refused":
    case "object-missing":
    case "object-denied":
      return plain(404, "Not found");
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
      return plain(415, "Not an image");
    case "configuration-broken":
      return plain(500, "Internal error");
    case "rate-limited":
      return plain(429, "Too many requests", { "retry-after": LIMIT_RETRY_S });
    case "loop-detected":
      return plain(508, "Not available");
    case "quota-spent":
      return plain(503, "Not available now", { "retry-after": QUOTA_RETRY_S });
    case "too-busy":
      return plain(503, "Not available now", { "retry-after": BUSY_RETRY_S });
    case "timed-out":
      return plain(504, "Timed out");
    // S3 fails, or refuses the bucket's credentials: its slots (key pairs), or its role.
    case "slots-refused":
    case "role-refused":
    // The public keys of a login cannot be had.
    case "token-keys-failed":
    case "origin-denied":
    case "origin-failed":
    // The edge fails, or the picture that it made may not be shown.
    case "edge-contradicts":
    case "edge-refused":
    case "edge-failed":
    case "not-transformed":
    case "too-large-for-avif":
    case "original-is-smaller":
    case "wrong-type":
      return plain(502, "Not available");
    default:
      return refusal satisfies never; // each event has a case
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

/** For how long a browser may remember this answer: s. */
const PREFLIGHT_S = "86400";

/**
 * Returns the answer to OPTIONS, by which a browser asks whether a page may send a request. This page may.
 * @param allow the methods of the route: `GET, HEAD, OPTIONS`
 * @param routeHeaders what every answer of the route has
 * @param requestHeaders the headers that the page may send: `*` for any, where no credentials may be sent
 */
export function preflight(
  allow: string,
  routeHeaders: Readonly<Record<string, string>>,
  requestHeaders: string | undefined,
): Response {
  const headers = {
    ...PROTECTION,
    allow,
    ...routeHeaders,
    "access-control-allow-methods": allow,
    ...(requestHeaders && { "access-control-allow-headers": requestHeaders }),
    "access-control-max-age": PREFLIGHT_S,
  };

  return new Response(null, { status: 204, headers });
}
