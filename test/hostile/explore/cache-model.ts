// Workers Cache: a tier in each visitor's data centre, and an upper one (W5). A purge reaches each tier in a step of its
// own (W10), and a response that is on its way then is stored afterwards. What a tier copies from the upper one counts as
// old as it was there: a purge that has passed the tier drops the copy, too. Requests that come together are not joined
// (W6): more orders are possible than with one run for all of them.
//
// One thing is assumed that no rule says: when S3 answers the question that a run asks after its answer, that answer is in
// Workers Cache already. Otherwise no question could be the last one.

import { type Policy, readPolicy } from "../../../src/emulator/cache/cache-control.ts";
import type { PurgeOptions, PurgeResult } from "../../../src/worker/cache/loopback.ts";
import { type Picture, pictureOf } from "./picture.ts";
import { type Actor, currentActor, runAs, type Scheduler } from "./scheduler.ts";

/** Where an entry comes from, for the invariants. */
export type Source = {
  readonly runId: string;
  /** Whether S3 had the object while the run made the entry, or confirmed it. */
  readonly isConfirmed: boolean;
};

export type Entry = {
  readonly headers: readonly (readonly [string, string])[];
  readonly status: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly policy: Policy;
  readonly tags: readonly string[];
  /** ms since 1970. */
  readonly storedAt: number;
  readonly source: Source;
  /** The purges that have named it since it was stored. */
  readonly purges: readonly string[];
};

/** What a tier has when the exploration begins, by its name and the URLs. */
export type CacheEntries = ReadonlyMap<string, ReadonlyMap<string, Entry>>;

export type CacheListeners = {
  /** Whether purges reach a tier. */
  readonly reaches: (tier: string) => boolean;
  /** Whether the limit refuses the purge that is asked for now. */
  readonly refuses: () => boolean;
  /** Runs the entrypoint for a request. */
  readonly run: (actor: Actor, request: Request) => Promise<EntrypointAnswer>;
  readonly didStore: (url: string, entry: Entry) => void;
  /** The visitor gets what the entrypoint has just answered, or confirmed. */
  readonly didAnswer: (entry: Entry) => void;
  readonly didServe: (entry: Entry, tier: string) => void;
};

type EntrypointAnswer = {
  readonly response: Response;
  readonly sourceOf: (shows?: Picture) => Source;
};

type Tier = {
  readonly name: string;
  readonly entries: Map<string, Entry>;
  /** The purges that have reached it. */
  readonly passed: Set<string>;
  /** The URLs that a run in the background asks for. */
  readonly refreshing: Set<string>;
};

export type CacheModel = ReturnType<typeof createCache>;

/** What S3 has: a run that begins remembers it. */
export const EPOCHS = "the epochs";

/** What a purge promises, and what is checked of it. */
export const FLOORS = "the promises";

/** Which purges have named an entry. */
export const MARKS = "the marks";

export const UPPER = "the upper tier";

/** Whether the limit refuses purges. */
export const LIMIT = "the limit of purges";

