// The steps of the cached entrypoint: request the object from S3 and the rendition from the store, answer that nothing
// changed, or have an engine render, guard the rendition, and store it. No step knows the visitor. Runs in Node.js.

import { fetchOverlayValidators } from "./binding/overlays.ts";
import { renderByBinding, type SourcedRendition } from "./binding/render-by-binding.ts";
import {
  type NamedRendition,
  notModifiedAnswer,
  readCondition,
  refusalForCache,
  renditionAnswer,
} from "./cache/cached-answer.ts";
import { readDeadline } from "./cache/loopback.ts";
import {
  bucketTag,
  objectTag,
  type RenditionKey,
  type RenditionKeys,
  readRenditionUrl,
  refusedKey,
  renditionName,
} from "./cache/rendition-url.ts";
import { type Config, currentConfig } from "./config/config.ts";
import { mayYield } from "./edge/guard.ts";
import { renderAtEdge } from "./edge/render-at-edge.ts";
import { matchesEtag } from "./http/if-none-match.ts";
import { isRefusal, type Refusal } from "./http/refusal.ts";
import type { Context, RequestScope } from "./http/send.ts";
import { bucketMemoryOf } from "./origin/memories.ts";
import type { OpenedObject } from "./origin/open-object.ts";
import { isGone, isOutage } from "./origin/verdict.ts";
import { focusOf, reportFocus } from "./request/focus.ts";
import { createTransformRequest } from "./request/transform-request.ts";
import {
  deleteConfigured,
  readEntry,
  readFirstStored,
  type StoreEntry,
  storePathOf,
  waitForEntry,
} from "./store/entries.ts";
import { checkAgain, lookUp, saveRendition } from "./store/lookup-and-save.ts";
import { sha256Hex } from "./util/bytes.ts";

/**
 * Answers a request of the gateway. The headers say for how long Workers Cache shows the answer to all visitors.
 * @throws if no gateway of this configuration writes such a URL
 */
export async function answerRendition(
  { url, headers }: Request,
  env: object,
  context: Context,
): Promise<Response> {
  const began = Date.now();
  const config = currentConfig(env);
  if (isRefusal(config)) return refusalForCache(config, [], false);
  const keys = readRenditionUrl(config, url);
  if (!keys) throw new Error("this is not the URL of a rendition");

  const { answers } = config;
  const deadline = readDeadline(headers, answers, began);
  // Workers Cache's own condition (W18): the gateway sends none.
  const { condition, objectIndex } = readCondition(headers.get("if-none-match"));
  const hasOlder = condition !== null;
  const result = await render(keys, { config, context, deadline, condition, hasOlder });

  const tags = await Promise.all(
    keys.flatMap(({ bucket, key }) => [objectTag(bucket, key), bucketTag(bucket)]),
  );
  if ("notModified" in result) return notModifiedAnswer(result, answers, tags);
  if (!isRefusal(result)) return renditionAnswer(result, answers, tags);
  // A refusal of the object alone is no failure of S3 or of the edge.
  if (!(result.event.startsWith("object-") || result.event === "source-unreadable")) {
    reportFailure(refusedKey(keys, result), result);
  }
  // The older image in Workers Cache may be of an object that was tried before this one, and is gone.
  const isOlderGone = objectIndex < (result.objectIndex ?? 0);
  return refusalForCache(result, tags, hasOlder, isOlderGone);
}

/** The caller's rendition has not changed: the caller has sent its ETag. */
export type NotModified = Partial<NamedRendition> & {
  readonly notModified: true;
  readonly etag: string;
};

type RenderResult = NamedRendition | NotModified | Refusal;

/** How a rendition is requested. */
export type RenderScope = RequestScope & {
  readonly config: Config;
  /** The `If-None-Match` of Workers Cache, or of a visitor where there is no cache. */
  readonly condition: string | null;
  /** Workers Cache has an older rendition, which can be shown. */
  readonly hasOlder?: boolean;
  /** The edge has contradicted S3: its cached answers for the object's URL may be older (C1). */
  readonly isRetry?: boolean;
};

/** Renders once more where the edge contradicts S3: the object or the keys may have changed in between. */
export async function render(keys: RenditionKeys, scope: RenderScope): Promise<RenderResult> {
  const result = await renderFirstExisting(keys, scope);
  const isContradicted = isRefusal(result) && result.event === "edge-contradicts";
  return isContradicted ? renderFirstExisting(keys, { ...scope, isRetry: true }) : result;
}

