// Reads and checks the queue of events that wrangler.toml names: its producer, its consumer and their settings. It also
// finds the buckets of R2 that can send their events to the queue. No I/O: whether the queue exists is not checked here.
// Codes such as Q2 are rules of docs/rules.md.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { ConfigMistake } from "../../worker/http/refusal.ts";
import { tableOf } from "../../worker/util/json.ts";
import { page } from "../command.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";

/** The binding by which /purge writes events into the queue. */
const PRODUCER = "EVENTS";

/** What `vitrine init` writes, and why another value is worse. */
const BATCH_SIZE = 100;
const BATCH_TIMEOUT_S = 10;
const MAX_BATCH_TIMEOUT_S = 30;
const RETRIES = 100;

/** Cloudflare's defaults for a consumer (Q2). */
const DEFAULT_BATCH_SIZE = 10;
const DEFAULT_RETRIES = 3;

/** Cloudflare's limits for a consumer: outside of them, it refuses the deploy after the upload (Q1, Q2). */
const LIMITS = [
  { option: "max_batch_size", min: 1, max: 100 },
  { option: "max_batch_timeout", min: 0, max: 60 },
  { option: "max_retries", min: 0, max: 100 },
] as const;

/** The same letters as in a bucket's name, and more. A name that begins with a dash would be an option of wrangler. */
const QUEUE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

type Consumer = NonNullable<EnvironmentConfig["wrangler"]["queues"]["consumers"]>[number];

/** The queue of events: each message names an object that changed, and the consumer purges its pictures. */
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
  const consumed = consumers.map(({ queue }) => queue);

  const name = produced ?? consumed[0];
  if (name === undefined) return undefined;

  const consumer = consumers.find(({ queue }) => queue === name);
  return {
    name,
    isConsumed: consumer !== undefined,
    consumed,
    deadLetterQueue: consumer?.dead_letter_queue,
  };
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
  const queues = new Set<string>();
  const produced = producedQueueOf(config);
  if (produced !== undefined) queues.add(produced);
  for (const { queue } of consumersOf(config)) queues.add(queue);
  return [...queues];
}

/** Finds impossible names of queues, numbers that Cloudflare refuses, and bindings that the Worker does not use. */
export function* queueMistakes(config: EnvironmentConfig): Generator<ConfigMistake> {
  const { producers = [] } = config.wrangler.queues;
  for (const { binding } of producers) {
    if (binding === PRODUCER) continue;
    const message = `is ${binding}, which the Worker does not use: call it ${PRODUCER}`;
    yield { path: "queues.producers.binding", message };
  }

  for (const queue of usedQueuesOf(config)) {
    yield* queueNameMistakes("queues", queue);
  }
  for (const queue of deadLetterQueuesOf(config)) {
    yield* queueNameMistakes("queues.consumers.dead_letter_queue", queue);
  }
  for (const consumer of consumersOf(config)) yield* limitMistakes(consumer);
}

function* queueNameMistakes(path: string, queue: string): Generator<ConfigMistake> {
  if (QUEUE_NAME.test(queue)) return;

  const message = `${JSON.stringify(queue)} is not the name of a queue: 1 to 63 letters a to z, digits and -`;
  yield { path, message };
}

