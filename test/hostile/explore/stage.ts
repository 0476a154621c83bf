// One execution of a world: the Worker's real code among the models of S3, the edge, Workers Cache and R2. It offers the
// steps that can be taken, and takes them.

import type {
  GatewayContext,
  PurgeOptions,
  PurgeResult,
} from "../../../src/worker/cache/loopback.ts";
import { PURGE_TOKEN, SECRETS } from "../../support/env.ts";
import {
  type CacheEntries,
  createCache,
  EPOCHS,
  FLOORS,
  LIMIT,
  MARKS,
  UPPER,
} from "./cache-model.ts";
import { type Batch, createDeliveries, type ExploredWorker } from "./deliveries.ts";
import { createEvents, eventOf } from "./events.ts";
import { createChecker } from "./invariants.ts";
import type { Plant } from "./plants.ts";
import { use } from "./runtime.ts";
import { createS3 } from "./s3-model.ts";
import {
  type Actor,
  createScheduler,
  currentActor,
  EVERYTHING,
  runAs,
  type Step,
} from "./scheduler.ts";
import { createStore, type StoreEntries } from "./store-model.ts";
import { KEY, OBJECTS, OTHER_KEY, splitObject, type VisitPlan, type World } from "./worlds.ts";

const START_TIME = Date.UTC(2026, 10, 24, 12);

/** Times of the configuration: s. */
export const KEEP_S = 1_000;
export const STALE_S = 10_000;

const VARS = {
  BUCKETS: {
    media: { endpoint: "https://s3.eu-west-1.amazonaws.com", bucket: "acme", region: "eu-west-1" },
    twins: {
      ...{ endpoint: "https://s3.eu-west-1.amazonaws.com", bucket: "acme-twins" },
      region: "eu-west-1",
    },
  },
  ROUTES: [
    { path: "/images/:preset/*", object: "media/*" },
    { path: "/twins/:preset/*", object: "twins/*" },
  ],
  PRESETS: { card: { width: 100, format: "webp" } },
};
const ANSWERS = {
  keep: KEEP_S,
  stale: STALE_S,
  stale_if_error: 100_000,
  max_age: 600,
  timeout: 15,
};

/** What caches and the store have when the exploration begins. */
export type Snapshot = {
  readonly cache: CacheEntries;
  readonly store: StoreEntries;
  readonly time: number;
};

export const NOTHING: Snapshot = { cache: new Map(), store: new Map(), time: START_TIME };

export type Stage = ReturnType<typeof createStage>;

