// Cloudflare's image edge, as strict as in production: what `fetch(url, { headers, cf: { image } })` does there, in the
// order of a request. It answers from its caches, or it fetches the original and renders it. docs/rules.md has the rules.

import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { checkSettings, definedOf, guardSwitches } from "../check.ts";
import {
  inputUrlOf,
  isUrlObject,
  type Network,
  type NetworkInit,
  unlessAborted,
} from "../fetch.ts";
import {
  blockedAnswer,
  canTransform,
  checkRequest,
  type FetchOptions,
  isUrlInterface,
  readFetchOptions,
  readImageUrl,
} from "./check-request.ts";
import {
  createEdgeCache,
  createQuota,
  type EdgeCache,
  lifetime,
  type Quota,
  ttlByStatus,
} from "./edge-cache.ts";
import { type Fault, faultAnswer, isEdgeFault, LOOP } from "./faults.ts";
import { type FetchedObject, fetchOriginal, type OriginRequest } from "./fetch-original.ts";
import type { EdgeRequest, OverlayOptions } from "./options.ts";
import { identifyOriginal } from "./original.ts";
import { explainFault, type Refusal } from "./refusal.ts";
import { type Output, type Overlay, type Renderer, renderObject } from "./render.ts";
import { EDGE_SETTING_RULES, type EdgeCore, type EdgeInit, type EdgeSettings } from "./settings.ts";
import { STRICT, SWITCH_RULES, type Switches } from "./switches.ts";

/** What the cache holds of a success: the rendition or facts, and the headers of the origin's answer. */
type CachedOutput = Output & { readonly originHeaders: Headers };

/** All that an edge has: its settings, its caches, and what it records for a test. */
type EdgeState = {
  readonly zone: string;
  readonly fetch: Network;
  readonly workersByHost: ReadonlyMap<string, (request: Request) => Promise<Response>>;
  readonly switches: Switches;
  readonly renderer: Renderer;
  readonly originals: EdgeCache<FetchedObject>;
  readonly outputs: EdgeCache<CachedOutput>;
  readonly faults: EdgeCache<Fault>;
  readonly quota: Quota;
  readonly requests: string[];
  readonly originFetches: string[];
  readonly refusals: Refusal[];
  readonly passedOn: string[];
};

/** A `cf-resized` that nobody has documented (R1). */
const OTHER_RESULT = "outcome=done; q=0";

/** Set while a Worker answers a request of an edge, which then transforms the answer. All edges know of it. */
const runningForEdge = new AsyncLocalStorage<true>();

/**
 * Creates an edge with an empty cache.
 * @param renderer reads and renders images; tests pass one that records what it gets
 * @throws {TypeError} if a setting is wrong or unknown
 */
export function createEdgeWith(renderer: Renderer, settings: EdgeSettings): EdgeCore {
  checkSettings("createEdge", settings, EDGE_SETTING_RULES, SWITCH_RULES);
  const { zone, fetch, now = Date.now, workers = {}, ...changed } = settings;
  const switches: Switches = { ...STRICT, ...definedOf(changed) };
  const isCaching = () => switches.cache;

  const edge: EdgeState = {
    zone,
    fetch,
    workersByHost: new Map(Object.entries(workers)),
    switches,
    renderer,
    originals: createEdgeCache(now, isCaching),
    outputs: createEdgeCache(now, isCaching),
    faults: createEdgeCache(now, isCaching),
    quota: createQuota(now, () => switches.quota),
    requests: [],
    originFetches: [],
    refusals: [],
    passedOn: [],
  };

  return {
    requests: edge.requests,
    originFetches: edge.originFetches,
    refusals: edge.refusals,
    passedOn: edge.passedOn,
    quota: edge.quota,
    switches: guardSwitches(switches, SWITCH_RULES),
    fetch(input, init = {}) {
      const source = isUrlObject(input) ? input.href : input;
      const options = readFetchOptions(source, init);
      if (options.cf?.image !== undefined) edge.requests.push(inputUrlOf(source));

      return unlessAborted(answerFetch(edge, source, init, options), options.signal);
    },
    visit: (request) => answerUrlInterface(edge, request),
    addRefusal: (refusal) => void edge.refusals.push(refusal),
    purge(url) {
      for (const cache of [edge.originals, edge.outputs, edge.faults]) {
        cache.purge(sourceOf(edge, url));
      }
    },
  };
}

