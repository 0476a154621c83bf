// The engine "binding": renders a picture by the Images binding, or describes it (its facts). The binding reads no
// URL, so the Worker opens the whole object here, and not before. The original cannot come out: only what output.ts
// lets pass is shown. One rendering is at most three tries, each of which opens the object anew, as a body can be
// read only once.

import type { Images } from "../config/bindings.ts";
import type { Bucket } from "../config/bucket.ts";
import { factsRendition, readEdgeFacts } from "../edge/facts.ts";
import { requestForRetry } from "../edge/request-for-retry.ts";
import { canRetry, isRefusal, type Refusal, upstreamOf } from "../http/refusal.ts";
import type { Rendition, RequestScope } from "../http/send.ts";
import { type OpenedObject, openObject } from "../origin/open-object.ts";
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
 * @param object with its first bytes
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

  // The same request once more, if the failure may be over soon: the origin broke off, for example.
  if (canRetry(picture)) {
    const hasTime = await pauseBefore(scope.deadline);
    if (hasTime) picture = await renderPicture(task, request);
  }

  // Another request, if that may succeed.
  if (isRefusal(picture)) {
    const nextRequest = requestAfter(request, picture, object.body.head);
    if (nextRequest) picture = await renderPicture(task, nextRequest);
  }
  if (isRefusal(picture)) return picture;

  const rendition = await createRendition(task, picture, request);
  if (isRefusal(rendition)) return rendition;

  const overlays = picture.overlays.map((overlay) => overlay.object.validator);
  return { rendition, object: picture.object, overlays };
}

/** Returns the next request after a refusal: as for the edge, except where something is too large. */
function requestAfter(
  request: TransformRequest,
  refusal: Refusal,
  head: Uint8Array,
): TransformRequest | undefined {
  // The binding throws this code where the animation is too large, or the AVIF (B6). It does not say which.
  const isTooLarge = upstreamOf(refusal).edgeCode === "9413";
  if (!isTooLarge) return requestForRetry(request, refusal, head);

  if (!request.isStill) return { ...request, isStill: true };
  return requestForRetry(request, { event: "too-large-for-avif" }, head);
}

/** What a picture is made of, opened whole. */
type Sources = {
  readonly object: OpenedObject;
  readonly overlays: readonly OpenedOverlay[];
};

/** A whole picture, what it is made of, and how the binding describes its original. */
type Picture = WholePicture & Sources & Pick<Rendering, "info">;

/** Renders a picture once: opens its sources, has the binding render them, and lets the result pass, or refuses it. */
async function renderPicture(task: Task, request: TransformRequest): Promise<Picture | Refusal> {
  const sources = await openSources(task, request);
  if (isRefusal(sources)) return sources;

  const output = outputOptions(request, sources.object);
  const rendering = requestPicture(task, request, sources, output);

  const overlayObjects = sources.overlays.map((overlay) => overlay.object);
  const originals = [sources.object, ...overlayObjects] as const;
  const picture = await readOutput(rendering, output.format, originals, task.scope.deadline);
  if (isRefusal(picture)) return picture;

  const { info } = await rendering; // it has ended: the picture is whole
  return { ...picture, ...sources, info };
}

async function openSources(task: Task, request: TransformRequest): Promise<Sources | Refusal> {
  const { bucket, key, scope } = task;
  const object = await openObject(bucket, key, { ...scope, part: "whole" });
  if (isRefusal(object)) return object;

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
  return { object, overlays };
}

/** Requests a picture from the binding. For facts, the binding also describes the original: that is free (B8). */
async function requestPicture(
  task: Task,
  request: TransformRequest,
  sources: Sources,
  output: ImageOutputOptions,
): Promise<Rendering> {
  const { images, isFacts } = task;
  const { stream } = sources.object.body;
  if (!isFacts) {
    const picture = drawPicture(images, stream, request, sources);
    return { result: await picture.output(output), info: undefined };
  }

  // The binding reads the original twice: to describe it, and to render it.
  const [streamToRender, streamToDescribe] = stream.tee();
  const pendingInfo = images.info(streamToDescribe);
  pendingInfo.catch(() => {}); // awaited below. Until then, its failure would count as unhandled

  const picture = drawPicture(images, streamToRender, request, sources);
  const result = await picture.output(output);
  return { result, info: await pendingInfo };
}

/** Shapes the picture, and draws its overlays on it, the first one undermost. */
function drawPicture(
  images: Images,
  stream: ReadableStream<Uint8Array>,
  request: TransformRequest,
  { object, overlays }: Sources,
): ImageTransformer {
  const options = transformOptions(request.variant, focusOf(request.variant, object));
  let picture = images.input(stream).transform(options);

  for (const overlay of overlays) {
    const overlayPicture = images.input(overlay.object.body.stream).transform(overlay.shape);
    picture = picture.draw(overlayPicture, overlay.draw);
  }
  return picture;
}

async function createRendition(
  task: Task,
  picture: Picture,
  request: TransformRequest,
): Promise<Rendition | Refusal> {
  if (task.isFacts) return renderFacts(task, picture, request);

  const { bytes, type } = picture;
  return { body: new Response(bytes).body, type, length: `${bytes.length}` };
}

/** Returns the facts of a picture: the binding tells its size, as it has described its original. */
async function renderFacts(
  task: Task,
  picture: Picture,
  { variant }: TransformRequest,
): Promise<Rendition | Refusal> {
  const { images, scope } = task;
  const { bytes, info, object } = picture;
  const noSize: Refusal = { event: "edge-failed", reason: "the Images binding tells no size" };

  try {
    const pendingSize = images.info(new Blob([bytes]).stream());
    const size = await withTimeout(scope.deadline - Date.now(), pendingSize);
    if (size === TIMED_OUT) return { event: "timed-out", reason: "no facts in time" };

    // As the edge describes a rendition (R9).
    const description = JSON.stringify({ ...size, original: info });
    const focus = focusOf(variant, object);
    const result = readEdgeFacts(description, object.type, variant.image, focus);
    if (result.kind !== "facts") return noSize;
    return factsRendition(JSON.stringify(result.facts));
  } catch {
    return noSize;
  }
}
