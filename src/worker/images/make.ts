// Makes a rendition, or tells its facts, by the Images binding, from bytes that the Worker itself fetched.
// The original cannot come out: only what the binding made is passed on.

import { isRefusal, type Refusal } from "../base/refusal.ts";
import { LATE, within } from "../base/time-limit.ts";
import type { Images } from "../config/bindings.ts";
import { readTold, renditionOf } from "../edge/facts.ts";
import type { Rendition } from "../edge/rendition.ts";
import { secondChance } from "../edge/second-chance.ts";
import type { Asked } from "../request/format.ts";
import { outputOf, transformOf } from "./options.ts";
import { type Output, readOutput } from "./output.ts";
import { type Drawn, openOverlays } from "./overlays.ts";
import type { Open, Opened } from "./source.ts";

/** What a rendition is made of. */
type Making = {
  readonly images: Images;
  /** The object's key. */
  readonly key: string;
  /** What the keys of overlays begin with. */
  readonly prefix: string;
  readonly open: Open;
  /** Until when all of it may take: ms since 1970. */
  readonly deadline: number;
};

/** A whole picture, and what is known of its original. */
type Made = Output & { readonly original: Opened; readonly told: ImageInfoResponse | undefined };

/** Makes a rendition, and tries once more where another way of asking may succeed. */
export async function makePicture(making: Making, asked: Asked): Promise<Rendition | Refusal> {
  const made = await makeTwice(making, asked, false);
  if (isRefusal(made)) return made;
  const { bytes } = made;
  const headers = await headersOf(made);
  headers.set("content-length", `${bytes.length}`);
  const { body } = new Response(bytes);
  return { status: 200, headers, body, text: "", type: made.type, standsIn: false };
}

/** Tells the facts of a rendition. The binding describes pictures for nothing (L2). */
export async function tellFacts(making: Making, asked: Asked): Promise<Rendition | Refusal> {
  const made = await makeTwice(making, asked, true);
  if (isRefusal(made)) return made;
  const { told, bytes, original } = made;
  try {
    const measured = making.images.info(new Blob([bytes]).stream());
    const size = await within(making.deadline - Date.now(), measured);
    if (size === LATE) return { event: "timed-out", reason: "no facts in time" };
    const facts = { ...size, original: { ...told, format: original.type } };
    const read = readTold(facts, asked.variant.image);
    if (read) return renditionOf(read, await headersOf(made));
  } catch {} // the reason is below
  return { event: "edge-failed", reason: "the Images binding tells no size of what it made" };
}

/** The tag of a rendition is a hash of its bytes, in the form that the edge's tags have (R4). */
async function headersOf({ bytes, original }: Made): Promise<Headers> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const tag = btoa(String.fromCharCode(...hash));
  const { modified } = original;
  return new Headers({ etag: `"cf-${tag}"`, ...(modified && { "last-modified": modified }) });
}

async function makeTwice(making: Making, asked: Asked, facts: boolean): Promise<Made | Refusal> {
  const first = await makeOnce(making, asked, facts);
  const again = isRefusal(first) && another(asked, first);
  return again ? makeOnce(making, again, facts) : first;
}

/** What to ask for after a refusal: for what the edge would be asked. */
function another(asked: Asked, refusal: Refusal): Asked | undefined {
  const isTooLarge = "edge" in refusal && refusal.edge === "9413"; // the animation, or the AVIF
  if (!isTooLarge) return secondChance(asked, refusal);
  if (!asked.still) return { ...asked, still: true };
  return secondChance(asked, { event: "too-large-for-avif" });
}

async function makeOnce(making: Making, asked: Asked, facts: boolean): Promise<Made | Refusal> {
  const { images, key, open, deadline } = making;
  const original = await open(key);
  if (isRefusal(original)) return original;
  const overlays = await openOverlays(making, asked.variant);
  if (isRefusal(overlays)) {
    original.drop();
    return overlays;
  }
  const format = outputOf(asked, original);
  const all = [original, ...overlays.map(({ overlay }) => overlay)] as const;
  let told: ImageInfoResponse | undefined;
  const make = async () => {
    const [stream, copy] = facts ? original.stream.tee() : [original.stream];
    const telling = copy && images.info(copy);
    telling?.catch(() => {}); // it is awaited below, if the picture is made
    const picture = images.input(stream).transform(transformOf(asked.variant));
    const result = await drawAll(images, picture, overlays).output(format);
    told = await telling;
    return result;
  };
  const output = await readOutput(make, format, all, deadline);
  return isRefusal(output) ? output : { ...output, original, told };
}

function drawAll(images: Images, picture: ImageTransformer, overlays: readonly Drawn[]) {
  return overlays.reduce(
    (below, { overlay, shape, draw }) =>
      below.draw(images.input(overlay.stream).transform(shape), draw),
    picture,
  );
}