/** Answers the `fetch` of a Worker. */
async function answerFetch(
  edge: EdgeState,
  input: string | Request,
  init: EdgeInit,
  options: FetchOptions,
): Promise<Response> {
  const url = inputUrlOf(input);
  const headers = new Headers(options.headers);

  // What one Worker answers to another is not transformed (E9).
  const worker = workerAt(edge, url);
  const isOfZone = URL.parse(url)?.host === edge.zone;
  if (worker !== undefined && !isOfZone) return worker(new Request(url, { headers }));

  const image = options.cf?.image;
  if (image === undefined || !canTransform(url, edge)) {
    return passOn(edge, input, init, image !== undefined);
  }

  const request = checkImageRequest(edge, url, headers, image);
  const result = isEdgeFault(request) ? request : await answerImage(edge, url, options, request);
  if (!isEdgeFault(result)) return result;

  const explanation = explainFault(result, { url, image, headers });
  edge.refusals.push({ url, fault: result, ...explanation });
  return faultAnswer(result);
}

/** Asks the network: the original comes back, and no rendition (R2). */
async function passOn(
  edge: EdgeState,
  input: string | Request,
  { cf: _cf, ...init }: EdgeInit,
  hasImageOptions: boolean,
): Promise<Response> {
  edge.passedOn.push(inputUrlOf(input));
  const original = await edge.fetch(input, init);

  // By this switch, also an original that is passed on looks like a success (R1).
  const isMarked = hasImageOptions && edge.switches.resizedHeader === "other-everywhere";
  if (isMarked) original.headers.set("cf-resized", OTHER_RESULT);
  return original;
}

function checkImageRequest(
  edge: EdgeState,
  url: string,
  headers: Headers,
  image: unknown,
): EdgeRequest | Fault {
  // It is open whether the edge knows a Worker that it has asked, and which asks it now without that in `via` (E8).
  const isAskedByEdge = runningForEdge.getStore() === true;
  if (isAskedByEdge && edge.switches.resizedTwice === "refused") return LOOP;

  const acceptsAuto = edge.switches.formatAuto === "first-come";
  return checkRequest(url, headers, image, acceptsAuto, edge);
}

/** The URL interface. The request to the origin has no authorization (E10). */
async function answerUrlInterface(
  edge: EdgeState,
  { url, headers }: Request,
): Promise<Response | undefined> {
  const { switches } = edge;
  if (!isUrlInterface(url)) return undefined;
  if (switches.firewall) return blockedAnswer();

  // Either switch of the zone turns the URL interface off (R2, E12).
  if (!switches.transformations || switches.urlTransformations !== "on") return undefined;

  const target = readImageUrl(url);
  if (target === undefined) return undefined;

  const request = checkRequest(target.source, headers, target.image, true, edge);
  if (isEdgeFault(request)) return faultAnswer(request);

  // It is open whether a visitor gets what is cached of a private object: it has `origin-auth` in its key (E10, C1).
  const originAuth = request.originAuth && switches.urlInterfaceShowsPrivate;
  const result = await answerImage(edge, target.source, {}, { ...request, originAuth });
  return isEdgeFault(result) ? faultAnswer(result) : result;
}

/** Answers from the caches, or with a new output. */
async function answerImage(
  edge: EdgeState,
  url: string,
  options: FetchOptions,
  request: EdgeRequest,
): Promise<Response | Fault> {
  const { switches, outputs, faults, quota } = edge;
  const { key, billed } = keysOf(sourceOf(edge, url), request, switches);

  const cached = outputs.get(key);
  if (cached !== undefined) {
    quota.bill(billed); // in each month anew, although it is cached (L2)
    return successAnswer(cached, key, options, "internal=ram/h", switches);
  }

  const cachedFault = faults.get(key);
  if (cachedFault !== undefined) return cachedFault;

  const isQuotaSpent = !quota.allows(billed);
  if (isQuotaSpent) return { code: 9422, status: 429 };

  const output = await makeOutput(edge, url, options, request);
  if (isEdgeFault(output)) {
    faults.set(key, output, faultTtl(output, options, switches));
    return output;
  }

  quota.bill(billed);
  outputs.set(key, output, successTtl(options, output.originHeaders));
  return successAnswer(output, key, options, "internal=ok/m q=0 n=317+85 c=9+57", switches);
}

