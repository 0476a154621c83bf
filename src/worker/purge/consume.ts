// Purges the objects of the events that a queue delivers, many at once: Workers Cache takes five calls a minute, with 100
// objects each (W10). Messages come at least once, and in no order (Q2). A second purge of an object does no harm.
//
// The cache comes first: its call may be refused, and then no list of the store was read in vain.
//
// Everything is done twice. A run (a request that renders a picture) may have read the older object, and its picture may
// still be on the way to the cache and to the store. The run asks S3 once more at its end, but its isolate may die before
// that. So a message is acknowledged only by a pass (one delivery of the message) that began when all such runs had ended, and
// that has found nothing of them in the store. If it has found something, another pass follows: in an outage of S3, a visitor
// may have had it cached a moment before it was deleted. Codes such as W10 are rules of docs/rules.md.

import type { GatewayContext } from "../cache/loopback.ts";
import type { Store } from "../config/bindings.ts";
import { type Config, currentConfig } from "../config/config.ts";
import { isRefusal, mistakeText } from "../http/refusal.ts";
import { logNotice } from "../log/log.ts";
import { type Deletion, deleteObject, earliest } from "../store/delete.ts";
import { recordCall } from "../store/last-calls.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { readMessage } from "./event-message.ts";
import { purgeTags } from "./purge.ts";
import {
  logEventsFailed,
  logOtherBuckets,
  logPurgedByEvent,
  logUnreadable,
  type PurgeFailure,
  type PurgeFailures,
} from "./report.ts";
import { mergeByUrl, type ObjectToPurge, selectByEvent } from "./select-objects.ts";

/** What the queue delivers. */
type EventBatch = Pick<MessageBatch, "queue" | "messages">;

type QueueMessage = EventBatch["messages"][number];

/** A message, and the objects that it means. */
type QueuedEvent = {
  readonly message: QueueMessage;
  readonly objects: readonly ObjectToPurge[];
};

/** With a broken configuration, nothing is served, and nobody knows what to purge. After this, messages come again: s. */
const BROKEN_RETRY_S = 300;

/** How long the cache may take: ms. */
const CACHE_TIMEOUT_MS = 10_000;

/**
 * Purges what the messages of a batch name. Each message is acknowledged, or comes again.
 * @param env what the configuration is read from
 */
export async function consumeEvents(
  batch: EventBatch,
  env: object,
  context: GatewayContext,
): Promise<void> {
  const config = currentConfig(env);
  if (isRefusal(config)) {
    const mistakes = config.mistakes.map(mistakeText);
    logNotice({
      event: "purge-failed",
      reason: `the configuration is broken: ${mistakes.join("; ")}`,
    });
    for (const message of batch.messages) message.retry({ delaySeconds: BROKEN_RETRY_S });
    return;
  }

  const events = readEvents(batch, config);
  const { first: taken, others } = splitByLimit(events);
  const objects = joinObjects(taken);
  for (const { message } of others) message.retry();
  if (objects.length === 0) return;

  const beganAt = Date.now();
  const failures = await purgeCalls(objects, context);

  const uncached = objects.filter(({ url }) => !failures.has(url));
  const results = await purgeStored(uncached, config, beganAt);
  const triedEvents = taken.map((event): TriedEvent => {
    return { ...event, outcome: outcomeOf(event, failures, results) };
  });

  // Each message is settled by itself.
  for (const event of triedEvents) settle(event, config, beganAt);

  const [cacheFailure] = failures.values();
  report(triedEvents, cacheFailure?.reason ?? "store: it fails");

  const isOneEvent = batch.messages.length === 1 && objects.length === 1;
  if (!isOneEvent) await holdQueue(beganAt, Math.ceil(objects.length / MAX_OBJECTS_PER_CALL));
}

/** Reads the messages. Those that mean no object here are acknowledged. */
function readEvents({ messages, queue }: EventBatch, config: Config): QueuedEvent[] {
  const now = Date.now();
  const events: QueuedEvent[] = [];

  for (const message of messages) {
    const content = readMessage(message.body);
    if (!content.isReadable) logUnreadable(config, queue, now);

    const { objects, otherBuckets } = selectByEvent(config.buckets, content.objects);
    logOtherBuckets(config, otherBuckets, now);

    if (objects.length === 0) message.ack();
    else events.push({ message, objects });
  }
  return events;
}

/** A call of the cache takes so many objects (W10). */
const MAX_OBJECTS_PER_CALL = 100;

/** A batch purges so many objects. With a slow store, they take eight minutes, of the 15 that the runtime gives to a batch. */
const MAX_OBJECTS = 1_000;

type SplitEvents = {
  readonly first: readonly QueuedEvent[];
  readonly others: readonly QueuedEvent[];
};

