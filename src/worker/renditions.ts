// The cached entrypoint, which runs only for what Workers Cache does not have fresh. It makes the one rendition that all
// visitors get. The numbers of the steps are those of docs/how-it-works.md. Codes such as W18 are rules of docs/rules.md.
//
// S3 is asked before anything is shown. A picture that S3 denies or no longer has must not come out of the store (an R2
// bucket with the renditions of earlier requests), or out of the caches of the edge (Cloudflare's image service). Only while
// S3 itself is down, an older rendition is shown, and not every request asks S3 again.

import { fetchOverlayValidators, type Validator } from "./binding/overlays.ts";
import { renderByBinding, type SourcedRendition } from "./binding/render-by-binding.ts";
import {
  type NamedRendition,
  notModifiedAnswer,
  type ObjectResult,
  type RenderResult,
  readCondition,
  refusalForCache,
  renditionAnswer,
} from "./cache/cached-answer.ts";
import { readRunOptions } from "./cache/loopback.ts";
import { purgeOlder, reportNotRenewed } from "./cache/purge-older.ts";
import {
  idAt,
  type RenditionId,
  type RenditionIds,
  readRenditionUrl,
  renditionName,
  tagsOf,
} from "./cache/rendition-url.ts";
import { lifetimesOf } from "./config/answers.ts";
import { type Config, currentConfig } from "./config/config.ts";
import { mayShow } from "./edge/guard.ts";
import { renderAtEdge } from "./edge/render-at-edge.ts";
import { matchesEtag } from "./http/if-none-match.ts";
import { isAboutObject, isCertain, isRefusal, type Refusal } from "./http/refusal.ts";
import type { Context, RequestScope } from "./http/send.ts";
import { bucketMemoryOf } from "./origin/memories.ts";
import { readHeader } from "./origin/open-object.ts";
import type { OpenedObject } from "./origin/opened-object.ts";
import { describeSource } from "./origin/sides.ts";
import {
  findUnreadable,
  rememberUnreadable,
  unreadableObjectsOf,
} from "./origin/unreadable-objects.ts";
import { isGone, isOutage } from "./origin/verdict.ts";
import { focusOf, reportFocus } from "./request/focus.ts";
import { browserFormatsOf, createTransformRequest } from "./request/transform-request.ts";
import { askForObject, isBucketSilent, NO_ANSWER } from "./store/ask.ts";
import { deleteConfigured } from "./store/delete.ts";
import { isUnconfirmed, type LazyEntry, lazyEntry, type StoreEntry } from "./store/entries.ts";
import {
  answerFromLaterBucket,
  answerStored,
  checkAgain,
  purgeIfAppeared,
  saveRendition,
} from "./store/save.ts";
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
  if (isRefusal(config)) {
    // The gateway has read the same configuration, and asks for nothing if it is broken. It would not accept this answer
    // (readCachedAnswer).
    const noOlder = { exists: false, mustEnd: false };
    return refusalForCache(config, 0, noOlder, []);
  }

  const ids = readRenditionUrl(config, url);
  if (!ids) throw new Error("this is not the URL of a rendition");

  // If Workers Cache has an older rendition, it sends the ETag of that rendition (W18). The gateway sends no condition.
  const ifNoneMatch = headers.get("if-none-match");
  const { condition, objectIndex: olderIndex } = readCondition(ifNoneMatch);
  const hasOlder = condition !== null;

  const { answers } = config;
  const { deadline, usesEngine } = readRunOptions(headers, answers, began);
  const scope = { config, context, deadline, condition, hasOlder, usesEngine };
  const result = await render(ids, scope);

  // A URL may show several objects. The index says about which of them the result is: 0 for the first.
  const { objectIndex } = result;
  const tags = await tagsOf(ids);
  const outdated = hasOlder ? outdatedId(ids, result, olderIndex) : undefined;
  if (outdated) {
    const isNotRenewed = result.kind === "refusal" && result.refusal.event === "not-transformed";
    const cause = isNotRenewed ? "not-renewed" : "gone";
    context.waitUntil(purgeOlder(outdated, cause, env, context));
  }

  const [first] = ids;
  const policy = {
    lifetimes: lifetimesOf(first, answers),
    generalLifetimes: answers,
    tags,
    isOneObject: ids.length === 1,
  };
  switch (result.kind) {
    case "rendition":
      return renditionAnswer(result.rendition, objectIndex, policy);

    case "not-modified":
      return notModifiedAnswer(result.etag, objectIndex, policy);

    case "refusal": {
      const { refusal } = result;
      const id = idAt(ids, objectIndex);
      const isForGateway = refusal === NO_ENGINE;
      if (!isAboutObject(refusal) && !isForGateway) reportFailure(id, refusal);
      if (outdated && refusal.event === "not-transformed") reportNotRenewed(id, refusal, env);

      // All objects with a smaller index are gone: otherwise, this one would not have been tried. If the older rendition
      // shows one of them, visitors must not get it.
      const isOfGoneObject = olderIndex < objectIndex;
      const mustEnd = isOfGoneObject || result.endsOlder === true;
      return refusalForCache(refusal, objectIndex, { exists: hasOlder, mustEnd }, tags);
    }
  }
}

