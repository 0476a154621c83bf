// What the log is told once a minute of a bucket, with how often it happened since. Pure.

import type { BucketNotice } from "../base/notice.ts";
import type { Refusal, Upstream } from "../base/refusal.ts";
import { countRepeated } from "../base/repeated.ts";
import type { BucketState } from "./bucket-state.ts";

type Told = { readonly state: BucketState; readonly effects: readonly BucketNotice[] };

/** Tells what visitors may not notice: they get an older rendition, if there is one (W8). */
export function tellFailure(
  state: BucketState,
  { key, refusal, now }: { readonly key: string; readonly refusal: Refusal; readonly now: number },
): Told {
  const { times, isTold, next } = countRepeated(state.told.failed, now);
  const { status, reason, edge, origin } = { ...NO_FACTS, ...refusal };
  const slots = "slots" in refusal ? refusal.slots : undefined;
  const facts = { failure: refusal.event, key, times, status, reason, edge, origin, slots };
  const line = { event: "rendition-failed", bucket: state.bucket.name, ...facts } as const;
  return {
    state: { ...state, told: { ...state.told, failed: next } },
    effects: isTold ? [] : [line],
  };
}

/** Tells that the second engine is needed, and why. */
export function tellEngine(
  state: BucketState,
  { key, reason, now }: { readonly key: string; readonly reason: string; readonly now: number },
): Told {
  const { times, isTold, next } = countRepeated(state.told.engineChanged, now);
  const facts = { bucket: state.bucket.name, key, reason, times };
  return {
    state: { ...state, told: { ...state.told, engineChanged: next } },
    effects: isTold ? [] : [{ event: "engine-changed", ...facts }],
  };
}

/** What not every refusal has. */
const NO_FACTS: Upstream = {};
