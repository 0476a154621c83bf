// Purges what a request to /purge names, or puts an event into the queue, if there is one. Two places have renditions, the
// pictures made of an object: the store, an R2 bucket, and Workers Cache. The store is listed, and all that is found is
// deleted, whether the object is there or not: nobody can tell which of its stored renditions is one of the older object.
// The cache is purged by tag.
//
// The store comes first. If the cache came first, a visitor in an outage of S3 could have the old picture of the store
// cached again before it is deleted, and it would be shown as long as the outage lasts. (The queue does it the other way round,
// and therefore twice: consume.ts.)
//
// The image edge, which makes renditions, has a cache, too. It is never purged: a replaced object has another URL there.

import type { GatewayContext, PurgeOptions } from "../cache/loopback.ts";
import { purgeCached } from "../cache/purge-object.ts";
import { bucketTag, objectTag } from "../cache/rendition-url.ts";
import type { EventQueue, R2Source, Store } from "../config/bindings.ts";
import type { Config } from "../config/config.ts";
import { isRefusal } from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { openObject } from "../origin/open-object.ts";
import { isGone } from "../origin/verdict.ts";
import {
  type Deletion,
  type DeletionLimits,
  deleteBucket,
  deleteEverything,
  deleteObject,
} from "../store/delete.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { queueObjects } from "./queue-event.ts";
import type { EventObject, PurgeRequest } from "./read-purge.ts";
import {
  logOtherBuckets,
  type PurgeAnswer,
  type PurgeFailure,
  type PurgeFailures,
  type PurgeProgress,
  type QueuedAnswer,
  reportNothingPurged,
  reportPurge,
  type VerifiedObject,
  withProgress,
  withTooMany,
} from "./report.ts";
import {
  type ObjectSelection,
  type ObjectToPurge,
  selectByEvent,
  selectByName,
} from "./select-objects.ts";

export type PurgeScope = RequestScope & { readonly context: GatewayContext };

/** A request purges so many objects at most. That is two calls of the cache: five a minute are allowed (W10). */
const MAX_OBJECTS = 200;

/**
 * The same limit if there is a store. A request of the free plan has 50 calls (L3). Each object needs five of the store,
 * and perhaps one of S3; one call purges the cache, and one may list an R2 bucket.
 */
const MAX_STORED_OBJECTS = 8;

/** Purges what a request means, or queues it. @returns what is purged or queued, what is not, and why */
export async function purge(
  request: PurgeRequest,
  config: Config,
  scope: PurgeScope,
): Promise<PurgeAnswer | QueuedAnswer> {
  const { buckets, store, events } = config;
  const maxObjects = store ? MAX_STORED_OBJECTS : MAX_OBJECTS;
  switch (request.kind) {
    case "objects": {
      const { names, verify } = request;
      const selection = selectByName(buckets, names.slice(0, maxObjects));
      const { failures, progress } = await purgeObjects(selection.objects, store, verify, scope);
      const answer = reportPurge(selection.objects, failures, selection.skipped);
      const others = names.slice(maxObjects);
      return withTooMany(withProgress(answer, progress), others, tooManyText(maxObjects));
    }

    case "event": {
      const { objects } = request;
      if (events) return queueEvent(objects, events, config, scope);
      return purgeEvent(objects, config, maxObjects, scope);
    }

    case "prefix":
      return purgePrefix(request.prefix, request.after, config, maxObjects, scope);

    case "bucket": {
      const bucket = buckets.find(({ name }) => name === request.name);
      if (!bucket) return reportNothingPurged(400, NO_BUCKET);

      const tag = await bucketTag(bucket);
      const deleting = store && deleteBucket(store, bucket, limitsOf(1, scope));
      return purgeWhole(`${bucket.name}/*`, { tags: [tag] }, deleting, scope);
    }

    case "everything": {
      const deleting = store && deleteEverything(store, request.after, limitsOf(1, scope));
      return purgeWhole("*", { purgeEverything: true }, deleting, scope);
    }
  }
}