/**
 * Returns the object whose older pictures in Workers Cache must not be shown any more: one that is gone or denied, or was
 * replaced, where this run cannot make the new picture.
 * @param olderIndex the index of the object that the older picture shows
 */
function outdatedId(
  ids: RenditionIds,
  result: RenderResult,
  olderIndex: number,
): RenditionId | undefined {
  const { objectIndex } = result;

  // A later object of the URL was tried, so this one is gone.
  if (olderIndex < objectIndex) return idAt(ids, olderIndex);
  if (result.kind !== "refusal") return undefined;

  const id = idAt(ids, objectIndex);
  const { refusal } = result;
  if (isGone(refusal)) return id;

  const isDenied = refusal.event === "object-denied" && isCertain(refusal);
  if (isDenied) return id;

  // The picture had to be made anew, so the object has changed. Once the older picture is purged, the next visitor waits for
  // a run in the foreground, for which the edge may transform (W13). If it does not, the gateway makes the picture.
  const isOfEdge = id.bucket.engine === "cf" && refusal.event === "not-transformed";
  return isOfEdge ? id : undefined;
}

/** How a rendition is requested. */
export type RenderScope = RequestScope & {
  readonly config: Config;
  /** The `If-None-Match` of Workers Cache, or of a visitor if the gateway renders by itself. */
  readonly condition: string | null;
  /** Whether Workers Cache has an older rendition, which can be shown. */
  readonly hasOlder?: boolean;
  /** Whether the engine may be used. If not, the gateway makes what is not cached and not stored. */
  readonly usesEngine?: boolean;
  /**
   * Whether the edge has just contradicted S3: it found no object, for example, though S3 has one. It may have cached an
   * older answer for the object's URL (C1).
   */
  readonly isRetry?: boolean;
};

/** Steps 8 to 14. They run once more where the edge contradicts S3: the object or the keys may have just changed. */
export async function render(ids: RenditionIds, scope: RenderScope): Promise<RenderResult> {
  const result = await renderFirstExisting(ids, scope);

  const isContradicted = result.kind === "refusal" && result.refusal.event === "edge-contradicts";
  if (!isContradicted) return result;
  return renderFirstExisting(ids, { ...scope, isRetry: true });
}

/** One object that a URL may show. */
type Candidate = { readonly id: RenditionId; readonly entry: LazyEntry };

/**
 * Renders the first object that may exist. Only "missing" leads to the next object: a denial and a failure end the search.
 * A route may have several buckets; only this loop knows of them.
 */
async function renderFirstExisting(ids: RenditionIds, scope: RenderScope): Promise<RenderResult> {
  const { config, context, deadline } = scope;
  const candidates = ids.map((id): Candidate => ({ id, entry: lazyEntry(id, config, deadline) }));

  for (const [objectIndex, candidate] of candidates.entries()) {
    const { id } = candidate;
    const remaining = candidates.slice(objectIndex);

    // S3 did not answer a moment ago: what is stored is shown at once. If nothing is stored, S3 is asked all the same.
    if (isBucketSilent(id.bucket)) {
      const stored = await showInOutage(id, remaining, NO_ANSWER, scope);
      if (stored) return cancelOthers(candidates, { ...stored, objectIndex });
    }

    const result = await renderObject(candidate, scope);
    if (result.kind === "outage") {
      const { refusal } = result;

      // Where the Worker is busy, the object exists: only its own rendition may be shown.
      const isBusy = refusal.event === "too-busy";
      const showable = isBusy ? [candidate] : remaining;
      const stored = await showInOutage(id, showable, refusal, scope);
      return cancelOthers(candidates, { ...(stored ?? refused(refusal)), objectIndex });
    }

    // The object is missing. The next one may exist.
    const isLast = remaining.length === 1;
    if (result.kind === "refusal" && isGone(result.refusal) && !isLast) continue;

    // The objects before this one were missing when S3 was asked. If one of them was put meanwhile, it must be shown
    // instead, so this answer is purged.
    const missingIds = ids.slice(0, objectIndex);
    if (result.kind === "rendition") {
      const rendition = answerFromLaterBucket(missingIds, result.rendition, scope);
      return cancelOthers(candidates, { kind: "rendition", rendition, objectIndex });
    }
    if (result.kind === "not-modified") {
      for (const missingId of missingIds) context.waitUntil(purgeIfAppeared(missingId, scope));
    }
    return cancelOthers(candidates, { ...result, objectIndex });
  }
  throw new Error("a URL shows one object at least");
}