export function createCache(scheduler: Scheduler, start: CacheEntries, listeners: CacheListeners) {
  const tiers = new Map<string, Tier>();
  const upper = tierOf(UPPER);
  /** The purges whose step at a tier is still to come. */
  const coming = new Map<string, number>();
  /** What the steps do in which purges reach tiers, by the ids of the steps. */
  const arrivals = new Map<string, () => string>();
  /** The runs whose answer is not yet stored. */
  const beingCached = new Set<string>();

  function tierOf(name: string): Tier {
    const existing = tiers.get(name);
    if (existing) return existing;

    const entries = new Map(start.get(name));
    const tier: Tier = { name, entries, passed: new Set(), refreshing: new Set() };
    tiers.set(name, tier);
    return tier;
  }

  /** Answers the gateway's request for a rendition. */
  async function fetch(dataCenter: string, url: string, headers: HeadersInit): Promise<Response> {
    const actor = currentActor();
    const { process, isRun } = actor;
    const machine: Actor = { process, isRun };
    const tier = tierOf(dataCenter);
    const served = await runAs(machine, () => lookUp(tier, url, actor, headers));
    if (served) return respond(served);
    return runAs(machine, () => refresh(actor, tier, url, headers));
  }

  type Served = { readonly entry: Entry; readonly status: string };

  /**
   * Looks into both tiers, in one step: a purge reaches each of them in a step of its own, so it may come before or after
   * the look into either.
   */
  function lookUp(
    tier: Tier,
    url: string,
    actor: Actor,
    headers: HeadersInit,
  ): Promise<Served | undefined> {
    const touches = [tier.name, UPPER, FLOORS, EPOCHS, MARKS];
    return scheduler.hop<Served | undefined>("looks into the cache", touches, () => {
      const stored = usable(tier, url) ?? usable(upper, url);
      if (!stored) {
        const says = `${describeEntry(tier.entries.get(url))} there, nor above: no answer`;
        return { value: undefined, says };
      }

      const { entry, isFresh, from } = stored;
      listeners.didServe(entry, from.name);
      const says = `${from.name} has ${describeEntry(entry)}`;
      if (isFresh) {
        // The copy is as old as it was above: a purge that has passed drops it, too.
        const isPurged = entry.purges.some((purge) => tier.passed.has(purge));
        if (!isPurged) tier.entries.set(url, entry);
        return { value: { entry, status: "HIT" }, says };
      }

      if (!from.refreshing.has(url)) revalidate(from, tier, url, actor, headers);
      return { value: { entry, status: "UPDATING" }, says: `${says}, stale` };
    });
  }

  /** What a tier may show without asking. */
  function usable(tier: Tier, url: string) {
    const entry = tier.entries.get(url);
    if (!entry) return undefined;

    const { fresh, whileRevalidate } = entry.policy;
    const age = (scheduler.now() - entry.storedAt) / 1000;
    if (age >= fresh + whileRevalidate) return undefined;
    return { entry, isFresh: age < fresh, from: tier };
  }

  /** The visitor has a stale response: the entrypoint runs in the background (W8). */
  function revalidate(
    tier: Tier,
    visitorTier: Tier,
    url: string,
    actor: Actor,
    headers: HeadersInit,
  ): void {
    const process = `the background of ${actor.process}`;
    const background: Actor = { ...actor, process };
    tier.refreshing.add(url);
    const work = async () => {
      await refresh(background, visitorTier, url, headers).catch(() => {});
      tier.refreshing.delete(url);
    };
    const take = () => {
      void work();
      return "begins";
    };
    scheduler.addStep(background, "begins", "start", [FLOORS, EPOCHS], take);
  }

  /** Runs the entrypoint, and stores its answer in both tiers. */
  async function refresh(
    actor: Actor,
    tier: Tier,
    url: string,
    headers: HeadersInit,
  ): Promise<Response> {
    const old = upper.entries.get(url) ?? tier.entries.get(url);
    const forwarded = new Headers(headers);
    const etag = old && new Headers(old.headers.map(([name, value]) => [name, value])).get("etag");
    if (etag) forwarded.set("if-none-match", etag);

    // A purge may have dropped it meanwhile.
    const oldForError = () => {
      const entry = tier.entries.get(url) ?? upper.entries.get(url);
      const age = entry ? (scheduler.now() - entry.storedAt) / 1000 : 0;
      return entry && age < entry.policy.fresh + entry.policy.ifError ? entry : undefined;
    };
    let answer: EntrypointAnswer;
    try {
      answer = await listeners.run(actor, new Request(url, { headers: forwarded }));
    } catch (error) {
      const stale = oldForError();
      if (!stale) throw error;
      listeners.didServe(stale, tier.name);
      return respond({ entry: stale, status: "STALE" });
    }

    const { response, sourceOf } = answer;
    const stale = response.status >= 500 ? oldForError() : undefined;
    if (stale) {
      listeners.didServe(stale, tier.name);
      return respond({ entry: stale, status: "STALE" });
    }

    const isRevalidated = response.status === 304 && old !== undefined;
    const bytes = isRevalidated ? old.bytes : new Uint8Array(await response.arrayBuffer());
    const status = isRevalidated ? old.status : response.status;
    const merged = new Headers(isRevalidated ? old.headers.map(([n, v]) => [n, v]) : {});
    for (const [name, value] of response.headers) merged.set(name, value);
    const now = scheduler.now();
    const policy = readPolicy(status, merged, now);
    const tags = merged.get("cache-tag")?.split(",") ?? [];
    merged.delete("cache-tag");

    const cacheStatus = isRevalidated ? "REVALIDATED" : "MISS";
    if (policy && !policy.bypasses) {
      const entry: Entry = {
        ...{ headers: [...merged], status, bytes, policy, tags, storedAt: now },
        ...{ source: sourceOf(pictureOf(bytes)), purges: [] },
      };
      const { process, isRun } = actor;
      listeners.didAnswer(entry);
      runAs({ process, isRun }, () => keep(tier, url, entry));
      return respond({ entry, status: cacheStatus });
    }
    merged.set("cf-cache-status", "BYPASS");
    return new Response(bytes, { status, headers: merged });
  }

  /** Stores in both tiers, in one step, as `lookUp` looks into both. */
  function keep(tier: Tier, url: string, entry: Entry): void {
    const touches = [UPPER, tier.name, MARKS];
    const actor = currentActor();
    const { process } = actor;
    beingCached.add(process);
    scheduler.addStep(actor, "is cached", "effect", touches, () => {
      for (const each of [upper, tier]) each.entries.set(url, entry);
      listeners.didStore(url, entry);
      beingCached.delete(process);
      return `both tiers keep ${describeEntry(entry)}`;
    });
  }

  /** Purges by the entrypoint: each tier drops in a step of its own what it has then. */
  function purge({ tags = [], purgeEverything }: PurgeOptions): Promise<PurgeResult> {
    const { process } = currentActor();
    return scheduler.call<PurgeResult>("cache.purge", [MARKS, LIMIT], () => {
      if (listeners.refuses()) {
        const errors = [{ code: 10_429, message: "Too many purges" }];
        const says = "the limit refuses the purge";
        return { kind: "answer", value: () => ({ success: false, errors }), says };
      }

      const matches = (entry: Entry) =>
        purgeEverything === true || entry.tags.some((tag) => tags.includes(tag));
      const name = `the purge of ${process}, ${tags.map((tag) => tag.slice(0, 6)).join(" ")}`;
      send(name, matches);
      const value = () => ({ success: true, errors: [] });
      return { kind: "answer", value, says: "Workers Cache is being purged" };
    });
  }

  /** The purge is on its way to each tier. */
  function send(name: string, matches: (entry: Entry) => boolean): void {
    for (const tier of tiers.values()) mark(tier, matches, name);
    for (const tier of tiers.values()) {
      coming.set(tier.name, (coming.get(tier.name) ?? 0) + 1);
      const take = () => {
        coming.set(tier.name, (coming.get(tier.name) ?? 0) - 1);
        const count = listeners.reaches(tier.name) ? dropFrom(tier, matches) : 0;
        tier.passed.add(name);
        return `${tier.name} drops ${count}`;
      };
      const actor = { process: name, isRun: false };
      const stepId = scheduler.addStep(actor, `reaches ${tier.name}`, "effect", [tier.name], () => {
        arrivals.delete(stepId);
        return take();
      });
      arrivals.set(stepId, take);
    }
  }

  /** A purge takes seconds (W10): after longer, it has reached all tiers. */
  function finishPurges(): void {
    for (const [stepId, take] of arrivals) {
      scheduler.cancel(stepId);
      take();
    }
    arrivals.clear();
  }

  return {
    ...{ fetch, purge, finishPurges },
    isBeingCached: (process: string) => beingCached.has(process),
    /** Creates the tiers of the visitors before anything happens: a purge reaches all of them. */
    open: (dataCenters: readonly string[]) => dataCenters.forEach(tierOf),
    tiers: (): readonly Tier[] => [...tiers.values()],
    isPurgeComing: (tier: string) => (coming.get(tier) ?? 0) > 0,
    describe: () => {
      const lines = [...tiers.values()].map(({ name, entries, passed, refreshing }) => [
        ...[name, [...entries].map(([url, entry]) => `${url} ${describeWhole(entry)}`).toSorted()],
        ...[[...passed].toSorted(), [...refreshing].toSorted()],
      ]);
      return JSON.stringify(lines);
    },
  };
}

function mark({ entries }: Tier, matches: (entry: Entry) => boolean, purge: string): void {
  for (const [url, entry] of entries) {
    if (matches(entry)) entries.set(url, { ...entry, purges: [...entry.purges, purge] });
  }
}

function dropFrom({ entries }: Tier, matches: (entry: Entry) => boolean): number {
  const dropped = [...entries].filter(([, entry]) => matches(entry));
  for (const [url] of dropped) entries.delete(url);
  return dropped.length;
}

function respond({ entry, status }: { readonly entry: Entry; readonly status: string }): Response {
  const headers = new Headers(entry.headers.map(([name, value]) => [name, value]));
  headers.set("cf-cache-status", status);
  return new Response(entry.bytes, { status: entry.status, headers });
}

function describeEntry(entry: Entry | undefined): string {
  if (!entry) return "nothing";
  const picture = pictureOf(entry.bytes);
  return picture ? `${picture.key} of epoch ${picture.epoch}` : `a ${entry.status}`;
}

function describeWhole({ bytes, headers, storedAt, source, purges }: Entry): string {
  return JSON.stringify([pictureOf(bytes), headers, storedAt, source, purges.toSorted()]);
}
