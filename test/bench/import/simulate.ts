// An import: many objects are created in an hour, and some others are replaced meanwhile. The Worker's own code handles
// each event: the handler of /purge, and the consumer of the queue. What it calls is a model.

import type { PurgeOptions, PurgeResult } from "../../../src/emulator/cache/entrypoint.ts";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import type { GatewayContext } from "../../../src/worker/cache/loopback.ts";
import { objectTag } from "../../../src/worker/cache/rendition-url.ts";
import { currentConfig } from "../../../src/worker/config/config.ts";
import { isRefusal } from "../../../src/worker/http/refusal.ts";
import { storedPrefix } from "../../../src/worker/store/entries.ts";
import { PURGE_TOKEN, SHIPPED_PRESETS } from "../../support/env.ts";
import { bridgeEvent } from "../../support/events.ts";
import { seeded } from "../random.ts";
import { type Clock, withClock } from "./clock.ts";
import { type Cloudflare, createCloudflare, createProducer, type Faults } from "./cloudflare.ts";
import { createEventBridge, type Reply } from "./event-bridge.ts";
import { type Batch, createQueue } from "./queue.ts";

/** The Worker's code. It is loaded by the caller, since the module `cloudflare:workers` is the runtime's. */
export type WorkerCode = {
  fetch(request: Request, env: object, context: GatewayContext): Promise<Response>;
  queue(batch: Batch, env: object, context: GatewayContext): Promise<void>;
  createPurger(
    context: ExecutionContext,
    env: object,
  ): { purge(options: PurgeOptions): Promise<PurgeResult> };
};

export type Scenario = {
  /** How the events come: from S3 through /purge alone, through /purge into the queue, or from R2 into the queue. */
  readonly way: "purge" | "purge-and-queue" | "r2";
  readonly created: number;
  readonly replaced: number;
  /** In how long all of it happens: minutes. */
  readonly minutes: number;
  readonly hasStore: boolean;
  /** Calls of other services that an invocation may make (L3). */
  readonly maxSubrequests: number;
  readonly maxBatchSize: number;
  /** After how many batches another isolate runs the consumer, which remembers nothing. */
  readonly batchesPerIsolate: number;
  readonly faults: Faults;
  readonly seed: number;
};

export type ImportResult = {
  /** Calls of the cache's purge, and those of them that the limit refused. */
  readonly purges: number;
  readonly refusedPurges: number;
  /** The most purges in 60 seconds. */
  readonly busiestMinute: number;
  /** How long each replaced picture was shown as it was before, in seconds: the least first. Infinity: for ever. */
  readonly replacedSeconds: readonly number[];
  /** When all new objects were purged: seconds after the first one came. Infinity: never. */
  readonly createdSeconds: number;
  /** Objects whose event nobody handled to its end. */
  readonly lost: number;
  /** Calls of /purge by EventBridge. */
  readonly calls: number;
  /** Operations of the queue, as they are billed (Q4). */
  readonly operations: number;
  readonly batches: number;
  readonly maxSubrequests: number;
  readonly diedRuns: number;
};

const START = Date.parse("2026-12-01T08:00:00Z");
const BUCKET = "acme-media";
const PREFIX = "published/";

/** A replaced object has so many renditions in the store. */
const RENDITIONS_PER_OBJECT = 6;

/** How long S3 and R2 take to send an event: ms. */
const EVENT_MS = 1_000;

type ImportedObject = {
  readonly key: string;
  readonly isNew: boolean;
  /** ms since 1970. */
  readonly changedAt: number;
  purgedAt?: number;
};

export function simulateImport(worker: WorkerCode, scenario: Scenario): Promise<ImportResult> {
  return withClock(START, (clock) => simulate(worker, scenario, clock));
}

async function simulate(
  worker: WorkerCode,
  scenario: Scenario,
  clock: Clock,
): Promise<ImportResult> {
  const random = seeded(scenario.seed);
  const objectsByTag = new Map<string, ImportedObject>();
  const didPurge = (tags: readonly string[]) => {
    for (const tag of tags) {
      const object = objectsByTag.get(tag);
      if (object && clock.now() >= object.changedAt) object.purgedAt ??= clock.now();
    }
  };
  const { maxSubrequests, faults } = scenario;
  const { createPurger } = worker;
  const cloudflare = createCloudflare(clock, random, {
    ...{ maxSubrequests, faults, createPurger, didPurge },
  });

  const settings = {
    ...{ maxBatchSize: scenario.maxBatchSize, maxBatchTimeoutMs: 10_000 },
    ...{ maxRetries: 100, repeated: 2 },
  };
  let isolate: object = {};
  const queue = createQueue(clock, random, settings, (batch) => {
    const isOther = (queue.counts.batches - 1) % scenario.batchesPerIsolate === 0;
    if (isOther) isolate = { ...env };
    const run = async () => worker.queue(batch, isolate, cloudflare.contextOf(isolate));
    return cloudflare.invokeConsumer(run);
  });
  const env = envOf(scenario, cloudflare, queue.send);

  const objects = createObjects(scenario, random);
  await fillStore(objects, env, objectsByTag, cloudflare);

  const bridge = createEventBridge(clock, random, createCaller(worker, env, cloudflare));
  for (const { key, changedAt } of objects) {
    clock.schedule(changedAt + EVENT_MS - START, () => {
      if (scenario.way === "r2") queue.send(r2Notification(key, clock.now()));
      else bridge.send(JSON.stringify(bridgeEvent(BUCKET, key)));
      return undefined;
    });
  }
  await clock.runAll();

  const { counts } = queue;
  return {
    ...cloudflare.counts,
    ...timesOf(objects),
    lost: countLost(objects, cloudflare),
    calls: bridge.counts.calls,
    operations: counts.writes + counts.reads + counts.deletes,
    batches: counts.batches,
  };
}