export function createStage(
  world: World,
  worker: ExploredWorker,
  snapshot: Snapshot,
  plant?: Plant,
) {
  const scheduler = createScheduler(snapshot.time);
  const s3 = createS3(OBJECTS);
  const checker = createChecker(world, s3);
  const isReady = () => {
    const { process } = currentActor();
    return () => !cache.isBeingCached(process);
  };
  const { runId, didPut } = checker;
  /** What is wrong in passes over the queue. */
  let passFault: World["passFault"];
  const fails = () => passFault === "store";
  const store = createStore(scheduler, snapshot.store, { isReady, runId, didPut, fails });
  const cache = createCache(scheduler, snapshot.cache, {
    reaches: plant?.reaches ?? (() => true),
    refuses: () => passFault === "limit" && currentActor().process.startsWith("pass "),
    run: runEntrypoint,
    didAnswer: checker.didAnswer,
    didStore: checker.didStore,
    didServe: (entry, tier) => checker.didServe(entry, tier, cache.isPurgeComing(tier)),
  });
  cache.open([...new Set(world.visits.map(({ dataCenter }) => dataCenter))]);
  const envs = new Map<string, object>();
  const isolates = new Set<string>();
  use({ scheduler, s3, checker, plant, isReady });

  /** Purges by the entrypoint. */
  function purge(options: PurgeOptions): Promise<PurgeResult> {
    return cache.purge(plant?.purge?.(options) ?? options);
  }

  function envOf(isolate: string): object {
    const existing = envs.get(isolate);
    if (existing) return existing;

    const stores = world.hasStore;
    const bindings = stores
      ? { RENDITIONS: plant?.store?.(store.binding, () => currentActor().process) ?? store.binding }
      : {};
    const answers = stores ? { ...ANSWERS, store: "RENDITIONS" } : ANSWERS;
    const env = { ...VARS, ...SECRETS, PURGE_TOKEN, ANSWERS: answers, ...bindings };
    envs.set(isolate, env);
    return env;
  }

  /** Runs the cached entrypoint in the isolate of the actor. */
  async function runEntrypoint(actor: Actor, request: Request) {
    const { isolate = "" } = actor;
    const work: Promise<unknown>[] = [];
    const waitUntil = (promise: Promise<unknown>) => void work.push(promise);
    const context = { waitUntil, cache: { purge } };
    const run = checker.begin(actor);
    const entrypoint = new worker.Renditions(context as never, envOf(isolate));
    const response = await runAs(actor, () => entrypoint.fetch(request));
    void endAfter(run.id, work);
    return { response, sourceOf: run.sourceOf };
  }

  /** A run is over when its `waitUntil` has ended, and all that was added to it meanwhile. */
  async function endAfter(runId: string, work: readonly Promise<unknown>[]): Promise<void> {
    for (const promise of work) await promise.catch(() => {});
    checker.end(runId);
  }

  /** The gateway's context. What it leaves behind is a part of its own run. */
  function contextOf(dataCenter: string, work: Promise<unknown>[]): GatewayContext {
    const waitUntil = (promise: Promise<unknown>) => void work.push(promise);
    const fetch = (input: Request | string, init: RequestInit = {}) =>
      cache.fetch(dataCenter, plant?.cacheKey?.(`${input}`) ?? `${input}`, init.headers ?? {});
    const callPurge = (options: PurgeOptions) => {
      const { isolate = "" } = currentActor();
      const context = { waitUntil, cache: { purge } };
      return new worker.Renditions(context as never, envOf(isolate)).purge(options);
    };
    return { waitUntil, exports: { Renditions: { fetch, purge: callPurge } } };
  }

  /** Sends a request to the gateway. */
  async function send(actor: Actor, request: Request, dataCenter: string): Promise<Response> {
    const work: Promise<unknown>[] = [];
    const { isolate = "" } = actor;
    const run = checker.begin(actor);
    const answer = await worker.fetch(request, envOf(isolate), contextOf(dataCenter, work));
    void endAfter(run.id, work);
    return answer;
  }

  function addVisits(comes: VisitPlan["comes"]): void {
    for (const [index, visit] of world.visits.entries()) {
      if (visit.comes === comes) addVisit(visit, index + 1);
    }
  }

  function addVisit({ key, dataCenter, comes }: VisitPlan, number: number): void {
    const process = `visitor ${number}`;
    const isolate = world.isOneIsolate ? "the isolate" : `the isolate of ${process}`;
    const actor = { process, isRun: true, isolate };
    isolates.add(isolate);
    const touches = [dataCenter, UPPER, FLOORS, EPOCHS, MARKS, `S3 ${key}`];
    const ask = (): string => {
      void visit(actor, key, dataCenter);
      return `asks for ${key} in ${dataCenter}`;
    };
    if (comes === "first") runAs(actor, ask);
    else scheduler.addStep(actor, "asks", "start", touches, ask);
  }

  async function visit(actor: Actor, key: string, dataCenter: string): Promise<void> {
    checker.beginVisit(actor.process, key);
    const request = new Request(`https://images.example${pathOf(key)}`);
    const answer = await send(actor, request, dataCenter);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    checker.endVisit(actor.process, answer, bytes);
  }

  const deliveries = createDeliveries(scheduler, (deaths) => QUEUE_ISOLATE + "'".repeat(deaths), {
    touches: () => [MARKS, LIMIT, ...events.comingTouches()],
    didWait: () => {
      cache.finishPurges();
      if (!hasWaited) addVisits("late");
      hasWaited = true;
    },
    comingIds: () => (world.isLate ? [] : events.comingIds()),
    sendUpTo: (id) => events.sendUpTo(id),
    consume,
    willBegin: endPassFault,
    didAcknowledge: (id) => {
      const { key, epoch } = events.sentBy(id);
      checker.didAcknowledge(key, epoch);
    },
  });
  const events = createEvents(world, scheduler, s3, (id, body) => {
    const { isLate, attempts = 0 } = world;
    deliveries.send(id, body, isLate ? LATE_MS : 0, attempts);
  });
  let hasWaited = false;

  async function consume(actor: Actor, batch: Batch): Promise<void> {
    const { isolate = "" } = actor;
    const work: Promise<unknown>[] = [];
    isolates.add(isolate);
    const run = checker.begin(actor);
    const consumed = plant?.batch?.(batch) ?? batch;
    await worker.queue(consumed, envOf(isolate), contextOf("Bern", work));
    void endAfter(run.id, work);
  }

  /** It begins at any time, and is over when the next pass begins. */
  function addPassFault(): void {
    const { passFault: planned } = world;
    if (!planned) return;

    const actor = { process: "the platform", isRun: false };
    const touches = planned === "store" ? [EVERYTHING] : [LIMIT];
    scheduler.addStep(actor, "is in fault", "effect", touches, () => {
      passFault = planned;
      return `is in fault: ${planned}`;
    });
  }

  function endPassFault(): void {
    passFault = undefined;
  }

  /** The object changes at any time before the purge, at the latest when the purge begins. */
  function addOwner(): void {
    const { change, by } = world;
    if (by === "queue") {
      events.add();
      deliveries.offer();
      return;
    }
    if (!change) return;

    const changeNow = (): string => {
      s3.change(KEY, change);
      const { epoch } = s3.object(KEY);
      return `${KEY} is ${change === "there" ? "replaced" : change}: epoch ${epoch}`;
    };
    const actor = { process: "the owner", isRun: false };
    const step = scheduler.addStep(actor, "changes", "effect", [`S3 ${KEY}`, EPOCHS], changeNow);
    if (by) addPurge(() => (scheduler.cancel(step) ? `${changeNow()}. ` : ""));
  }

  /** @param changeFirst the object changes, unless it has changed before. It returns the words of the story */
  function addPurge(changeFirst: () => string): void {
    const isolate = world.isOneIsolate ? "the isolate" : "the isolate of the purge";
    const actor = { process: "the purge", isRun: true, isolate, touches: [FLOORS] };
    isolates.add(isolate);
    scheduler.addStep(actor, "begins", "start", [MARKS, EPOCHS, `S3 ${KEY}`], () => {
      const change = changeFirst();
      void sendPurge(actor);
      return `${change}POST /purge by ${world.by === "event" ? "an event" : "name"}`;
    });
  }

  async function sendPurge(actor: Actor): Promise<void> {
    const epoch = checker.epochOf(KEY);
    const headers = { authorization: `Bearer ${PURGE_TOKEN}` };
    const body = JSON.stringify(
      world.by === "event"
        ? eventOf({ key: KEY, ...(world.change && { to: world.change }) })
        : { objects: [`media/${KEY}`] },
    );
    const request = new Request("https://images.example/purge", { method: "POST", headers, body });
    const answer = await send(actor, request, "Bern");
    const text = await answer.text();
    checker.didPurge(KEY, epoch, answer.status, text);
  }

  function addFault(): void {
    const { fault, faultyKey } = world;
    if (!fault) return;
    const actor = { process: "S3", isRun: false };
    const { addStep } = scheduler;
    const keys = faultyKey === undefined ? [KEY, OTHER_KEY] : [faultyKey];
    const touches = keys.map((key) => `S3 ${key}`);
    addStep(actor, "is in fault", "effect", touches, () => {
      s3.setFault(fault, faultyKey);
      addStep(actor, "is well again", "effect", touches, () => {
        s3.setFault("none", faultyKey);
        return "is well again";
      });
      return `is in fault: ${fault}${faultyKey ? ` about ${faultyKey}` : ""}`;
    });
  }

  /** The isolates that could die now: those with work that is not done. */
  function mortal(): string[] {
    const busy = new Set(
      scheduler.pending().map(({ actor, kind }) => kind !== "start" && actor.isolate),
    );
    const { mayDie } = world;
    const isMortal = (isolate: string) => {
      const isOfQueue = isolate.startsWith(QUEUE_ISOLATE);
      const isMeant = typeof mayDie !== "string" || isOfQueue === (mayDie === "queue");
      return isMeant && busy.has(isolate);
    };
    return [...isolates].filter(isMortal).toSorted();
  }

  function deathOf(isolate: string): Step {
    const actor = { process: isolate, isRun: false };
    const take = () => {
      scheduler.kill(isolate);
      checker.didDie(isolate);
      deliveries.didDie(isolate);
      return "dies";
    };
    return { id: `${isolate} dies`, actor, kind: "death", touches: [isolate], take };
  }

  let canDie = Boolean(world.mayDie);

  return {
    scheduler,
    checker,
    begin: () => {
      addVisits("first");
      addVisits(undefined);
      addOwner();
      addFault();
      addPassFault();
    },
    take: (step: Step) => {
      if (step.kind === "death") canDie = false;
      return scheduler.take(step);
    },
    /** No run lives for as long as a message waits, and calls of passes do not hang again and again. */
    mayBeEarly: ({ process, isolate }: Actor): boolean => {
      const isLaterPass = process.startsWith("pass ") && process !== "pass 1";
      return isolate !== undefined && !isLaterPass;
    },
    deaths: (): Step[] => (canDie ? mortal().map(deathOf) : []),
    describe: () =>
      [
        scheduler.describe(),
        s3.describe(),
        store.describe(),
        cache.describe(),
        checker.describe(),
        deliveries.describe(),
        passFault,
        canDie,
      ].join("\n"),
    checkQuiet: () => {
      checker.checkQuiet(cache, store);
      checker.checkMessages(deliveries.messages());
    },
    snapshot: (afterMs: number): Snapshot => ({
      cache: new Map(cache.tiers().map(({ name, entries }) => [name, new Map(entries)])),
      store: new Map(store.entries()),
      time: scheduler.now() + afterMs,
    }),
  };
}

/** How the names of the consumer's isolates begin. */
const QUEUE_ISOLATE = "the isolate of the queue";

/** How late a message is that comes late: ms. */
const LATE_MS = 60_000;

/** The path of a public URL. */
function pathOf(object: string): string {
  const [bucket, key] = splitObject(object);
  return bucket === "acme" ? `/images/card/${key}` : `/twins/card/${key}`;
}
