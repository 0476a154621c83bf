// Runs the months of a site through Workers Cache, the store, S3 and the edge, and counts what is billed. After the last
// month, S3 is down for a day. It leaves out: browsers' caches, what the edge drops early, and two data centres that render
// the same picture at once.

import { seeded } from "../random.ts";
import type { Rendering, Rules } from "./rules.ts";
import {
  BROWSER_COUNT,
  createPictures,
  createViews,
  elementAt,
  type Picture,
  type Site,
  VARIANTS,
  type View,
} from "./site.ts";
import {
  type CacheRules,
  createWorkersCache,
  keepVersion,
  type Lookup,
  lookUp,
  purgeKeys,
  type WorkersCache,
} from "./workers-cache.ts";

export type Scenario = {
  readonly site: Site;
  readonly months: number;
  readonly rules: Rules;
  readonly hasStore: boolean;
  /** undefined: `keep` is 0. */
  readonly cache: CacheRules | undefined;
  /** Whether an event purges an object as soon as it is replaced. */
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
  /** What is stored at the end of the month. */
  storedBytes: number;
  /** How much of it are WebPs of wide presets that are stored for another browser as well. */
  twiceStoredBytes: number;
};

/** A day without S3, after the last month. */
type Outage = { readonly views: number; readonly pictures: number };

export type Result = {
  readonly months: readonly Counts[];
  readonly outage: Outage;
  readonly objects: number;
  /** The bytes of an original, on average. */
  readonly originalBytes: number;
};

const HOUR = 3_600;
const DAY = 24 * HOUR;
const MONTH = 30 * DAY;

/** The first second: 0 would be no time for Workers Cache. */
const START = 1;

/** What S3 sends for the first 1,024 bytes, with the headers (A14); and for the long head, if it is read. */
const HEAD_BYTES = 2_048;
const LONG_HEAD_BYTES = 131_072 - 1_024;

/** For how long the edge keeps an original in a data centre (C1, C2). */
const EDGE_KEEPS = HOUR;

/** What remains from one view to the next. */
type State = {
  readonly scenario: Scenario;
  readonly cache: WorkersCache | undefined;
  readonly pictures: readonly Picture[];
  /** What the rules say, by object, variant and browser: as far as it was asked for. */
  readonly renderings: (Rendering | undefined)[];
  /** The present version of each object: 1 for the first one. */
  readonly versions: Uint16Array;
  /** By key: the stored version, and its bytes. 0: none. */
  readonly storedVersions: Uint16Array;
  readonly storedBytes: Uint32Array;
  /** Until when the edge keeps an original, by data centre, object and version. */
  readonly originals: Map<string, number>;
  /** What is billed in this month, by object, version and options (L2). */
  readonly billed: Set<string>;
  counts: Counts;
};

const SEED = 1;

export function simulate(scenario: Scenario): Result {
  const { site, months } = scenario;
  const state = createState(scenario);
  const random = seeded(SEED);
  const nextView = createViews(site, random);

  // Replacements come at even distances.
  const interval = Math.floor(site.views / site.replacements);
  const results: Counts[] = [];
  for (let month = 0; month < months; month++) {
    state.billed.clear();
    state.counts = noCounts();
    for (let index = 0; index < site.views; index++) {
      const now = timeAt(month, index, site);
      if (index % interval === 0) replaceObject(state, Math.floor(random() * site.objects));
      countView(state, nextView(), now);
    }
    results.push({ ...state.counts, ...storedAtTheEnd(state) });
  }

  const outage = simulateOutage(state, nextView);
  const allBytes = state.pictures.reduce((sum, { bytes }) => sum + bytes, 0);
  const originalBytes = allBytes / site.objects;
  return { months: results, outage, objects: site.objects, originalBytes };
}

function simulateOutage(state: State, nextView: () => View): Outage {
  const { site, months } = state.scenario;
  const views = Math.round((site.views * DAY) / MONTH);
  let pictures = 0;
  for (let index = 0; index < views; index++) {
    const isShown = isShownWithoutS3(state, nextView(), timeAt(months, index, site));
    if (isShown) pictures += 1;
  }
  return { views, pictures };
}

function createState(scenario: Scenario): State {
  const { site, cache } = scenario;
  const keys = site.objects * VARIANTS.length * BROWSER_COUNT;
  return {
    scenario,
    cache: cache && createWorkersCache(cache, keys),
    pictures: createPictures(site, SEED),
    renderings: new Array(keys),
    versions: new Uint16Array(site.objects).fill(1),
    storedVersions: new Uint16Array(keys),
    storedBytes: new Uint32Array(keys),
    originals: new Map(),
    billed: new Set(),
    counts: noCounts(),
  };
}

function timeAt(month: number, index: number, { views }: Site): number {
  return START + month * MONTH + Math.floor((index / views) * MONTH);
}

/** The key of a rendition in Workers Cache and in the store. */
function keyOf({ rules }: Scenario, { object, variant, browser }: View): number {
  const part = rules.cacheKeyPart(browser, elementAt(VARIANTS, variant));
  return (object * VARIANTS.length + variant) * BROWSER_COUNT + part;
}

function replaceObject(state: State, object: number): void {
  const { scenario, cache, versions } = state;
  versions[object] = (versions[object] ?? 0) + 1;
  if (!cache || !scenario.hasEvents) return;

  const keysOfObject = VARIANTS.length * BROWSER_COUNT;
  purgeKeys(cache, object * keysOfObject, (object + 1) * keysOfObject);
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
      countDelivery(state, view, lookup.version);
      return;

    case "shown-and-checked":
      counts.stale += 1;
      countDelivery(state, view, lookup.version);
      runRenditions(state, view, key, now, lookup);
      return;

    default: {
      const run = runRenditions(state, view, key, now, lookup);
      if (run === "rendered") counts.waitedForEdge += 1;
      if (run === "confirmed") counts.waitedForS3 += 1;
      if (run === "refused") counts.refused += 1;
      else countDelivery(state, view, state.versions[view.object] ?? 0);
    }
  }
}

function countDelivery(state: State, view: View, version: number): void {
  const { counts, versions } = state;
  counts.deliveredBytes += renderingOf(state, view).bytes;
  if (version !== versions[view.object]) counts.replaced += 1;
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
      keepVersion(cache, keptIn, key, version, now);
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
    storedBytes: 0,
    twiceStoredBytes: 0,
  };
}
