// Cloudflare's image edge, as strict as in production: what `fetch(url, { headers, cf: { image } })`
// does there. docs/rules.md has the rules. This file shows the steps of a request.

import { checkSettings, guarded, setOf } from "../check.ts";
import { urlOf } from "../fetch.ts";
import { accept, transforms } from "./accept.ts";
import { type Kept, successAnswer } from "./answer.ts";
import { type Asked, askedOf } from "./asked.ts";
import { createCache } from "./cache.ts";
import { SETTING_RULES, SWITCH_RULES } from "./edge-rules.ts";
import { type Fault, faultAnswer, isFault } from "./faults.ts";
import { type Asking, type Fetched, fetchOriginal } from "./fetch-original.ts";
import type { ImageOptions, OverlayOptions } from "./image-options.ts";
import { lifetime, ttlByStatus } from "./lifetime.ts";
import { make } from "./make.ts";
import { createQuota } from "./quota.ts";
import type { Options } from "./read-options.ts";
import { readOriginal } from "./read-original.ts";
import { type Refusal, refusalOf } from "./refusal.ts";
import type { makeRendition, Overlay } from "./rendition.ts";
import type { EdgeCore, EdgeInit, EdgeSettings } from "./settings.ts";
import { STRICT, type Switches } from "./switches.ts";
import { unlessAborted } from "./unless-aborted.ts";
import { blockedAnswer, isOfInterface, readImageUrl } from "./url-interface.ts";

/** How long the Worker asks to keep an answer, in seconds; undefined: it does not say (C4). */
type Ttl = number | undefined;

/**
 * Creates an edge with an empty cache.
 * @param maker makes the renditions; tests pass one that remembers them
 * @throws {TypeError} if a setting is wrong or unknown
 */
