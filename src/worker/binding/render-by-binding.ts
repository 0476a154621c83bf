// The engine "binding": renders a picture by the Images binding, or describes it (its facts). The binding reads no
// URL, so the Worker opens the whole object here, and not before. It never shows the bytes of the original: only what
// output.ts lets pass is shown. One rendering is at most three tries, each of which opens the object anew, as a body
// can be read only once.

import type { Images } from "../config/bindings.ts";
import type { Bucket } from "../config/bucket.ts";
import { factsRendition, readEdgeFacts } from "../edge/facts.ts";
import { requestForRetry } from "../edge/request-for-retry.ts";
import { canRetry, detailsOf, isRefusal, type Refusal } from "../http/refusal.ts";
import type { Rendition, RequestScope } from "../http/send.ts";
import { openObject } from "../origin/open-object.ts";
import type { OpenedObject } from "../origin/opened-object.ts";
import { focusOf } from "../request/focus.ts";
import type { TransformRequest } from "../request/transform-request.ts";
import { pauseBefore, TIMED_OUT, withTimeout } from "../util/time.ts";
import { checkReadable } from "./check-readable.ts";
import { outputOptions, transformOptions } from "./options.ts";
import { type Rendering, readOutput, type WholePicture } from "./output.ts";
import { type OpenedOverlay, openOverlays, type Validator } from "./overlays.ts";

/** A rendition, the object that it is rendered from, and the validators of its overlays. */
export type SourcedRendition = {
  readonly rendition: Rendition;
  readonly object: OpenedObject;
  readonly overlays: readonly Validator[];
};

/** What is the same for all tries of a rendering. */
type Task = {
  readonly images: Images;
  readonly bucket: Bucket;
  /** With the bucket's prefix. */
  readonly key: string;
  /** Whether the facts of the picture are shown, in place of its bytes. */
  readonly isFacts: boolean;
  readonly scope: RequestScope;
};

/**
 * Renders an object, or its facts.
 * @param object as it was opened for its first bytes alone: they can show already that the binding cannot read it
 */
export async function renderByBinding(
  bucket: Bucket,
  key: string,
  object: OpenedObject,
  request: TransformRequest,
  isFacts: boolean,
  scope: RequestScope,
): Promise<SourcedRendition | Refusal> {
  const { images } = bucket;
  if (!images) throw new Error("a bucket of this engine has the binding");
  const unreadable = checkReadable(object);
  if (unreadable) return unreadable;

  const task: Task = { images, bucket, key, isFacts, scope };
  let picture = await renderPicture(task, request);

  // The same request once more, if there is no picture, and the failure may be over soon: the origin broke off, for
  // example.
  if (canRetry(picture)) {
    const hasTime = await pauseBefore(scope.deadline);
    if (hasTime) picture = await renderPicture(task, request);
  }

  // Another request, if that may succeed.
  if (isRefusal(picture)) {
    const nextRequest = simplerRequest(request, picture, object.body.head);
    if (nextRequest) picture = await renderPicture(task, nextRequest);
  }
  if (isRefusal(picture)) return picture;

  const { bytes, type } = picture;
  let rendition: Rendition | Refusal;
  if (isFacts) rendition = await renderFacts(task, picture, request);
  else rendition = { body: new Response(bytes).body, type, length: `${bytes.length}` };
  if (isRefusal(rendition)) return rendition;

  const overlays = picture.overlays.map((overlay) => overlay.object.validator);
  return { rendition, object: picture.object, overlays };
}

/** The binding throws this code where the animation is too large, or the AVIF (B6). It does not say which. */
const TOO_LARGE = "9413";

/**
 * Returns the next request after a refusal. The rules are those of the engine "cf", and one more, for TOO_LARGE.
 * @param head the first bytes of the object
 * @returns undefined if another request would not help
 */
function simplerRequest(
  request: TransformRequest,
  refusal: Refusal,
  head: Uint8Array,
): TransformRequest | undefined {
  const isTooLarge = detailsOf(refusal).edgeCode === TOO_LARGE;
  if (!isTooLarge) return requestForRetry(request, refusal, head);

  // The first guess is the animation. If only a still was requested, it was the AVIF.
  if (!request.isStill) return { ...request, isStill: true };
  return requestForRetry(request, { event: "too-large-for-avif" }, head);
}