/** Purges the objects of an event. One that no route shows is no mistake: a bucket of S3 has more than Vitrine shows. */
async function purgeEvent(
  named: readonly EventObject[],
  config: Config,
  maxObjects: number,
  scope: PurgeScope,
): Promise<PurgeAnswer> {
  const { buckets, store } = config;
  const selection = selectByEvent(buckets, named.slice(0, maxObjects));
  logOtherBuckets(config, selection.otherBuckets, Date.now());

  const { failures, progress } = await purgeObjects(selection.objects, store, false, scope);
  const answer = withProgress(reportPurge(selection.objects, failures), progress);

  const others = named.slice(maxObjects).map(({ key }) => key);
  const tooMany = tooManyText(maxObjects);
  return withNotShown(withTooMany(answer, others, tooMany), selection);
}

function tooManyText(maxObjects: number): string {
  return `at most ${maxObjects} objects a request: send these again`;
}

/** After how long a sender may try the queue again: s. */
const QUEUE_RETRY_S = 30;

/** Puts the objects of an event into the queue, in place of a purge. */
async function queueEvent(
  named: readonly EventObject[],
  queue: EventQueue,
  config: Config,
  scope: PurgeScope,
): Promise<PurgeAnswer | QueuedAnswer> {
  const selection = selectByEvent(config.buckets, named);
  logOtherBuckets(config, selection.otherBuckets, Date.now());

  const { matched, skipped } = selection;
  if (matched.length === 0) return withNotShown(reportPurge([], new Map()), selection);

  const failure = await queueObjects(queue, matched, scope.deadline);
  if (failure) return { ...reportNothingPurged(503, failure), retryAfter: QUEUE_RETRY_S };

  const body = { queued: matched.length, ...(skipped.length > 0 && { not_shown: skipped }) };
  return { kind: "queued", body, status: 202 };
}

const NO_BUCKET = "wrangler.toml has no bucket of this name";

/** Adds the objects of an event that no URL shows. */
function withNotShown(answer: PurgeAnswer, { objects, skipped }: ObjectSelection): PurgeAnswer {
  if (skipped.length === 0) return answer;

  const body = { ...answer.body, not_shown: skipped };
  if (objects.length > 0) return { ...answer, body };
  return { ...answer, body: { ...body, note: NOTHING_SHOWN } };
}

const NOTHING_SHOWN = "nothing of this event is shown, so nothing is purged: see not_shown";

/** Purges a portion of the objects whose names begin so: R2 is listed, where the bucket is a binding. */
async function purgePrefix(
  prefix: string,
  after: string | undefined,
  { buckets, store }: Config,
  maxObjects: number,
  scope: PurgeScope,
): Promise<PurgeAnswer> {
  const slash = prefix.indexOf("/");
  const bucket = buckets.find(({ name }) => name === prefix.slice(0, slash));
  if (slash < 0 || !bucket) return reportNothingPurged(400, `${NO_BUCKET}: write BUCKET/…`);
  if (!bucket.r2) return reportNothingPurged(400, NOT_LISTED);

  const keyPrefix = bucket.prefix + prefix.slice(slash + 1);
  const listing = listR2(bucket.r2, { prefix: keyPrefix, limit: maxObjects, after });
  const list = await withTimeout(LIST_TIMEOUT_MS, listing);
  if (!list || list === TIMED_OUT) {
    const answer = reportNothingPurged(502, "the R2 bucket cannot be listed");
    return { ...answer, retryAfter: 30 };
  }

  const names = list.keys.map((key) => `${bucket.name}/${key.slice(bucket.prefix.length)}`);
  const { objects } = selectByName(buckets, names); // no URL can name what is skipped
  const { failures, progress } = await purgeObjects(objects, store, false, scope);
  const answer = withProgress(reportPurge(objects, failures), progress);
  if (list.after === undefined) return answer;

  // R2 has more objects with this prefix. The next request goes on behind this portion.
  return withProgress(answer, { left: true, after: list.after });
}

const NOT_LISTED =
  "this bucket is not an R2 binding, so it is not listed here: npx vitrine purge --prefix lists it with your key";

/** How long R2 may take to list a portion: ms. */
const LIST_TIMEOUT_MS = 1_000;

type R2ListRequest = {
  readonly prefix: string;
  readonly limit: number;
  readonly after: string | undefined;
};

type R2List = { readonly keys: readonly string[]; readonly after: string | undefined };