/** Fetches the original and the overlays, and renders them. */
async function makeOutput(
  edge: EdgeState,
  url: string,
  options: FetchOptions,
  request: EdgeRequest,
): Promise<CachedOutput | Fault> {
  const { switches, renderer } = edge;
  const originRequest: OriginRequest = {
    fetch: (input, init) => askOrigin(edge, input, init),
    method: options.method ?? "GET",
    headers: new Headers(options.headers),
    originAuth: request.originAuth,
    switches,
  };

  const object = await getObject(edge, url, originRequest, options);
  if (isEdgeFault(object)) return object;

  // It is open whether the hosts of overlays get the headers that open the bucket (O12).
  const originAuth = request.originAuth && switches.overlayAuth;
  const overlayRequest = { ...originRequest, originAuth };
  const overlays: Overlay[] = [];
  for (const overlayOptions of request.image.draw ?? []) {
    const overlay = await getOverlay(edge, overlayOptions, overlayRequest, options);
    if (isEdgeFault(overlay)) return overlay;
    overlays.push(overlay);
  }

  const output = await renderObject(object.bytes, request.image, overlays, switches, renderer);
  if (isEdgeFault(output)) return output;
  return { ...output, originHeaders: object.headers };
}

async function getOverlay(
  edge: EdgeState,
  overlayOptions: OverlayOptions,
  request: OriginRequest,
  options: FetchOptions,
): Promise<Overlay | Fault> {
  const object = await getObject(edge, overlayOptions.url, request, options);
  if (isEdgeFault(object)) return object;

  const original = await identifyOriginal(object.bytes, edge.switches, edge.renderer.read);
  if (isEdgeFault(original)) return original;

  // An SVG is never rasterised, so it cannot be drawn (R8).
  if (original.type === "image/svg+xml") return { code: 9412, status: 415 };
  return { options: overlayOptions, original };
}

/** Gets an original from the cache, or from its origin (C2). */
async function getObject(
  edge: EdgeState,
  url: string,
  request: OriginRequest,
  options: FetchOptions,
): Promise<FetchedObject | Fault> {
  // The key has no credentials: an original that was fetched with some is cached for all who set `origin-auth` (C1, C2).
  const key = `${sourceOf(edge, url)} ${request.originAuth}`;
  const cached = edge.originals.get(key);
  if (cached !== undefined) return cached;

  edge.originFetches.push(url);
  const object = await fetchOriginal(url, request);
  if (isEdgeFault(object)) return object;

  edge.originals.set(key, object, successTtl(options, object.headers));
  return object;
}

/** Asks an origin, which may be a Worker. */
function askOrigin(
  edge: EdgeState,
  input: string | Request,
  init: NetworkInit | undefined,
): Promise<Response> {
  const url = inputUrlOf(input);
  const worker = workerAt(edge, url);
  if (worker === undefined) return edge.fetch(input, init);

  return runningForEdge.run(true, () => worker(new Request(url, init)));
}

function workerAt({ workersByHost }: EdgeState, url: string) {
  const host = URL.parse(url)?.host;
  return host === undefined ? undefined : workersByHost.get(host);
}

/** The source as the caches know it: its whole URL, or without the query if the zone ignores it (A15). */
function sourceOf({ switches }: EdgeState, url: string): string {
  return switches.queryInKey ? url : url.replace(/\?.*$/s, "");
}

