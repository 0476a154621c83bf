// Refuses pages that may not embed a route's images. A program can send any header, so this protects no secret. Pure.

import type { Refusal } from "../http/refusal.ts";

/**
 * Looks at Origin and Referer. If both are missing, by a privacy setting or a trick, Sec-Fetch-Site may
 * reveal a foreign page. A request without any of these passes: programs can send what they like.
 * @param url the URL of the request
 */
export function checkEmbedding(
  headers: Headers,
  url: string,
  origins: ReadonlySet<string>,
): Refusal | undefined {
  const workerUrl = URL.parse(url);
  if (!workerUrl) return { event: "foreign-page", reason: "no valid host" };
  const origin = headers.get("origin") || undefined;
  const referer = headers.get("referer") ?? "";
  const pages = [origin, originOf(referer)].filter((page) => page !== undefined);
  const foreign = pages.find((page) => page !== workerUrl.origin && !origins.has(page));
  if (foreign) {
    return { event: "foreign-page", reason: `${foreign} is not in origins` };
  }
  // If one of the origins is on another site, its pages are cross-site, too: the header proves nothing.
  const isHidden = pages.length === 0 && headers.get("sec-fetch-site") === "cross-site";
  return isHidden && [...origins].every((origin) => isSameSite(new URL(origin), workerUrl))
    ? { event: "foreign-page", reason: "sec-fetch-site is cross-site" }
    : undefined;
}

/**
 * The origin of a referer. Undefined if it is not an http(s) URL, such as `about:client`: it then says
 * nothing about the page. A page that hides gains nothing by that: it could send no referer at all.
 */
function originOf(referer: string): string | undefined {
  const url = URL.parse(referer);
  return url && ["http:", "https:"].includes(url.protocol) ? url.origin : undefined;
}

const LOCAL = ["localhost", "127.0.0.1", "[::1]"];

/** Public suffixes of two labels, such as co.uk, the last label first. */
const SUFFIX =
  /^(?:..,(?:ac|com?|edu|go[bv]t?|ltd|me|net?|org?)|com,(?:br|cn|de|eu|gb|ru|uk|us|za))$/;

/**
 * Returns whether an origin is on localhost or on the Worker's site. Without the list of all public
 * suffixes, this means that the last two or more labels of both hosts are the same.
 */
function isSameSite(origin: URL, workerUrl: URL): boolean {
  if (LOCAL.includes(origin.hostname) || origin.hostname.endsWith(".localhost")) return true;
  if (origin.protocol !== workerUrl.protocol || /[\d\]]$/.test(workerUrl.hostname)) return false; // an IP address
  const workerLabels = workerUrl.hostname.split(".").reverse();
  const labels = origin.hostname.split(".").reverse();
  const differs = labels.findIndex((label, at) => label !== workerLabels[at]);
  const shared = labels.slice(0, differs < 0 ? undefined : differs);
  return shared.length > 2 || (shared.length === 2 && !SUFFIX.test(shared.join()));
}
