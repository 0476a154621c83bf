// The settings that `createS3` takes, and the state of its bucket.

import { call, matching, oneOf, optional, type Rule, table, text } from "../check.ts";
import type { S3Fault, S3Grant } from "./faults.ts";
import type { Stored } from "./objects.ts";
import type { Session } from "./signature.ts";

/**
 * What a bucket is made with.
 * @example
 * const settings: S3Settings = { endpoint, bucket: "acme-media", region: "eu-west-1", credentials };
 */
export type S3Settings = {
  /** `https://s3.REGION.amazonaws.com`, or another URL of that shape. */
  readonly endpoint: string;
  readonly bucket: string;
  /** A signature for another region is refused, and the reply names this one (A5). */
  readonly region: string;
  /** The first key of `s3.keys`. A request that another key signed is refused. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Session credentials that open the bucket too, by their access key ids. Left out: none. */
  readonly sessions?: ReadonlyMap<string, Session>;
  /** Left out: `aws`. `r2` signs a path as it is spelt; no key is 400, and an unknown key id 401 (A2, A7). */
  readonly dialect?: "aws" | "r2";
  /** The prefix of the keys that the policy allows to read (A13). Left out: all keys. */
  readonly readable?: string;
  /** ms since 1970. Left out: the clock of this machine. */
  readonly now?: () => number;
};

const sessions: Rule<ReadonlyMap<string, Session>> = {
  expected: "a Map of sessions",
  test: (value): value is ReadonlyMap<string, Session> => value instanceof Map,
};

export const S3_SETTING_RULES = {
  endpoint: matching(
    "the URL of an S3 without a path, such as https://s3.eu-west-1.amazonaws.com",
    /^https?:\/\/[^/?#]+\/?$/,
  ),
  bucket: matching("the name of a bucket, without a slash", /^[^/]+$/),
  region: text,
  credentials: table<S3Settings["credentials"]>({ accessKeyId: text, secretAccessKey: text }),
  sessions: optional(sessions),
  dialect: optional(oneOf("aws", "r2")),
  readable: optional(matching("a prefix of keys", /^/)),
  now: optional(call<() => number>()),
} satisfies Record<keyof S3Settings, Rule>;

/** The state of a bucket. `keys` has the secret of each access key id. */
export type S3State = {
  readonly settings: S3Settings;
  readonly objects: ReadonlyMap<string, Stored>;
  readonly keys: ReadonlyMap<string, string>;
  readonly faults: ReadonlySet<S3Fault>;
  readonly grants: ReadonlySet<S3Grant>;
};

/** The time on the clock of S3, in ms since 1970. */
export function clockOf({ settings, faults }: Pick<S3State, "settings" | "faults">): number {
  const { now = Date.now } = settings;
  const ahead = faults.has("clock-skew") ? 20 * 60_000 : 0;
  return now() + ahead;
}