/**
 * Takes so many events that one batch can purge them: one that names more objects than that is taken alone. An event that is
 * left to a later batch loses one of its attempts, so as many as possible are taken.
 */
function splitByLimit(events: readonly QueuedEvent[]): SplitEvents {
  const urls = new Set<string>();

  for (const [index, { objects }] of events.entries()) {
    for (const { url } of objects) urls.add(url);

    const isTooMuch = urls.size > MAX_OBJECTS && index > 0;
    if (isTooMuch) return { first: events.slice(0, index), others: events.slice(index) };
  }
  return { first: events, others: [] };
}

/** Returns what the events name, each object once. */
function joinObjects(events: readonly QueuedEvent[]): ObjectToPurge[] {
  return mergeByUrl(events.flatMap(({ objects }) => objects));
}

/** The time between two calls of the cache: ms. Operators keep one of the five calls of a minute (W10). */
const PURGE_PERIOD_MS = 15_000;

/**
 * Purges objects from the cache. More than one call is needed only where messages name several objects each. Without pauses
 * such a batch would spend the calls of all others, be refused before its end, and begin again for ever.
 */
async function purgeCalls(
  objects: readonly ObjectToPurge[],
  context: GatewayContext,
): Promise<PurgeFailures> {
  for (let start = 0; start < objects.length; start += MAX_OBJECTS_PER_CALL) {
    if (start > 0) await scheduler.wait(PURGE_PERIOD_MS);

    const call = objects.slice(start, start + MAX_OBJECTS_PER_CALL);
    const deadline = Date.now() + CACHE_TIMEOUT_MS;
    const failures = await purgeTags(call, { context, deadline });
    const [failure] = failures.values();
    if (!failure) continue;

    // The messages come again with all of their objects.
    return new Map(objects.slice(start).map(({ url }) => [url, failure]));
  }
  return new Map();
}

/**
 * Waits until the cache may be called again. A queue with one consumer delivers no other batch before this one has ended,
 * whichever isolate gets it, and gathers what comes meanwhile. One event is not held: there are few then.
 * @param beganAt when the first call began: ms since 1970
 * @param calls how many calls there were
 */
async function holdQueue(beganAt: number, calls: number): Promise<void> {
  const holdMs = calls * PURGE_PERIOD_MS;
  const timeLeft = beganAt + holdMs - Date.now();

  // The clock may have been set back.
  if (timeLeft > 0) await scheduler.wait(Math.min(timeLeft, holdMs));
}

/** What became of an object in the store. */
type StoreResult =
  /**
   * Nothing of it is stored any more. `oldest`: when the oldest of what was deleted was stored, in ms since 1970; undefined:
   * nothing was deleted.
   */
  | { readonly kind: "empty"; readonly oldest: number | undefined }
  /** The store fails, is slow, or has more. */
  | { readonly kind: "failed" }
  /** The store was not asked any more after a failure: the calls of this batch may be spent (L3). */
  | { readonly kind: "not-tried" };

/** By the objects' URLs at the origin. */
type StoreResults = ReadonlyMap<string, StoreResult>;

/** So many objects are deleted at a time. Each has two lists, and six calls may wait at a time (L3). */
const OBJECTS_AT_A_TIME = 3;

/** How long one object may take: ms. */
const DELETE_TIMEOUT_MS = 15_000;

/** An object with more than 5,000 stored renditions needs another pass. */
const MAX_LISTS = 5;

/** Deletes what is stored of the objects, until the store fails. */
async function purgeStored(
  objects: readonly ObjectToPurge[],
  { store }: Config,
  beganAt: number,
): Promise<StoreResults> {
  const results = new Map<string, StoreResult>();
  if (!store) {
    for (const { url } of objects) results.set(url, { kind: "empty", oldest: undefined });
    return results;
  }

  if (objects.length > 0) await recordCall(store, "event", beganAt);

  let hasFailed = false;
  for (let start = 0; start < objects.length; start += OBJECTS_AT_A_TIME) {
    const group = objects.slice(start, start + OBJECTS_AT_A_TIME);
    if (hasFailed) {
      for (const { url } of group) results.set(url, { kind: "not-tried" });
      continue;
    }

    const deletions = await Promise.all(group.map((object) => deleteStored(store, object)));
    for (const [index, { url }] of group.entries()) {
      const result = deletions[index] ?? { kind: "not-tried" };
      results.set(url, result);
      if (result.kind === "failed") hasFailed = true;
    }
  }
  return results;
}

