// The engine "binding": renders a picture by the Images binding, or describes it (its facts). The binding reads no
// URL, so the Worker opens the whole object here, and not before. It never shows the bytes of the original: only what
// output.ts lets pass is shown. One rendering is at most two tries, each of which opens the object anew, as a body
// can be read only once.
//
// The runtime reads an original whole into the memory, however slowly the binding takes it. So its length is reserved
// before it is opened. The reservation is then the picture's, and ends when the picture is there.

import type { Images } from "../config/bindings.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import { factsRendition, readEdgeFacts } from "../edge/facts.ts";
import { nextRequest } from "../edge/ladder.ts";
import { canRetry, detailsOf, isRefusal, type Refusal } from "../http/refusal.ts";
import type { Rendition, RequestScope } from "../http/send.ts";
import { openObject } from "../origin/open-object.ts";
import type { OpenedObject } from "../origin/opened-object.ts";
import { describeSource } from "../origin/sides.ts";
import type { AcceptedFormats } from "../request/accept.ts";
import { focusOf } from "../request/focus.ts";
import {
  createTransformRequest,
  type SourceImage,
  type TransformRequest,
} from "../request/transform-request.ts";
import { MAX_GROWTH_MS } from "../util/bytes.ts";
import {
  LOOK_MS,
  openReservation,
  type Reservation,
  release,
  reserve,
} from "../util/memory-budget.ts";
import { pauseBefore, TIMED_OUT, withTimeout } from "../util/time.ts";
import { checkReadable, MAX_BINDING_BYTES } from "./check-readable.ts";
import { outputOptions, transformOptions } from "./options.ts";
import { type Rendering, readOutput, type WholePicture } from "./output.ts";
import { type OpenedOverlay, openOverlays, overlayBytes, type Validator } from "./overlays.ts";

/** A rendition, the object that it is rendered from, and the validators of its overlays. */
export type SourcedRendition = {
  readonly rendition: Rendition;
  readonly object: OpenedObject;
  readonly overlays: readonly Validator[];
};

/** What is the same for both tries of a rendering. */
type Task = {
  readonly images: Images;
  readonly bucket: Bucket;
  /** With the bucket's prefix. */
  readonly key: string;
  readonly variant: Variant;
  readonly formats: AcceptedFormats;
  readonly scope: RequestScope;
  /** What the rendering holds in the memory. */
  readonly reservation: Reservation;
  /** How long the object was when its first bytes were read. */
  readonly length: number;
};

/**
 * Renders an object, or its facts. The ladder (edge/ladder.ts) chooses the second try, if there is one. A picture that may
 * be shown is never given up for a second one that fails.
 * @param object as it was opened for its first bytes alone: they can show already that the binding cannot read it
 */
export async function renderByBinding(
  { bucket, key, variant, formats }: Pick<Task, "bucket" | "key" | "variant" | "formats">,
  object: OpenedObject,
  scope: RequestScope,
): Promise<SourcedRendition | Refusal> {
  const { images } = bucket;
  if (!images) throw new Error("a bucket of this engine has the binding");
  const unreadable = checkReadable(object);
  if (unreadable) return unreadable;

  const reservation = openReservation(scope.deadline);
  const { length = MAX_BINDING_BYTES } = object;
  const rendering = renderAndRelease({
    images,
    bucket,
    key,
    variant,
    formats,
    scope,
    reservation,
    length,
  });

  // If the visitor goes away, the runtime ends the request at once, and would release nothing. This keeps it on.
  scope.context.waitUntil(rendering);
  return rendering;
}

async function renderAndRelease(task: Task): Promise<SourcedRendition | Refusal> {
  try {
    return await renderTask(task);
  } finally {
    // After a time-out, the runtime may hold the original for a moment yet: until the request has its answer.
    release(task.reservation);
  }
}

async function renderTask(task: Task): Promise<SourcedRendition | Refusal> {
  const { formats } = task;
  const first = await renderOnce(task);
  const second = await renderAgain(task, first);
  const result = betterOf(first, second ?? first);
  if (result.kind === "refused") return result.refusal;

  const { picture } = result;
  const { bytes, type } = picture;
  let rendition: Rendition | Refusal;
  if (formats === "facts") rendition = await renderFacts(task, picture);
  else rendition = { body: new Response(bytes).body, type, length: `${bytes.length}` };
  if (isRefusal(rendition)) return rendition;

  const overlays = picture.overlays.map((overlay) => overlay.object.validator);
  return { rendition, object: picture.object, overlays };
}

