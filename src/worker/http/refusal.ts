// Why a request gets no image: one event for each cause, with the details that an operator needs. response/answer.ts
// makes the visitor's answer of a refusal, which is vague; log/log.ts the operator's log line, which is exact. Codes such
// as R1 are rules of docs/rules.md.

import type { S3Reply } from "./s3-reply.ts";

/** `event` tells them apart, and is the name in the log. docs/errors.md has a section for each. */
export type Refusal =
  // The Worker itself cannot serve.
  | { event: "configuration-broken"; mistakes: readonly ConfigMistake[] }

  // The request is wrong, or may not be made.
  | { event: "method-not-allowed"; method: string; allow: string }
  | { event: "health-denied"; reason: string }
  | { event: "purge-denied"; reason: string }
  | { event: "no-such-route"; path: string }
  | { event: "no-such-variant"; variant: string }
  | { event: "impossible-key"; reason: string }
  /** A page that is not in `origins` embeds the image. */
  | { event: "foreign-page"; reason: string }
  /** `text` should have been signed. `certain` means that the URL is malformed: it is refused whatever key signs it. */
  | { event: "signature-wrong"; reason: string; text?: string; certain: boolean }
  /** `expired` is when, in ISO 8601. */
  | { event: "url-expired"; expired: string }
  /** The visitor has no token that opens the route. */
  | { event: "token-refused"; reason: string }
  /** The public keys of an issuer of tokens cannot be had. `repeated`: it was logged within the last minute. */
  | { event: "token-keys-failed"; issuer: string; reason: string; repeated: boolean }
  | { event: "rate-limited" }

  // Nothing opens the bucket: S3 refuses its slots (its two key pairs), or its role. `repeated`: it was logged within the
  // last minute.
  | { event: "slots-refused"; slots: readonly RefusedSlot[]; reason: string; repeated: boolean }
  /** `role` is the ARN of the role, `code` the error code of STS, or of S3 if S3 refuses the session. */
  | { event: "role-refused"; role: string; code: string; reason: string; repeated: boolean }

  // The object, S3 or the edge fails.
  | UpstreamRefusal;

/** A credential slot that S3 does not accept. */
export type RefusedSlot = {
  readonly slot: SlotName;
  /** S3's error code. */
  readonly s3Code: string;
  /** The end of the access key id. */
  readonly access_key: string;
};

/** Failures behind the Worker: of the object, the origin or the edge. */
export const UPSTREAM_EVENTS = [
  "object-missing",
  "object-denied",
  "source-unreadable",
  "origin-denied",
  "origin-failed",
  "edge-contradicts",
  "quota-spent",
  "edge-refused",
  /** The edge asks the Worker, which would ask the edge; or the edge itself says so. */
  "loop-detected",
  "edge-failed",
  "timed-out",
  "not-transformed",
  "too-large-for-avif",
  "original-is-smaller",
  "wrong-type",
  "too-busy",
] as const;

export type UpstreamEvent = (typeof UPSTREAM_EVENTS)[number];

/**
 * The details that a refusal can have, most of them of an answer by S3 or an engine. `undefined` is the same as absent:
 * such a detail is copied from an answer that may not have it.
 */
export type RefusalDetails = {
  /** The HTTP status of that answer; absent if there was none. */
  status?: number;
  /** More than the event, in plain words. */
  reason?: string | undefined;
  /** The edge's error code, such as `9408` (R1). */
  edgeCode?: string | undefined;
  /** S3's error code, such as `SignatureDoesNotMatch`. */
  s3Code?: string | undefined;
  /** S3's whole reply. */
  s3?: S3Reply;
  /** The content type of the bytes that are not passed on. */
  type?: string;
  /**
   * The header `cf-resized` if it means neither success nor failure (R1). The edge may have made the bytes, but nothing
   * proves it.
   */
  resized?: string | undefined;
  /** Whether a second try at once may succeed. */
  isTransient?: boolean;
  /** Whether S3 refuses every request so: a clock, the region or the endpoint is wrong. */
  isSetupFault?: boolean;
  /**
   * Whether it is proved that this very object or URL fails, as by S3's own reply. Only then may browsers keep the 404 or
   * 415 that the visitor gets.
   */
  certain?: boolean;
};

export type UpstreamRefusal = { event: UpstreamEvent } & RefusalDetails;

/** Returns whether the result of a step is a refusal. No other result has a field `event`. */
export function isRefusal<T>(value: T | Refusal): value is Refusal {
  return typeof value === "object" && value !== null && "event" in value;
}

/** Returns the refusal itself, with a type that has every detail. A detail that its event does not have is undefined. */
export function detailsOf(refusal: Refusal): RefusalDetails & Pick<Refusal, "event"> {
  return refusal;
}

const OBJECT_EVENTS: readonly string[] = ["object-missing", "object-denied", "source-unreadable"];

/** Returns whether the refusal is about the object itself: S3 does not give it, or no engine can read it. */
export function isAboutObject({ event }: Refusal): boolean {
  return OBJECT_EVENTS.includes(event);
}

/** Returns whether it is proved that the object or the URL fails. */
export function isCertain(refusal: Refusal): boolean {
  return detailsOf(refusal).certain === true;
}

/** Returns whether a second try at once may succeed. */
export function canRetry<T>(value: T | Refusal): boolean {
  return isRefusal(value) && detailsOf(value).isTransient === true;
}

/** Why a request to S3 or to the edge got no answer at all. */
export type UpstreamFailure = {
  readonly kind: "timeout" | "network";
  readonly reason: string;
};

export function isUpstreamFailure(reply: { readonly kind: string }): reply is UpstreamFailure {
  return reply.kind === "timeout" || reply.kind === "network";
}

/**
 * The refusal after a request that got no answer. After a failure of the network, a second try may succeed; after a
 * time-out not.
 * @param event for a failure of the network: "origin-failed" if S3 was asked, "edge-failed" if the edge was
 */
export function refusalAfter(
  { kind, reason }: UpstreamFailure,
  event: "origin-failed" | "edge-failed",
): UpstreamRefusal {
  if (kind === "timeout") return { event: "timed-out", reason };
  return { event, reason, isTransient: true };
}

// From here on: words and types that several folders of the Worker share. All of them may import this folder.

/** The two slots, or key pairs, of a bucket. To replace a key, the new one is first put into "next". */
export const SLOT_NAMES = ["current", "next"] as const;

export type SlotName = (typeof SLOT_NAMES)[number];

/** The type of an object by its first bytes. "none": certainly no image. "unknown": only the engine can decide (A18). */
export type ObjectType =
  | `image/${"jpeg" | "png" | "gif" | "webp" | "avif" | "heic"}`
  | "none"
  | "unknown";

/** One mistake of wrangler.toml or of the secrets. All of them are reported at once. */
export type ConfigMistake = {
  /** The option or the secret that is wrong: `PRESETS.hero.quality`, `AWS_ACCESS_KEY_ID`. */
  readonly path: string;
  /** What is wrong with it: `150 is not between 1 and 100`. */
  readonly message: string;
};

export function mistakeText({ path, message }: ConfigMistake): string {
  return `${path}: ${message}`;
}
