// Runs the months of a site through Workers Cache, the store, S3 and the edge, and counts what is billed. After the last
// month, S3 is down for a day. It leaves out: browsers' caches, what the edge drops early, and two data centres that render
// the same picture at once.

import { EMPTY_QUEUE, type EventQueue, nextPurge, sendEvent, settlePurge } from "./event-queue.ts";
import type { Rendering, Rules } from "./rules.ts";
import {
  BROWSER_COUNT,
  createPictures,
  elementAt,
  type Picture,
  type Site,
  VARIANTS,
  type View,
} from "./site.ts";
import { createTrace, DAY, HOUR, MONTH, type Trace } from "./trace.ts";
import {
  type CacheRules,
  createWorkersCache,
  keepVersion,
  type Lookup,
  lookUp,
  purgeKeys,
  renewVersion,
  type WorkersCache,
} from "./workers-cache.ts";

export type Scenario = {
  readonly site: Site;
  readonly months: number;
  readonly rules: Rules;
  readonly hasStore: boolean;
  /** undefined: `keep` is 0. */
  readonly cache: CacheRules | undefined;
  /** Whether an event has an object purged when it is replaced. */
  readonly hasEvents: boolean;
};

/** What is counted in a month. */
export type Counts = {
  views: number;
  /** Views of a picture that was checked less than `keep` ago, of an older one, and of one that was waited for. */
  fresh: number;
  stale: number;
  waitedForS3: number;
  waitedForEdge: number;
  /** Views that got 502, though S3 and the edge were well. */
  refused: number;
  /** Views of an object that had been replaced. */
  replaced: number;
  /** Bytes that visitors got. */
  deliveredBytes: number;
  workerRequests: number;
  /** Runs of Renditions, or of its code in the gateway. */
  runs: number;
  edgeRequests: number;
  transformations: number;
  /** GETs of S3, of all kinds, those of them for a long head, and the bytes of all. */
  gets: number;
  longHeadGets: number;
  s3Bytes: number;
  storeReads: number;
  storeWrites: number;
  /** Lists of the store, to delete what it has of a purged object. */
  storeLists: number;
  queueOperations: number;
  /** What is stored at the end of the month. */
  storedBytes: number;
  /** How much of it are WebPs of wide presets that are stored for another browser as well. */
  twiceStoredBytes: number;
};

/** A day without S3, after the last month. */
type Outage = { readonly views: number; readonly pictures: number };

export type Result = {
  readonly months: readonly Counts[];
  /** For each month: for how long an object had been replaced when a view showed the older one. Seconds, in order. */
  readonly oldFor: readonly (readonly number[])[];
  /** For how long a replaced object waited for its purge, at most: seconds. undefined: there were no events. */
  readonly longestWait: number | undefined;
  readonly outage: Outage;
  readonly objects: number;
  /** The bytes of an original, on average. */
  readonly originalBytes: number;
};

/** What S3 sends for the first 1,024 bytes, with the headers (A14); and for the long head, if it is read. */
const HEAD_BYTES = 2_048;
const LONG_HEAD_BYTES = 131_072 - 1_024;

/** For how long the edge keeps an original in a data centre (C1, C2). */
const EDGE_KEEPS = HOUR;

/** The pictures of a site, and what the rules say of them. Runs of one site with one set of rules may share it. */
export type Album = {
  readonly pictures: readonly Picture[];
  /** By object, variant and browser: as far as it was asked for. */
  readonly renderings: (Rendering | undefined)[];
};

/** What remains from one view to the next. */
type State = Album & {
  readonly scenario: Scenario;
  readonly cache: WorkersCache | undefined;
  /** The present version of each object: 1 for the first one. */
  readonly versions: Uint16Array;
  /** By object: when each of its versions was replaced, from the first one on. */
  readonly replacedAt: number[][];
  /** By key: the stored version, and its bytes. 0: none. */
  readonly storedVersions: Uint16Array;
  readonly storedBytes: Uint32Array;
  /** Until when the edge keeps an original, by data centre, object and version. */
  readonly originals: Map<string, number>;
  /** What is billed in this month, by object, version and options (L2). */
  readonly billed: Set<string>;
  queue: EventQueue;
  counts: Counts;
  oldFor: number[];
  longestWait: number | undefined;
};