async function deleteStored(store: Store, object: ObjectToPurge): Promise<StoreResult> {
  const limits = { maxLists: MAX_LISTS, until: Number.POSITIVE_INFINITY };
  const deleting: Promise<Deletion> = deleteObject(store, object, limits);
  const deletion = await withTimeout(DELETE_TIMEOUT_MS, deleting);
  if (deletion === TIMED_OUT || deletion.kind !== "empty") return { kind: "failed" };

  return { kind: "empty", oldest: deletion.oldest };
}

/** What became of a message. */
type EventOutcome =
  /** `oldest`: when the oldest of what was deleted was stored: ms since 1970. Undefined: nothing was. */
  | { readonly kind: "purged"; readonly oldest: number | undefined }
  /** `delaySeconds`: when it is tried again. */
  | { readonly kind: "not-purged"; readonly delaySeconds: number };

/** A message that was tried. */
type TriedEvent = QueuedEvent & { readonly outcome: EventOutcome };

/** After how long the store is tried again: s. */
const STORE_RETRY_S = 30;

/** After how long an object is tried again for which no call was left: s. */
const NOT_TRIED_RETRY_S = 1;

function outcomeOf(
  { objects }: QueuedEvent,
  failures: PurgeFailures,
  results: StoreResults,
): EventOutcome {
  let oldest: number | undefined;
  let delaySeconds: number | undefined;

  for (const { url } of objects) {
    const delay = delayOf(failures.get(url), results.get(url));
    if (delay !== undefined) delaySeconds = Math.max(delay, delaySeconds ?? 0);

    const result = results.get(url);
    if (result?.kind === "empty") oldest = earliest(oldest, result.oldest);
  }

  if (delaySeconds !== undefined) return { kind: "not-purged", delaySeconds };
  return { kind: "purged", oldest };
}

/** Returns when an object has to be tried again: s. @returns undefined if it is purged */
function delayOf(
  failure: PurgeFailure | undefined,
  result: StoreResult | undefined,
): number | undefined {
  if (failure) return failure.retryAfter;

  switch (result?.kind) {
    case "empty":
      return undefined;
    case "failed":
      return STORE_RETRY_S;
    case "not-tried":
    case undefined:
      return NOT_TRIED_RETRY_S;
  }
}

/**
 * How long a run, which renders a picture, may take besides what its visitor waits for: s. The runtime ends what it does in the
 * background 30 s after its answer.
 */
const BACKGROUND_S = 30;

/** The contract leaves open whether a message that comes again keeps its time. If not, this ends its passes. */
const MAX_ATTEMPTS = 20;

/** A message that has come so often is older than this, if it has kept its time: ms. */
const MIN_AGE_MS = 30_000;

function renderSeconds({ answers }: Pick<Config, "answers">): number {
  return Math.ceil(answers.timeout) + BACKGROUND_S;
}

/** Returns whether no other pass has to follow. @param beganAt when the pass began: ms since 1970 */
function isLastPass(
  { attempts, timestamp }: QueueMessage,
  oldest: number | undefined,
  config: Pick<Config, "answers">,
  beganAt: number,
): boolean {
  // After so many attempts, the message would be older if the queue did not renew its time with each attempt. Where it does,
  // nothing else would end the passes. Attempts that failed count, too.
  const sentAt = timestamp.getTime();
  const isRenewed = attempts >= MAX_ATTEMPTS && beganAt - sentAt < MIN_AGE_MS;
  if (isRenewed) return true;

  // A run that began before the change may still be on its way.
  const runsEndAt = sentAt + renderSeconds(config) * 1000;
  if (beganAt < runsEndAt) return false;

  // What was stored later than that was made of what S3 has now.
  return oldest === undefined || oldest >= runsEndAt;
}

/** Acknowledges a message, or has it come again. @param beganAt when the pass began: ms since 1970 */
function settle(
  { message, outcome }: TriedEvent,
  config: Pick<Config, "answers">,
  beganAt: number,
): void {
  if (outcome.kind === "not-purged") {
    message.retry({ delaySeconds: outcome.delaySeconds });
    return;
  }

  const isLast = isLastPass(message, outcome.oldest, config, beganAt);
  if (isLast) message.ack();
  else message.retry({ delaySeconds: renderSeconds(config) });
}

/** Logs what is purged, and what is not. A second pass that has found nothing is not logged. */
function report(events: readonly TriedEvent[], failureReason: string): void {
  const purged = new Set<string>();
  const failed = new Set<string>();

  for (const { message, objects, outcome } of events) {
    for (const { name } of objects) {
      if (outcome.kind === "not-purged") failed.add(name);
      else if (message.attempts === 1 || outcome.oldest !== undefined) purged.add(name);
    }
  }

  if (purged.size > 0) logPurgedByEvent([...purged]);
  if (failed.size > 0) logEventsFailed([...failed], failureReason);
}
