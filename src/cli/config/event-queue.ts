// The queue of events that wrangler.toml names: who writes into it, who reads it, and what is doubtful about it. And the
// buckets of R2 whose own events can come by it. Pure: whether there is such a queue, only Cloudflare knows.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { ConfigMistake } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";

/** The binding by which /purge writes events into the queue. */
const PRODUCER = "EVENTS";

/** What `vitrine init` writes, and why another value is worse. */
const BATCH_SIZE = 100;
const BATCH_TIMEOUT_S = 10;
const MAX_BATCH_TIMEOUT_S = 30;
const RETRIES = 100;

/** What Cloudflare takes of a consumer: with any other number, it refuses the deploy after the upload (Q1, Q2). */
const LIMITS = [
  { option: "max_batch_size", min: 1, max: 100 },
  { option: "max_batch_timeout", min: 0, max: 60 },
  { option: "max_retries", min: 0, max: 100 },
] as const;

/** The same letters as in a bucket's name, and more. A name that begins with a dash would be an option of wrangler. */
const QUEUE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

type Consumer = NonNullable<EnvironmentConfig["wrangler"]["queues"]["consumers"]>[number];

/** The queue whose messages purge what changed in a bucket. */
export type EventQueue = {
  readonly name: string;
  /** Whether this Worker reads the queue. Else another one must. */
  readonly isConsumed: boolean;
  /** All queues that this Worker reads: R2 may write into any of them. */
  readonly consumed: readonly string[];
  readonly deadLetterQueue: string | undefined;
};

/** @returns undefined if events do not come by a queue */
export function eventQueueOf(config: EnvironmentConfig): EventQueue | undefined {
  const produced = producedQueueOf(config);
  const consumers = consumersOf(config);
  const consumer = consumers.find(({ queue }) => queue === produced) ?? consumers[0];
  const name = produced ?? consumer?.queue;
  if (name === undefined) return undefined;

  const isConsumed = consumer?.queue === name;
  const deadLetterQueue = isConsumed ? consumer.dead_letter_queue : undefined;
  return { name, isConsumed, consumed: consumers.map(({ queue }) => queue), deadLetterQueue };
}

function consumersOf({ wrangler }: EnvironmentConfig): readonly Consumer[] {
  return wrangler.queues.consumers ?? [];
}

/** A deploy makes a queue that has no name, and names it by the Worker and the binding, as it does with buckets (T9). */
function producedQueueOf({ wrangler, worker }: EnvironmentConfig): string | undefined {
  const { producers = [] } = wrangler.queues;
  const producer = producers.find(({ binding }) => binding === PRODUCER);
  if (producer === undefined) return undefined;
  return producer.queue ?? `${worker}-${PRODUCER.toLowerCase()}`;
}

/** The queues that the environment reads or writes, each once. */
function usedQueuesOf(config: EnvironmentConfig): readonly string[] {
  const produced = producedQueueOf(config);
  const consumed = consumersOf(config).map(({ queue }) => queue);
  return [...new Set(produced === undefined ? consumed : [produced, ...consumed])];
}

/** Names that no queue has, numbers that Cloudflare refuses, and a binding that the Worker does not use. */
export function* queueMistakes(config: EnvironmentConfig): Generator<ConfigMistake> {
  const { producers = [] } = config.wrangler.queues;
  for (const { binding } of producers) {
    if (binding === PRODUCER) continue;
    const message = `is ${binding}, which the Worker does not use: call it ${PRODUCER}`;
    yield { path: "queues.producers.binding", message };
  }

  const deadLetterQueues = consumersOf(config).flatMap((consumer) => {
    const { dead_letter_queue: queue } = consumer;
    return queue === undefined ? [] : [{ path: "queues.consumers.dead_letter_queue", queue }];
  });
  const used = usedQueuesOf(config).map((queue) => ({ path: "queues", queue }));
  for (const { path, queue } of [...used, ...deadLetterQueues]) {
    if (QUEUE_NAME.test(queue)) continue;
    const message = `${JSON.stringify(queue)} is not the name of a queue: 1 to 63 letters a to z, digits and -`;
    yield { path, message };
  }
  for (const consumer of consumersOf(config)) yield* limitMistakes(consumer);
}

