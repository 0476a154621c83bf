// The cached entrypoint, which runs only for what Workers Cache does not have fresh. It makes the one rendition that all
// visitors get, so no step here knows a visitor. The numbers of the steps are those of docs/how-it-works.md.
//
// S3 is asked in each run, before anything is shown: a picture that S3 denies or no longer has must not come out of the
// store or of the edge's caches. Only where S3 itself is down, an older rendition is shown.

import { fetchOverlayValidators, type Validator } from "./binding/overlays.ts";
import { renderByBinding, type SourcedRendition } from "./binding/render-by-binding.ts";
import {
  type CachePolicy,
  type NamedRendition,
  notModifiedAnswer,
  type ObjectResult,
  type RenderResult,
  readCondition,
  refusalForCache,
  renditionAnswer,
} from "./cache/cached-answer.ts";
import { readDeadline } from "./cache/loopback.ts";
import {
  idAt,
  type RenditionId,
  type RenditionIds,
  readRenditionUrl,
  renditionName,
  tagsOf,
} from "./cache/rendition-url.ts";
import { type Config, currentConfig } from "./config/config.ts";
import { mayYield } from "./edge/guard.ts";
import { renderAtEdge } from "./edge/render-at-edge.ts";
import { matchesEtag } from "./http/if-none-match.ts";
import { isRefusal, type Refusal } from "./http/refusal.ts";
import type { Context, RequestScope } from "./http/send.ts";
import { bucketMemoryOf } from "./origin/memories.ts";
import type { OpenedObject } from "./origin/opened-object.ts";
import { isGone, isOutage } from "./origin/verdict.ts";
import { focusOf, reportFocus } from "./request/focus.ts";
import { createTransformRequest } from "./request/transform-request.ts";
import { askForObject, isSilent, NO_ANSWER } from "./store/ask.ts";
import { deleteConfigured, type LazyEntry, lazyEntry, type StoreEntry } from "./store/entries.ts";
import { purgeIfAppeared, saveRendition } from "./store/save.ts";
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
  if (isRefusal(config)) return refusalForCache(config, 0, NOTHING_OLDER, []);

  const ids = readRenditionUrl(config, url);
  if (ids === undefined) throw new Error("this is not the URL of a rendition");

  // Where Workers Cache has an older rendition, it sends its ETag (W18). The gateway sends no condition.
  const { condition, objectIndex } = readCondition(headers.get("if-none-match"));
  const hasOlder = condition !== null;
  const deadline = readDeadline(headers, config.answers, began);
  const result = await render(ids, { config, context, deadline, condition, hasOlder });

  const tags = await tagsOf(ids);
  const policy = { answers: config.answers, tags, isOneObject: ids.length === 1 };
  const older = { exists: hasOlder, isOfGoneObject: objectIndex < result.objectIndex };
  return answerWith(result, ids, policy, older);
}

/** Workers Cache has no older rendition that it could show. */
const NOTHING_OLDER = { exists: false, isOfGoneObject: false };

function answerWith(
  result: RenderResult,
  ids: RenditionIds,
  policy: CachePolicy,
  older: typeof NOTHING_OLDER,
): Response {
  const { objectIndex } = result;
  switch (result.kind) {
    case "rendition":
      return renditionAnswer(result.rendition, objectIndex, policy);
    case "not-modified":
      return notModifiedAnswer(result.etag, objectIndex, policy);
    case "refusal": {
      const { refusal } = result;
      if (!isAboutObject(refusal)) reportFailure(idAt(ids, objectIndex), refusal);
      return refusalForCache(refusal, objectIndex, older, policy.tags);
    }
  }
}

/** Returns whether a refusal is the fault of the object alone: no failure of S3 or of the edge. */
function isAboutObject({ event }: Refusal): boolean {
  return event.startsWith("object-") || event === "source-unreadable";
}

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
 * Renders the first object that is not certainly missing: a denial and a failure are answers, too. A route may have
 * several buckets; only this loop knows of them.
 */
async function renderFirstExisting(ids: RenditionIds, scope: RenderScope): Promise<RenderResult> {
  const { config, context, deadline } = scope;
  const candidates = ids.map((id): Candidate => ({ id, entry: lazyEntry(id, config, deadline) }));

  for (const [objectIndex, candidate] of candidates.entries()) {
    const remaining = candidates.slice(objectIndex);

    // S3 did not answer a moment ago: what is stored is shown at once.
    if (isSilent(candidate.id.bucket)) {
      const stored = await showInOutage(candidate.id, remaining, NO_ANSWER);
      if (stored !== undefined) return { ...stored, objectIndex };
    }

    const result = await renderObject(candidate, scope);
    switch (result.kind) {
      case "outage": {
        const stored = await showInOutage(candidate.id, remaining, result.refusal);
        return { ...(stored ?? refused(result.refusal)), objectIndex };
      }
      case "refusal": {
        const isLast = remaining.length === 1;
        if (isGone(result.refusal) && !isLast) continue; // the next object may exist
        return { ...result, objectIndex };
      }
      case "not-modified":
        return { ...result, objectIndex };
      case "rendition": {
        // An object that was missing may have been put meanwhile. It comes before this one.
        const isNew = result.rendition.stored === undefined;
        const missingIds = isNew ? ids.slice(0, objectIndex) : [];
        for (const id of missingIds) context.waitUntil(purgeIfAppeared(id, context));
        return { ...result, objectIndex };
      }
    }
  }
  throw new Error("a URL shows one object at least");
}

function refused(refusal: Refusal): ObjectResult {
  return { kind: "refusal", refusal };
}

/** S3 is down: the refusal says nothing about the object, so an older rendition may be shown. */
type Outage = { readonly kind: "outage"; readonly refusal: Refusal };