export const SEED = 1;

export function simulate(scenario: Scenario, album = createAlbum(scenario.site)): Result {
  const { site, months } = scenario;
  const state = createState(scenario, album);
  const trace = createTrace(site, SEED);

  const results: Counts[] = [];
  const oldFor: number[][] = [];
  for (let month = 0; month < months; month++) {
    state.billed.clear();
    state.counts = noCounts();
    state.oldFor = [];
    for (let index = 0; index < site.views; index++) {
      const { now, replaced, view } = trace.next();
      purgeDue(state, now);
      if (replaced !== undefined) replaceObject(state, replaced, now);
      countView(state, view, now);
    }
    results.push({ ...state.counts, ...storedAtTheEnd(state) });
    oldFor.push(state.oldFor.sort((a, b) => a - b));
  }

  const outage = simulateOutage(state, trace);
  const allBytes = state.pictures.reduce((sum, { bytes }) => sum + bytes, 0);
  const originalBytes = allBytes / site.objects;
  const { longestWait } = state;
  return { months: results, oldFor, longestWait, outage, objects: site.objects, originalBytes };
}

function simulateOutage(state: State, trace: Trace): Outage {
  const { site } = state.scenario;
  const views = Math.round((site.views * DAY) / MONTH);
  let pictures = 0;
  for (let index = 0; index < views; index++) {
    const { now, view } = trace.nextUnchanged();
    if (isShownWithoutS3(state, view, now)) pictures += 1;
  }
  return { views, pictures };
}

export function createAlbum(site: Site): Album {
  return { pictures: createPictures(site, SEED), renderings: new Array(keysOf(site)) };
}

function keysOf({ objects }: Site): number {
  return objects * VARIANTS.length * BROWSER_COUNT;
}

function createState(scenario: Scenario, album: Album): State {
  const { site, cache } = scenario;
  const keys = keysOf(site);
  return {
    ...album,
    scenario,
    cache: cache && createWorkersCache(cache, keys),
    versions: new Uint16Array(site.objects).fill(1),
    replacedAt: Array.from({ length: site.objects }, () => []),
    storedVersions: new Uint16Array(keys),
    storedBytes: new Uint32Array(keys),
    originals: new Map(),
    billed: new Set(),
    queue: EMPTY_QUEUE,
    counts: noCounts(),
    oldFor: [],
    longestWait: undefined,
  };
}

/** The key of a rendition in Workers Cache and in the store. */
function keyOf({ rules }: Scenario, { object, variant, browser }: View): number {
  const part = rules.cacheKeyPart(browser, elementAt(VARIANTS, variant));
  return (object * VARIANTS.length + variant) * BROWSER_COUNT + part;
}

function replaceObject(state: State, object: number, now: number): void {
  const { scenario, counts, versions } = state;
  versions[object] = (versions[object] ?? 0) + 1;
  elementAt(state.replacedAt, object).push(now);
  if (!scenario.hasEvents) return;

  // EventBridge asks the Worker, which writes a message. It is deleted at its end.
  state.queue = sendEvent(state.queue, object, now);
  counts.workerRequests += 1;
  counts.queueOperations += 2;
}

/** Does what the consumer of the queue has done by now: first Workers Cache, then the store. */
function purgeDue(state: State, now: number): void {
  for (;;) {
    const purge = nextPurge(state.queue, now);
    if (!purge) return;

    const { messages, longestWait = 0 } = purge;
    const objects = new Set(messages.map(({ object }) => object));
    const stored = [...objects].filter((object) => purgeObject(state, object) === "was-stored");
    state.queue = settlePurge(purge, new Set(stored));
    state.longestWait = Math.max(state.longestWait ?? 0, longestWait);

    // A batch is a run of the consumer, and a call of the entrypoint that has the cache (W12). Each message is read.
    state.counts.workerRequests += 2;
    state.counts.queueOperations += messages.length;
  }
}