/** Renders the first object that is not certainly missing: a denial and a failure are answers, too. */
async function renderFirstExisting(keys: RenditionKeys, scope: RenderScope) {
  const [first, ...alternatives] = keys;
  let result = await renderObject(first, alternatives, scope);
  for (const [index, key] of alternatives.entries()) {
    if (!isRefusal(result) || !isGone(result)) break;
    const objectIndex = index + 1;
    result = { ...(await renderObject(key, alternatives.slice(objectIndex), scope)), objectIndex };
  }
  const isRendered = !isRefusal(result) && !("notModified" in result) && !result.stored;
  const goneKeys = isRendered ? keys.slice(0, result.objectIndex ?? 0) : [];
  for (const key of goneKeys) scope.context.waitUntil(checkAgain(key, undefined, scope.context));
  return result;
}

/** @param alternatives the objects that are shown where this one is missing */
async function renderObject(
  key: RenditionKey,
  alternatives: readonly RenditionKey[],
  scope: RenderScope,
): Promise<RenderResult> {
  const { bucket, variant } = key;
  const { config, context, deadline, condition, hasOlder, isRetry } = scope;
  const storePath = await storePathOf(key, config);
  const readingOverlays = fetchOverlayValidators(bucket, variant, scope);
  const { object, entry: entryBefore } = await lookUp(key, storePath, alternatives, scope);
  const lateEntry = async () =>
    storePath && hasOlder ? waitForEntry(storePath, readEntry(storePath), deadline) : undefined;

  if (isRefusal(object)) {
    if (isGone(object)) context.waitUntil(deleteConfigured(config, key));
    // S3 had answered the first request: a retry for which no time is left is no outage.
    if (!isOutage(object) || isRetry) return object;
    const stored =
      usableRendition(entryBefore ?? (await lateEntry()), key) ??
      usableRendition(await readFirstStored(alternatives, config, deadline), key);
    if (!stored) return object;
    reportFailure(key, object);
    // Without an ETag: after a 304, Workers Cache would show the header of the outage for ever.
    return { ...stored, etag: undefined, stored: "outage" };
  }
  const overlays = await readingOverlays;
  if (isRefusal(overlays)) return overlays;
  if (object.type === "none") {
    return { event: "source-unreadable", reason: "its first bytes are of no image", certain: true };
  }
  const etag = await etagOf(key, object, overlays);
  if (etag && condition !== null && matchesEtag(condition, etag))
    return { notModified: true, etag };
  const entry = entryBefore ?? (await lateEntry());
  const stored = usableRendition(entry, key);
  if (etag && stored?.etag === etag) return { ...stored, stored: "current" };

  const result = await renderBy(key, object, overlays, scope);
  if (isRefusal(result)) return result;
  reportFocus(key, result.object);
  const { isOfOther, ...untagged } = result.rendition;
  const newEtag = isOfOther ? undefined : await etagOf(key, result.object, result.overlays);
  const rendition = { ...untagged, etag: newEtag };
  return saveRendition(key, rendition, result.object, storePath, entry, scope);
}

/**
 * The ETag of a rendition: a hash of its key and of its sources. No ETag of S3 follows from it.
 * @returns undefined if S3 does not name the object's bytes
 */
async function etagOf(
  key: RenditionKey,
  object: OpenedObject,
  overlays: readonly string[],
): Promise<string | undefined> {
  const { validator } = object;
  if (!validator || overlays.includes("")) return undefined;
  const focus = focusOf(key.variant, object);
  const sources = [renditionName(key), validator, ...overlays, ...(focus ? [focus] : [])];
  return `"${(await sha256Hex(JSON.stringify(sources))).slice(0, 32)}"`;
}

/** The stored rendition, if it has a type that the variant may have. */
function usableRendition(entry: StoreEntry | undefined, { variant, formats }: RenditionKey) {
  const rendition = entry?.rendition;
  const request = createTransformRequest(variant, formats);
  return rendition && mayYield(request, rendition.type) ? rendition : undefined;
}

/** Has the engine render an object that S3 has just given. */
export async function renderBy(
  key: RenditionKey,
  object: OpenedObject,
  overlays: readonly string[],
  scope: RequestScope & Pick<RenderScope, "isRetry">,
): Promise<SourcedRendition | Refusal> {
  const { bucket, variant, formats } = key;
  const focus = focusOf(variant, object);
  const request = { ...createTransformRequest(variant, formats, object.type), focus };
  const isFacts = formats === "facts";
  if (bucket.engine === "binding")
    return renderByBinding(bucket, key.key, object, request, isFacts, scope);
  const validator = scope.isRetry ? `${object.validator} again` : object.validator;
  const source = { ...object, validator };
  const rendition = await renderAtEdge(bucket, key.key, source, request, isFacts, scope.deadline);
  return isRefusal(rendition) ? rendition : { rendition, object, overlays };
}

/** Logs once a minute a failure that an older rendition hides from visitors. */
function reportFailure({ bucket, key }: RenditionKey, refusal: Refusal): void {
  bucketMemoryOf(bucket).learn({ type: "rendition-failed", key, refusal, now: Date.now() });
}
