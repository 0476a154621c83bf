// Makes renditions, and is the story of the cached entrypoint: ask S3 and the store, name what S3 has, say that nothing
// changed, or have an engine make a rendition, guard it, and store it. It knows nothing of the visitor but a condition.

import { matchesEtag } from "./answer/answer.ts";
import { ask } from "./ask.ts";
import { isRefusal, type Refusal } from "./base/refusal.ts";
import type { Context, RequestScope } from "./base/send.ts";
import {
  type NamedRendition,
  notModifiedAnswer,
  refusalForCache,
  renditionAnswer,
} from "./cache/cached-answer.ts";
import { AS_FALLBACK, TIME_LEFT } from "./cache/fetch-cached.ts";
import {
  bucketTag,
  digest,
  objectTag,
  type RenditionKey,
  readRenditionUrl,
  renditionName,
} from "./cache/rendition-url.ts";
import type { Engine } from "./config/bucket-settings.ts";
import { type Config, currentConfig } from "./config/config.ts";
import { enginesFor } from "./config/engine-limits.ts";
import { mayYield } from "./edge/guard.ts";
import { renderAtEdge } from "./edge/render-at-edge.ts";
import { overlayValidators } from "./images/overlays.ts";
import { type MadeRendition, renderByBinding } from "./images/render-by-binding.ts";
import { keep } from "./keep.ts";
import { bucketMemoryOf } from "./origin/memories.ts";
import type { OpenedObject } from "./origin/open-object.ts";
import { isGone, isOutage } from "./origin/verdict.ts";
import { createTransformRequest } from "./request/format.ts";
import {
  createLookup,
  deleteKnown,
  type Lookup,
  type Place,
  placeOf,
  type StoreEntry,
} from "./store/rendition-store.ts";

/** What the caller has is still right. */
export type NotModified = { readonly notModified: string };

type Outcome = NamedRendition | NotModified | Refusal;

/** How a rendition is asked for. */
export type RenderScope = RequestScope & {
  readonly config: Config;
  /** The `If-None-Match` of Workers Cache, or of a visitor where there is no cache. */
  readonly condition: string | null;
  /** Workers Cache has an older rendition, which can be shown. */
  readonly hasOlder?: boolean;
  /** No visitor asked for the object, so it is no sign of the bucket's health. */
  readonly isFallback?: boolean;
  /** The edge has contradicted S3: what it keeps under the object's URL may be of another moment (C1). */
  readonly isSecond?: boolean;
};

/** Renders once more where the edge contradicts S3: the object, or what opens it, may have changed in between. */
export async function render(key: RenditionKey, scope: RenderScope): Promise<Outcome> {
  let result = await renderOnce(key, scope);
  if (isRefusal(result) && result.event === "edge-contradicts") {
    result = await renderOnce(key, { ...scope, isSecond: true });
  }
  const refused = isRefusal(result) ? result.event : undefined;
  if (!scope.isFallback) {
    bucketMemoryOf(key.bucket).learn({ type: "object-asked", refused, now: Date.now() });
  }
  return result;
}

/** The steps of design: ask, name what S3 has, say that nothing changed, or have it made, and stored. */
async function renderOnce(key: RenditionKey, scope: RenderScope): Promise<Outcome> {
  const place = await placeOf(key, scope.config);
  const lookup = createLookup(place, scope.deadline);
  const overlaysAsked = overlayValidators(key.bucket, key.variant, scope);
  const object = await ask(key, scope, lookup);
  const outcome = isRefusal(object)
    ? await showStored(key, object, lookup, scope)
    : await renderOpened(key, object, await overlaysAsked, lookup, place, scope);
  if (!("stored" in outcome)) lookup.drop();
  return outcome;
}

/** In an outage of S3, shows what is stored, whatever object it was made of. S3's word takes it down. */
async function showStored(
  key: RenditionKey,
  refusal: Refusal,
  lookup: Lookup,
  { config, context }: RenderScope,
): Promise<NamedRendition | Refusal> {
  if (isGone(refusal)) context.waitUntil(deleteKnown(config, key));
  const rendition = isOutage(refusal) ? storedIn(await lookup.entry(), key) : undefined;
  if (!rendition) return refusal;
  const failed = { type: "rendition-failed", key: key.key, refusal } as const;
  bucketMemoryOf(key.bucket).learn({ ...failed, now: Date.now() });
  return { ...rendition, stored: "outage" };
}

