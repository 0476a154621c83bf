// Which pages may embed a route's images, and which may read its answers, by the headers that browsers send. On a route
// with `origins`, pages of other origins are refused, except those of the Worker's own. A program can send any header,
// so this protects no secret. No I/O.

import type { BoundRoute } from "../config/routes.ts";
import type { Refusal } from "../http/refusal.ts";

/**
 * The headers by which `checkEmbedding` and `corsHeaders` decide, for `vary`. A cache in front of the Worker that
 * ignored them would show a foreign page the picture of an allowed page, and an allowed page the refusal.
 */
const DECIDING_HEADERS = "origin, referer, sec-fetch-site";

type EmbeddingTerms = Pick<BoundRoute, "cors" | "origins" | "signing" | "tokenRules">;

/** The headers of answers, by their names. */
type AnswerHeaders = Readonly<Record<string, string>>;

/** Returns the headers that every answer of a route has, be it a picture or a refusal. */
export function routeHeaders(headers: Headers, route: EmbeddingTerms): AnswerHeaders {
  const cors = corsHeaders(headers, route);
  const { tokenRules } = route;
  if (!tokenRules) return cors;

  // After a logout, or when another visitor logs in, a browser asks again: what it has kept is of another request.
  const takesCookie = tokenRules.some(({ cookie }) => cookie !== undefined);
  const credentials = takesCookie ? "authorization, cookie" : "authorization";
  const vary = cors["vary"] ? `${cors["vary"]}, ${credentials}` : credentials;
  return { ...cors, vary, "cross-origin-resource-policy": "same-site" };
}

/** Returns whether scripts of other pages may read the answers of a route, so that a browser may ask by OPTIONS first. */
export function isReadableByPages({ cors, origins }: EmbeddingTerms): boolean {
  return cors || origins !== undefined;
}

/**
 * Returns the headers that a page may send, for the answer to OPTIONS.
 * @returns undefined for none but those that need no permission
 */
export function allowedHeaders({ signing, tokenRules }: EmbeddingTerms): string | undefined {
  if (tokenRules) return "authorization";

  // With credentials, "*" would be the name of a header, and not mean all.
  if (signing?.cookie) return undefined;

  // Of the headers that need this permission, the Worker reads if-none-match alone.
  return "*";
}

/** Returns the headers that let a page read an answer, with cookies where the route takes them. */
function corsHeaders(
  headers: Headers,
  { cors, origins, signing, tokenRules }: EmbeddingTerms,
): AnswerHeaders {
  // Whoever asks, every page may read the answer. So a browser's copy for an <img>, for which it sends no `origin`,
  // serves a script later. Nothing depends on the page, so there is no `vary`.
  if (cors) return { "access-control-allow-origin": "*" };

  if (!origins) return {};

  // A browser's copy for an <img> lacks access-control-allow-origin. By `vary`, it serves no script.
  const vary = DECIDING_HEADERS;
  const origin = headers.get("origin");
  if (!origin || !origins.has(origin)) return { vary };

  const takesCredentials = signing?.cookie || tokenRules !== undefined;
  return {
    vary,
    "access-control-allow-origin": origin,
    ...(takesCredentials && { "access-control-allow-credentials": "true" }),
  };
}

/**
 * Checks the page that a request comes from, by the headers that browsers send. A request without any of them passes,
 * since programs can send what they like.
 * @param url the URL of the request
 * @param origins of the pages that may embed
 */
export async function checkEmbedding(
  headers: Headers,
  url: string,
  origins: ReadonlySet<string>,
): Promise<Refusal | undefined> {
  const workerUrl = URL.parse(url);
  if (workerUrl === null) return { event: "foreign-page", reason: "no valid host" };

  const pages = namedPages(headers);
  for (const page of pages) {
    const mayEmbed = page === workerUrl.origin || origins.has(page);
    if (!mayEmbed) return { event: "foreign-page", reason: `${page} is not in origins` };
  }

  // A page can hide from both headers, but not from Sec-Fetch-Site, which may still reveal a foreign page.
  const isHidden = pages.length === 0;
  const isCrossSite = headers.get("sec-fetch-site") === "cross-site";
  const isSuspect = isHidden && isCrossSite;
  if (!isSuspect) return undefined;

  // If the route allows an origin on another site, the hidden page may be of that origin. So it passes.
  for (const origin of origins) {
    const isNear = await isLocalOrSameSite(new URL(origin), workerUrl);
    if (!isNear) return undefined;
  }
  return { event: "foreign-page", reason: "sec-fetch-site is cross-site" };
}

/** Returns the origins that Origin and Referer name. */
function namedPages(headers: Headers): string[] {
  const pages: string[] = [];

  const origin = headers.get("origin");
  if (origin) pages.push(origin);

  // A referer that is no http(s) URL, such as `about:client`, says nothing about the page. A page that hides by such a
  // referer gains nothing, since it could send no referer at all.
  const referer = URL.parse(headers.get("referer") ?? "");
  if (referer && /^https?:$/.test(referer.protocol)) pages.push(referer.origin);

  return pages;
}

/** `localhost`, `app.localhost`, `127.0.0.1` and `[::1]`. */
const LOCAL_HOST = /(?:^|\.)localhost$|^127\.0\.0\.1$|^\[::1\]$/;

async function isLocalOrSameSite(origin: URL, workerUrl: URL): Promise<boolean> {
  // Many routes list localhost, for developers. If it counted as another site, every hidden page would pass.
  if (LOCAL_HOST.test(origin.hostname)) return true;

  if (origin.protocol !== workerUrl.protocol) return false;

  // All ports of a host are one site, also where the host is an IP address, or a public suffix itself.
  if (origin.hostname === workerUrl.hostname) return true;

  const site = await siteOf(origin.hostname);
  if (site === undefined) return false;

  const workerSite = await siteOf(workerUrl.hostname);
  return site === workerSite;
}

/**
 * Returns the site of a host name, by the public suffix list.
 * @returns undefined if it has none, such as `intranet`, `co.uk`, `github.io` and an IP address
 * @example `www.example.co.uk` has `example.co.uk`, `www.acme.github.io` has `acme.github.io`
 */
async function siteOf(hostname: string): Promise<string | undefined> {
  // The list takes some milliseconds to load, and few requests need it. So no start of the Worker waits for it.
  const { getDomain } = await import("tldts");

  // The list has suffixes of companies, such as `github.io`: for browsers, each of their customers has another site.
  const options = { extractHostname: false, allowPrivateDomains: true };
  const site = getDomain(hostname, options);
  if (site === null) return undefined;

  // For browsers, `example.com.` is not the site `example.com`. The library drops the last dot.
  return hostname.endsWith(".") ? `${site}.` : site;
}
