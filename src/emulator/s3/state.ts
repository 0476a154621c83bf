// What a private S3 bucket is and knows: its settings, its objects and keys, and what goes wrong.

import type { Sessions } from "../sessions.ts";
import type { Stored } from "./send-object.ts";

export const S3_FAULTS = [
  /** The key may not list: a missing object is 403 AccessDenied (A6). */
  "no-list-bucket",
  /** The access key id is unknown (A7). */
  "revoked-key",
  /** The secret has changed (A7). */
  "other-secret",
  /** The session, if there is one, is over (A7). */
  "expired-token",
  /** The clock of S3 is 20 minutes ahead (A7). */
  "clock-skew",
  /** The bucket is in eu-central-1, and S3 says so in one of three ways (A5). */
  "elsewhere-400",
  "elsewhere-301",
  "elsewhere-307",
  /** Busy, or an internal error (A9). */
  "SlowDown",
  "ServiceUnavailable",
  "InternalError",
  /** The object is in an archive (A9). */
  "archived",
  /** Another server than S3's: it sends the whole object in place of a range (A14). */
  "ignores-range",
  /** It refuses a query that it does not know (A15). */
  "refuses-query",
  /** The connection breaks: before the answer, or within the object. */
  "reset",
  "cut-short",
  /** Nothing comes: no answer, or only half of the object. */
  "stall",
  "stall-midway",
] as const;

/**
 * What S3 can be made to do wrong.
 * @example
 * s3.faults.add("SlowDown" satisfies S3Fault);
 */
export type S3Fault = (typeof S3_FAULTS)[number];

export const S3_GRANTS = [
  /** Everybody may read the objects: the bucket is public. */
  "all-read",
  /** Everybody may list them. */
  "all-list",
  /** The key may write. */
  "write",
] as const;

/**
 * What a policy can allow beyond reading with the key: a mistake of its author, not of S3 (A13).
 * @example
 * s3.grants.add("all-read" satisfies S3Grant);
 */
export type S3Grant = (typeof S3_GRANTS)[number];

/**
 * What a bucket is made with.
 * @example
 * const settings: S3Settings = {
 *   endpoint: "https://s3.eu-west-1.amazonaws.com",
 *   bucket: "acme-media",
 *   region: "eu-west-1",
 *   credentials: { accessKeyId: "an-id", secretAccessKey: "a-secret" },
 * };
 */
export type S3Settings = {
  /** `https://s3.REGION.amazonaws.com`, or another URL of that shape. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** Session credentials that open the bucket too: those that a strict STS gives. */
  readonly sessions?: Sessions;
  /** `r2` signs a path as it is spelt, and answers an unknown key id with 401 (A2, A7). */
  readonly dialect?: "aws" | "r2";
  /** The prefix of the keys that the policy allows to read (A13). Left out: all keys. */
  readonly readable?: string;
  /** ms since 1970. Left out: the clock of this machine. */
  readonly now?: () => number;
};

export type S3State = {
  readonly settings: S3Settings;
  readonly objects: ReadonlyMap<string, Stored>;
  /** Secrets by access key id. */
  readonly keys: ReadonlyMap<string, string>;
  readonly faults: ReadonlySet<S3Fault>;
  readonly grants: ReadonlySet<S3Grant>;
};

/** The time on the clock of S3, in ms since 1970. */
export function clockOf({ settings, faults }: S3State): number {
  const { now = Date.now } = settings;
  return now() + (faults.has("clock-skew") ? 20 * 60_000 : 0);
}
