// A private bucket and how to reach it. Immutable. No I/O.

import {
  bucketUrl,
  defaultAddressing,
  type Engine,
  type Images,
  type R2Settings,
  type R2Source,
  type S3Settings,
} from "./bucket-settings.ts";
import type { Oidc } from "./oidc.ts";
import type { BucketSlots, UnusableSlot } from "./read-secrets.ts";
import { isSameKey, type Slot } from "./slot.ts";

export type Bucket = {
  /** Its name in the configuration. */
  readonly name: string;
  /** Its name at the provider. */
  readonly bucket: string;
  /** The URL in front of each key. */
  readonly baseUrl: string;
  /** Every key begins with the prefix: no other object can be reached. */
  readonly prefix: string;
  readonly region: string;
  /** What opens the bucket, without any secret: the word with which its secrets' names begin, the role, or `r2`. */
  readonly access: string;
  readonly engine: Engine;
  /** The Images binding, if that is the engine. */
  readonly images: Images | undefined;
  /** The binding of an R2 bucket, which needs no key. */
  readonly r2: R2Source | undefined;
  /** The role that the Worker takes to read it, which needs no key. */
  readonly role: Role | undefined;
  /** Whether the URL that the edge fetches has a parameter of the object's bytes (A15). */
  readonly hasSourceParameter: boolean;
  /** The key of the object that /healthz checks. */
  readonly canary: string | undefined;
  /** One or two, with different keys; none for R2 and a role. The first slot that S3 does not refuse is used. */
  readonly slots: readonly Slot[];
  /** `slots`, and a next slot with the current slot's key, as at the end of a rotation. */
  readonly usable: readonly Slot[];
  readonly unusable: readonly UnusableSlot[];
};

/** A role of AWS, and where its credentials come from. Buckets with the same role have the same object. */
export type Role = {
  readonly arn: string;
  readonly sts: string;
  readonly oidc: Oidc;
};

const NO_SLOTS: BucketSlots = { usable: [], unusable: [] };

/** An R2 bucket. Its URL is only a name: nothing fetches it. */
export function r2Bucket(
  name: string,
  { binding, bucket = binding, prefix, canary }: R2Settings,
  r2: R2Source,
  images: Images,
): Bucket {
  return {
    ...{ name, bucket, prefix, r2, images },
    ...{ slots: [], ...NO_SLOTS, role: undefined },
    // A dot, not a slash: else the bucket would look like a folder of another bucket.
    baseUrl: bucket === binding ? `r2://${binding}/` : `r2://${binding}.${bucket}/`,
    region: "auto",
    access: "r2",
    engine: "binding",
    hasSourceParameter: false,
    canary: canary && prefix + canary,
  };
}

/**
 * Joins a bucket's settings and its slots.
 * @param slots none if there is a role
 */
export function s3Bucket(
  name: string,
  settings: S3Settings,
  { usable, unusable }: BucketSlots = NO_SLOTS,
  images?: Images,
  role?: Role,
): Bucket {
  const { bucket, region, prefix, canary, credentials, engine } = settings;
  const endpoint = settings.endpoint.replace(/\/$/, "");
  const addressing = settings.addressing ?? defaultAddressing(endpoint, bucket);
  const baseUrl = bucketUrl(endpoint, bucket, addressing);
  const slots = usable.filter((slot, at) => at === 0 || !isSameKey(slot, usable[0]));
  return {
    name,
    bucket,
    baseUrl,
    prefix,
    region,
    access: settings.role ?? credentials,
    engine,
    hasSourceParameter: settings.source_parameter,
    images,
    r2: undefined,
    role,
    slots,
    unusable,
    usable,
    canary: canary && prefix + canary,
  };
}
