// Reads and checks a request to the edge or to its URL interface, before the edge fetches anything. Pure.

import type { FetchInit } from "../fetch.ts";
import { type Fault, isEdgeFault, LOOP } from "./faults.ts";
import { type EdgeRequest, findUnsupported, readOptions } from "./options.ts";
import type { EdgeInit } from "./settings.ts";
import type { Switches } from "./switches.ts";

/** What the edge reads of one call of `fetch`. The values of `cf` are unknown: a Worker may pass any. */
export type FetchOptions = FetchInit & {
  readonly cf?: { readonly image?: unknown; readonly cacheTtlByStatus?: unknown };
};

/** Joins the options of a request and of `init`. Where both have an option, that of `init` counts. */
export function readFetchOptions(input: string | Request, init: EdgeInit): FetchOptions {
  if (typeof input === "string") return init;
  const { method, headers, signal } = input;
  const cf: unknown = Object(input).cf; // Node.js drops it; the Workers runtime does not
  return { method, headers, signal, ...(typeof cf === "object" && cf !== null && { cf }), ...init };
}

/** Where a request arrives: the host of the zone, whose own images are always allowed, and its switches. */
type Zone = { readonly zone: string; readonly switches: Switches };

/** Returns whether the zone transforms a source as `cf.image` says. If not, the original comes back. */
export function canTransform(url: string, { zone, switches }: Zone): boolean {
  if (!switches.transformations) return false; // R2
  if (switches.urlTransformations === "off-for-workers-too") return false; // E12
  if (switches.foreignSources === "untransformed" && !isAllowed(url, { zone, switches }))
    return false; // E5
  const isElsewhere = zone.endsWith(".workers.dev") && URL.parse(url)?.host !== zone;
  return !(isElsewhere && switches.workersDev === "original"); // R2
}

const ADVICE = 'With the switch unsupportedOptions: "left-out" it ignores them (docs/emulator.md)';

/**
 * Reads the options of a request, or returns why the edge refuses it.
 * @param acceptsAuto whether `format: "auto"` is accepted (O6)
 * @throws if the emulator does not implement an option, unless the switch `unsupportedOptions` leaves it out
 */
export function checkRequest(
  url: string,
  headers: Headers,
  options: unknown,
  acceptsAuto: boolean,
  { zone, switches }: Zone,
): EdgeRequest | Fault {
  if (switches.failure !== undefined) return switches.failure;
  if (/image-resizing/.test(headers.get("via") ?? "")) return LOOP; // E8
  const fault = checkSource(url, { zone, switches });
  if (fault !== undefined) return fault;
  const request = readOptions(options, acceptsAuto);
  if (isEdgeFault(request)) return request;
  const image = request.auto ? { ...request.image, ...chooseFormat(headers) } : request.image;
  const missing = switches.unsupportedOptions === "refused" ? findUnsupported(image) : [];
  if (missing.length > 0)
    throw new Error(`the strict edge cannot play ${missing.join(", ")}. ${ADVICE}`);
  return { ...request, image };
}

/** What "auto" chooses: by the first visitor's `Accept`, then for all visitors (O6). */
function chooseFormat(headers: Headers): { format?: "avif" | "webp" } {
  const accept = headers.get("accept") ?? "";
  if (accept.includes("image/avif")) return { format: "avif" };
  return accept.includes("image/webp") ? { format: "webp" } : {};
}

/** Returns why the edge refuses a source URL (E5, E6). For a redirect, only the first URL is checked. */
function checkSource(url: string, { zone, switches }: Zone): Fault | undefined {
  if (/[^\x21-\x7e]/.test(url)) return { code: 9419, status: 403 };
  const source = URL.parse(url);
  const isPlain = source !== null && switches.httpHosts.includes(source.host);
  if (source?.protocol !== "https:" && !isPlain) return { code: 9406, status: 403 };
  return isAllowed(url, { zone, switches }) ? undefined : { code: 9401, status: 403 };
}

/**
 * Returns whether the zone may transform a source (E5). An entry of `sources` is a host, or `*.host` for a host and
 * its subdomains, and may have a path with which the source's path must begin. No entry allows what is no URL.
 */
function isAllowed(url: string, { zone, switches: { sources, sourcePaths } }: Zone): boolean {
  const { host = "", pathname = "" } = URL.parse(url) ?? {};
  return [zone, ...sources].some((entry) => {
    const [, hostPattern = "", path = "/"] = /^([^/]*)(\/.*)?$/s.exec(entry) ?? [];
    const domain = hostPattern.replace(/^\*\./, "");
    const isHost = host === domain || (domain !== hostPattern && host.endsWith(`.${domain}`));
    // Compared as sent, encoded. How the edge compares them is not documented.
    if (sourcePaths === "characters") return isHost && pathname.startsWith(path);
    return isHost && `${pathname}/`.startsWith(path.endsWith("/") ? path : `${path}/`);
  });
}

const INTERFACE = "/cdn-cgi/image/";

/** Returns whether a URL belongs to the URL interface, which anybody may use (E10). */
export const isUrlInterface = (url: string) => new URL(url).pathname.startsWith(INTERFACE);

/** Reads `/cdn-cgi/image/<options>/<absolute URL>`. Undefined: no absolute URL follows the options. */
export function readImageUrl(url: string) {
  const { pathname, search } = new URL(url);
  const path = pathname.slice(INTERFACE.length);
  const [, options, source] = /^([^/]*)\/(https?:\/\/.+)$/.exec(path) ?? [];
  if (options === undefined || source === undefined) return undefined;
  return { source: source + search, image: readOptionList(options) };
}

/** Reads a list such as `width=80,fit=cover`. */
function readOptionList(text: string): Record<string, unknown> {
  return Object.fromEntries(
    text.split(",").map((option) => {
      const [name = "", value = ""] = option.split("=");
      if (value === "true" || value === "false") return [name, value === "true"];
      return [name, /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value];
    }),
  );
}

/** What Cloudflare's firewall answers: a page without `cf-resized`. */
export function blockedAnswer(): Response {
  const headers = { "content-type": "text/html; charset=UTF-8", server: "cloudflare" };
  return new Response("<h1>Sorry, you have been blocked</h1>\n", { status: 403, headers });
}