function* limitMistakes(consumer: Consumer): Generator<ConfigMistake> {
  for (const { option, min, max } of LIMITS) {
    const value = consumer[option];
    if (value === undefined) continue;
    if (Number.isInteger(value) && value >= min && value <= max) continue;

    const message = `is ${value}, and Cloudflare takes ${min} to ${max}: correct it for the queue ${consumer.queue}`;
    yield { path: `queues.consumers.${option}`, message };
  }
}

/**
 * Two environments that share a queue. It has one consumer Worker (Q2), so the deploy of the second one fails, or the
 * events of both go to one.
 */
export function* sharedQueueMistakes(
  config: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
  owner: string,
): Generator<ConfigMistake> {
  const deadLetterQueues = deadLetterQueuesOf(config);
  const otherDeadLetterQueues = deadLetterQueuesOf(otherConfig);
  const otherQueues = usedQueuesOf(otherConfig);

  for (const queue of usedQueuesOf(config)) {
    if (!otherQueues.includes(queue) && !otherDeadLetterQueues.includes(queue)) continue;
    const message = `has the queue ${queue} of ${owner}, and a queue has one consumer Worker: give each environment a queue of its own`;
    yield { path: "queues", message };
  }
  for (const queue of deadLetterQueues) {
    if (!otherQueues.includes(queue)) continue;
    const message = `is ${queue}, the queue of ${owner}, which would purge what failed here: use another one`;
    yield { path: "queues.consumers.dead_letter_queue", message };
  }
}

function deadLetterQueuesOf(config: EnvironmentConfig): readonly string[] {
  return consumersOf(config).flatMap(({ dead_letter_queue: queue }) => queue ?? []);
}

/** What makes events slow, dear, or lost. */
export function* queueWarnings(config: EnvironmentConfig): Generator<Warning> {
  for (const consumer of consumersOf(config)) yield* consumerWarnings(consumer);

  const consumed = consumersOf(config).map(({ queue }) => queue);
  const produced = producedQueueOf(config);
  if (produced !== undefined && !consumed.includes(produced)) {
    const message = `${PRODUCER} writes into the queue ${produced}, which this Worker does not read: events wait there until another Worker purges by them`;
    const remedy = `write [[queues.consumers]] with queue = "${produced}": docs/events.md. Leave it if another Worker reads it`;
    yield { message, remedy };
  }
  if (consumed.length > 0) yield* unnamedBucketWarnings(config);
}

function* consumerWarnings(consumer: Consumer): Generator<Warning> {
  const { queue, max_concurrency: concurrency, max_batch_timeout: timeout } = consumer;
  const { max_batch_size: size = 10, max_retries: retries = 3 } = consumer;
  const { dead_letter_queue: deadLetterQueue } = consumer;

  // Cloudflare runs up to 250 side by side (Q2), and Workers Cache takes five calls of purge a minute (W10).
  if (concurrency !== 1) {
    const now = concurrency == null ? "missing" : `${concurrency}`;
    const message = `max_concurrency of the queue ${queue} is ${now}: batches run side by side, and spend the five purges a minute of Workers Cache`;
    yield { message, remedy: "write max_concurrency = 1" };
  }
  if (size < BATCH_SIZE) {
    const message = `max_batch_size of the queue ${queue} is ${size}: a batch is one of five purges a minute, whether it has ${size} objects or ${BATCH_SIZE}`;
    yield { message, remedy: `write max_batch_size = ${BATCH_SIZE}` };
  }
  if (timeout === 0 || (timeout !== undefined && timeout > MAX_BATCH_TIMEOUT_S)) {
    const harm =
      timeout === 0
        ? "each event is a batch of its own, and one of five purges a minute"
        : `a replaced picture is shown for up to ${timeout} s before its batch begins`;
    const message = `max_batch_timeout of the queue ${queue} is ${timeout}: ${harm}`;
    yield { message, remedy: `write max_batch_timeout = ${BATCH_TIMEOUT_S}` };
  }
  if (retries < RETRIES) {
    const message = `max_retries of the queue ${queue} is ${retries}: what the limit of Workers Cache puts off that often is given up`;
    yield { message, remedy: `write max_retries = ${RETRIES}` };
  }
  if (deadLetterQueue === undefined) {
    const message = `the queue ${queue} has no dead_letter_queue: an event that fails ${retries} times is lost`;
    yield { message, remedy: `write dead_letter_queue = "${queue}-dead"` };
  }
  if (deadLetterQueue === queue) {
    const message = `dead_letter_queue of the queue ${queue} is that queue itself: what fails never ends`;
    yield { message, remedy: `write dead_letter_queue = "${queue}-dead"` };
  }
}

