// Renders a picture, or its facts, by the Images binding, from the whole object, which the Worker opens here and not
// before. The original cannot come out: only what the binding transformed is passed on.

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
import { outputOptions, transformOptions } from "./options.ts";
import { readOutput, type WholePicture } from "./output.ts";
import { checkReadable, type OpenedOverlay, openOverlays } from "./overlays.ts";

/** A rendition, the object that it is rendered from, and the validators of its overlays. */
export type SourcedRendition = {
  readonly rendition: Rendition;
  readonly object: OpenedObject;
  readonly overlays: readonly string[];
};

/** A whole picture, what it is made of, and how the binding describes the original. */
type Picture = WholePicture & {
  readonly object: OpenedObject;
  readonly overlays: readonly OpenedOverlay[];
  readonly info: ImageInfoResponse | undefined;
};

/**
 * Renders an object, once more if the origin broke off, and once more where another request may succeed.
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

  let picture = await renderPicture(images, bucket, key, request, isFacts, scope);
  if (canRetry(picture) && (await pauseBefore(scope.deadline))) {
    picture = await renderPicture(images, bucket, key, request, isFacts, scope);
  }
  const nextRequest = isRefusal(picture) && requestAfter(request, picture, object.body.head);
  if (nextRequest) picture = await renderPicture(images, bucket, key, nextRequest, isFacts, scope);
  if (isRefusal(picture)) return picture;

  const { bytes, type, overlays } = picture;
  const rendition = isFacts
    ? await renderFacts(images, picture, request, scope.deadline)
    : { body: new Response(bytes).body, type, length: `${bytes.length}` };
  if (isRefusal(rendition)) return rendition;
  const validators = overlays.map((overlay) => overlay.object.validator ?? "");
  return { rendition, object: picture.object, overlays: validators };
}

/** The next request after a refusal: the same as to the edge. */
function requestAfter(
  request: TransformRequest,
  refusal: Refusal,
  head: Uint8Array,
): TransformRequest | undefined {
  const isTooLarge = upstreamOf(refusal).edgeCode === "9413"; // the animation, or the AVIF
  if (!isTooLarge) return requestForRetry(request, refusal, head);
  if (!request.isStill) return { ...request, isStill: true };
  return requestForRetry(request, { event: "too-large-for-avif" }, head);
}

async function renderPicture(
  images: Images,
  bucket: Bucket,
  key: string,
  request: TransformRequest,
  isFacts: boolean,
  scope: RequestScope,
): Promise<Picture | Refusal> {
  const object = await openObject(bucket, key, { ...scope, part: "whole" });
  if (isRefusal(object)) return object;
  const overlays = checkReadable(object) ?? (await openOverlays(bucket, request.variant, scope));
  if (isRefusal(overlays)) {
    object.body.cancel();
    return overlays;
  }
  const output = outputOptions(request, object);
  const originals = [object, ...overlays.map((overlay) => overlay.object)] as const;
  const [stream, copy] = isFacts ? object.body.stream.tee() : [object.body.stream];
  let info: ImageInfoResponse | undefined;
  const render = async () => {
    const infoRequest = copy && images.info(copy);
    infoRequest?.catch(() => {}); // awaited below, if the picture is rendered
    const transform = transformOptions(request.variant, focusOf(request.variant, object));
    const picture = images.input(stream).transform(transform);
    const result = await drawAll(images, picture, overlays).output(output);
    info = await infoRequest;
    return result;
  };
  const read = await readOutput(render(), output, originals, scope.deadline);
  return isRefusal(read) ? read : { ...read, object, overlays, info };
}

function drawAll(
  images: Images,
  picture: ImageTransformer,
  overlays: readonly OpenedOverlay[],
): ImageTransformer {
  return overlays.reduce(
    (below, { object, shape, draw }) =>
      below.draw(images.input(object.body.stream).transform(shape), draw),
    picture,
  );
}

/** The facts of a picture. A description by the binding is free (L2). */
async function renderFacts(
  images: Images,
  { bytes, info, object }: Picture,
  { variant }: TransformRequest,
  deadline: number,
): Promise<Rendition | Refusal> {
  try {
    const size = await withTimeout(deadline - Date.now(), images.info(new Blob([bytes]).stream()));
    if (size === TIMED_OUT) return { event: "timed-out", reason: "no facts in time" };
    const text = JSON.stringify({ ...size, original: info });
    const result = readEdgeFacts(text, object.type, variant.image, focusOf(variant, object));
    if (result.kind === "facts") return factsRendition(JSON.stringify(result.facts));
  } catch {} // the reason is below
  return { event: "edge-failed", reason: "the Images binding tells no size" };
}