/** What the store has of a rendition, if it is of a type that the variant may have. */
function storedIn(
  entry: StoreEntry | undefined,
  { variant, formats }: RenditionKey,
): NamedRendition | undefined {
  const rendition = entry?.rendition;
  if (!rendition || !mayYield(createTransformRequest(variant, formats), rendition.type)) return;
  return rendition;
}

/** Renders an object that S3 has just given, unless it is unchanged or stored. */
async function renderOpened(
  key: RenditionKey,
  object: OpenedObject,
  overlays: readonly string[] | Refusal,
  lookup: Lookup,
  place: Place | undefined,
  scope: RenderScope,
): Promise<Outcome> {
  const { bucket, variant, formats } = key;
  const { condition } = scope;
  if (isRefusal(overlays)) return overlays;
  if (object.type === "none") {
    return { event: "source-unreadable", reason: "its first bytes are of no image", certain: true };
  }
  const etag = await etagOf(key, object, overlays);
  if (etag && condition !== null && matchesEtag(condition, etag)) return { notModified: etag };
  const entry = await lookup.entry();
  const stored = storedIn(entry, key);
  if (etag && stored?.etag === etag) return { ...stored, stored: "current" };

  const [engine, other] = enginesFor(bucket.engines, variant, formats === "svg");
  let made = await renderBy(engine, key, object, overlays, scope);
  if (other && isRefusal(made) && "elsewhere" in made && made.elsewhere) {
    const { reason = `the Images binding answers ${made.edge}` } = made;
    made = await renderBy(other, key, object, overlays, scope);
    const changed = { type: "engine-changed", key: key.key, reason, now: Date.now() } as const;
    if (!isRefusal(made)) bucketMemoryOf(bucket).learn(changed);
  }
  if (isRefusal(made)) return made;
  const rendition = { ...made.rendition, etag: await etagOf(key, made.object, made.overlays) };
  const target = place && entry && { place, seen: entry.seen };
  return keep(key, rendition, made.object, target, scope);
}

/** Has one engine render an object that S3 has just given. */
export async function renderBy(
  engine: Engine,
  key: RenditionKey,
  object: OpenedObject,
  overlays: readonly string[],
  scope: RequestScope & Pick<RenderScope, "isSecond">,
): Promise<MadeRendition | Refusal> {
  const { bucket, variant, formats } = key;
  const request = createTransformRequest(variant, formats, object.type);
  const isFacts = formats === "facts";
  if (engine === "binding")
    return renderByBinding(bucket, key.key, object, request, isFacts, scope);
  const validator = scope.isSecond ? `${object.validator} again` : object.validator;
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
  { validator }: OpenedObject,
  overlays: readonly string[],
): Promise<string | undefined> {
  if (!validator || overlays.includes("")) return undefined;
  const identity = JSON.stringify([renditionName(key), validator, ...overlays]);
  return `"${(await digest(identity)).slice(0, 32)}"`;
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
  const key = readRenditionUrl(config, url);
  if (!key) throw new Error("this is not the URL of a rendition");

  const { answers } = config;
  const left = Number(headers.get(TIME_LEFT) ?? Number.NaN);
  const timeout = answers.timeout * 1000;
  const deadline = began + (left >= 0 && left < timeout ? left : timeout);
  const condition = headers.get("if-none-match"); // W18
  const hasOlder = condition !== null;
  const isFallback = headers.has(AS_FALLBACK);
  const scope = { config, context, deadline, condition, hasOlder, isFallback };
  const result = await render(key, scope);

  const tags = await Promise.all([objectTag(key.bucket, key.key), bucketTag(key.bucket)]);
  if ("notModified" in result) return notModifiedAnswer(result.notModified, answers, tags);
  if (!isRefusal(result)) return renditionAnswer(result, answers, tags);
  // What is wrong with the object alone is no failure of what is behind the Worker.
  if (!/^object-|^source-unreadable$/.test(result.event)) {
    const failed = { type: "rendition-failed", key: key.key, refusal: result } as const;
    bucketMemoryOf(key.bucket).learn({ ...failed, now: Date.now() });
  }
  return refusalForCache(result, tags, hasOlder);
}
