import type { Mistake } from "./mistake.ts";
import type { SlotName } from "./slot-name.ts";

/**
 * Why a request gets no image: one event a cause, with what the operator needs to know of it.
 * `answer.ts` makes of it what the visitor sees, `log.ts` what the operator reads.
 */
export type Refusal =
  | { event: "configuration-broken"; mistakes: readonly Mistake[] }
  | { event: "loop-detected"; reason: string }
  | { event: "method-not-allowed"; method: string; allow: string }
  | { event: "health-denied"; reason: string }
  | { event: "no-such-route"; path: string }
  | { event: "no-such-variant"; variant: string }
  | { event: "impossible-key"; reason: string }
  | { event: "foreign-page"; reason: string }
  | { event: "signature-wrong"; reason: string; text?: string }
  | { event: "url-expired"; expired: string }
  | { event: "rate-limited" }
  | { event: "slots-refused"; slots: readonly RefusedSlot[]; reason: string; repeated: boolean }
  | ({ event: UpstreamEvent } & Upstream);

/** S3, or whatever is asked in its place, denies what it was asked for: whose fault it is, is not known yet. */
export type Denied = { event: "origin-denied" } & Upstream;

/** A slot that S3 refuses. */
export type RefusedSlot = {
  readonly slot: SlotName;
  /** S3's code. */
  readonly origin: string;
  /** The end of the access key id. */
  readonly access_key: string;
};

/** What can be wrong behind the Worker: with the object, at the origin, at the edge. */
export type UpstreamEvent =
  | "object-missing"
  | "object-denied"
  | "source-unreadable"
  | "origin-denied"
  | "origin-failed"
  | "quota-spent"
  | "edge-refused"
  | "edge-failed"
  | "timed-out"
  | "not-transformed"
  | "too-large-for-avif"
  | "original-is-smaller"
  | "wrong-type";

/** The facts of an answer that was not passed on. */
export type Upstream = {
  /** HTTP status of the answer; absent where there was none. */
  status?: number;
  /** In plain words, what the event alone does not say. */
  reason?: string | undefined;
  /** The edge's error code, as `9408` (R1). */
  edge?: string | undefined;
  /** S3's error code, as `SignatureDoesNotMatch`, where it was told. */
  origin?: string | undefined;
  /** The content-type of the bytes that were not passed on. */
  type?: string;
  /** True where asking once more at once may succeed. */
  passing?: boolean;
};

/** Tells a refusal from the value that a step returns when all is well. */
export function isRefusal<T>(value: T | Refusal): value is Refusal {
  return typeof value === "object" && value !== null && "event" in value;
}

/** Tells a denial of the origin from all else. */
export function isDenied<T>(value: T | Refusal): value is Denied {
  return isRefusal(value) && value.event === "origin-denied";
}