/** @returns undefined if R2 fails */
async function listR2(
  r2: R2Source,
  { prefix, limit, after }: R2ListRequest,
): Promise<R2List | undefined> {
  const cursor = after === undefined ? {} : { cursor: after };
  const list = await r2.list({ prefix, limit, ...cursor }).catch(() => undefined);
  if (!list) return undefined;

  const keys = list.objects.map(({ key }) => key);
  return { keys, after: list.truncated ? list.cursor : undefined };
}

/** How much of the time is for the cache, which comes after the store: ms. */
const CACHE_MS = 1_200;

/** How much of the time a list and its delete may take, after which no other list begins: ms. */
const LIST_MS = 1_000;

/** How many lists of the store a request reads at most: with a delete each, these are 40 of its 50 calls (L3). */
const MAX_LISTS = 20;

/**
 * Shares the lists of a request among what it deletes.
 * @param prefixes how many parts of the store are listed in the request
 */
function limitsOf(prefixes: number, { deadline }: PurgeScope): DeletionLimits {
  const share = Math.floor(MAX_LISTS / Math.max(1, prefixes));
  return { maxLists: share, until: deadline - CACHE_MS - LIST_MS };
}

/** A deletion, or what is known of one that is too slow. */
type DeletionResult = Deletion | { readonly kind: "too-slow"; readonly deleted: 0 };

/** Waits for a deletion, and leaves time for the cache. */
async function waitForDeletion(
  deleting: Promise<Deletion>,
  { deadline }: PurgeScope,
): Promise<DeletionResult> {
  const result = await withTimeout(deadline - CACHE_MS - Date.now(), deleting);
  return result === TIMED_OUT ? { kind: "too-slow", deleted: 0 } : result;
}

/** @returns undefined if nothing is stored any more */
function failureOf({ kind }: DeletionResult): PurgeFailure | undefined {
  switch (kind) {
    case "empty":
      return undefined;
    case "left":
      return { status: 503, retryAfter: 1, reason: "store: more is left: send it again" };
    case "failed":
      return { status: 502, retryAfter: 30, reason: "store: it fails" };
    case "too-slow":
      return { status: 503, retryAfter: 10, reason: "store: it does not answer in time" };
  }
}

/** Purges a whole bucket, or everything. @param name what the answer calls it */
async function purgeWhole(
  name: string,
  options: PurgeOptions,
  deleting: Promise<Deletion> | undefined,
  scope: PurgeScope,
): Promise<PurgeAnswer> {
  const purging = (async () => {
    const deletion = deleting && (await waitForDeletion(deleting, scope));
    const cacheFailure = await purgeCache(options, scope);
    return { deletion, cacheFailure };
  })();

  // The purge goes on when the caller has gone.
  scope.context.waitUntil(purging);

  const { deletion, cacheFailure } = await purging;
  const failure = cacheFailure ?? (deletion && failureOf(deletion));

  // The report knows objects by their URLs. The name stands in for one here.
  const failures: PurgeFailures = new Map(failure ? [[name, failure]] : []);
  const answer = reportPurge([{ name, url: name }], failures);
  if (!deletion) return answer;

  const after = deletion.kind === "left" ? deletion.after : undefined;
  const progress = { ...progressOf([deletion]), ...(after !== undefined && { after }) };
  return withProgress(answer, progress);
}

function progressOf(deletions: readonly DeletionResult[]): Pick<PurgeProgress, "deleted" | "left"> {
  let deleted = 0;
  for (const deletion of deletions) deleted += deletion.deleted;

  const left = deletions.some(({ kind }) => kind !== "empty");
  return { deleted, left };
}

/** What became of the objects of a request. */
type ObjectsPurged = {
  readonly failures: PurgeFailures;
  readonly progress: Partial<PurgeProgress>;
};

/** Purges objects. @param verify whether S3 is asked for them, too */
async function purgeObjects(
  objects: readonly ObjectToPurge[],
  store: Store | undefined,
  verify: boolean,
  scope: PurgeScope,
): Promise<ObjectsPurged> {
  const verifying = verify ? verifyObjects(objects, scope) : undefined;
  const purging = purgeStoreAndCache(objects, store, scope);

  // The purge goes on when the caller has gone.
  scope.context.waitUntil(purging);

  const { failures, progress } = await purging;
  if (!verifying) return { failures, progress };
  return { failures, progress: { ...progress, verified: await verifying } };
}

