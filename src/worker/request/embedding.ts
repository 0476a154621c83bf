import type { Refusal } from "../base/refusal.ts";

/**
 * Refuses what a page of another origin than the route's `origins`, or the Worker's own, asks for: by
 * Origin, by Referer, and where both are missing, as privacy settings and hostile pages have it, by
 * Sec-Fetch-Site, if that can tell. What no browser sends passes: this is about pages, not about secrets.
 * @param asked the URL that is asked for
 */
export function checkEmbedding(
  headers: Headers,
  asked: string,
  origins: ReadonlySet<string>,
): Refusal | undefined {
  const own = URL.parse(asked);
  if (own === null) return { event: "foreign-page", reason: "the host asked for is none" };
  const origin = headers.get("origin");
  const referer = headers.get("referer");
  const pages = [...(origin ? [origin] : []), ...(referer ? [originOf(referer)] : [])];
  const foreign = pages.find((page) => page !== own.origin && !origins.has(page));
  if (foreign !== undefined) {
    return { event: "foreign-page", reason: `${foreign} is not in origins` };
  }
  // All that may embed are of the Worker's own site, or of somebody's own machine.
  const hides = pages.length === 0 && headers.get("sec-fetch-site") === "cross-site";
  return hides && [...origins].every((known) => isNear(new URL(known), own))
    ? { event: "foreign-page", reason: "sec-fetch-site is cross-site" }
    : undefined;
}

function originOf(url: string): string {
  return URL.parse(url)?.origin ?? "null";
}

const LOCAL = /(?:^|\.)localhost$|^127\.0\.0\.1$|^\[::1\]$/;

/** Suffixes of two labels that others register under, the last label first. */
const SUFFIX =
  /^(?:..,(?:ac|co|com|edu|gob|gov|govt|ltd|me|ne|net|nom|or|org|plc|sch)|com,(?:br|cn|de|eu|gb|ru|uk|us|za))$/;

/**
 * True if an origin is of somebody's own machine, or of one site with the Worker, as far as that can be
 * told without the list of all suffixes: their hosts end in the same two labels or more.
 */
function isNear(origin: URL, own: URL): boolean {
  if (LOCAL.test(origin.hostname)) return true;
  if (origin.protocol !== own.protocol || /[\d\]]$/.test(own.hostname)) return false; // an IP address
  const others = own.hostname.split(".").reverse();
  const labels = origin.hostname.split(".").reverse();
  const differs = labels.findIndex((label, at) => label !== others[at]);
  const shared = labels.slice(0, differs < 0 ? undefined : differs);
  return shared.length > 2 || (shared.length === 2 && !SUFFIX.test(shared.join()));
}
