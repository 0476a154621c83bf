// Visits with one cache over time, and the ways in which all can fail meanwhile.

import fc from "fast-check";
import type { Fault } from "../../src/emulator/edge/faults.ts";
import type { Exchange, Suspect } from "./property.ts";
import {
  type Browser,
  type RenditionKey,
  requestFor,
  sourceOf,
  type Variation,
} from "./rendition-requests.ts";
import { type Call, type Mood, NOW } from "./visit-state.ts";
import { type Scene, sendRequest } from "./world.ts";

/** What ANSWERS says if it says nothing: s. */
export const KEEP = 300;
export const WEEK = 604_800;
const at = (seconds: number) => NOW + Math.round(seconds * 1000);

/** Visits the Worker. The time is in seconds from the beginning. */
export async function sendAt(
  { worker }: Suspect,
  [rendition, variation, browser]: readonly [RenditionKey, Variation, Browser],
  now: Mood,
  scene: Pick<Scene, "isolate" | "cache">,
  seconds = 0,
): Promise<Exchange> {
  const time = at(seconds);
  const request = requestFor(rendition, variation, browser, time);
  const { dataCentre } = variation;
  return {
    ...(await sendRequest(worker, request, now, { ...scene, dataCentre, now: time })),
    request,
  };
}

/** The calls for the object itself, not for the fallback of its route. */
export const callsFor = ({ calls }: Exchange, rendition: RenditionKey): Call[] =>
  calls.filter(({ url }) => url.split("?")[0] === sourceOf(rendition));

export const GET: Variation = {
  ...{ method: "GET", spelling: 0, headers: [], host: "images.example" },
  ...{ query: "", ahead: 86_400, kid: "new", dataCentre: "here" },
};

/** Time steps in seconds, around the limits. */
export const step = fc.constantFrom(0, 0, 1, 2.999, 3, 10, 59, 59.999, 60, 61, 300, 1000);

export const fault = (code: number, status: number): Fault => ({ code, status });

/** Faults after which the object may be shown again, whatever the edge and S3 were asked. */
export const OUTAGES: readonly Fault[] = [
  ...[fault(9509, 502), fault(9505, 502), fault(9522, 503), fault(9422, 429), fault(9401, 403)],
];
const DENIALS = [fault(9408, 403), fault(9408, 403), fault(9408, 401), fault(9519, 502)];
const MISSING = [fault(9404, 404), fault(9408, 404)];
const BROKEN = [fault(9412, 415), fault(9420, 415), fault(9402, 413)];

/**
 * How all fails: S3 itself; or the edge or a connection, with an object that was replaced meanwhile. Where transformations
 * are off, a replaced object's picture is purged.
 */
export const outage: fc.Arbitrary<Partial<Mood>> = fc.oneof(
  fc.nat(4).map((down) => ({ down })),
  fc
    .oneof(
      fc.constantFrom(...OUTAGES).map((failure): Partial<Mood> => ({ failure })),
      fc.constant<Partial<Mood>>({ outcome: 5, fault: 0 }),
    )
    .map((is) => ({ ...is, revision: 1 })),
);

/** Denials: S3 says why, or gives the object. */
const denied = fc.record({
  failure: fc.constantFrom(...DENIALS),
  s3: fc.nat(255),
});

/** What S3 says of a missing object, and failures of every other kind. */
export const failing: fc.Arbitrary<Partial<Mood>> = fc.oneof(
  outage,
  fc.constantFrom(...MISSING).map((failure) => ({ failure })),
  denied,
  denied,
  fc.constantFrom(...BROKEN).map((failure) => ({ failure })),
);

export const working = fc
  .nat(3)
  .map((type): Partial<Mood> => ({ outcome: 0, type, failure: undefined }));