export function createEdgeWith(maker: typeof makeRendition, settings: EdgeSettings): EdgeCore {
  checkSettings("createEdge", settings, SETTING_RULES, SWITCH_RULES);
  const { zone, fetch, now = Date.now, workers = {}, ...changed } = settings;
  const switches: Switches = { ...STRICT, ...setOf(changed) };
  const workersByHost = new Map(Object.entries(workers));
  const keeps = () => switches.cache;
  const originals = createCache<Fetched>(now, keeps);
  const renditions = createCache<Kept>(now, keeps);
  const faults = createCache<Fault>(now, keeps);
  const requests: string[] = [];
  const originFetches: string[] = [];
  const quota = createQuota(now, () => switches.quota);
  const refusals: Refusal[] = [];
  const passedOn: string[] = [];

  function refuse(fault: Fault, url: string, image: unknown, headers: Headers): Response {
    refusals.push(refusalOf(fault, { url, image, headers }));
    return faultAnswer(fault);
  }

  async function answer(
    input: string | Request,
    { cf: _cf, ...rest }: EdgeInit,
    asked: Asked,
  ): Promise<Response> {
    const url = urlOf(input);
    const image = asked.cf?.image;
    const headers = new Headers(asked.headers);
    const worker = workersByHost.get(URL.parse(url)?.host ?? "");
    if (worker !== undefined) return worker(new Request(url, { headers })); // E9
    if (image === undefined || !transforms(url, { zone, switches })) {
      passedOn.push(url);
      return fetch(input, rest);
    }
    const takesAuto = switches.formatAuto === "first-come";
    const options = accept(url, headers, image, takesAuto, { zone, switches });
    const made = isFault(options) ? options : await answerImage(url, asked, options);
    return isFault(made) ? refuse(made, url, image, headers) : made;
  }

  /** The URL interface. The request to the origin has no authorization (E10). */
  async function visit({ url, headers }: Request): Promise<Response | undefined> {
    if (!isOfInterface(url)) return undefined;
    if (switches.firewall) return blockedAnswer();
    const asked = readImageUrl(url);
    const isOn = switches.transformations && switches.urlTransformations === "on"; // E12
    if (asked === undefined || !isOn) return undefined;
    const { source, image } = asked;
    const options = accept(source, headers, image, true, { zone, switches });
    if (isFault(options)) return faultAnswer(options);
    const originAuth = options.originAuth && switches.keptForAll; // C1
    const made = await answerImage(source, {}, { ...options, originAuth });
    return isFault(made) ? faultAnswer(made) : made;
  }

  async function answerImage(
    url: string,
    init: Asked,
    options: Options,
  ): Promise<Response | Fault> {
    const { key, billed } = keysOf(sourceOf(url), options, switches);
    const ttl = ttlByStatus(init.cf?.cacheTtlByStatus, 200); // C4
    const kept = renditions.get(key);
    if (kept !== undefined) {
      quota.bill(billed); // L2: anew in each month
      return successAnswer(kept, key, init, "internal=ram/h", switches);
    }
    const failed = faults.get(key);
    if (failed !== undefined) return failed;
    if (!quota.allows(billed)) return { code: 9422, status: 429 }; // L2
    const made = await transform(url, askingOf(init, options), options.image, ttl);
    if (isFault(made)) return keepFailure(key, made, init);
    quota.bill(billed);
    renditions.set(key, made, ttl ?? lifetime(made.origin.get("cache-control"))); // C1
    return successAnswer(made, key, init, "internal=ok/m q=0 n=317+85 c=9+57", switches);
  }

  /** The source as the caches know it: its whole URL, or without the query (A15). */
  function sourceOf(url: string): string {
    return switches.queryInKey ? url : url.replace(/\?.*$/s, "");
  }

  function askingOf({ method = "GET", headers }: Asked, { originAuth }: Options): Asking {
    return { fetch, method, headers: new Headers(headers), originAuth, switches };
  }

  /** Keeps a failure as long as the Worker says (C1, C4). */
  function keepFailure(key: string, fault: Fault, init: Asked): Fault {
    const denied = [9404, 9408, 9519].includes(fault.code) ? switches.denialsKept : 0; // C1
    faults.set(key, fault, ttlByStatus(init.cf?.cacheTtlByStatus, fault.status) ?? denied); // C4
    return fault;
  }

  async function transform(
    url: string,
    asking: Asking,
    image: ImageOptions,
    ttl: Ttl,
  ): Promise<Kept | Fault> {
    const found = await original(url, asking, ttl);
    if (isFault(found)) return found;
    const overlays: Overlay[] = [];
    for (const options of image.draw ?? []) {
      const overlay = await overlayOf(options, asking, ttl);
      if (isFault(overlay)) return overlay;
      overlays.push(overlay);
    }
    const made = await make(found, image, overlays, switches, maker);
    return isFault(made) ? made : { ...made, origin: found.headers };
  }

  async function overlayOf(
    options: OverlayOptions,
    asking: Asking,
    ttl: Ttl,
  ): Promise<Overlay | Fault> {
    const originAuth = asking.originAuth && switches.overlayAuth; // O12
    const found = await original(options.url, { ...asking, originAuth }, ttl);
    const read = isFault(found) ? found : await readOriginal(found.bytes, switches);
    if (isFault(read)) return read;
    return "svg" in read ? { code: 9412, status: 415 } : { options, original: read };
  }

  async function original(url: string, asking: Asking, ttl: Ttl): Promise<Fetched | Fault> {
    // C2: the credentials are not part of the key. Whether origin-auth was set is (C1).
    const key = `${sourceOf(url)} ${asking.originAuth}`;
    const kept = originals.get(key);
    if (kept !== undefined) return kept;
    originFetches.push(url);
    const found = await fetchOriginal(url, asking);
    if (isFault(found)) return found;
    originals.set(key, found, ttl ?? lifetime(found.headers.get("cache-control")));
    return found;
  }

  return {
    switches: guarded(switches, SWITCH_RULES),
    requests,
    originFetches,
    refusals,
    passedOn,
    quota,
    fetch(input, init = {}) {
      const source = typeof input !== "string" && "href" in input ? input.href : input;
      const asked = askedOf(source, init);
      if (asked.cf?.image !== undefined) requests.push(urlOf(source));
      return unlessAborted(answer(source, init, asked), asked.signal);
    },
    visit,
    purge: (url) => {
      for (const cache of [originals, renditions, faults]) cache.purge(sourceOf(url));
    },
  };
}

/** Returns the cache key (C1), and what is billed: there the format does not count (L2). */
function keysOf(
  url: string,
  { image: { format, ...unique }, auto, originAuth }: Options,
  { factsBilled }: Switches,
) {
  const same = `${url} ${JSON.stringify(unique)}`;
  const isApart = format === "json" && factsBilled === "apart"; // R9
  const billed = isApart ? `${same} json` : same;
  return { billed, key: `${same} ${originAuth} ${auto ? "auto" : format}` };
}
