// Asks wrangler about the queue of events, and about the rules by which R2 writes into it. It changes nothing, and judges
// nothing: the checks do.

import type { World } from "../command.ts";
import { type QueueAnswer, type RulesAnswer, readQueue, readRules } from "../wrangler/queues.ts";
import type { RunWrangler } from "../wrangler/run-wrangler.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import {
  type EventQueue,
  eventQueueOf,
  type R2BucketName,
  r2BucketNamesOf,
} from "./event-queue.ts";
import type { Project } from "./project.ts";

export type EventsSeen = {
  readonly queue: EventQueue;
  readonly answer: QueueAnswer;
  /** Of the dead-letter queue. Undefined: there is none. */
  readonly deadLetterAnswer: QueueAnswer | undefined;
  /** The buckets of R2, whose events this Worker reads from the queue. */
  readonly r2Buckets: readonly R2BucketSeen[];
};

export type R2BucketSeen = {
  readonly r2Bucket: R2BucketName;
  readonly answer: RulesAnswer;
};

/**
 * Asks about the queue, and about the rules of the buckets whose events this Worker reads.
 * @param isAsked whether a bucket is asked about
 * @returns undefined if events do not come by a queue
 */
export async function observeEvents(
  world: World,
  run: RunWrangler,
  { envConfig, config }: Pick<Project, "envConfig" | "config">,
  isAsked: (r2Bucket: R2BucketName) => boolean,
): Promise<EventsSeen | undefined> {
  const queue = eventQueueOf(envConfig);
  if (queue === undefined) return undefined;

  const { name, deadLetterQueue, isConsumed } = queue;
  const r2Buckets = isConsumed ? r2BucketNamesOf(envConfig, config).filter(isAsked) : [];

  const readName = readQueue(world, run, envConfig, name);
  const readDeadLetters =
    deadLetterQueue === undefined ? undefined : readQueue(world, run, envConfig, deadLetterQueue);
  const readAllRules = r2Buckets.map((r2Bucket) => observeRules(world, run, envConfig, r2Bucket));

  const [answer, deadLetterAnswer, ...bucketsSeen] = await Promise.all([
    readName,
    readDeadLetters,
    ...readAllRules,
  ]);
  return { queue, answer, deadLetterAnswer, r2Buckets: bucketsSeen };
}

async function observeRules(
  world: World,
  run: RunWrangler,
  envConfig: EnvironmentConfig,
  r2Bucket: R2BucketName,
): Promise<R2BucketSeen> {
  const answer = await readRules(world, run, envConfig, r2Bucket);
  return { r2Bucket, answer };
}