/**
 * Finds what is stored of an object, or else of those that would come after it, while S3 is down.
 * @param failedId of the object that S3 does not give, and `refusal` why: for the log. Visitors see a picture
 * @returns undefined if nothing is stored
 */
async function showInOutage(
  failedId: RenditionId,
  candidates: readonly Candidate[],
  refusal: Refusal,
): Promise<ObjectResult | undefined> {
  for (const { id, entry } of candidates) {
    const stored = usableRendition(await entry.read(), id);
    if (stored === undefined) continue;

    reportFailure(failedId, refusal);
    // Without an ETag: after a 304, Workers Cache would show the header of the outage for ever.
    return { kind: "rendition", rendition: { ...stored, etag: undefined, stored: "outage" } };
  }
  return undefined;
}

/** Steps 8 to 14 for one object. */
async function renderObject(
  { id, entry }: Candidate,
  scope: RenderScope,
): Promise<ObjectResult | Outage> {
  const { bucket, key, variant } = id;
  const { config, context, condition, isRetry } = scope;

  // 8. Ask: S3 for the object's first bytes and what names its overlays, and the store for a rendition, all at once.
  const askingForOverlays = fetchOverlayValidators(bucket, variant, scope);
  const object = await askForObject(id, entry, scope);

  // 9. S3's word: the object is missing or denied, or S3 is down.
  if (isRefusal(object)) {
    if (isGone(object)) context.waitUntil(deleteConfigured(config, id));

    // S3 had answered the first request: a retry for which no time is left is no outage.
    if (isOutage(object) && !isRetry) return { kind: "outage", refusal: object };
    return refused(object);
  }
  const overlays = await askingForOverlays;
  if (isRefusal(overlays)) return refused(overlays);
  if (object.type === "none") return refused(NO_IMAGE);

  // 10. Identity: what S3 says of the object now.
  const etag = await etagOf(id, object, overlays);

  // 11. Unchanged: what Workers Cache has, or what the store has, was made of this very object.
  if (etag !== undefined && condition !== null && matchesEtag(condition, etag)) {
    return { kind: "not-modified", etag };
  }
  const storeEntry = await entry.read();
  const stored = usableRendition(storeEntry, id);
  if (stored !== undefined && stored.etag === etag) {
    return { kind: "rendition", rendition: { ...stored, stored: "current" } };
  }

  // 12. Engine, and 13. guard: only what the engine transformed comes back.
  const rendered = await renderBy(id, object, overlays, scope);
  if (isRefusal(rendered)) return refused(rendered);
  reportFocus({ bucket, key, variant }, rendered.object);

  // 14. Answer, then store.
  const rendition = await nameRendition(id, rendered);
  const saved = await saveRendition(id, rendition, rendered.object, storeEntry, scope);
  return isRefusal(saved) ? refused(saved) : { kind: "rendition", rendition: saved };
}

const NO_IMAGE: Refusal = {
  event: "source-unreadable",
  reason: "its first bytes are of no image",
  certain: true,
};

/** The stored rendition, if it has a type that the variant may have. */
function usableRendition(
  entry: StoreEntry | undefined,
  { variant, formats }: RenditionId,
): NamedRendition | undefined {
  const rendition = entry?.rendition;
  if (rendition === undefined) return undefined;

  const request = createTransformRequest(variant, formats);
  return mayYield(request, rendition.type) ? rendition : undefined;
}

/**
 * The ETag of a rendition: a hash of its name and of its sources. No ETag of S3 follows from it.
 * @returns undefined if S3 does not name the bytes of the object, or of an overlay
 */
async function etagOf(
  id: RenditionId,
  object: OpenedObject,
  overlays: readonly Validator[],
): Promise<string | undefined> {
  const { validator } = object;
  if (!validator || overlays.includes(undefined)) return undefined;

  const focus = focusOf(id.variant, object);
  const sources = [renditionName(id), validator, ...overlays, ...(focus ? [focus] : [])];
  const hash = await sha256Hex(JSON.stringify(sources));
  return `"${hash.slice(0, 32)}"`;
}

/** Gives a new rendition its ETag. One that may be of another object than S3 described gets none. */
async function nameRendition(
  id: RenditionId,
  { rendition, object, overlays }: SourcedRendition,
): Promise<NamedRendition> {
  const { isOfOther, ...bytes } = rendition;
  const etag = isOfOther ? undefined : await etagOf(id, object, overlays);
  return { ...bytes, etag };
}

/** Steps 12 and 13: has the engine of the bucket render an object that S3 has just given. */
export async function renderBy(
  id: RenditionId,
  object: OpenedObject,
  overlays: readonly Validator[],
  scope: RequestScope & Pick<RenderScope, "isRetry">,
): Promise<SourcedRendition | Refusal> {
  const { bucket, key, variant, formats } = id;
  const focus = focusOf(variant, object);
  const request = { ...createTransformRequest(variant, formats, object.type), focus };
  const isFacts = formats === "facts";

  if (bucket.engine === "binding") {
    return renderByBinding(bucket, key, object, request, isFacts, scope);
  }

  // Another validator makes another URL of the source: the edge's cached answers are left behind.
  const validator = scope.isRetry ? `${object.validator} again` : object.validator;
  const source = { ...object, validator };
  const rendition = await renderAtEdge(bucket, key, source, request, isFacts, scope.deadline);
  return isRefusal(rendition) ? rendition : { rendition, object, overlays };
}

/** Logs once a minute a failure that an older rendition hides from visitors. */
function reportFailure({ bucket, key }: RenditionId, refusal: Refusal): void {
  bucketMemoryOf(bucket).learn({ type: "rendition-failed", key, refusal, now: Date.now() });
}
