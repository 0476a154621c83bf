// Why a request gets no image: one event for each cause, with the facts that an operator needs.
// answer.ts turns it into what the visitor sees, log.ts into what the operator reads.

import type { S3Reply } from "./s3-reply.ts";

export type Refusal = Cause & {
  /** Which of the objects of its URL is refused; undefined: the first. */
  objectIndex?: number;
};

type Cause =
  | { event: "configuration-broken"; mistakes: readonly ConfigMistake[] }
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
  | UpstreamRefusal;

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
  "edge-contradicts",
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
  /** All that S3 said. */
  s3?: S3Reply;
  /** The content type of the bytes that are not passed on. */
  type?: string;
  /** Whether a second try at once may succeed. */
  passing?: boolean;
  /** Whether S3 or the engine said so of this very object, for this request. */
  certain?: boolean;
};

export type UpstreamRefusal = { event: UpstreamEvent } & Upstream;

/** Returns whether a step returned a refusal. */
export function isRefusal<T>(value: T | Refusal): value is Refusal {
  return typeof value === "object" && value !== null && "event" in value;
}

/** Returns the facts of a refusal, as far as it has them. */
export function upstreamOf(refusal: Refusal): Upstream {
  return { reason: undefined, ...refusal };
}

/** Returns whether the cause is certain. An answer whose cause is not is not kept. */
export function isCertain(refusal: Refusal): boolean {
  return upstreamOf(refusal).certain === true;
}

/** Returns whether a second try at once may succeed. */
export function mayPass<T>(value: T | Refusal): boolean {
  return isRefusal(value) && upstreamOf(value).passing === true;
}

export const SLOT_NAMES = ["current", "next"] as const;

export type SlotName = (typeof SLOT_NAMES)[number];

/** What an object is by its first bytes. "none": certainly no image. "unknown": only the engine can say (A18). */
export type ObjectType =
  | `image/${"jpeg" | "png" | "gif" | "webp" | "avif" | "heic"}`
  | "none"
  | "unknown";

export type ConfigMistake = {
  /** The option or the secret that is wrong: `PRESETS.hero.quality`, `AWS_ACCESS_KEY_ID`. */
  readonly path: string;
  /** What is wrong with it: `150 is not between 1 and 100`. */
  readonly message: string;
};

/** A mistake as one line of text. */
export function mistakeText({ path, message }: ConfigMistake): string {
  return `${path}: ${message}`;
}
