// What a rotation is about, and what it works with. Types alone: read-plan.ts makes a plan, and index.ts puts
// a rotation together.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Slot } from "../../worker/config/slot.ts";
import type { Fault, World } from "../command.ts";
import type { Place } from "../wrangler/config-file.ts";
import type { RunWrangler } from "../wrangler/run-wrangler.ts";
import type { RotationRecord } from "./record.ts";

export type Options = {
  readonly env?: string | undefined;
  readonly url?: string | undefined;
  readonly bucket?: string | undefined;
  readonly credentials?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly key?: readonly string[] | undefined;
  readonly userName: string;
  /** Seconds. */
  readonly wait: number;
  readonly secretsFile?: string | undefined;
  readonly print?: true | undefined;
  readonly yes?: true | undefined;
  readonly restart?: true | undefined;
  readonly dryRun?: true | undefined;
};

export const USER_NAME = "vitrine";
/** Seconds that a step must work before the next one. After a minute, no old version runs any more. */
export const WAIT_S = 60;

/** A bucket, as far as a key can be tried on it. */
export type Target = Bucket;

/** Makes the URL of an image, signed at `now` if its route is signed: a rotation can outlast a signature. */
export type ImageUrl = (now: number) => Promise<string | Fault>;

export type Plan = {
  readonly options: Options;
  /** Where Vitrine is, and whether that is this machine. */
  readonly base: string;
  readonly local: boolean;
  /** The environment whose secrets are changed, and the files that say so. */
  readonly place: Place;
  /** Whether the local run simulates the buckets: then no old key is to be deactivated. */
  readonly played: boolean;
  readonly word: string;
  /** Whether a slot may hold a session token: it is removed with its key. */
  readonly hasSessions: boolean;
  /** All buckets that these secrets open. */
  readonly buckets: readonly Target[];
  /** Images that must come all the time. */
  readonly images: readonly ImageUrl[];
  /** Where the keys come from that sign them, as `.dev.vars`. The deployed ones may be others. */
  readonly signedFrom: string | undefined;
  readonly token: string;
};

/** Has effects or takes time, so a test can replace it. */
export type Tools = {
  readonly run: RunWrangler;
  /** Waits for `ms`, or until it is interrupted. */
  readonly sleep: (ms: number, interrupted: AbortSignal) => Promise<void>;
  /** How many looks after a step may find something wrong. */
  readonly looks: number;
};

/** A bucket whose S3 does not accept the new key. */
export type KeyRefused = { readonly bucket: string; readonly state: string };

export type Rotation = { readonly world: World; readonly plan: Plan; readonly tools: Tools };

/** What a rotation begins or continues with. */
export type Begun = {
  readonly record: RotationRecord;
  /** The new key; undefined when it is in the current slot. */
  readonly key: Slot | undefined;
  /** Whether images failed before it began, because no slot worked. */
  readonly broken: boolean;
};
