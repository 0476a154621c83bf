// Makes renditions, and is the story of the cached entrypoint: ask S3 and the store, name what S3 has, say that nothing
// changed, or have an engine make a rendition, guard it, and store it. It knows nothing of the visitor but a condition.

import { ask } from "./ask.ts";
import { overlayValidators } from "./binding/overlays.ts";
import { renderByBinding, type SourcedRendition } from "./binding/render-by-binding.ts";
import {
  type NamedRendition,
  notModifiedAnswer,
  readCondition,
  refusalForCache,
  renditionAnswer,
} from "./cache/cached-answer.ts";
import { TIME_LEFT } from "./cache/fetch-cached.ts";
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
import { isCertain, isRefusal, type Refusal } from "./http/refusal.ts";
import type { Context, RequestScope } from "./http/send.ts";
import { keep, purgeObject } from "./keep.ts";
import { bucketMemoryOf } from "./origin/memories.ts";
import type { OpenedObject } from "./origin/open-object.ts";
import { isGone, isOutage } from "./origin/verdict.ts";
import { focusOf, reportFocus } from "./request/focus.ts";
import { createTransformRequest } from "./request/format.ts";
import { matchesEtag } from "./response/answer.ts";
import {
  deleteKnown,
  placeOf,
  readEntry,
  readStored,
  type StoreEntry,
  waitForEntry,
} from "./store/rendition-store.ts";
import { digest } from "./util/bytes.ts";

/** What the caller has is still right: the ETag is the one that it asked with. */
export type NotModified = Partial<NamedRendition> & {
  readonly notModified: true;
  readonly etag: string;
};

type Outcome = NamedRendition | NotModified | Refusal;

/** How a rendition is asked for. */
export type RenderScope = RequestScope & {
  readonly config: Config;
  /** The `If-None-Match` of Workers Cache, or of a visitor where there is no cache. */
  readonly condition: string | null;
  /** Workers Cache has an older rendition, which can be shown. */
  readonly hasOlder?: boolean;
  /** The edge has contradicted S3: what it keeps under the object's URL may be of another moment (C1). */
  readonly isRetry?: boolean;
};

/** Renders once more where the edge contradicts S3: the object, or what opens it, may have changed in between. */
export async function render(keys: RenditionKeys, scope: RenderScope): Promise<Outcome> {
  const result = await renderFirstFound(keys, scope);
  const isContradicted = isRefusal(result) && result.event === "edge-contradicts";
  return isContradicted ? renderFirstFound(keys, { ...scope, isRetry: true }) : result;
}

/** Renders the first object that is not certainly missing: a denial and a failure are answers, too. */
async function renderFirstFound([first, ...others]: RenditionKeys, scope: RenderScope) {
  let result = await renderObject(first, others, scope);
  for (const [at, key] of others.entries()) {
    if (!isRefusal(result) || !isGone(result)) break;
    const objectIndex = at + 1;
    result = { ...(await renderObject(key, others.slice(objectIndex), scope)), objectIndex };
  }
  return result;
}

/** @param others the objects that are shown where this one is missing */
async function renderObject(
  key: RenditionKey,
  others: readonly RenditionKey[],
  scope: RenderScope,
): Promise<Outcome> {
  const { bucket, variant } = key;
  const { config, context, condition, hasOlder } = scope;
  const place = await placeOf(key, config);
  const overlaysAsked = overlayValidators(bucket, variant, scope);
  const asked = await ask(key, place, others, scope);
  const { object } = asked;
  const readLate = async () =>
    place && hasOlder ? waitForEntry(place, readEntry(place), scope.deadline) : undefined;

  if (isRefusal(object)) {
    if (isGone(object)) context.waitUntil(deleteKnown(config, key));
    // At a retry, S3 has answered before: there was no time left.
    if (!isOutage(object) || scope.isRetry) return object;
    const stored =
      usable(asked.entry ?? (await readLate()), key) ??
      usable(await readStored(others, config, scope.deadline), key);
    if (!stored) return object;
    const failed = { type: "rendition-failed", key: key.key, refusal: object } as const;
    bucketMemoryOf(bucket).learn({ ...failed, now: Date.now() });
    // Without a tag: what is revalidated would keep its header, and be one of an outage for ever.
    return { ...stored, etag: undefined, stored: "outage" };
  }
  const overlays = await overlaysAsked;
  if (isRefusal(overlays)) return overlays;
  if (object.type === "none") {
    return { event: "source-unreadable", reason: "its first bytes are of no image", certain: true };
  }
  const etag = await etagOf(key, object, overlays);
  if (etag && condition !== null && matchesEtag(condition, etag))
    return { notModified: true, etag };
  const entry = asked.entry ?? (await readLate());
  const stored = usable(entry, key);
  if (etag && stored?.etag === etag) return { ...stored, stored: "current" };

  const made = await renderBy(key, object, overlays, scope);
  if (isRefusal(made)) return made;
  reportFocus(key, made.object);
  const rendition = { ...made.rendition, etag: await etagOf(key, made.object, made.overlays) };
  return keep(key, rendition, made.object, place, entry, scope);
}

/** What is stored, if it is of a type that the variant may have. */
function usable(entry: StoreEntry | undefined, { variant, formats }: RenditionKey) {
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

/**
 * Names the bytes of a rendition: by its key, and by what it is made of. No ETag of S3 follows from it.
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
  const made = [renditionName(key), validator, ...overlays, ...(focus ? [focus] : [])];
  return `"${(await digest(JSON.stringify(made))).slice(0, 32)}"`;
}

/**
 * Answers a request of the gateway, with how long Workers Cache keeps the answer for all visitors.
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
  const left = Number(headers.get(TIME_LEFT) ?? Number.NaN);
  const timeout = answers.timeout * 1000;
  const deadline = began + (left >= 0 && left < timeout ? left : timeout);
  const { condition, objectIndex } = readCondition(headers.get("if-none-match"));
  const hasOlder = condition !== null;
  const result = await render(keys, { config, context, deadline, condition, hasOlder });

  const tags = await Promise.all(
    keys.flatMap(({ bucket, key }) => [objectTag(bucket, key), bucketTag(bucket)]),
  );
  if ("notModified" in result) return notModifiedAnswer(result, answers, tags);
  if (!isRefusal(result)) return renditionAnswer(result, answers, tags);
  if (hasOlder && !isCertain(result) && objectIndex < (result.objectIndex ?? 0)) {
    // The older one's object is gone: it is not shown while nobody knows what is in its place.
    context.waitUntil(purgeObject(keys[objectIndex] ?? keys[0], context));
  }
  // What is wrong with the object alone is no failure of what is behind the Worker.
  if (!(result.event.startsWith("object-") || result.event === "source-unreadable")) {
    const { bucket, key } = refusedKey(keys, result);
    const failed = { type: "rendition-failed", key, refusal: result } as const;
    bucketMemoryOf(bucket).learn({ ...failed, now: Date.now() });
  }
  return refusalForCache(result, tags, hasOlder);
}
