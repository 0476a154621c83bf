// Makes renditions, and is the story of the cached entrypoint: ask S3, name what it has, say that nothing changed,
// or have an engine make a rendition, and guard it. It knows nothing of the visitor but a condition.

import { matchesEtag } from "./answer/answer.ts";
import { hex } from "./base/bytes.ts";
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
  objectTag,
  type RenditionKey,
  readRenditionUrl,
  renditionUrl,
} from "./cache/rendition-url.ts";
import type { Engine } from "./config/bucket-settings.ts";
import { currentConfig } from "./config/config.ts";
import { enginesFor } from "./config/engine-limits.ts";
import { renderAtEdge } from "./edge/render-at-edge.ts";
import { overlayValidators } from "./images/overlays.ts";
import { renderByBinding } from "./images/render-by-binding.ts";
import { bucketMemoryOf } from "./origin/memories.ts";
import { type OpenedObject, openObject } from "./origin/open-object.ts";
import { createTransformRequest } from "./request/format.ts";

/** What the caller has is still right. */
export type NotModified = { readonly notModified: string };

/** How a rendition is asked for. */
export type RenderScope = RequestScope & {
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
export async function render(
  key: RenditionKey,
  scope: RenderScope,
): Promise<NamedRendition | NotModified | Refusal> {
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

async function renderOnce(
  key: RenditionKey,
  scope: RenderScope,
): Promise<NamedRendition | NotModified | Refusal> {
  const { bucket, variant, formats } = key;
  const { context, deadline, condition, hasOlder } = scope;
  const options = { part: "head", deadline, retries: !hasOlder } as const;
  const [object, overlays] = await Promise.all([
    openObject(bucket, key.key, options, context),
    overlayValidators(bucket, variant, scope),
  ]);
  if (isRefusal(object)) return object;
  if (isRefusal(overlays)) return overlays;
  if (object.type === "none") {
    return { event: "source-unreadable", reason: "its first bytes are of no image", certain: true };
  }
  const etag = await etagOf(key, object, overlays);
  if (etag && condition !== null && matchesEtag(condition, etag)) return { notModified: etag };

  const [engine, other] = enginesFor(bucket.engines, variant, formats === "svg");
  const result = await renderBy(engine, key, object, overlays, scope);
  if (!other || !isRefusal(result) || !("elsewhere" in result && result.elsewhere)) return result;
  const rendition = await renderBy(other, key, object, overlays, scope);
  if (!isRefusal(rendition)) {
    const { reason = `the Images binding answers ${result.edge}` } = result;
    const changed = { type: "engine-changed", key: key.key, reason, now: Date.now() } as const;
    bucketMemoryOf(bucket).learn(changed);
  }
  return rendition;
}

/** Has one engine render an object that S3 has just given. */
export async function renderBy(
  engine: Engine,
  key: RenditionKey,
  object: OpenedObject,
  overlays: readonly string[],
  scope: RequestScope & Pick<RenderScope, "isSecond">,
): Promise<NamedRendition | Refusal> {
  const { bucket, variant, formats } = key;
  const request = createTransformRequest(variant, formats, object.type);
  const isFacts = formats === "facts";
  if (engine === "cf") {
    const validator = scope.isSecond ? `${object.validator} again` : object.validator;
    const source = { ...object, validator };
    const result = await renderAtEdge(bucket, key.key, source, request, isFacts, scope.deadline);
    return isRefusal(result) ? result : { ...result, etag: await etagOf(key, object, overlays) };
  }
  const result = await renderByBinding(bucket, key.key, object, request, isFacts, scope);
  if (isRefusal(result)) return result;
  return { ...result.rendition, etag: await etagOf(key, result.object, result.overlays) };
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
  const url = renditionUrl({ ...key, version: undefined });
  const identity = new TextEncoder().encode(JSON.stringify([url, validator, ...overlays]));
  return `"${hex(await crypto.subtle.digest("SHA-256", identity)).slice(0, 32)}"`;
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
  const result = await render(key, { context, deadline, condition, hasOlder, isFallback });

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
