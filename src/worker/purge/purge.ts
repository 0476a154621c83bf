// Purges what /purge names: from Workers Cache by tag (W10), and from the store what is gone in S3. The edge is not
// purged: a replaced object is another source for it.

import { type GatewayContext, NO_CACHE, type PurgeOptions } from "../cache/loopback.ts";
import { bucketTag, objectTag } from "../cache/rendition-url.ts";
import type { Store } from "../config/bucket-settings.ts";
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
  type PurgeResults,
  reportNothingPurged,
  reportPurge,
} from "./report.ts";
import { type ObjectToPurge, selectByEvent, selectByName } from "./select-objects.ts";

type PurgeScope = RequestScope & { readonly context: GatewayContext };

export async function purge(
  request: PurgeRequest,
  { buckets, store }: Config,
  scope: PurgeScope,
): Promise<PurgeAnswer> {
  switch (request.form) {
    case "objects": {
      const { objects, skipped } = selectByName(buckets, request.names);
      return reportPurge(objects, await purgeWithinLimit(objects, store, scope), skipped);
    }
    case "event": {
      const { objects, skipped } = selectByEvent(buckets, request.objects);
      const answer = reportPurge(objects, await purgeWithinLimit(objects, store, scope));
      const notShown = skipped.length > 0 && { not_shown: skipped };
      return { ...answer, body: { ...answer.body, ...notShown } };
    }
    case "bucket": {
      const bucket = buckets.find(({ name }) => name === request.name);
      if (!bucket) return reportNothingPurged(400, "wrangler.toml has no bucket of this name");
      return purgeWhole(`${bucket.name}/*`, { tags: [await bucketTag(bucket)] }, scope);
    }
    case "everything":
      return purgeWhole("*", { purgeEverything: true }, scope);
  }
}

/** Purges a whole bucket, or everything, from the cache. @param name in the answer */
async function purgeWhole(
  name: string,
  options: PurgeOptions,
  scope: PurgeScope,
): Promise<PurgeAnswer> {
  const failure = await purgeCache(options, scope);
  return reportPurge([{ name, url: name }], new Map([[name, failure]]));
}

/** Objects a request: two calls (W10). With a store, each of them is also requested from S3. */
const MAX_OBJECTS = 200;
const MAX_STORED_OBJECTS = 20;

/** Purges the first objects, and refuses the rest. */
async function purgeWithinLimit(
  objects: readonly ObjectToPurge[],
  store: Store | undefined,
  scope: PurgeScope,
): Promise<PurgeResults> {
  const maxObjects = store ? MAX_STORED_OBJECTS : MAX_OBJECTS;
  const purging = purgeObjects(objects.slice(0, maxObjects), store, scope);
  scope.context.waitUntil(purging); // also when the caller has gone
  const reason = `at most ${maxObjects} objects a request: send these again`;
  const refused = objects.slice(maxObjects).map(({ url }) => {
    return [url, { status: 429, retryAfter: 1, reason }] as const;
  });
  return new Map([...(await purging), ...refused]);
}

/** W10. Tags a call. */
const MAX_TAGS = 100;

/**
 * Purges objects from the cache, one call after the other until a call fails; then from the store. What is in the cache
 * is shown without a look into the store.
 */
async function purgeObjects(
  objects: readonly ObjectToPurge[],
  store: Store | undefined,
  scope: PurgeScope,
): Promise<PurgeResults> {
  const results = new Map<string, PurgeFailure | undefined>();
  let failure: PurgeFailure | undefined;
  for (let at = 0; at < objects.length; at += MAX_TAGS) {
    const batch = objects.slice(at, at + MAX_TAGS);
    const tags = await Promise.all(batch.map(({ bucket, key }) => objectTag(bucket, key)));
    failure ??= await purgeCache({ tags }, scope);
    for (const { url } of batch) results.set(url, failure);
  }
  if (!store) return results;
  const purging = objects.map(async (object) => {
    const { url } = object;
    return [url, results.get(url) ?? (await purgeStored(object, store, scope))] as const;
  });
  return new Map(await Promise.all(purging));
}

async function purgeCache(
  options: PurgeOptions,
  { context, deadline }: PurgeScope,
): Promise<PurgeFailure | undefined> {
  const loopback = context.exports?.Renditions;
  if (!loopback) return undefined; // nothing is cached, so nothing old can be shown
  try {
    const result = await withTimeout(deadline - Date.now(), loopback.purge(options));
    const late = "cache: it does not answer in time";
    if (result === TIMED_OUT) return { status: 503, retryAfter: 10, reason: late };
    const { success, errors } = result;
    if (success || errors.some(({ message }) => message === NO_CACHE.message)) return undefined;
    return cacheFailure(errors.map(({ code, message }) => `${message} (${code})`).join("; "));
  } catch (error) {
    return cacheFailure(`${error}`);
  }
}

/** W10 names no code. */
const RATE_LIMIT = /\b429\b|rate.?limit|too many/i;
const MAX_REASON = 200; // characters

function cacheFailure(text: string): PurgeFailure {
  const limit = "cache: five calls a minute are allowed after a burst of 25";
  if (RATE_LIMIT.test(text)) return { status: 429, retryAfter: 60, reason: limit };
  return { status: 502, retryAfter: 30, reason: `cache: ${text.slice(0, MAX_REASON)}` };
}

/**
 * Requests an object from S3. If it is gone, deletes its renditions from the store: an event is no proof (A19).
 * Renditions of a replaced object are not shown as long as S3 answers, and are overwritten. One alias that
 * opens the object, or shows that it is gone, is enough. S3 denies the object if it denies all aliases.
 * Where S3 denies the object, an event decides: if it calls the object removed, the renditions are deleted.
 * @returns why renditions may still be stored
 */
async function purgeStored(
  { bucket, aliases, key, isRemoved }: ObjectToPurge,
  store: Store,
  scope: PurgeScope,
): Promise<PurgeFailure | undefined> {
  const opened = await Promise.all(
    aliases.map((alias) => openObject(alias, key, { ...scope, part: "head" })),
  );
  const refusals = opened.filter(isRefusal);
  if (refusals.length < opened.length) return undefined;
  const failed = refusals.find(({ event }) => event !== "object-denied");
  if (refusals.some(isGone) || (!failed && isRemoved)) {
    const deleting = deleteAll(store, { bucket, key });
    if ((await withTimeout(scope.deadline - Date.now(), deleting)) === true) return undefined;
    return { status: 502, retryAfter: 30, reason: "store: it fails" };
  }
  if (!failed && isRemoved === false) return undefined;
  const reply = failed ? `says ${failed.event}` : "denies it: give the key s3:ListBucket";
  return { status: 503, retryAfter: 30, reason: `store: S3 ${reply}` };
}
