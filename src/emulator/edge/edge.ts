// Cloudflare's image edge, as strict as production: what `fetch(url, { headers, cf: { image } })`
// does there. docs/rules.md has the rules; this file tells a request's whole way.

import { type Kept, successAnswer } from "./answer.ts";
import { createCache, lifetime, ttlByStatus } from "./cache.ts";
import { type Fault, faultAnswer, isFault } from "./faults.ts";
import { make } from "./make.ts";
import { type Options, readOptions } from "./options.ts";
import { type Asking, type Fetched, fetchOriginal } from "./origin.ts";
import { readOriginal } from "./original.ts";
import type { Overlay } from "./pixels.ts";
import { STRICT, type Switches } from "./switches.ts";
import { unplayable } from "./unplayable.ts";

export type EdgeSettings = Partial<Switches> & {
  /** The host of the zone that the Worker runs on, whose own images are always allowed (E5). */
  readonly zone: string;
  /** The network. */
  readonly fetch: typeof fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Workers by the host they answer for (E9). */
  readonly workers?: Readonly<Record<string, (request: Request) => Promise<Response>>>;
};

export type Edge = {
  /** What `fetch` is in a Worker. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** May be changed at any time. */
  readonly switches: Switches;
  /** The URLs that originals were fetched from, in order. */
  readonly originFetches: readonly string[];
  /** The unique transformations, which are billed (L2). */
  readonly transformations: ReadonlySet<string>;
  /** Drops an original and all its variants, by its source URL (C3). */
  purge(url: string): void;
};

/** An edge of its own, with nothing in its cache. */
export function createEdge({ zone, fetch, now, workers = {}, ...changed }: EdgeSettings): Edge {
  const switches: Switches = { ...STRICT, ...changed };
  const keeps = () => switches.cache;
  const originals = createCache<Fetched>(now, keeps);
  const prints = createCache<Kept>(now, keeps);
  const faults = createCache<Fault>(now, keeps);
  const originFetches: string[] = [];
  const transformations = new Set<string>();

  async function ask(url: string, init: RequestInit): Promise<Response> {
    const { image: asked, cacheTtlByStatus } = init.cf ?? {};
    const headers = new Headers(init.headers);
    const worker = URL.canParse(url) ? workers[new URL(url).host] : undefined;
    if (worker !== undefined) return worker(new Request(url, { headers })); // E9
    if (asked === undefined || !switches.transformations) return fetch(url, init); // R2
    if (switches.trouble !== undefined) return faultAnswer(switches.trouble);
    if (/image-resizing/.test(headers.get("via") ?? "")) return faultAnswer("9403/508"); // E8

    const unfit = urlFault(url, [zone, ...switches.sources], switches.plain);
    if (unfit !== undefined) return faultAnswer(unfit);
    const options = readOptions(asked, switches.formatAuto === "first-come");
    if (isFault(options)) return faultAnswer(options);
    const image = options.auto ? { ...options.image, ...byAccept(headers) } : options.image;
    const missing = switches.unplayable === "refused" ? unplayable(image) : [];
    if (missing.length > 0) throw new Error(`the strict edge cannot play ${missing.join(", ")}`);

    const { key, billed } = keysOf(url, options);
    const keptFor = ttlByStatus(cacheTtlByStatus, 200); // C4
    const kept = prints.get(key);
    if (kept !== undefined) return successAnswer(kept, key, init, "internal=ram/h", switches);
    const failed = faults.get(key);
    if (failed !== undefined) return faultAnswer(failed);
    if (!transformations.has(billed) && transformations.size >= switches.quota) {
      return faultAnswer("9422/429"); // L2
    }
    const { originAuth } = options;
    const asking = { fetch, method: init.method ?? "GET", headers, originAuth, switches };
    const made = await transform(url, asking, image, keptFor);
    if (isFault(made)) {
      const failure = faultAnswer(made);
      const kept = /^(?:9408|9519)/.test(made) ? switches.denialsKept : 0; // C1
      faults.set(key, made, ttlByStatus(cacheTtlByStatus, failure.status) ?? kept); // C4
      return failure;
    }
    transformations.add(billed);
    prints.set(key, made, keptFor ?? lifetime(made.origin.get("cache-control"))); // C1
    return successAnswer(made, key, init, "internal=ok/m q=0 n=317+85 c=9+57", switches);
  }

  async function transform(
    url: string,
    asking: Asking,
    image: RequestInitCfPropertiesImage,
    keptFor: number | undefined,
  ): Promise<Kept | Fault> {
    const found = await original(url, asking, keptFor);
    if (isFault(found)) return found;
    const overlays: Overlay[] = [];
    for (const drawn of image.draw ?? []) {
      const originAuth = asking.originAuth && switches.overlayAuth; // O12
      const over = await original(drawn.url, { ...asking, originAuth }, keptFor);
      const read = isFault(over) ? over : await readOriginal(over.bytes, switches);
      if (isFault(read)) return read;
      if ("svg" in read) return "9412/415";
      overlays.push({ options: drawn, original: read });
    }
    const made = await make(found, image, overlays, switches);
    return isFault(made) ? made : { ...made, origin: found.headers };
  }

  async function original(
    url: string,
    asking: Asking,
    keptFor: number | undefined,
  ): Promise<Fetched | Fault> {
    // C2: whoever asks, and with whatever authorization; origin-auth is an option like others (C1).
    const key = `${url} ${asking.originAuth}`;
    const kept = originals.get(key);
    if (kept !== undefined) return kept;
    originFetches.push(url);
    const found = await fetchOriginal(url, asking);
    if (isFault(found)) return found;
    originals.set(key, found, keptFor ?? lifetime(found.headers.get("cache-control")));
    return found;
  }

  function purge(url: string): void {
    for (const cache of [originals, prints, faults]) cache.purge(url);
  }
  return {
    switches,
    originFetches,
    transformations,
    fetch: (url, init = {}) => unlessAborted(ask(url, init), init.signal),
    purge,
  };
}

/** Which URLs the edge takes at all (E5, E6). Of a redirect only the first is looked at. */
function urlFault(url: string, hosts: readonly string[], plain: readonly string[]) {
  if (/[^\x21-\x7e]/.test(url)) return "9419/403" satisfies Fault;
  if (!URL.canParse(url)) return "9406/403" satisfies Fault;
  const { protocol, host } = new URL(url);
  if (protocol !== "https:" && !plain.includes(host)) return "9406/403" satisfies Fault;
  return hosts.includes(host) ? undefined : ("9401/403" satisfies Fault);
}

/** Under what an answer is kept (C1), and what it is billed as: there the format does not count (L2). */
function keysOf(url: string, { image: { format, ...unique }, auto, originAuth }: Options) {
  const billed = `${url} ${JSON.stringify(unique)}`;
  return { billed, key: `${billed} ${originAuth} ${auto ? "auto" : format}` };
}

/** What "auto" chooses, for the first who asks and then for all (O6). */
function byAccept(headers: Headers): { format?: "avif" | "webp" } {
  const accept = headers.get("accept") ?? "";
  if (accept.includes("image/avif")) return { format: "avif" };
  return accept.includes("image/webp") ? { format: "webp" } : {};
}

function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal | null | undefined) {
  if (signal === null || signal === undefined) return work;
  const aborted = new Promise<never>((_settle, fail) => {
    const abort = () => fail(new DOMException("The operation was aborted", "AbortError"));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  });
  return Promise.race([work, aborted]);
}
