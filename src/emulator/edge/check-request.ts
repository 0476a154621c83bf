// Reads and checks a request to the edge or to its URL interface, before the edge fetches anything. Pure.

import type { FetchInit } from "../fetch.ts";
import { type Fault, isEdgeFault, LOOP } from "./faults.ts";
import { type EdgeRequest, findUnsupported, readOptions } from "./options.ts";
import type { EdgeInit } from "./settings.ts";
import { SOURCES_ENTRY, type Switches } from "./switches.ts";

/** What the edge reads of one call of `fetch`. The values of `cf` are unknown: a Worker may pass any. */
export type FetchOptions = FetchInit & {
  readonly cf?: { readonly image?: unknown; readonly cacheTtlByStatus?: unknown };
};

/** Joins the options of a request and of `init`. Where both have an option, that of `init` counts. */
export function readFetchOptions(input: string | Request, init: EdgeInit): FetchOptions {
  if (typeof input === "string") return init;

  const { method, headers, signal } = input;
  const cf: unknown = Object(input).cf; // Node.js drops it; the Workers runtime does not
  const hasCf = typeof cf === "object" && cf !== null;
  return { method, headers, signal, ...(hasCf && { cf }), ...init };
}

/** Where a request arrives: the host of the zone, whose own images are always allowed, and its switches. */
type Zone = { readonly zone: string; readonly switches: Switches };

/** Returns whether the zone transforms a source as `cf.image` says. If not, the original comes back. */
export function canTransform(url: string, { zone, switches }: Zone): boolean {
  // Transformations are off for the zone (R2).
  if (!switches.transformations) return false;

  // It is open whether switching off the URL interface also stops `cf.image` (E12).
  if (switches.urlTransformations === "off-for-workers-too") return false;

  // Once, a source that is not allowed came back without an error (E5).
  const isRefusedInSilence = switches.foreignSources === "untransformed";
  if (isRefusedInSilence && !isAllowed(url, { zone, switches })) return false;

  // On workers.dev, it is open whether a source on another host is transformed (R2).
  const isElsewhere = zone.endsWith(".workers.dev") && URL.parse(url)?.host !== zone;
  return !(isElsewhere && switches.workersDev === "original");
}

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

  // The edge itself sent this request, so another transformation would begin a loop (E8).
  if (headers.get("via")?.includes("image-resizing")) return LOOP;

  const fault = findSourceFault(url, { zone, switches });
  if (fault !== undefined) return fault;

  const request = readOptions(options, acceptsAuto);
  if (isEdgeFault(request)) return request;

  const chosenFormat = request.auto ? chooseFormat(headers) : {};
  const image = { ...request.image, ...chosenFormat };
  if (switches.unsupportedOptions === "refused") throwIfUnsupported(image);
  return { ...request, image };
}

function throwIfUnsupported(image: EdgeRequest["image"]): void {
  const unsupported = findUnsupported(image);
  if (unsupported.length === 0) return;

  throw new Error(
    `the strict edge cannot play ${unsupported.join(", ")}. With the switch unsupportedOptions: "left-out" it ignores them (docs/emulator.md)`,
  );
}

/** What "auto" chooses: by the first visitor's `Accept`, then for all visitors (O6). */
function chooseFormat(headers: Headers): { format?: "avif" | "webp" } {
  const accept = headers.get("accept") ?? "";
  if (accept.includes("image/avif")) return { format: "avif" };
  if (accept.includes("image/webp")) return { format: "webp" };
  return {};
}

/** Returns why the edge refuses a source URL (E5, E6). For a redirect, only the first URL is checked. */
function findSourceFault(url: string, { zone, switches }: Zone): Fault | undefined {
  if (/[^\x21-\x7e]/.test(url)) return { code: 9419, status: 403 };

  const source = URL.parse(url);
  const mayBeHttp = source !== null && switches.httpHosts.includes(source.host);
  if (source?.protocol !== "https:" && !mayBeHttp) return { code: 9406, status: 403 };

  if (!isAllowed(url, { zone, switches })) return { code: 9401, status: 403 };
  return undefined;
}

/** Returns whether the zone may transform a source (E5). No entry allows what is no URL. */
function isAllowed(url: string, { zone, switches }: Zone): boolean {
  const source = URL.parse(url);
  if (source === null) return false;

  const entries = [zone, ...switches.sources];
  return entries.some((entry) => allowsSource(entry, source, switches.sourcePaths));
}

/** @param entry the zone, or an entry of the switch `sources` */
function allowsSource(
  entry: string,
  { host, pathname }: URL,
  sourcePaths: Switches["sourcePaths"],
): boolean {
  const match = SOURCES_ENTRY.exec(entry);
  const { withSubdomains, domain = entry, path = "/" } = match?.groups ?? {};
  const isSubdomain = withSubdomains !== undefined && host.endsWith(`.${domain}`);
  if (host !== domain && !isSubdomain) return false;

  // Paths are compared as they were sent, encoded. How the edge compares them is not documented.
  if (sourcePaths === "characters") return pathname.startsWith(path);
  const folder = path.endsWith("/") ? path : `${path}/`;
  return `${pathname}/`.startsWith(folder);
}

const INTERFACE = "/cdn-cgi/image/";

/** Returns whether a URL belongs to the URL interface, which anybody may use (E10). */
export function isUrlInterface(url: string): boolean {
  return new URL(url).pathname.startsWith(INTERFACE);
}

/** Behind the path of the interface: the options, and the absolute URL of the source. */
const IMAGE_PATH = /^(?<options>[^/]*)\/(?<source>https?:\/\/.+)$/;

/** Reads `/cdn-cgi/image/<options>/<absolute URL>`. Undefined: no absolute URL follows the options. */
export function readImageUrl(url: string) {
  const { pathname, search } = new URL(url);
  const path = pathname.slice(INTERFACE.length);
  const match = IMAGE_PATH.exec(path);
  const { options, source } = match?.groups ?? {};
  if (options === undefined || source === undefined) return undefined;

  return { source: source + search, image: readOptionList(options) };
}

/** Reads a list such as `width=80,fit=cover`. */
function readOptionList(text: string): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const option of text.split(",")) {
    const [name = "", value = ""] = option.split("=");
    options[name] = readOptionValue(value);
  }
  return options;
}

function readOptionValue(text: string): boolean | number | string {
  if (text === "true" || text === "false") return text === "true";
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

/** What Cloudflare's firewall answers: a page without `cf-resized`. */
export function blockedAnswer(): Response {
  const headers = { "content-type": "text/html; charset=UTF-8", server: "cloudflare" };
  return new Response("<h1>Sorry, you have been blocked</h1>\n", { status: 403, headers });
}