/** What a picture is made of, opened whole. */
type Sources = {
  readonly object: OpenedObject;
  readonly overlays: readonly OpenedOverlay[];
};

/** A picture: its `type` and its `bytes`, the `object` and the `overlays` that it is made of, and `info`. */
type Picture = WholePicture &
  Sources & {
    /** How the binding describes the original; undefined unless facts are asked for. */
    readonly info: ImageInfoResponse | undefined;
  };

/** Renders a picture once: opens its sources, has the binding render them, and lets the result pass, or refuses it. */
async function renderPicture(task: Task, request: TransformRequest): Promise<Picture | Refusal> {
  const { bucket, key, scope } = task;
  const object = await openObject(bucket, key, { ...scope, part: "whole" });
  if (isRefusal(object)) return object;

  // The object may have been replaced since its first bytes were read.
  const unreadable = checkReadable(object);
  if (unreadable) {
    object.body.cancel();
    return unreadable;
  }

  const overlays = await openOverlays(bucket, request.variant, scope);
  if (isRefusal(overlays)) {
    object.body.cancel();
    return overlays;
  }

  const sources = { object, overlays };
  const output = outputOptions(request, object.type, object.body.head);
  const pendingRendering = requestPicture(task, request, sources, output);

  const overlayObjects = overlays.map((overlay) => overlay.object);
  const originals = [object, ...overlayObjects] as const;
  const picture = await readOutput(pendingRendering, output.format, originals, scope.deadline);
  if (isRefusal(picture)) return picture;

  const { info } = await pendingRendering; // at once, as readOutput has awaited it
  return { ...picture, ...sources, info };
}

/**
 * Requests a picture from the binding: shapes the object, and draws the overlays on it, the lowest one first.
 * readOutput reads its bytes.
 */
async function requestPicture(
  { images, isFacts }: Task,
  request: TransformRequest,
  { object, overlays }: Sources,
  output: ImageOutputOptions,
): Promise<Rendering> {
  let { stream } = object.body;
  let pendingInfo: Promise<ImageInfoResponse> | undefined;

  // For facts, the binding reads the original twice: to describe it, which is free (B8), and to render it.
  if (isFacts) {
    const [streamToRender, streamToDescribe] = stream.tee();
    stream = streamToRender;
    pendingInfo = images.info(streamToDescribe);
    // It is awaited below. Until then, its failure would count as unhandled.
    pendingInfo.catch(() => {});
  }

  const options = transformOptions(request.variant, focusOf(request.variant, object));
  let picture = images.input(stream).transform(options);

  for (const overlay of overlays) {
    const overlayPicture = images.input(overlay.object.body.stream).transform(overlay.shape);
    picture = picture.draw(overlayPicture, overlay.draw);
  }

  const result = await picture.output(output);
  return { result, info: await pendingInfo };
}

/** Returns the facts of a picture: the binding tells its size, as it has described its original. */
async function renderFacts(
  { images, scope }: Task,
  { bytes, info, object }: Picture,
  { variant }: TransformRequest,
): Promise<Rendition | Refusal> {
  try {
    const pendingSize = images.info(new Blob([bytes]).stream());
    const size = await withTimeout(scope.deadline - Date.now(), pendingSize);
    if (size === TIMED_OUT) return { event: "timed-out", reason: "no facts in time" };

    // The edge describes a rendition in this form (R9): `{ "width": 480, …, "original": { "width": 4000, … } }`.
    const description = JSON.stringify({ ...size, original: info });
    const focus = focusOf(variant, object);
    const result = readEdgeFacts(description, object.type, variant.image, focus);
    if (result.kind === "facts") return factsRendition(JSON.stringify(result.facts));
  } catch {
    // The binding has failed: it is refused as if it had told no size.
  }

  return { event: "edge-failed", reason: "the Images binding tells no size" };
}