/** What came of opening and rendering the object once. */
type TryResult =
  | {
      readonly kind: "light" | "heavy";
      readonly request: TransformRequest;
      readonly picture: Picture;
    }
  | {
      readonly kind: "refused";
      /** Undefined: the object could not be opened, so nothing was requested. */
      readonly request: TransformRequest | undefined;
      readonly refusal: Refusal;
    };

/** How often the whole object is opened for one rendition, at most. */
const MAX_OPENINGS = 2;

/** How much time is left for the answer if a picture is there, and a smaller one is tried: ms. */
const RESERVE_MS = 1_000;

/** Renders once more, if that may give a picture, or a smaller one. @returns undefined if not */
async function renderAgain(task: Task, first: TryResult): Promise<TryResult | undefined> {
  const { scope } = task;
  const { deadline } = scope;

  switch (first.kind) {
    case "light":
      return undefined;

    case "heavy": {
      const { request, picture } = first;
      const { type, bytes } = picture;
      const outcome = { kind: "heavy", type, length: bytes.length } as const;
      const next = nextRequest([{ request, outcome }], MAX_OPENINGS);
      const earlierScope = { ...scope, deadline: deadline - RESERVE_MS };
      return next && renderOnce({ ...task, scope: earlierScope }, next, bytes.length);
    }

    case "refused": {
      const { request, refusal } = first;
      if (canRetry(refusal)) {
        // The failure may be over soon: the origin broke off, for example.
        const hasTime = await pauseBefore(deadline);
        return hasTime ? renderOnce(task) : undefined;
      }
      if (!request) return undefined;

      const outcome = { kind: "refused", refusal: explainTooLarge(refusal, request) } as const;
      const next = nextRequest([{ request, outcome }], MAX_OPENINGS);
      return next && renderOnce(task, next);
    }
  }
}

/** Returns the second result, unless the first one has a picture, and the second one has none, or has more bytes. */
function betterOf(first: TryResult, second: TryResult): TryResult {
  if (first.kind === "refused") return second;
  if (second.kind === "refused") return first;

  const isSmaller = second.picture.bytes.length < first.picture.bytes.length;
  return isSmaller ? second : first;
}

/** The binding throws this code where the animation is too large, or the AVIF (B6). It does not say which. */
const TOO_LARGE = "9413";

/**
 * Gives a refusal with this code an event for which the ladder has a next request. The first guess is that the animation is
 * too large. If a still picture was requested, there was no animation, so the AVIF is too large.
 */