/** Cancels what was read of the store for nothing: everything but the result itself. */
function cancelOthers(candidates: readonly Candidate[], result: RenderResult): RenderResult {
  const body = result.kind === "rendition" ? result.rendition.body : undefined;
  for (const { entry } of candidates) entry.cancelUnless(body);
  return result;
}

function refused(refusal: Refusal): ObjectResult {
  return { kind: "refusal", refusal };
}

/** S3 is down, or the Worker is too busy. The refusal says nothing about the object, so an older rendition may be shown. */
type Outage = { readonly kind: "outage"; readonly refusal: Refusal };

/**
 * Finds a stored rendition while S3 is down.
 * @param candidates the object itself, and those that would come after it
 * @param failedId the id of the object, for the log: visitors see a picture, so nobody else would notice
 * @param refusal why S3 does not give the object, for the log
 * @returns undefined if nothing is stored
 */
async function showInOutage(
  failedId: RenditionId,
  candidates: readonly Candidate[],
  refusal: Refusal,
  scope: RenderScope,
): Promise<ObjectResult | undefined> {
  for (const { id, entry } of candidates) {
    const storeEntry = await entry.read();
    const stored = usableRendition(storeEntry, id);
    if (!stored || !storeEntry) continue;

    // The request that has just written this entry asks S3 once more, and may then delete the entry.
    if (isUnconfirmed(storeEntry, Date.now())) continue;

    reportFailure(failedId, refusal);
    const answered = answerStored(id, stored, storeEntry, scope);

    // No ETag: with one, a 304 could confirm this answer when S3 is up again. Workers Cache would then go on showing it
    // with the header that marks it as one of an outage.
    return { kind: "rendition", rendition: { ...answered, etag: undefined, stored: "outage" } };
  }
  return undefined;
}

/** Steps 8 to 14 for one object. */
async function renderObject(
  { id, entry }: Candidate,
  scope: RenderScope,
): Promise<ObjectResult | Outage> {
  const { bucket, key, variant } = id;
  const { config, context, condition, usesEngine = true, isRetry } = scope;

  // 8. Ask: S3 for the object's first bytes, and the store for a rendition, at once. If the variant draws overlays on the
  // picture, S3 is also asked for their ETags, which are awaited in step 9. Most variants draw none.
  const askingForOverlays = fetchOverlayValidators(bucket, variant, scope);
  const object = await askForObject(id, entry, scope);

  // 9. S3's word: the object is missing or denied, or S3 is down, or the object is no image.
  if (isRefusal(object)) {
    if (isGone(object)) context.waitUntil(deleteConfigured(config, id));

    if (!isOutage(object)) return { kind: "refusal", refusal: object, endsOlder: true };

    // S3 answered before the retry: the edge contradicted it. So a time-out now means that S3 is slow, but not down, and
    // nothing is shown out of the store.
    return isRetry ? refused(object) : { kind: "outage", refusal: object };
  }

  const overlays = await askingForOverlays;
  if (isRefusal(overlays)) return refused(overlays);
  if (object.type === "none") return refused(NO_IMAGE);

  // 10. Identity: what S3 says of the object now.
  const etag = await etagOf(id, object, overlays);

  // 11. Unchanged: what Workers Cache has, or what the store has, was made of this very object.
  if (etag && condition && matchesEtag(condition, etag)) {
    context.waitUntil(checkAgain(id, object, scope));
    return { kind: "not-modified", etag };
  }

  const storeEntry = await entry.read();
  const stored = usableRendition(storeEntry, id);
  if (etag && storeEntry && stored?.etag === etag) {
    const answered = answerStored(id, stored, storeEntry, scope);
    return { kind: "rendition", rendition: { ...answered, stored: "current" } };
  }

  // The Images binding works behind the cache, too: the gateway keeps only the edge to itself.
  if (!usesEngine && bucket.engine === "cf") return refused(NO_ENGINE);

  // 12. Engine, and 13. guard: only what the engine transformed comes back. `source` is the object that was really
  // rendered: the Images binding reads it once more, so it may be newer than `object`.
  const rendered = await renderBy(id, object, overlays, scope);
  if (isRefusal(rendered)) {
    // An older picture is better than none while there are too many large originals at once.
    const isBusy = rendered.event === "too-busy";
    return isBusy ? { kind: "outage", refusal: rendered } : refused(rendered);
  }
  const source = rendered.object;
  reportFocus({ bucket, key, variant }, source);

  // 14. Answer, then store. With the engine "cf", `source` is `object` itself. If the edge does not name the object that it
  // has read, the rendition gets no ETag.
  const { mayBeOfOtherObject, ...image } = rendered.rendition;
  const newEtag = mayBeOfOtherObject ? undefined : await etagOf(id, source, rendered.overlays);
  const saved = await saveRendition(id, { ...image, etag: newEtag }, source, storeEntry, scope);
  return isRefusal(saved) ? refused(saved) : { kind: "rendition", rendition: saved };
}

