import type { Refusal } from "../base/refusal.ts";
import { drop, type Reply } from "../base/send.ts";
import type { Granted } from "../request/url-signature.ts";

const MISSING_SECONDS = 60;
const QUOTA_RETRY_SECONDS = 3600;
/** The longer of the two periods that a rate limiting binding can have. */
const LIMIT_RETRY_SECONDS = 60;
const YEAR = 31_536_000;

/** Nothing that is answered may run, be sniffed, or be kept by a browser from the page that got it. */
export const PROTECTION = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
} as const;

/** What holds for every answer under a URL, an image or not. */
export type Terms = {
  /** What its signature grants. */
  readonly granted?: Granted | undefined;
  /** On a route with `origins`: who may read the answer. */
  readonly cors?: Readonly<Record<string, string>> | undefined;
};

/** What is known of an image that is shown. */
export type Shown = {
  readonly type: string;
  /** True where another visitor may get another format under the same URL. */
  readonly negotiated: boolean;
  /** Seconds that it may be kept, if its URL is good for so long. */
  readonly maxAge: number;
  /** Milliseconds that the edge took. */
  readonly took: number;
};

/**
 * The headers of an image: a fresh set, of which only three values come from the edge, each checked
 * for its form (R7).
 * @param now milliseconds since 1970
 */
export function imageHeaders(
  edge: Headers,
  shown: Shown,
  terms: Terms,
  now: number,
): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": shown.type,
    "cache-control": imageCaching(shown.maxAge, terms, now),
    ...PROTECTION,
    "server-timing": `edge;dur=${Math.round(shown.took)}`,
    ...terms.cors,
  };
  const { vary } = headers;
  if (shown.negotiated) headers["vary"] = vary === undefined ? "accept" : `${vary}, accept`;
  const etag = edge.get("etag");
  if (etag !== null && EDGE_TAG.test(etag)) headers["etag"] = etag;
  const modified = edge.get("last-modified");
  if (modified !== null && HTTP_DATE.test(modified)) headers["last-modified"] = modified;
  const length = edge.get("content-length");
  if (length !== null && /^\d+$/.test(length) && !edge.has("content-encoding")) {
    headers["content-length"] = length;
  }
  return headers;
}

/** How an image is kept: until its URL expires where a version says that nothing under it will change. */
function imageCaching(maxAge: number, terms: Terms, now: number): string {
  const { granted } = terms;
  if (granted === undefined) return `public, max-age=${maxAge}`;
  const versioned = granted.version !== undefined;
  const seconds = Math.min(versioned ? YEAR : maxAge, secondsLeft(terms, now));
  return `public, max-age=${seconds}, must-revalidate${versioned ? ", immutable" : ""}`;
}

/** How what is no image of the URL's own is kept: for so many seconds, if the URL is good for so long. */
export function shortly(seconds: number, terms: Terms, now: number): string {
  return `public, max-age=${Math.min(seconds, secondsLeft(terms, now))}`;
}

/** For how many whole seconds the URL is still good. */
function secondsLeft({ granted }: Terms, now: number): number {
  if (granted === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(0, Math.floor(granted.expires - now / 1000));
}

const EDGE_TAG = /^(?:W\/)?"cf[!#-~\x80-\xff]*"$/; // R4
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const ENTITY_TAGS = /(?:W\/)?"[!#-~\x80-\xff]*"/g;

/**
 * The answer to a request for an image: 304 if If-None-Match holds its entity tag (compared weakly,
 * as RFC 9110 asks), else 200, without a body for HEAD.
 */
export function imageAnswer(
  request: Request,
  edge: Pick<Reply, "body">,
  headers: Record<string, string>,
): Response {
  const { "content-length": _length, ...others } = headers;
  const { etag } = others;
  const condition = request.headers.get("if-none-match");
  const unchanged = condition !== null && etag !== undefined && matches(condition, etag);
  if (!unchanged && request.method === "GET") return new Response(edge.body, { headers });
  drop(edge.body);
  return unchanged
    ? new Response(null, { status: 304, headers: others })
    : new Response(null, { headers });
}

function matches(condition: string, etag: string): boolean {
  if (condition.trim() === "*") return true;
  const opaque = (tag: string) => tag.replace(/^W\//, "");
  return (condition.match(ENTITY_TAGS) ?? []).some((tag) => opaque(tag) === opaque(etag));
}

/**
 * The answer to a request that is refused: what a visitor may know, which is little.
 * @param now milliseconds since 1970
 */
export function refusalAnswer(refusal: Refusal, terms: Terms, now: number): Response {
  const answer = answerTo(refusal, shortly(MISSING_SECONDS, terms, now));
  for (const [name, value] of Object.entries(terms.cors ?? {})) answer.headers.set(name, value);
  return answer;
}

function answerTo(refusal: Refusal, shortly: string): Response {
  switch (refusal.event) {
    case "no-such-route":
    case "no-such-variant":
    case "impossible-key":
    case "signature-wrong":
    case "object-missing":
    case "object-denied":
      return plain(404, "Not found", { "cache-control": shortly });
    case "health-denied":
      return plain(401, "Unauthorized", { "www-authenticate": "Bearer" });
    case "method-not-allowed":
      return plain(405, "Method not allowed", { allow: refusal.allow });
    case "foreign-page":
      return plain(403, "Not for this page");
    case "url-expired":
      return plain(410, "Expired");
    case "source-unreadable":
      return plain(415, "Not an image", { "cache-control": shortly });
    case "configuration-broken":
      return plain(500, "Internal error");
    case "rate-limited":
      return plain(429, "Too many requests", { "retry-after": `${LIMIT_RETRY_SECONDS}` });
    case "loop-detected":
      return plain(508, "Not available");
    case "quota-spent":
      return plain(503, "Not available now", { "retry-after": `${QUOTA_RETRY_SECONDS}` });
    case "timed-out":
      return plain(504, "Timed out");
    case "slots-refused":
    case "origin-denied":
    case "origin-failed":
    case "edge-refused":
    case "edge-failed":
    case "not-transformed":
    case "too-large-for-avif":
    case "original-is-smaller":
    case "wrong-type":
      return plain(502, "Not available");
  }
}

/** A text that is not kept, unless the headers say so. */
export function plain(
  status: number,
  text: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(`${text}\n`, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      ...PROTECTION,
      ...headers,
    },
  });
}
