// The lines of the log besides refusals. A field stands in the log under its own name, except for the codes: log.ts
// renames these.
// In every line, `times` is how often the event has happened since the line before, this time included.

import type { Refusal, RefusalDetails, RefusedSlot, SlotName } from "../http/refusal.ts";

export type Notice =
  | BucketNotice
  | RoleNotice
  | TokenKeysNotice
  /** The rate limiter fails, and lets the request pass. */
  | { readonly event: "limiter-failed"; readonly route: string; readonly reason: string }
  /** The cached entrypoint has failed, and the gateway renders itself. */
  | { readonly event: "cache-unusable"; readonly reason: string; readonly times: number }
  | StalePurgedNotice
  | PurgeNotice
  /** The store of renditions fails, and pictures are rendered without it. */
  | { readonly event: "store-failed"; readonly reason: string; readonly times: number }
  | MetricsNotice
  | LeftOutNotice;

type PurgeNotice =
  | PurgeFailedNotice
  | PurgedByEventNotice
  /** An event came to /purge, or out of the queue, that is about another bucket. */
  | { readonly event: "event-elsewhere"; readonly reason: string; readonly times: number }
  /** A message of the queue is no event. */
  | { readonly event: "event-unreadable"; readonly reason: string; readonly times: number };

/** Events of the queue are purged. */
type PurgedByEventNotice = {
  readonly event: "purged-by-event";
  /** How many objects. */
  readonly objects: number;
  /** The names of the first ones. */
  readonly first: readonly string[];
};

type PurgeFailedNotice = {
  readonly event: "purge-failed";
  readonly reason: string;
  /** How many objects are not purged; absent if nothing of the request could be read. */
  readonly objects?: number;
  /** The names of the first ones. */
  readonly first?: readonly string[];
};

/** A picture in Workers Cache was out of date, could not be made anew behind the cache, and was purged. */
type StalePurgedNotice = {
  readonly event: "stale-purged";
  readonly bucket: string;
  readonly key: string;
  readonly reason: string;
  readonly times: number;
};

type MetricsNotice = {
  readonly event: "metrics-failed";
  /** How many data points were lost since the line before, this one included. */
  readonly lost: number;
  readonly reason: string;
};

/** Lines about refusals that were left out, because there were too many of one event in a minute. */
type LeftOutNotice = {
  readonly event: "lines-left-out";
  /** The event of these lines. */
  readonly of: Refusal["event"];
  /** How many lines there were. */
  readonly times: number;
  /** When the minute began: ISO 8601. */
  readonly since: string;
};

/** STS, which gives the credentials of a role, gives no new ones, while the old ones serve. */
export type RoleNotice = {
  readonly event: "role-failed";
  /** The ARN of the role. */
  readonly role: string;
  /** STS's code. */
  readonly code: string;
  readonly reason: string;
  /** Until when the old credentials serve: ISO 8601. */
  readonly expires: string;
  readonly times: number;
};

/** The keys of an issuer of tokens could not be fetched anew, and those of before serve. */
export type TokenKeysNotice = {
  readonly event: "token-keys-old";
  /** The URL of the keys. */
  readonly keys: string;
  readonly reason: string;
  /** When the keys that serve were fetched: ISO 8601. */
  readonly fetched: string;
  readonly times: number;
};

/**
 * The lines about a bucket. However many requests there are, there is one line for each change of a slot. About renditions
 * (finished pictures), focal points and what the edge says, there is one line a minute, with `times`.
 */
export type BucketNotice = { readonly bucket: string } & (
  | SlotRefusedNotice
  | SlotInUseNotice
  | RenditionNotice
  | FocusNotice
  | UnknownProofNotice
);

/**
 * S3 refuses one of the bucket's two slots, `current` and `next`. Each is a key id and a secret; there are two for a
 * rotation without a gap. The fields say which slot, the end of its key id, and S3's code.
 */
type SlotRefusedNotice = { readonly event: "slot-refused" } & RefusedSlot;

/** Another slot than before opens the bucket. */
type SlotInUseNotice = {
  readonly event: "slot-in-use";
  readonly slot: SlotName;
  /** The end of the access key id. */
  readonly access_key: string;
  /** Why the slot `current` is passed over for `next`, if S3 did not refuse it: its secrets are wrong. */
  readonly reason?: string | undefined;
};

/** A rendition could not be made. Visitors may not see that: they get an older one, if there is one (W8). */
type RenditionNotice = {
  readonly event: "rendition-failed";
  readonly key: string;
  readonly times: number;
  /** The event that visitors get who have no older rendition. */
  readonly failure: Refusal["event"];
  readonly status?: number | undefined;
  /** The slots that S3 refuses, if it refuses all of them. */
  readonly slots?: readonly RefusedSlot[] | undefined;
} & Readonly<Pick<RefusalDetails, "reason" | "edgeCode" | "s3Code">>;

/** A preset has gravity "object", and the object has no focal point that can be read. */
type FocusNotice = {
  readonly event: "no-focus";
  readonly key: string;
  readonly times: number;
  /** What stands in place of the focal point. */
  readonly value?: string | undefined;
};

/** The edge's `cf-resized` says what is not known, and pictures are shown by what their bytes prove (R1). */
type UnknownProofNotice = {
  readonly event: "unknown-proof";
  /** The first word of the header `cf-resized`. */
  readonly resized: string;
  readonly reason: string;
  readonly times: number;
};