/** What is stored of an object is listed before it is deleted, and after. One more list is for names of version 0.2. */
function purgeObject(state: State, object: number): "was-stored" | "was-not-stored" {
  const { scenario, cache, counts, storedVersions, storedBytes } = state;
  const keysOfObject = VARIANTS.length * BROWSER_COUNT;
  const from = object * keysOfObject;
  const to = from + keysOfObject;
  if (cache) purgeKeys(cache, from, to);
  if (!scenario.hasStore) return "was-not-stored";

  const isStored = storedVersions.subarray(from, to).some((version) => version > 0);
  counts.storeLists += isStored ? 3 : 2;
  storedVersions.fill(0, from, to);
  storedBytes.fill(0, from, to);
  return isStored ? "was-stored" : "was-not-stored";
}

function countView(state: State, view: View, now: number): void {
  const { scenario, cache, counts } = state;
  const key = keyOf(scenario, view);
  counts.views += 1;

  // Each picture is two requests: to the gateway, and to the cached entrypoint (W12).
  counts.workerRequests += cache ? 2 : 1;

  const lookup = cache && lookUp(cache, view.dataCenter, key, now);
  switch (lookup?.kind) {
    case "shown":
      if (lookup.isFresh) counts.fresh += 1;
      else counts.stale += 1;
      countDelivery(state, view, lookup.version, now);
      return;

    case "shown-and-checked":
      counts.stale += 1;
      countDelivery(state, view, lookup.version, now);
      runRenditions(state, view, key, now, lookup);
      return;

    default: {
      const run = runRenditions(state, view, key, now, lookup);
      if (run === "rendered") counts.waitedForEdge += 1;
      if (run === "confirmed") counts.waitedForS3 += 1;
      if (run === "refused") counts.refused += 1;
      else countDelivery(state, view, state.versions[view.object] ?? 0, now);
    }
  }
}

function countDelivery(state: State, view: View, version: number, now: number): void {
  const { counts, versions, replacedAt } = state;
  counts.deliveredBytes += renderingOf(state, view).bytes;
  if (version === versions[view.object]) return;

  counts.replaced += 1;
  const times = elementAt(replacedAt, view.object);
  state.oldFor.push(now - elementAt(times, version - 1));
}

/** Each rendition of a picture is worked out once. */
function renderingOf({ scenario, pictures, renderings }: State, view: View): Rendering {
  const { object, variant, browser } = view;
  const number = (object * VARIANTS.length + variant) * BROWSER_COUNT + browser;
  const picture = elementAt(pictures, object);
  renderings[number] ??= scenario.rules.render(picture, elementAt(VARIANTS, variant), browser);
  return renderings[number];
}

/**
 * Asks S3 and the store, and then the edge. Each step of docs/how-it-works.md that sends something is counted.
 * @param lookup what Workers Cache has; undefined: there is none
 */
