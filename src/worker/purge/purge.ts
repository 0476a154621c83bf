// Purges what a request to /purge names. Two places have renditions, the pictures made of an object: Workers Cache, and
// the store, an R2 bucket. The cache is purged by tag. From the store, only the renditions of an object that S3 no
// longer has are deleted. Those of a replaced object stay: they are shown only in an outage of S3, and the next ones
// overwrite them.
// The image edge, which makes renditions, has a cache, too. It is never purged: a replaced object has another URL
// there.

import type { GatewayContext, PurgeOptions } from "../cache/loopback.ts";
import { purgeCached } from "../cache/purge-object.ts";
import { bucketTag, objectTag } from "../cache/rendition-url.ts";
import type { Store } from "../config/bindings.ts";
import type { Config } from "../config/config.ts";
import { isRefusal } from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { openObject } from "../origin/open-object.ts";
import { isGone } from "../origin/verdict.ts";
import { deleteAll } from "../store/entries.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import type { PurgeRequest } from "./read-purge.ts";
import {
  type PurgeAnswer,
  type PurgeFailure,
  type PurgeFailures,
  reportNothingPurged,
  reportPurge,
} from "./report.ts";
import { type ObjectToPurge, selectByEvent, selectByName } from "./select-objects.ts";

type PurgeScope = RequestScope & { readonly context: GatewayContext };

/** Purges what a request means. @returns what is purged, what is not, and why */
export async function purge(
  request: PurgeRequest,
  { buckets, store }: Config,
  scope: PurgeScope,
): Promise<PurgeAnswer> {
  switch (request.kind) {
    case "objects": {
      const { objects, skipped: wrongNames } = selectByName(buckets, request.names);
      const failures = await purgeWithinLimit(objects, store, scope);
      return reportPurge(objects, failures, wrongNames);
    }

    case "event": {
      // An object that no route shows is no mistake of the caller: a bucket of S3 has more than what Vitrine shows.
      const { objects, skipped: notShown } = selectByEvent(buckets, request.objects);
      const failures = await purgeWithinLimit(objects, store, scope);
      const answer = reportPurge(objects, failures);
      if (notShown.length === 0) return answer;
      return { ...answer, body: { ...answer.body, not_shown: notShown } };
    }

    case "bucket": {
      const bucket = buckets.find(({ name }) => name === request.name);
      if (!bucket) return reportNothingPurged(400, "wrangler.toml has no bucket of this name");

      const tag = await bucketTag(bucket);
      return purgeWhole(`${bucket.name}/*`, { tags: [tag] }, scope);
    }

    case "everything":
      return purgeWhole("*", { purgeEverything: true }, scope);
  }
}

/**
 * Purges a whole bucket, or everything, from the cache alone. Objects that are gone are deleted from the store by their
 * names or their events: here S3 is not asked which ones are gone.
 * @param name what the answer calls it
 */
async function purgeWhole(
  name: string,
  options: PurgeOptions,
  scope: PurgeScope,
): Promise<PurgeAnswer> {
  const failures = new Map<string, PurgeFailure>();
  const failure = await purgeCache(options, scope);
  if (failure) failures.set(name, failure);

  // The report knows objects by their URLs. The name stands in for one here.
  return reportPurge([{ name, url: name }], failures);
}

/** A request purges so many objects at most. That is two calls of the cache: five a minute are allowed (W10). */
const MAX_OBJECTS = 200;

/** The same limit if there is a store: then each object is also requested from S3. */
const MAX_STORED_OBJECTS = 20;

/** Purges the first objects, and refuses the others. */
async function purgeWithinLimit(
  objects: readonly ObjectToPurge[],
  store: Store | undefined,
  scope: PurgeScope,
): Promise<PurgeFailures> {
  const maxObjects = store ? MAX_STORED_OBJECTS : MAX_OBJECTS;
  const purging = purgeObjects(objects.slice(0, maxObjects), store, scope);

  // The purge goes on when the caller has gone.
  scope.context.waitUntil(purging);

  const failures = await purging;
  const reason = `at most ${maxObjects} objects a request: send these again`;
  for (const { url } of objects.slice(maxObjects)) {
    failures.set(url, { status: 429, retryAfter: 1, reason });
  }
  return failures;
}

/** A call of the cache takes so many tags at most (W10). */
const MAX_TAGS = 100;

/** Purges objects from the cache, and then from the store. @returns the failures by the objects' URLs */
async function purgeObjects(
  objects: readonly ObjectToPurge[],
  store: Store | undefined,
  scope: PurgeScope,
): Promise<Map<string, PurgeFailure>> {
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

  if (!store) return failures;

  // Where the purge of the cache failed, the store can wait: visitors get the cached copy anyway, and the caller sends
  // the object again.
  const uncached = objects.filter(({ url }) => !failures.has(url));
  const purging = uncached.map(async (object) => {
    const failure = await purgeStored(object, store, scope);
    if (failure) failures.set(object.url, failure);
  });
  await Promise.all(purging);
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

/**
 * Requests an object from S3. If it is gone, deletes its renditions from the store. An event is no proof that it is
 * gone: the deletion of an old version has the same event (A19).
 * @returns why renditions may still be stored; undefined if none is, or none can be shown
 */
async function purgeStored(
  { bucket, aliases, key, isRemoved }: ObjectToPurge,
  store: Store,
  scope: PurgeScope,
): Promise<PurgeFailure | undefined> {
  const results = await Promise.all(
    aliases.map((alias) => openObject(alias, key, { ...scope, part: "head" })),
  );

  // The aliases are the buckets of wrangler.toml that lead to this object. If one of them opens the object, it is there.
  // Its renditions stay, even if it was replaced.
  const refusals = results.filter(isRefusal);
  const isThere = refusals.length < results.length;
  if (isThere) return undefined;

  // If S3 tells one alias that the object is gone, it is gone. An object that S3 denies to every alias may be there or
  // not: it is gone if an event calls it removed.
  const isGoneForOne = refusals.some(isGone);
  const otherRefusal = refusals.find(({ event }) => event !== "object-denied");
  const isDeniedToAll = !otherRefusal;
  if (isGoneForOne || (isDeniedToAll && isRemoved)) {
    const deleting = deleteAll(store, { bucket, key });
    const result = await withTimeout(scope.deadline - Date.now(), deleting);
    if (result === true) return undefined;

    // The store has failed, or it takes too long.
    return { status: 502, retryAfter: 30, reason: "store: it fails" };
  }

  // Another refusal, such as a timeout, says nothing about the object.
  if (otherRefusal) {
    return { status: 503, retryAfter: 30, reason: `store: S3 says ${otherRefusal.event}` };
  }

  // S3 denies the object, and an event such as `Object Created` says that it is there: there is nothing to delete.
  // While S3 denies it, nobody sees a rendition of it.
  const isThereByEvent = isRemoved === false;
  if (isThereByEvent) return undefined;

  // The object was named, without an event (`isRemoved` is undefined), and may be gone. S3 says so only to a key that
  // may list the bucket.
  const reason = "store: S3 denies it: give the key s3:ListBucket";
  return { status: 503, retryAfter: 30, reason };
}