/**
 * The refusal of a run that may not ask the edge. It has the event of an edge that does not transform: after this event, the
 * gateway makes the picture itself.
 */
const NO_ENGINE: Refusal = { event: "not-transformed", reason: "the gateway makes the pictures" };

const NO_IMAGE: Refusal = {
  event: "source-unreadable",
  reason: "its first bytes are of no image",
  certain: true,
};

/**
 * Returns the stored rendition, if the variant may have its type. An earlier version of the Worker may have stored a type
 * that is not allowed any more.
 */
function usableRendition(
  entry: StoreEntry | undefined,
  { variant, formats }: RenditionId,
): NamedRendition | undefined {
  const rendition = entry?.rendition;
  if (!rendition) return undefined;

  const accepts = browserFormatsOf(formats);
  return mayShow(variant, accepts, rendition.type) ? rendition : undefined;
}

/**
 * Returns the ETag of a rendition: a hash of its name and of its sources. Nobody can calculate an ETag of S3 from it.
 * @param overlays the validator of each overlay: its ETag, for example; undefined if S3 gives nothing that names its bytes
 * @returns undefined if S3 does not name the bytes of the object, or of an overlay
 */
async function etagOf(
  id: RenditionId,
  object: OpenedObject,
  overlays: readonly Validator[],
): Promise<string | undefined> {
  const { validator } = object;
  if (!validator || overlays.includes(undefined)) return undefined;

  const sources: unknown[] = [renditionName(id), validator, ...overlays];
  const focus = focusOf(id.variant, object);
  if (focus) sources.push(focus);

  const hash = await sha256Hex(JSON.stringify(sources));
  return `"${hash.slice(0, 32)}"`;
}

/**
 * Steps 12 and 13: has the engine of the bucket render an object that S3 has just given. /healthz does so, too. An object
 * that the engine could not read a moment ago is refused at once.
 */
export async function renderBy(
  id: RenditionId,
  object: OpenedObject,
  overlays: readonly Validator[],
  scope: RequestScope & Pick<RenderScope, "isRetry">,
): Promise<SourcedRendition | Refusal> {
  const { bucket, key, formats } = id;
  const { validator } = object;
  const isPicture = formats !== "facts" && formats !== "svg";
  const purpose = isPicture ? "picture" : formats;
  const attempt = { key, purpose, validator } as const;

  const memory = unreadableObjectsOf(bucket);
  const unreadable = findUnreadable(memory.objects, attempt, Date.now());
  if (unreadable) return unreadable;

  const rendered = await renderByEngine(id, object, overlays, scope);
  if (isRefusal(rendered)) {
    memory.objects = rememberUnreadable(memory.objects, attempt, rendered, Date.now());
  }
  return rendered;
}

async function renderByEngine(
  id: RenditionId,
  object: OpenedObject,
  overlays: readonly Validator[],
  scope: RequestScope & Pick<RenderScope, "isRetry">,
): Promise<SourcedRendition | Refusal> {
  const { bucket, key, variant, formats } = id;
  if (bucket.engine === "binding") return renderByBinding(id, object, scope);

  // The format, the sides and the quality follow from the object's own sides and bytes.
  const header = await readHeader(bucket, key, object, scope);
  const source = describeSource(object, header);
  const focus = focusOf(variant, object);
  const request = { ...createTransformRequest(variant, formats, source), focus };
  const isFacts = formats === "facts";

  // The edge caches by URL, and the validator is a part of the URL, unless the bucket has source_parameter = false. On a
  // retry, another validator makes another URL, so that what the edge has cached is left behind.
  const validator = scope.isRetry ? `${object.validator} again` : object.validator;
  const objectForEdge = { ...object, validator };
  const rendition = await renderAtEdge(
    bucket,
    key,
    objectForEdge,
    request,
    isFacts,
    scope.deadline,
  );
  return isRefusal(rendition) ? rendition : { rendition, object, overlays };
}

/** Remembers a failed rendition, and logs it once a minute: an older rendition may hide the failure from visitors. */
function reportFailure({ bucket, key }: RenditionId, refusal: Refusal): void {
  bucketMemoryOf(bucket).learn({ type: "rendition-failed", key, refusal, now: Date.now() });
}
