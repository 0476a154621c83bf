// What the log is told besides refusals.

import type { Refusal, RefusedSlot, SlotName } from "./refusal.ts";

export type Notice =
  | BucketNotice
  | RoleNotice
  | { readonly event: "limiter-failed"; readonly route: string; readonly reason: string }
  | { readonly event: "cache-unusable"; readonly reason: string }
  | {
      readonly event: "purge-failed";
      readonly reason: string;
      /** How many objects were not purged, and the names of the first ones. */
      readonly objects?: number;
      readonly first?: readonly string[];
    }
  | {
      readonly event: "metrics-failed";
      /** How many data points were lost since the last such line, with this one. */
      readonly lost: number;
      readonly reason: string;
    }
  | {
      readonly event: "lines-left-out";
      /** The event of these lines. */
      readonly of: Refusal["event"];
      readonly times: number;
      /** When their minute began. */
      readonly since: string;
    };

/** STS gives no new credentials for a role, while old ones serve. */
export type RoleNotice = {
  readonly event: "role-failed";
  /** The ARN of the role. */
  readonly role: string;
  /** STS's code. */
  readonly origin: string;
  readonly reason: string;
  /** Until when the old credentials serve. */
  readonly expires: string;
  /** How many tries failed since the line before. */
  readonly times: number;
};

/** What the log is told of a bucket: one line a change, however many requests there are. */
export type BucketNotice = { readonly bucket: string } & (
  | ({ readonly event: "slot-refused" } & RefusedSlot)
  | {
      readonly event: "slot-in-use";
      readonly slot: SlotName;
      readonly access_key: string;
      /** Why it is not the current slot, where S3 did not refuse that one. */
      readonly reason?: string | undefined;
    }
  | { readonly event: "bucket-denied"; readonly times: number; readonly reason: string }
  | {
      /** The second engine made an image of an object that the first one does not read. */
      readonly event: "engine-changed";
      readonly key: string;
      readonly reason: string;
      /** How many it made since the line before. */
      readonly times: number;
    }
  | RenditionFailed
);

/** A rendition could not be made. Visitors may not see that: they get an older one, if there is one (W8). */
type RenditionFailed = {
  readonly event: "rendition-failed";
  /** The event that visitors get who have no older one. */
  readonly failure: Refusal["event"];
  readonly key: string;
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
  readonly edge?: string | undefined;
  readonly origin?: string | undefined;
  /** The slots that S3 refuses, if it refuses all of them. */
  readonly slots?: readonly RefusedSlot[] | undefined;
  /** How many failed since the line before. */
  readonly times: number;
};