/** Returns the cache key (C1), and what is billed: the source and its options, without the format (L2). */
function keysOf(
  source: string,
  { image, auto, originAuth }: EdgeRequest,
  { factsBilled }: Switches,
): { readonly key: string; readonly billed: string } {
  const { format, ...unique } = image;
  const transformation = `${source} ${JSON.stringify(unique)}`;
  const key = `${transformation} ${originAuth} ${auto ? "auto" : format}`;

  // It is open whether facts are a transformation of their own (R9).
  const isBilledApart = format === "json" && factsBilled === "apart";
  return { key, billed: isBilledApart ? `${transformation} json` : transformation };
}

/** For how many seconds a success is cached: as the Worker says (C4), else as the origin says (C1). */
function successTtl({ cf }: FetchOptions, originHeaders: Headers): number {
  const ttl = ttlByStatus(cf?.cacheTtlByStatus, 200);
  return ttl ?? lifetime(originHeaders.get("cache-control"));
}

/** Denials and a 404 of the origin: the other faults are not cached. */
const CACHED_FAULTS = [9404, 9408, 9519];

/** For how many seconds a fault is cached: as the Worker says (C4), else as the switch says (C1, open). */
function faultTtl({ code, status }: Fault, { cf }: FetchOptions, switches: Switches): number {
  const ttl = ttlByStatus(cf?.cacheTtlByStatus, status);
  if (ttl !== undefined) return ttl;
  return CACHED_FAULTS.includes(code) ? switches.denialTtl : 0;
}

/**
 * Writes the answer.
 * @param key the cache key; equal keys have equal entity tags (R4)
 * @param outcome what `cf-resized` says (R1)
 */
function successAnswer(
  output: CachedOutput,
  key: string,
  options: FetchOptions,
  outcome: string,
  switches: Switches,
): Response {
  const { type, bytes, originHeaders } = output;
  const headers = new Headers({ "content-type": type, "content-length": `${bytes.length}` });

  // It is open how a success is named, and whether an original that was passed on is marked as one (R1).
  const isMarked = output.isMarked || switches.resizedHeader === "other-everywhere";
  const result = switches.resizedHeader === "internal" ? outcome : OTHER_RESULT;
  if (isMarked) headers.set("cf-resized", result);

  const etag = edgeEtag(key, originHeaders);
  if (etag !== undefined && switches.namesOriginal) headers.set("etag", etag);

  for (const [name, value] of originHeaders) {
    if (isPassedOn(name, switches)) headers.set(name, value);
  }
  for (const warning of warningsOf(output)) {
    headers.append("warning", `cf-images 299 "${warning}"`);
  }

  // A 304 comes only if the Worker sent a condition (R10).
  const condition = new Headers(options.headers).get("if-none-match");
  const isCurrent = condition !== null && condition === headers.get("etag");
  if (isCurrent) return new Response(null, { status: 304, headers });

  return new Response(options.method === "HEAD" ? null : bytes.slice(), { headers });
}

/** The entity tag has that of the original. Without one, there is none (R4). */
function edgeEtag(key: string, originHeaders: Headers): string | undefined {
  const originalEtag = originHeaders.get("etag");
  if (originalEtag === null) return undefined;

  const opaque = originalEtag.replace(/^(?:W\/)?"|"$/g, "");
  const digest = createHash("sha256").update(key).digest("base64url").slice(0, 42);
  return `"cf${digest}:${opaque}"`;
}

/** Returns whether a header of the origin reaches the Worker (R7). */
function isPassedOn(name: string, { namesOriginal, originHeaders }: Switches): boolean {
  if (name === "cache-control") return true;
  if (name === "last-modified") return namesOriginal;
  return originHeaders === "leaked" && /^(?:x-amz-|server$)/.test(name);
}

/** What the edge did differently (R6), and whether the original is hardly cached (C1). */
function warningsOf({ warnings, originHeaders }: CachedOutput): readonly string[] {
  const cacheControl = originHeaders.get("cache-control") ?? "";
  const isRestrictive = /\b(?:no-store|no-cache|private|max-age=0)\b/i.test(cacheControl);
  return isRestrictive ? [...warnings, "cache-control is too restrictive"] : warnings;
}
