// Cloudflare's image edge, as strict as in production: what `fetch(url, { headers, cf: { image } })` does there, in the
// order of a request. docs/rules.md has the rules.

import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { checkSettings, definedOf, guardSwitches } from "../check.ts";
import { inputUrlOf, isUrlObject, type Network, unlessAborted } from "../fetch.ts";
import {
  blockedAnswer,
  canTransform,
  checkRequest,
  type FetchOptions,
  isUrlInterface,
  readFetchOptions,
  readImageUrl,
} from "./check-request.ts";
import { createEdgeCache, createQuota, lifetime, ttlByStatus } from "./edge-cache.ts";
import { type Fault, faultAnswer, isEdgeFault, LOOP } from "./faults.ts";
import { type FetchedObject, fetchOriginal, type OriginRequest } from "./fetch-original.ts";
import type { EdgeRequest, ImageOptions } from "./options.ts";
import { identifyOriginal } from "./original.ts";
import { findReason, type Refusal } from "./refusal.ts";
import { type Output, type Overlay, type Renderer, renderOutput } from "./render.ts";
import { EDGE_SETTING_RULES, type EdgeCore, type EdgeInit, type EdgeSettings } from "./settings.ts";
import { STRICT, SWITCH_RULES, type Switches } from "./switches.ts";

/** What the cache holds of a success: the rendition or facts, and the headers of the origin's answer. */
type CachedOutput = Output & { readonly origin: Headers };

/** A result that nobody has documented (R1). */
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
  const workersByHost = new Map(Object.entries(workers));
  const isCaching = () => switches.cache;
  const originals = createEdgeCache<FetchedObject>(now, isCaching);
  const outputs = createEdgeCache<CachedOutput>(now, isCaching);
  const faults = createEdgeCache<Fault>(now, isCaching);
  const quota = createQuota(now, () => switches.quota);
  const requests: string[] = [];
  const originFetches: string[] = [];
  const refusals: Refusal[] = [];
  const passedOn: string[] = [];

  async function answer(
    input: string | Request,
    { cf: _cf, ...init }: EdgeInit,
    options: FetchOptions,
  ): Promise<Response> {
    const url = inputUrlOf(input);
    const image = options.cf?.image;
    const headers = new Headers(options.headers);
    const worker = workerAt(url);
    const isOther = URL.parse(url)?.host !== zone;
    if (worker !== undefined && isOther) return worker(new Request(url, { headers })); // E9
    if (image === undefined || !canTransform(url, { zone, switches })) {
      passedOn.push(url);
      const original = await fetch(input, init);
      const isMarked = image !== undefined && switches.resizedHeader === "other-everywhere"; // R1
      if (isMarked) original.headers.set("cf-resized", OTHER_RESULT);
      return original;
    }
    const acceptsAuto = switches.formatAuto === "first-come";
    const isTwice = runningForEdge.getStore() === true && switches.resizedTwice === "refused";
    const request = isTwice
      ? LOOP
      : checkRequest(url, headers, image, acceptsAuto, { zone, switches });
    const result = isEdgeFault(request) ? request : await answerImage(url, options, request);
    if (!isEdgeFault(result)) return result;
    refusals.push({ url, fault: result, ...findReason(result, { url, image, headers }) });
    return faultAnswer(result);
  }

  /** The URL interface. The request to the origin has no authorization (E10). */
  async function answerUrlInterface({ url, headers }: Request): Promise<Response | undefined> {
    if (!isUrlInterface(url)) return undefined;
    if (switches.firewall) return blockedAnswer();
    const image = readImageUrl(url);
    const isOn = switches.transformations && switches.urlTransformations === "on"; // E12
    if (image === undefined || !isOn) return undefined;
    const request = checkRequest(image.source, headers, image.image, true, { zone, switches });
    if (isEdgeFault(request)) return faultAnswer(request);
    const originAuth = request.originAuth && switches.urlInterfaceShowsPrivate; // C1
    const result = await answerImage(image.source, {}, { ...request, originAuth });
    return isEdgeFault(result) ? faultAnswer(result) : result;
  }

  async function answerImage(
    url: string,
    init: FetchOptions,
    request: EdgeRequest,
  ): Promise<Response | Fault> {
    const { key, billed } = keysOf(sourceOf(url), request, switches);
    const ttl = ttlByStatus(init.cf?.cacheTtlByStatus, 200); // C4
    const cached = outputs.get(key);
    if (cached !== undefined) {
      quota.bill(billed); // L2: anew in each month
      return successAnswer(cached, key, init, "internal=ram/h", switches);
    }
    const failed = faults.get(key);
    if (failed !== undefined) return failed;
    if (!quota.allows(billed)) return { code: 9422, status: 429 }; // L2
    const { method = "GET", headers } = init;
    const { originAuth } = request;
    const origin = { fetch: ask, method, headers: new Headers(headers), originAuth, switches };
    const output = await transform(url, origin, request.image, ttl);
    if (isEdgeFault(output)) {
      const isDenied = [9404, 9408, 9519].includes(output.code); // C1
      const failureTtl = ttlByStatus(init.cf?.cacheTtlByStatus, output.status); // C4
      faults.set(key, output, failureTtl ?? (isDenied ? switches.denialTtl : 0));
      return output;
    }
    quota.bill(billed);
    outputs.set(key, output, ttl ?? lifetime(output.origin.get("cache-control"))); // C1
    return successAnswer(output, key, init, "internal=ok/m q=0 n=317+85 c=9+57", switches);
  }

  /** Asks an origin, which may be a Worker. */
  const ask: Network = (input, init) => {
    const url = inputUrlOf(input);
    const worker = workerAt(url);
    if (worker === undefined) return fetch(input, init);
    return runningForEdge.run(true, () => worker(new Request(url, init)));
  };

  function workerAt(url: string) {
    return workersByHost.get(URL.parse(url)?.host ?? "");
  }

  /** The source as the caches know it: its whole URL, or without the query (A15). */
  function sourceOf(url: string): string {
    return switches.queryInKey ? url : url.replace(/\?.*$/s, "");
  }

  async function transform(
    url: string,
    request: OriginRequest,
    image: ImageOptions,
    ttl: number | undefined,
  ): Promise<CachedOutput | Fault> {
    const object = await getObject(url, request, ttl);
    if (isEdgeFault(object)) return object;
    const overlays: Overlay[] = [];
    const originAuth = request.originAuth && switches.overlayAuth; // O12
    for (const options of image.draw ?? []) {
      const overlay = await getObject(options.url, { ...request, originAuth }, ttl);
      const original = isEdgeFault(overlay)
        ? overlay
        : await identifyOriginal(overlay.bytes, switches, renderer.read);
      if (isEdgeFault(original)) return original;
      if (original.type === "image/svg+xml") return { code: 9412, status: 415 };
      overlays.push({ options, original });
    }
    const output = await renderOutput(object.bytes, image, overlays, switches, renderer);
    return isEdgeFault(output) ? output : { ...output, origin: object.headers };
  }

  async function getObject(
    url: string,
    request: OriginRequest,
    ttl: number | undefined,
  ): Promise<FetchedObject | Fault> {
    // C2: the key has no credentials. It has whether origin-auth was set (C1).
    const key = `${sourceOf(url)} ${request.originAuth}`;
    const cached = originals.get(key);
    if (cached !== undefined) return cached;
    originFetches.push(url);
    const object = await fetchOriginal(url, request);
    if (isEdgeFault(object)) return object;
    originals.set(key, object, ttl ?? lifetime(object.headers.get("cache-control")));
    return object;
  }

  return {
    ...{ requests, originFetches, refusals, passedOn, quota, visit: answerUrlInterface },
    addRefusal: (refusal) => void refusals.push(refusal),
    switches: guardSwitches(switches, SWITCH_RULES),
    fetch(input, init = {}) {
      const source = isUrlObject(input) ? input.href : input;
      const options = readFetchOptions(source, init);
      if (options.cf?.image !== undefined) requests.push(inputUrlOf(source));
      return unlessAborted(answer(source, init, options), options.signal);
    },
    purge: (url) => {
      for (const cache of [originals, outputs, faults]) cache.purge(sourceOf(url));
    },
  };
}