function* limitMistakes(consumer: Consumer): Generator<ConfigMistake> {
  for (const { option, min, max } of LIMITS) {
    const value = consumer[option];
    if (value === undefined) continue;

    const isInRange = value >= min && value <= max;
    if (Number.isInteger(value) && isInRange) continue;

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
  const otherDeadLetterQueues = deadLetterQueuesOf(otherConfig);
  const otherQueues = usedQueuesOf(otherConfig);

  for (const queue of usedQueuesOf(config)) {
    const isShared = otherQueues.includes(queue) || otherDeadLetterQueues.includes(queue);
    if (!isShared) continue;

    const message = `has the queue ${queue} of ${owner}, and a queue has one consumer Worker: give each environment a queue of its own`;
    yield { path: "queues", message };
  }

  for (const queue of deadLetterQueuesOf(config)) {
    if (!otherQueues.includes(queue)) continue;

    const message = `is ${queue}, the queue of ${owner}, which would purge what failed here: use another one`;
    yield { path: "queues.consumers.dead_letter_queue", message };
  }
}

function deadLetterQueuesOf(config: EnvironmentConfig): readonly string[] {
  return consumersOf(config).flatMap(({ dead_letter_queue: queue }) => queue ?? []);
}

/** Warns of settings that make events slow or expensive, or that lose them. */
export function* queueWarnings(config: EnvironmentConfig): Generator<Warning> {
  const consumers = consumersOf(config);
  for (const [index, consumer] of consumers.entries()) {
    const path = `queues.consumers[${index}]`;
    yield* speedWarnings(path, consumer);
    yield* lossWarnings(path, consumer);
  }

  const consumed = consumers.map(({ queue }) => queue);
  const produced = producedQueueOf(config);
  if (produced !== undefined && !consumed.includes(produced)) {
    yield {
      path: "queues.producers",
      message: `${PRODUCER} writes into the queue ${produced}, which this Worker does not read: events wait there until another Worker purges by them`,
      remedy: `write [[queues.consumers]] with queue = "${produced}": ${page("docs/events.md")}. Leave it if another Worker reads it`,
    };
  }
  if (consumers.length > 0) yield* unnamedBucketWarnings(config);
}

/** Warns of settings that delay purges, or that need more than the five purges a minute of Workers Cache (W10). */
function* speedWarnings(path: string, consumer: Consumer): Generator<Warning> {
  const { queue, max_concurrency: concurrency, max_batch_timeout: timeout } = consumer;

  // Cloudflare runs up to 250 batches side by side (Q2).
  if (concurrency !== 1) {
    yield {
      path: `${path}.max_concurrency`,
      message: `max_concurrency of the queue ${queue} is ${concurrency ?? "missing"}: batches run side by side, and spend the five purges a minute of Workers Cache`,
      remedy: "write max_concurrency = 1",
    };
  }

  const size = consumer.max_batch_size ?? DEFAULT_BATCH_SIZE;
  if (size < BATCH_SIZE) {
    yield {
      path: `${path}.max_batch_size`,
      message: `max_batch_size of the queue ${queue} is ${size}: a batch is one of five purges a minute, whether it has ${size} objects or ${BATCH_SIZE}`,
      remedy: `write max_batch_size = ${BATCH_SIZE}`,
    };
  }

  if (timeout === 0) {
    yield {
      path: `${path}.max_batch_timeout`,
      message: `max_batch_timeout of the queue ${queue} is 0: each event is a batch of its own, and one of five purges a minute`,
      remedy: `write max_batch_timeout = ${BATCH_TIMEOUT_S}`,
    };
  }
  if (timeout !== undefined && timeout > MAX_BATCH_TIMEOUT_S) {
    yield {
      path: `${path}.max_batch_timeout`,
      message: `max_batch_timeout of the queue ${queue} is ${timeout}: a replaced picture is shown for up to ${timeout} s before its batch begins`,
      remedy: `write max_batch_timeout = ${BATCH_TIMEOUT_S}`,
    };
  }
}

/** Warns of settings by which an event is lost if its purge fails. */
function* lossWarnings(path: string, consumer: Consumer): Generator<Warning> {
  const { queue, dead_letter_queue: deadLetterQueue } = consumer;

  const retries = consumer.max_retries ?? DEFAULT_RETRIES;
  if (retries < RETRIES) {
    yield {
      path: `${path}.max_retries`,
      message: `max_retries of the queue ${queue} is ${retries}: what the limit of Workers Cache puts off that often is given up`,
      remedy: `write max_retries = ${RETRIES}`,
    };
  }

  if (deadLetterQueue === undefined) {
    yield {
      path: `${path}.dead_letter_queue`,
      message: `the queue ${queue} has no dead_letter_queue: an event that fails ${retries} times is lost`,
      remedy: `write dead_letter_queue = "${queue}-dead"`,
    };
  }
  if (deadLetterQueue === queue) {
    yield {
      path: `${path}.dead_letter_queue`,
      message: `dead_letter_queue of the queue ${queue} is that queue itself: what fails never ends`,
      remedy: `write dead_letter_queue = "${queue}-dead"`,
    };
  }
}

/** R2's events name a bucket as R2 does (Q6). Without that name, they are events of another bucket for the Worker. */
function* unnamedBucketWarnings(config: EnvironmentConfig): Generator<Warning> {
  const r2Buckets = nameR2Buckets(config);

  for (const [name, settings] of Object.entries(tableOf(config.deployedVars["BUCKETS"]))) {
    const { binding, bucket } = tableOf(settings);
    const bound = r2Buckets.find((r2Bucket) => r2Bucket.binding === binding);
    if (bound === undefined || bucket === bound.bucket_name) continue;

    const bucketText = bucket === undefined ? "has no bucket" : `has the bucket ${bucket}`;
    yield {
      path: `BUCKETS.${name}.bucket`,
      message: `BUCKETS.${name} ${bucketText}, and R2's events are about ${bound.bucket_name}: the Worker takes them for those of another bucket`,
      remedy: `write bucket = "${bound.bucket_name}" in [vars.BUCKETS.${name}]. All its renditions get new names then, and are made once more: do it with an upgrade that makes them anew anyway`,
    };
  }
}

/** A binding, and the bucket that it opens. */
type NamedR2Bucket = {
  readonly binding: string;
  readonly bucket_name: string;
  readonly jurisdiction: string | undefined;
};

/**
 * The bindings whose buckets are known. A deploy makes a bucket that has no name, and names it by the Worker and the
 * binding (T9).
 */
export function nameR2Buckets({
  r2Buckets,
  worker,
}: Pick<EnvironmentConfig, "r2Buckets" | "worker">): NamedR2Bucket[] {
  const named: NamedR2Bucket[] = [];
  for (const { binding, bucket_name: writtenName, jurisdiction } of r2Buckets) {
    if (writtenName === undefined && worker === undefined) continue;

    const generatedName = `${worker}-${binding.toLowerCase().replaceAll("_", "-")}`;
    named.push({ binding, bucket_name: writtenName ?? generatedName, jurisdiction });
  }
  return named;
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
  const names: R2BucketName[] = [];
  for (const bucket of buckets) {
    const name = r2BucketNameOf(config, bucket);
    if (name !== undefined) names.push(name);
  }
  return names.sort((a, b) => a.prefix.length - b.prefix.length);
}

function r2BucketNameOf(config: EnvironmentConfig, bucket: Bucket): R2BucketName | undefined {
  const { name, prefix } = bucket;
  if (bucket.r2 !== undefined) {
    const settings = tableOf(config.deployedVars["BUCKETS"])[name];
    const { binding } = tableOf(settings);
    const bound = nameR2Buckets(config).find((r2Bucket) => r2Bucket.binding === binding);
    if (bound === undefined) return undefined;

    const { bucket_name: bucketName, jurisdiction } = bound;
    return { name, bucket: bucketName, prefix, jurisdiction, isBound: true };
  }

  // The host of the endpoint: a bucket may be addressed by a host of its own.
  const { hostname } = new URL(bucket.baseUrl);
  const match = R2_HOST.exec(hostname.replace(`${bucket.bucket}.`, ""));
  if (match === null) return undefined;

  const jurisdiction = match.groups?.["jurisdiction"];
  return { name, bucket: bucket.bucket, prefix, jurisdiction, isBound: false };
}