function explainTooLarge(refusal: Refusal, request: TransformRequest): Refusal {
  if (detailsOf(refusal).edgeCode !== TOO_LARGE) return refusal;
  return { event: request.isStill ? "too-large-for-avif" : "not-transformed" };
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

/**
 * Renders a picture once: opens its sources, has the binding render them, and lets the result pass, or refuses it.
 * @param chosenRequest what the ladder has chosen; undefined: the request follows from the object that is opened
 * @param otherBytes what the rendering holds already: the picture of an earlier try
 */
async function renderOnce(
  task: Task,
  chosenRequest?: TransformRequest,
  otherBytes = 0,
): Promise<TryResult> {
  const { bucket, key, variant, formats, scope, reservation } = task;

  // Each picture needs room in the memory before its original is opened.
  const expectedBytes = sourceBytes(task, task.length, overlayBytes(bucket, variant));
  const began = Date.now();
  const isReserved = await reserve(reservation, otherBytes + expectedBytes, patience(scope));
  const hasWaited = Date.now() - began >= LOOK_MS;
  if (!isReserved) return { kind: "refused", request: chosenRequest, refusal: TOO_BUSY };

  const object = await openObject(bucket, key, { ...scope, part: "whole" });
  if (isRefusal(object)) return { kind: "refused", request: chosenRequest, refusal: object };

  // The object may have been replaced since its first bytes were read.
  const unreadable = checkReadable(object);
  if (unreadable) {
    object.body.cancel();
    return { kind: "refused", request: chosenRequest, refusal: unreadable };
  }

  const overlays = await openOverlays(bucket, variant, scope);
  if (isRefusal(overlays)) {
    object.body.cancel();
    return { kind: "refused", request: chosenRequest, refusal: overlays };
  }

  // The object, or an overlay, may have been replaced by a longer one since. Little of it is in the memory yet.
  const overlayObjects = overlays.map((overlay) => overlay.object);
  const originals = [object, ...overlayObjects] as const;
  const openedBytes = openedSourceBytes(task, object, overlayObjects);
  const reservedBytes = otherBytes + Math.max(expectedBytes, openedBytes);
  if (openedBytes > expectedBytes) {
    const hasRoom = await reserve(reservation, reservedBytes, Date.now() + MAX_GROWTH_MS);
    if (!hasRoom) {
      for (const { body } of originals) body.cancel();
      return { kind: "refused", request: chosenRequest, refusal: TOO_BUSY };
    }
  }

  // The request of the ladder was chosen for the object of the first try. Since then, the object may have been replaced
  // by one with other sides, for example.
  const source = describeSource(object, object.body.head);
  const isChosen = chosenRequest !== undefined && isSameSource(chosenRequest.source, source);
  const request = isChosen ? chosenRequest : createTransformRequest(variant, formats, source);

  const sources = { object, overlays };
  const output = outputOptions(request, object.type, object.body.head);
  const pendingRendering = requestPicture(task, request, sources, output);

  const room = { reservation, reservedBytes, otherBytes };
  const { deadline } = scope;
  const picture = await readOutput(pendingRendering, output.format, originals, deadline, room);
  if (isRefusal(picture)) {
    // Without its wait for room, the picture might have come in time: then the wait is the reason.
    const isTooLate = picture.event === "timed-out" && hasWaited;
    return { kind: "refused", request, refusal: isTooLate ? TOO_BUSY : picture };
  }

  // `readOutput` has awaited the same promise, so this takes no time.
  const { info } = await pendingRendering;

  // Facts are about the size of a picture, and not about its bytes.
  const { maxBytes = Infinity } = request;
  const isHeavy = picture.bytes.length > maxBytes && formats !== "facts";
  return { kind: isHeavy ? "heavy" : "light", request, picture: { ...picture, ...sources, info } };
}

const TOO_BUSY: Refusal = { event: "too-busy", reason: "too many large originals at once" };

/** How much time a rendering keeps for itself, after its wait for room: ms. If little time is left, a quarter of it. */
const RENDER_MS = 1_000;

/** Returns until when a rendering waits for room: ms since 1970. */
function patience({ deadline }: RequestScope): number {
  const timeLeft = deadline - Date.now();
  return deadline - Math.min(RENDER_MS, timeLeft / 4);
}

/**
 * Returns how many bytes of the sources are in the memory, at most. For facts, the binding reads the object twice.
 * @param overlays the bytes of all overlays together
 */
function sourceBytes({ formats }: Task, length: number, overlays: number): number {
  const objectBytes = formats === "facts" ? 2 * length : length;
  return objectBytes + overlays;
}

/** Does the same, by the lengths of the sources that were opened. An unknown length counts as the longest one. */
function openedSourceBytes(
  task: Task,
  { length = MAX_BINDING_BYTES }: OpenedObject,
  overlays: readonly OpenedObject[],
): number {
  let overlaySum = 0;
  for (const overlay of overlays) overlaySum += overlay.length ?? MAX_BINDING_BYTES;
  return sourceBytes(task, length, overlaySum);
}

/** Returns whether a request that was chosen for one original is right for another one. */
function isSameSource(source: SourceImage, other: SourceImage): boolean {
  return JSON.stringify(source) === JSON.stringify(other);
}

/**
 * Requests a picture from the binding: shapes the object, and draws the overlays on it, the lowest one first.
 * readOutput reads its bytes.
 */
async function requestPicture(
  { images, formats }: Task,
  request: TransformRequest,
  { object, overlays }: Sources,
  output: ImageOutputOptions,
): Promise<Rendering> {
  let { stream } = object.body;
  let pendingInfo: Promise<ImageInfoResponse> | undefined;

  // For facts, the binding reads the original twice: to describe it, which is free (B8), and to render it.
  if (formats === "facts") {
    const [streamToRender, streamToDescribe] = stream.tee();
    stream = streamToRender;
    pendingInfo = images.info(streamToDescribe);
    // It is awaited below. Until then, its failure would count as unhandled.
    pendingInfo.catch(() => {});
  }

  const options = transformOptions(request.image, focusOf(request.variant, object));
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
  { images, variant, scope }: Task,
  { bytes, info, object }: Picture,
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
