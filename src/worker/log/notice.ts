// The lines of the log besides refusals. `times` is how often the event happened since the line before.

import type { Refusal, RefusedSlot, SlotName, Upstream } from "../http/refusal.ts";

export type Notice =
  | BucketNotice
  | RoleNotice
  | { readonly event: "limiter-failed"; readonly route: string; readonly reason: string }
  | { readonly event: "cache-unusable"; readonly reason: string }
  /** How many objects were not purged, and the names of the first ones. */
  | ({ readonly event: "purge-failed"; readonly reason: string } & Partial<NotPurged>)
  /** The store of renditions: pictures are rendered without it. */
  | { readonly event: "store-failed"; readonly reason: string; readonly times: number }
  /** How many data points were lost since the last such line, with this one. */
  | { readonly event: "metrics-failed"; readonly lost: number; readonly reason: string }
  | ({ readonly event: "lines-left-out"; readonly times: number } & LeftOut);

type NotPurged = { readonly objects: number; readonly first: readonly string[] };

/** The event of the lines that were left out, and when their minute began. */
type LeftOut = { readonly of: Refusal["event"]; readonly since: string };

/** STS gives no new credentials for a role, while old ones serve. */
export type RoleNotice = {
  readonly event: "role-failed";
  /** The ARN of the role. */
  readonly role: string;
  /** STS's code. */
  readonly code: string;
  readonly reason: string;
  /** Until when the old credentials serve. */
  readonly expires: string;
  readonly times: number;
};

/** The lines about a bucket: one a change, however many requests there are. */
export type BucketNotice = { readonly bucket: string } & (
  | ({ readonly event: "slot-refused" } & RefusedSlot)
  | {
      readonly event: "slot-in-use";
      readonly slot: SlotName;
      readonly access_key: string;
      /** Why the current slot is not in use, where S3 did not refuse it. */
      readonly reason?: string | undefined;
    }
  | ({ readonly event: "rendition-failed" } & ObjectCount & RenditionFailure)
  /** A preset has gravity "object", and the object no right focal point. */
  | ({ readonly event: "no-focus"; readonly value?: string | undefined } & ObjectCount)
);

type ObjectCount = { readonly key: string; readonly times: number };

/** Visitors may not see the failure: they get an older rendition, if there is one (W8). */
type RenditionFailure = Readonly<Pick<Upstream, "reason" | "edgeCode" | "s3Code">> & {
  /** The event that visitors get who have no older rendition. */
  readonly failure: Refusal["event"];
  readonly status?: number | undefined;
  /** The slots that S3 refuses, if it refuses all of them. */
  readonly slots?: readonly RefusedSlot[] | undefined;
};
