import { drop, type EdgeAnswer } from "./edge.ts";
import type { Refusal } from "./refusal.ts";

const MISSING_SECONDS = 60;
const QUOTA_RETRY_SECONDS = 3600;

/** Nothing that is answered may run, be sniffed, or be denied to the pages that embed it. */
const PROTECTION = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
} as const;

/**
 * The headers of an image: a fresh set, of which only three values come from the edge, each checked
 * for its form (R7).
 * @param negotiated true where another visitor may get another format under the same URL
 * @param maxAge seconds that the image may be kept
 * @param took milliseconds that the edge took
 */
export function imageHeaders(
  edge: Headers,
  type: string,
  negotiated: boolean,
  maxAge: number,
  took: number,
): Headers {
  const headers = new Headers({
    "content-type": type,
    "cache-control": `public, max-age=${maxAge}`,
    ...PROTECTION,
    "server-timing": `edge;dur=${Math.round(took)}`,
  });
  if (negotiated) headers.set("vary", "accept");
  const etag = edge.get("etag");
  if (etag !== null && EDGE_TAG.test(etag)) headers.set("etag", etag);
  const modified = Date.parse(edge.get("last-modified") ?? "");
  if (!Number.isNaN(modified)) headers.set("last-modified", new Date(modified).toUTCString());
  const length = edge.get("content-length");
  if (length !== null && /^\d+$/.test(length) && !edge.has("content-encoding")) {
    headers.set("content-length", length);
  }
  return headers;
}

const EDGE_TAG = /^(?:W\/)?"cf[!#-~\x80-\xff]*"$/; // R4
const ENTITY_TAGS = /(?:W\/)?"[!#-~\x80-\xff]*"/g;

/**
 * The answer to a request for an image: 304 if If-None-Match holds its entity tag (compared weakly,
 * as RFC 9110 asks), else 200, without a body for HEAD.
 */
export function imageAnswer(
  request: Request,
  edge: Pick<EdgeAnswer, "body">,
  headers: Headers,
): Response {
  const condition = request.headers.get("if-none-match");
  const etag = headers.get("etag");
  const unchanged = condition !== null && etag !== null && matches(condition, etag);
  if (!unchanged && request.method === "GET") return new Response(edge.body, { headers });
  drop(edge.body);
  if (unchanged) headers.delete("content-length");
  return new Response(null, { status: unchanged ? 304 : 200, headers });
}

function matches(condition: string, etag: string): boolean {
  if (condition.trim() === "*") return true;
  const opaque = (tag: string) => tag.replace(/^W\//, "");
  return (condition.match(ENTITY_TAGS) ?? []).some((tag) => opaque(tag) === opaque(etag));
}

/** The answer to a request that is refused: what a visitor may know, which is little. */
export function refusalAnswer(refusal: Refusal): Response {
  const missing = `public, max-age=${MISSING_SECONDS}`;
  switch (refusal.event) {
    case "no-such-route":
    case "no-such-variant":
    case "impossible-key":
    case "object-missing":
    case "object-denied":
      return plain(404, "Not found", { "cache-control": missing });
    case "health-denied":
      return plain(401, "Unauthorized", { "www-authenticate": "Bearer" });
    case "method-not-allowed":
      return plain(405, "Method not allowed", { allow: "GET, HEAD" });
    case "source-unreadable":
      return plain(415, "Not an image", { "cache-control": missing });
    case "configuration-broken":
      return plain(500, "Internal error");
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