/** R2's events name a bucket as R2 does (Q6). Without that name, they are events of another bucket for the Worker. */
function* unnamedBucketWarnings(config: EnvironmentConfig): Generator<Warning> {
  for (const [name, settings] of Object.entries(tableOf(config.deployedVars["BUCKETS"]))) {
    const { binding, bucket } = tableOf(settings);
    const actual = nameR2Buckets(config).find((r2Bucket) => r2Bucket.binding === binding);
    if (actual === undefined || bucket === actual.bucket_name) continue;

    const named = bucket === undefined ? "has no bucket" : `has the bucket ${bucket}`;
    const message = `BUCKETS.${name} ${named}, and R2's events are about ${actual.bucket_name}: the Worker takes them for those of another bucket`;
    const price =
      "All its renditions get new names then, and are made once more: do it with an upgrade that makes them anew anyway";
    const remedy = `write bucket = "${actual.bucket_name}" in [vars.BUCKETS.${name}]. ${price}`;
    yield { message, remedy };
  }
}

/**
 * The bindings whose buckets are known. A deploy makes a bucket that has no name, and names it by the Worker and the
 * binding (T9).
 */
export function nameR2Buckets({
  r2Buckets,
  worker,
}: Pick<EnvironmentConfig, "r2Buckets" | "worker">) {
  return r2Buckets.flatMap(({ binding, bucket_name: name, jurisdiction }) => {
    if (name === undefined && worker === undefined) return [];
    const generated = `${worker}-${binding.toLowerCase().replaceAll("_", "-")}`;
    return [{ binding, bucket_name: name ?? generated, jurisdiction }];
  });
}

/** A bucket of R2, as wrangler knows it. */
export type R2BucketName = {
  /** Its name in wrangler.toml. */
  readonly name: string;
  /** Its name at R2. */
  readonly bucket: string;
  readonly prefix: string;
  /** `eu`, for example. */
  readonly jurisdiction: string | undefined;
  /** Whether it certainly is in the account of the Worker: S3's API may reach one of another account. */
  readonly isBound: boolean;
};

const R2_HOST = /^[0-9a-f]+\.(?:(?<jurisdiction>[a-z]+)\.)?r2\.cloudflarestorage\.com$/;

/**
 * The buckets of R2 that routes may show, by a binding or by S3's API. Two names may be one bucket of R2: the wider prefix
 * comes first. A rule for it covers both, and one for the narrower prefix would hinder it (Q5).
 */
export function r2BucketNamesOf(config: EnvironmentConfig, { buckets }: Config): R2BucketName[] {
  const r2Buckets = buckets.flatMap((bucket) => r2BucketNameOf(config, bucket) ?? []);
  return r2Buckets.toSorted((a, b) => a.prefix.length - b.prefix.length);
}

function r2BucketNameOf(config: EnvironmentConfig, bucket: Bucket): R2BucketName | undefined {
  const { name, prefix, r2, baseUrl } = bucket;
  if (r2 !== undefined) {
    const { binding } = tableOf(tableOf(config.deployedVars["BUCKETS"])[name]);
    const actual = nameR2Buckets(config).find((candidate) => candidate.binding === binding);
    if (actual === undefined) return undefined;
    const { bucket_name: bucketName, jurisdiction } = actual;
    return { name, bucket: bucketName, prefix, jurisdiction, isBound: true };
  }

  const { hostname } = new URL(baseUrl);
  const host = hostname.replace(`${bucket.bucket}.`, "");
  const match = R2_HOST.exec(host);
  if (match === null) return undefined;
  const jurisdiction = match.groups?.["jurisdiction"];
  return { name, bucket: bucket.bucket, prefix, jurisdiction, isBound: false };
}
