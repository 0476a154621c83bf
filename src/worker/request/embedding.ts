// Refuses pages that may not embed a route's images: those of other origins than the Worker's and the route's
// `origins`. A program can send any header, so this protects no secret. Pure.

import type { Refusal } from "../http/refusal.ts";

/**
 * Checks the page that a request comes from, by the headers that browsers send. A request without any of them passes,
 * since programs can send what they like.
 * @param url the URL of the request
 * @param origins of the pages that may embed
 */
export function checkEmbedding(
  headers: Headers,
  url: string,
  origins: ReadonlySet<string>,
): Refusal | undefined {
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
    const isOnOtherSite = !isLocalOrSameSite(new URL(origin), workerUrl);
    if (isOnOtherSite) return undefined;
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

/** An IP address ends with a digit, or with the bracket of IPv6. No public host name does. */
const IP_ADDRESS_END = /[\d\]]$/;

/**
 * The usual public suffixes of two labels, below which anybody may have a site. A list of all would be too long.
 * - in a country: `ac.uk`, `co.uk`, `com.au`, `gob.mx`, `gov.uk`, `govt.nz`, `ne.jp`, `net.au`, `or.jp`, `org.uk`
 * - in `.com`: `uk.com`
 */
const PUBLIC_SUFFIX =
  /^(?:(?:ac|com?|edu|go[bv]t?|ltd|me|net?|org?)\..{2}|(?:br|cn|de|eu|gb|ru|uk|us|za)\.com)$/;

function isLocalOrSameSite(origin: URL, workerUrl: URL): boolean {
  // Many routes list localhost, for developers. If it counted as another site, every hidden page would pass.
  if (LOCAL_HOST.test(origin.hostname)) return true;

  if (origin.protocol !== workerUrl.protocol) return false;
  if (IP_ADDRESS_END.test(workerUrl.hostname)) return false;

  const site = siteOf(origin.hostname);
  return site !== undefined && site === siteOf(workerUrl.hostname);
}

/**
 * Returns the site of a host name.
 * @returns undefined if it has none, such as `intranet` and `co.uk`
 * @example `www.example.com` has `example.com`, `www.example.co.uk` has `example.co.uk`
 */
function siteOf(hostname: string): string | undefined {
  const labels = hostname.split(".");
  const lastTwo = labels.slice(-2).join(".");
  const siteLength = PUBLIC_SUFFIX.test(lastTwo) ? 3 : 2;
  if (labels.length < siteLength) return undefined;

  return labels.slice(-siteLength).join(".");
}
