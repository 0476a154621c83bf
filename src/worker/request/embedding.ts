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
  if (pages.length > 0) return undefined;

  // Neither header names a page, by a privacy setting or a trick. Sec-Fetch-Site may still reveal a foreign one.
  if (headers.get("sec-fetch-site") !== "cross-site") return undefined;

  // A page that may embed is cross-site, too, if its origin is on another site: then the header proves nothing.
  for (const origin of origins) {
    if (!isSameSite(new URL(origin), workerUrl)) return undefined;
  }
  return { event: "foreign-page", reason: "sec-fetch-site is cross-site" };
}

/** Returns the origins that Origin and Referer name. A foreign one among them is enough to refuse the request. */
function namedPages(headers: Headers): string[] {
  const pages: string[] = [];

  const origin = headers.get("origin");
  if (origin !== null && origin !== "") pages.push(origin);

  const refererOrigin = originOf(headers.get("referer") ?? "");
  if (refererOrigin !== undefined) pages.push(refererOrigin);

  return pages;
}

/**
 * Returns the origin of a referer. One that is not an http(s) URL, such as `about:client`, says nothing about the page,
 * and counts as none. A page that hides gains nothing by that, since it could send no referer at all.
 */
function originOf(referer: string): string | undefined {
  const url = URL.parse(referer);
  if (url?.protocol === "https:" || url?.protocol === "http:") return url.origin;
  return undefined;
}

/** An IP address ends with a digit, or with the bracket of IPv6. No public host name does. */
const IP_ADDRESS_END = /[\d\]]$/;

/** The usual public suffixes of two labels: `co.uk`, `govt.nz` and `uk.com`. Anybody may have a site below them. */
const PUBLIC_SUFFIX =
  /^(?:(?:ac|com?|edu|go[bv]t?|ltd|me|net?|org?)\..{2}|(?:br|cn|de|eu|gb|ru|uk|us|za)\.com)$/;

/**
 * Returns whether an origin is on localhost or on the Worker's site. There is no list of all public suffixes here. So two
 * hosts are on one site if their last three labels are the same, or their last two, unless these are a usual suffix.
 */
function isSameSite(origin: URL, workerUrl: URL): boolean {
  if (isLocalhost(origin.hostname)) return true;
  if (origin.protocol !== workerUrl.protocol) return false;
  if (IP_ADDRESS_END.test(workerUrl.hostname)) return false;

  // The last label comes first.
  const labels = origin.hostname.split(".").reverse();
  const workerLabels = workerUrl.hostname.split(".").reverse();

  let equalLabels = 0;
  for (const label of labels) {
    if (label !== workerLabels[equalLabels]) break;
    equalLabels += 1;
  }

  if (equalLabels > 2) return true;
  if (equalLabels < 2) return false;

  const [top, second] = labels;
  return !PUBLIC_SUFFIX.test(`${second}.${top}`);
}

const LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"];

function isLocalhost(hostname: string): boolean {
  return LOCAL_HOSTS.includes(hostname) || hostname.endsWith(".localhost");
}
