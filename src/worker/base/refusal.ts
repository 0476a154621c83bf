// Why a request gets no image: one event for each cause, with the facts that an operator needs.
// answer.ts turns it into what the visitor sees, log.ts into what the operator reads.

import { has } from "./json.ts";
import type { Mistake } from "./mistake.ts";
import type { Said } from "./said.ts";
import type { SlotName } from "./slot-name.ts";

export type Refusal =
  | { event: "configuration-broken"; mistakes: readonly Mistake[] }
  | { event: "loop-detected"; reason: string }
  | { event: "method-not-allowed"; method: string; allow: string }
  | { event: "health-denied"; reason: string }
  | { event: "purge-denied"; reason: string }
  | { event: "no-such-route"; path: string }
  | { event: "no-such-variant"; variant: string }
  | { event: "impossible-key"; reason: string }
  | { event: "foreign-page"; reason: string }
  | { event: "signature-wrong"; reason: string; text?: string; certain: boolean }
  | { event: "url-expired"; expired: string }
  | { event: "rate-limited" }
  | { event: "slots-refused"; slots: readonly RefusedSlot[]; reason: string; repeated: boolean }
  | {
      event: "role-refused";
      /** The ARN of the role. */
      role: string;
      /** STS's or S3's code. */
      origin: string;
      reason: string;
      repeated: boolean;
    }
  | ({ event: UpstreamEvent } & Upstream);

/** The origin, or the host of an overlay, denies the request. The cause is not known yet. */
export type Denied = {
  event: "origin-denied";
  /** What S3 said, where the Worker asked it itself. */
  said?: Said;
} & Upstream;

/** A slot that S3 refuses. */
export type RefusedSlot = {
  readonly slot: SlotName;
  /** S3's code. */
  readonly origin: string;
  /** The end of the access key id. */
  readonly access_key: string;
};

/** What can be wrong behind the Worker: with the object, the origin or the edge. */
export const UPSTREAM_EVENTS = [
  "object-missing",
  "object-denied",
  "source-unreadable",
  "origin-denied",
  "origin-failed",
  "quota-spent",
  "edge-refused",
  "edge-failed",
  "timed-out",
  "not-transformed",
  "too-large-for-avif",
  "original-is-smaller",
  "wrong-type",
] as const;

export type UpstreamEvent = (typeof UPSTREAM_EVENTS)[number];

/** The facts of an answer that is not passed on. */
export type Upstream = {
  /** The HTTP status; absent if there was no answer. */
  status?: number;
  /** What the event alone does not say, in plain words. */
  reason?: string | undefined;
  /** The edge's error code, such as `9408` (R1). */
  edge?: string | undefined;
  /** S3's error code, such as `SignatureDoesNotMatch`, if it is known. */
  origin?: string | undefined;
  /** The content type of the bytes that are not passed on. */
  type?: string;
  /** Whether a second try at once may succeed. */
  passing?: boolean;
  /** Whether another engine may read the object. */
  elsewhere?: boolean;
  /** Whether S3 or the edge said so about this very URL, for this request. Absent: it is a guess. */
  certain?: boolean;
};

/** Returns whether a step returned a refusal. */
export function isRefusal<T>(value: T | Refusal): value is Refusal {
  return has(value, "event");
}

/** Returns whether the cause is certain. An answer whose cause is a guess is not kept. */
export function isCertain(refusal: Refusal): boolean {
  return "certain" in refusal && refusal.certain === true;
}

/** Returns whether a step returned that the origin denies the request. */
export function isDenied<T>(value: T | Refusal): value is Denied {
  return isRefusal(value) && value.event === "origin-denied";
}