function envOf(
  { way, hasStore }: Scenario,
  cloudflare: Cloudflare,
  send: (body: unknown) => void,
): object {
  const bucket = { binding: "MEDIA_BUCKET", bucket: BUCKET, prefix: PREFIX };
  const IMAGES = { input: () => {}, info: () => {} };
  return {
    BUCKETS: { media: bucket },
    ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
    PRESETS: SHIPPED_PRESETS,
    ANSWERS: { ...(hasStore && { store: "RENDITIONS" }) },
    ...{ PURGE_TOKEN, IMAGES, MEDIA_BUCKET: createR2() },
    ...(hasStore && { RENDITIONS: cloudflare.store }),
    ...(way !== "purge" && { EVENTS: createProducer(cloudflare, send) }),
  };
}

/** New ones come evenly, as one upload after the other does. Replacements come at any time. */
function createObjects(
  { created, replaced, minutes }: Scenario,
  random: () => number,
): ImportedObject[] {
  const periodMs = minutes * 60_000;
  const news = Array.from({ length: created }, (_, index) => ({
    key: `${PREFIX}import/${index}.jpg`,
    isNew: true,
    changedAt: START + Math.floor((periodMs * index) / created),
  }));
  const others = Array.from({ length: replaced }, (_, index) => ({
    key: `${PREFIX}photos/${index}.jpg`,
    isNew: false,
    changedAt: START + Math.floor(random() * periodMs),
  }));
  return [...news, ...others];
}

/** The store has renditions of what is replaced. */
async function fillStore(
  objects: readonly ImportedObject[],
  env: object,
  objectsByTag: Map<string, ImportedObject>,
  { stored }: Cloudflare,
): Promise<void> {
  const config = currentConfig(env);
  if (isRefusal(config)) throw new Error(JSON.stringify(config));

  const [bucket] = config.buckets;
  if (!bucket) throw new Error("there is no bucket");

  for (const object of objects) {
    const { key, isNew } = object;
    objectsByTag.set(await objectTag(bucket, key), object);
    if (isNew || !config.store) continue;

    const prefix = await storedPrefix({ bucket, key });
    for (let number = 0; number < RENDITIONS_PER_OBJECT; number++) {
      stored.add(`${prefix}${number}`);
    }
  }
}

/** After so many refusals by the limit, /purge is not asked while the limit would refuse again. */
const MAX_ASKED_REFUSALS = 500;

/** Calls /purge as EventBridge does. */
function createCaller(worker: WorkerCode, env: object, cloudflare: Cloudflare) {
  let askedRefusals = 0;

  async function askWorker(body: string): Promise<Reply> {
    const headers = { authorization: `Bearer ${PURGE_TOKEN}` };
    const request = new Request("https://images.example/purge", { method: "POST", headers, body });
    const answer = await cloudflare.invoke(() => {
      return worker.fetch(request, env, cloudflare.contextOf(env));
    });
    if (answer.status === 429) askedRefusals += 1;
    return { status: answer.status, retryAfterSeconds: Number(answer.headers.get("retry-after")) };
  }

  return (body: string): Reply | Promise<Reply> => {
    // A refusal by the limit is always the same, and there are a million of them without a queue.
    const isKnown = askedRefusals >= MAX_ASKED_REFUSALS && cloudflare.wouldRefusePurge();
    return isKnown ? { status: 429, retryAfterSeconds: 60 } : askWorker(body);
  };
}

/** The body of R2's own event (Q6). */
function r2Notification(key: string, now: number) {
  return {
    account: "3f4b7e3dcab231cbfdaa90a6a28bd548",
    action: "PutObject",
    bucket: BUCKET,
    object: { key, size: 65_536, eTag: "c846ff7a18f28c2e262116d6e8719ef0" },
    eventTime: new Date(now).toISOString(),
  };
}

function timesOf(objects: readonly ImportedObject[]) {
  const replaced = objects.filter(({ isNew }) => !isNew);
  const replacedSeconds = replaced
    .map(({ changedAt, purgedAt = Infinity }) => (purgedAt - changedAt) / 1_000)
    .toSorted((a, b) => a - b);

  let lastAt = START;
  for (const { isNew, purgedAt = Infinity } of objects) {
    if (isNew) lastAt = Math.max(lastAt, purgedAt);
  }
  return { replacedSeconds, createdSeconds: (lastAt - START) / 1_000 };
}

/** What was not purged, and what the store still has although it was replaced. */
function countLost(objects: readonly ImportedObject[], { stored }: Cloudflare): number {
  const notPurged = objects.filter(({ purgedAt }) => purgedAt === undefined).length;
  const stillStored = new Set(stored.all().map((name) => name.slice(0, name.lastIndexOf("/"))));
  return Math.max(notPurged, stillStored.size);
}