/** Returns the cache key (C1), and what is billed, without the format (L2). */
function keysOf(
  url: string,
  { image: { format, ...unique }, auto, originAuth }: EdgeRequest,
  { factsBilled }: Switches,
) {
  const transformation = `${url} ${JSON.stringify(unique)}`;
  const isBilledApart = format === "json" && factsBilled === "apart"; // R9
  const billed = isBilledApart ? `${transformation} json` : transformation;
  return { billed, key: `${transformation} ${originAuth} ${auto ? "auto" : format}` };
}

/**
 * Writes the answer.
 * @param key the cache key; equal keys have equal entity tags (R4)
 * @param outcome what `cf-resized` says (R1)
 */
function successAnswer(
  { type, bytes, warnings, isMarked, origin }: CachedOutput,
  key: string,
  init: FetchOptions,
  outcome: string,
  { namesOriginal, originHeaders, resizedHeader }: Switches,
): Response {
  const headers = new Headers({ "content-type": type, "content-length": `${bytes.length}` });
  const result = resizedHeader === "internal" ? outcome : OTHER_RESULT; // R1
  if (isMarked || resizedHeader === "other-everywhere") headers.set("cf-resized", result);
  const etag = origin.get("etag")?.replace(/^(?:W\/)?"|"$/g, "");
  if (etag !== undefined && namesOriginal) {
    const digest = createHash("sha256").update(key).digest("base64url").slice(0, 42);
    headers.set("etag", `"cf${digest}:${etag}"`); // R4
  }
  for (const [name, value] of origin) {
    const isPassed = name === "cache-control" || (name === "last-modified" && namesOriginal); // R7
    const isLeaked = originHeaders === "leaked" && /^(?:x-amz-|server$)/.test(name); // R7
    if (isPassed || isLeaked) headers.set(name, value);
  }
  const cacheControl = origin.get("cache-control") ?? "";
  const isRestrictive = /\b(?:no-store|no-cache|private|max-age=0)\b/i.test(cacheControl); // C1
  const allWarnings = isRestrictive ? [...warnings, "cache-control is too restrictive"] : warnings;
  for (const warning of allWarnings) headers.append("warning", `cf-images 299 "${warning}"`); // R6

  const condition = new Headers(init.headers).get("if-none-match");
  const isCurrent = condition !== null && condition === headers.get("etag");
  if (isCurrent) return new Response(null, { status: 304, headers }); // R10
  return new Response(init.method === "HEAD" ? null : bytes.slice(), { headers });
}
