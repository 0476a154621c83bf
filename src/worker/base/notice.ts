// What the log is told besides refusals.

import type { Refusal, RefusedSlot } from "./refusal.ts";
import type { SlotName } from "./slot-name.ts";

export type Notice =
  | BucketNotice
  | { readonly event: "limiter-failed"; readonly route: string; readonly reason: string }
  | {
      readonly event: "lines-left-out";
      /** The event of these lines. */
      readonly of: Refusal["event"];
      readonly times: number;
      /** When their minute began. */
      readonly since: string;
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
);
