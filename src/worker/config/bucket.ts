// A private bucket and how to reach it. Immutable. No I/O.

import { keyFault } from "../../url/key.ts";
import { bucketBase, defaultAddressing } from "./addressing.ts";
import type { SlotsRead, Unusable } from "./read-secrets.ts";
import { oneOf, optional, type Read, table, text, textLike, textThat } from "./schema.ts";
import { isSameKey, type Slot } from "./slot.ts";

export type Bucket = {
  /** Its name in the configuration. */
  readonly name: string;
  /** Its name at the provider. */
  readonly bucket: string;
  /** The URL in front of each key. */
  readonly base: string;
  /** Every key begins with it: no object outside it can be reached. */
  readonly prefix: string;
  readonly region: string;
  /** The word with which its secrets begin. */
  readonly credentials: string;
  /** The key of the object that /healthz checks. */
  readonly canary: string | undefined;
  /** One or two, with different keys. The first one that S3 does not refuse is used. */
  readonly slots: readonly Slot[];
  /** The same, and a next slot with the current slot's key, as at the end of a rotation. */
  readonly usable: readonly Slot[];
  readonly unusable: readonly Unusable[];
};

/** A bucket as wrangler.toml has it. */
export const bucketSchema = table(
  {
    endpoint: textThat("a plain https:// URL", isEndpoint), // E6
    bucket: textLike("a bucket name", /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/),
    region: textLike("a region", /^[a-z0-9-]+$/),
    prefix: optional(textThat("a path such as a/b/", isPrefix), ""),
    addressing: optional(oneOf("virtual", "path")),
    canary: optional(text),
    credentials: optional(
      textLike("a word such as MEDIA_2", /^(?!A[KS]IA)[A-Z][A-Z0-9_]{0,31}$/),
      "AWS",
    ),
  },
  ({ endpoint, bucket, addressing, prefix = "", canary }, fault) => {
    const wrong = canary && keyFault(prefix + canary);
    if (wrong) fault(`impossible key: ${wrong}`, "canary");
    if (!endpoint || !bucket) return;
    const { hostname, pathname } = new URL(endpoint);
    const inHost = hostname.startsWith(`${bucket}.`) && hostname.split(".").length > 3;
    if ((inHost && addressing !== "path") || pathname.endsWith(`/${bucket}`)) {
      fault("contains the bucket's name: remove it", "endpoint");
    } else if (addressing === "virtual" && bucket.includes(".")) {
      fault('breaks TLS, as bucket has a dot: set "path"', "addressing"); // A4
    } else if (!URL.canParse(bucketBase(endpoint, bucket, addressing ?? "path"))) {
      fault('needs a host name in endpoint: set "path"', "addressing");
    }
  },
);

export type BucketSettings = Read<typeof bucketSchema>;

/** Joins a bucket's settings and its slots. */
export function openBucket(
  name: string,
  settings: BucketSettings,
  { usable, unusable }: SlotsRead,
): Bucket {
  const { bucket, region, prefix, canary, credentials } = settings;
  const endpoint = settings.endpoint.replace(/\/$/, "");
  const addressing = settings.addressing ?? defaultAddressing(endpoint, bucket);
  const base = bucketBase(endpoint, bucket, addressing);
  const opened = usable.map((slot) => ({ ...slot })); // its own objects: signatures are kept by them
  const slots = opened.filter((slot, at) => at === 0 || !isSameKey(slot, opened[0]));
  return {
    name,
    bucket,
    base,
    prefix,
    region,
    credentials,
    slots,
    unusable,
    usable: opened,
    canary: canary && prefix + canary,
  };
}

/** In the spelling in which it is sent and signed. http:// is only for localhost. */
function isEndpoint(value: string): boolean {
  return (
    /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)(?![\w.-]))[\w.~:[\]/-]*$/.test(value) &&
    [value, `${value}/`].includes(URL.parse(value)?.href ?? "")
  );
}

function isPrefix(value: string): boolean {
  return value.endsWith("/") && !keyFault(value.slice(0, -1));
}