function runRenditions(
  state: State,
  view: View,
  key: number,
  now: number,
  lookup: Exclude<Lookup, { kind: "shown" }> | undefined,
): "confirmed" | "rendered" | "refused" {
  const { scenario, cache, counts, versions, storedVersions } = state;
  const { hasStore } = scenario;
  const version = versions[view.object] ?? 0;
  const isFromUpper = lookup?.kind === "shown-and-checked" && lookup.isFromUpper;
  const keptIn = isFromUpper ? undefined : view.dataCenter;
  counts.runs += 1;

  // Step 8: the object's first bytes.
  counts.gets += 1;
  counts.s3Bytes += HEAD_BYTES;

  // Step 11: unchanged, in Workers Cache or in the store.
  const isUnchanged = lookup?.condition === version;
  if (!isUnchanged && hasStore) counts.storeReads += 1;
  if (isUnchanged || storedVersions[key] === version) {
    if (cache) {
      if (isUnchanged) renewVersion(cache, keptIn, key, version, now);
      else keepVersion(cache, keptIn, key, version, now);
      if (scenario.rules.asksAgain) askOnceMore(counts, isUnchanged ? "s3" : "store");
    }
    return "confirmed";
  }

  // Step 12: the edge.
  const rendering = renderingOf(state, view);
  askEdge(state, view, version, rendering, now);
  if (rendering.type === undefined) return "refused";

  // Step 14: the rendition is stored, and S3 is asked once more.
  if (hasStore && rendering.isStored) {
    counts.storeWrites += 1;
    storedVersions[key] = version;
    state.storedBytes[key] = rendering.bytes;
  }
  if (cache) keepVersion(cache, keptIn, key, version, now);
  if (cache || hasStore) askOnceMore(counts, "s3");
  return "rendered";
}

/** After its answer, a run asks once more: S3 for the object, or the store for what it has shown. */
function askOnceMore(counts: Counts, source: "s3" | "store"): void {
  if (source === "store") {
    counts.storeReads += 1;
    return;
  }

  counts.gets += 1;
  counts.s3Bytes += HEAD_BYTES;
}

function askEdge(
  { counts, pictures, billed, originals }: State,
  { object, dataCenter }: View,
  version: number,
  { requests, billed: sets, readsLongHead }: Rendering,
  now: number,
): void {
  counts.edgeRequests += requests;
  if (readsLongHead) {
    counts.gets += 1;
    counts.longHeadGets += 1;
    counts.s3Bytes += LONG_HEAD_BYTES;
  }

  // Another version of an object is another source (A15).
  const source = `${object} ${version}`;
  for (const set of sets) billed.add(`${source} ${set}`);
  counts.transformations = billed.size;

  // The edge has its caches where Renditions runs: in the visitor's data centre, which costs more than in the upper tier
  // (W5, open).
  const original = `${dataCenter} ${source}`;
  if (now < (originals.get(original) ?? 0)) return;
  originals.set(original, now + EDGE_KEEPS);
  counts.gets += 1;
  counts.s3Bytes += elementAt(pictures, object).bytes;
}

/** Visitors see what Workers Cache may still show, and what is stored, whatever its version. */
function isShownWithoutS3({ scenario, cache, storedVersions }: State, view: View, now: number) {
  const key = keyOf(scenario, view);
  const lookup = cache && lookUp(cache, view.dataCenter, key, now);
  if (lookup && lookup.kind !== "missed") return true;
  return (storedVersions[key] ?? 0) > 0;
}

function storedAtTheEnd({ storedBytes }: State): Pick<Counts, "storedBytes" | "twiceStoredBytes"> {
  let sum = 0;
  let twice = 0;
  for (const [key, bytes] of storedBytes.entries()) {
    sum += bytes;

    // The first browser reads AVIF and WebP, the second one WebP: equal bytes are a WebP that both have.
    const isFirst = key % BROWSER_COUNT === 0;
    if (isFirst && bytes > 0 && storedBytes[key + 1] === bytes) twice += bytes;
  }
  return { storedBytes: sum, twiceStoredBytes: twice };
}

function noCounts(): Counts {
  return {
    views: 0,
    fresh: 0,
    stale: 0,
    waitedForS3: 0,
    waitedForEdge: 0,
    refused: 0,
    replaced: 0,
    deliveredBytes: 0,
    workerRequests: 0,
    runs: 0,
    edgeRequests: 0,
    transformations: 0,
    gets: 0,
    longHeadGets: 0,
    s3Bytes: 0,
    storeReads: 0,
    storeWrites: 0,
    storeLists: 0,
    queueOperations: 0,
    storedBytes: 0,
    twiceStoredBytes: 0,
  };
}