async function purgeStoreAndCache(
  objects: readonly ObjectToPurge[],
  store: Store | undefined,
  scope: PurgeScope,
): Promise<ObjectsPurged> {
  const failures = new Map<string, PurgeFailure>();
  let progress: Partial<PurgeProgress> = {};

  if (store) {
    const limits = limitsOf(objects.length, scope);
    const deleting = objects.map((object) => {
      return waitForDeletion(deleteObject(store, object, limits), scope);
    });
    const deletions = await Promise.all(deleting);
    progress = progressOf(deletions);

    for (const [index, deletion] of deletions.entries()) {
      const url = objects[index]?.url;
      const failure = failureOf(deletion);
      if (url && failure) failures.set(url, failure);
    }
  }

  const cacheFailures = await purgeTags(objects, scope);
  for (const [url, failure] of cacheFailures) failures.set(url, failure);
  return { failures, progress };
}

/** A call of the cache takes so many tags at most (W10). */
const MAX_TAGS = 100;

/** Purges objects from the cache. @returns the failures by the objects' URLs */
export async function purgeTags(
  objects: readonly ObjectToPurge[],
  scope: PurgeScope,
): Promise<PurgeFailures> {
  const failures = new Map<string, PurgeFailure>();

  for (let start = 0; start < objects.length; start += MAX_TAGS) {
    const batch = objects.slice(start, start + MAX_TAGS);
    const tags = await Promise.all(batch.map(({ bucket, key }) => objectTag(bucket, key)));
    const failure = await purgeCache({ tags }, scope);
    if (!failure) continue;

    // There is no other call then: the calls of a minute are few, and the next one would most likely fail, too. So this
    // failure is that of all objects that follow.
    for (const { url } of objects.slice(start)) failures.set(url, failure);
    break;
  }
  return failures;
}

/** A rate limit in a text of the cache. It has no documented code (W10): `Too many purges (10429)`, `Error: HTTP 429`. */
const RATE_LIMIT = /\b429\b|rate.?limit|too many/i;

/** So much of an error's text is passed on: characters. */
const MAX_REASON = 200;

/** Purges from the cache. @returns why something may still be cached; undefined if nothing is */
async function purgeCache(
  options: PurgeOptions,
  { context, deadline }: PurgeScope,
): Promise<PurgeFailure | undefined> {
  let errorText: string;
  try {
    const result = await withTimeout(deadline - Date.now(), purgeCached(options, context));
    if (result === TIMED_OUT) {
      return { status: 503, retryAfter: 10, reason: "cache: it does not answer in time" };
    }
    if (result.success) return undefined;

    const texts = result.errors.map(({ code, message }) => `${message} (${code})`);
    errorText = texts.join("; ");
  } catch (error) {
    errorText = `${error}`;
  }

  if (RATE_LIMIT.test(errorText)) {
    const reason = "cache: five calls a minute are allowed after a burst of 25";
    return { status: 429, retryAfter: 60, reason };
  }
  return { status: 502, retryAfter: 30, reason: `cache: ${errorText.slice(0, MAX_REASON)}` };
}

/** Asks S3 for each object. This decides nothing: all of them are purged. */
function verifyObjects(
  objects: readonly ObjectToPurge[],
  scope: PurgeScope,
): Promise<VerifiedObject[]> {
  return Promise.all(objects.map((object) => verifyObject(object, scope)));
}

async function verifyObject(
  { name, aliases, key }: ObjectToPurge,
  scope: PurgeScope,
): Promise<VerifiedObject> {
  const results = await Promise.all(
    aliases.map((alias) => openObject(alias, key, { ...scope, part: "head" })),
  );

  // The aliases are the buckets of wrangler.toml that lead to this object. If one of them opens the object, it is there.
  const refusals = results.filter(isRefusal);
  if (refusals.length < results.length) return { object: name, state: "there" };

  // If S3 tells one alias that the object is gone, it is gone.
  if (refusals.some(isGone)) return { object: name, state: "missing" };

  const isDenied = refusals.every(({ event }) => event === "object-denied");
  return { object: name, state: isDenied ? "denied" : "unknown" };
}
