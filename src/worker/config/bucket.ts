// A private bucket, and how the Worker reaches it: by S3's API with a key or with a role of AWS, or, in R2, by a
// binding. A bucket has up to two keys, in the slots `current` and `next`. It never changes: origin/bucket-state.ts
// remembers which slot S3 refuses. No I/O.

import type { Images, R2Source } from "./bindings.ts";
import {
  bucketUrl,
  defaultAddressing,
  type Engine,
  type R2Settings,
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
  /** Whether `bucket` is known to be that name. Else it is the name of the binding, and the settings do not say more. */
  readonly isNameKnown: boolean;
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
  /** The role that the Worker takes to read the bucket. It needs no key. */
  readonly role: Role | undefined;
  /**
   * Whether the URL that the edge fetches has a parameter that changes with the object (A15 of docs/rules.md):
   * `https://acme.s3.eu-west-1.amazonaws.com/photos/a.jpg?x-vitrine=<hash of the object's ETag>`.
   */
  readonly hasSourceParameter: boolean;
  /** The whole key of the object that /healthz checks. The settings have the key below the prefix. */
  readonly canary: string | undefined;
  /** The slots whose secrets are right: one or two; none for R2 and a role. /healthz reports each of them. */
  readonly usable: readonly Slot[];
  /** `usable`, without a next slot that holds the current slot's key. Objects are opened with these slots. */
  readonly distinctSlots: readonly Slot[];
  /** The slots whose secrets are wrong. */
  readonly unusable: readonly UnusableSlot[];
};

/** A role of AWS, and where its credentials come from. Buckets with the same role have the same object. */
export type Role = {
  readonly arn: string;
  /** The URL of STS, the service of AWS that gives the credentials. */
  readonly sts: string;
  /** Who the Worker is for STS. */
  readonly oidc: Oidc;
};

/** What opens an S3 bucket: slots, or a role. */
type S3Resources = {
  readonly slots?: BucketSlots;
  readonly role?: Role;
  /** The Images binding, if that is the engine. */
  readonly images?: Images | undefined;
};

const NO_SLOTS: BucketSlots = { usable: [], unusable: [] };

/** Makes an S3 bucket of its settings and of what opens it. */
export function s3Bucket(name: string, settings: S3Settings, resources: S3Resources = {}): Bucket {
  const { bucket, prefix, region, canary } = settings;

  const endpoint = settings.endpoint.replace(/\/$/, "");
  const addressing = settings.addressing ?? defaultAddressing(endpoint, bucket);

  // At the end of a rotation, both slots hold the same key. S3 would give both the same answer.
  const { usable, unusable } = resources.slots ?? NO_SLOTS;
  const [first, second] = usable;
  const haveSameKey = first && isSameKey(first, second);

  return {
    name,
    bucket,
    isNameKnown: true,
    baseUrl: bucketUrl(endpoint, bucket, addressing),
    prefix,
    region,
    access: settings.role ?? settings.credentials,
    engine: settings.engine,
    images: resources.images,
    r2: undefined,
    role: resources.role,
    hasSourceParameter: settings.source_parameter,
    canary: canary ? prefix + canary : undefined,
    usable,
    distinctSlots: haveSameKey ? [first] : usable,
    unusable,
  };
}

/** Makes an R2 bucket of its settings and its binding. */
export function r2Bucket(name: string, settings: R2Settings, r2: R2Source, images: Images): Bucket {
  const { binding, prefix, canary } = settings;

  // Nothing fetches the URL of the bucket, such as `r2://MEDIA_BUCKET.acme-media/`. It only tells the bucket from all
  // others. With a slash in place of the dot, the bucket would look like a folder of another bucket.
  const bucket = settings.bucket ?? binding;
  const host = bucket === binding ? binding : `${binding}.${bucket}`;

  return {
    name,
    bucket,
    isNameKnown: settings.bucket !== undefined,
    baseUrl: `r2://${host}/`,
    prefix,
    // R2 calls the region of each bucket so.
    region: "auto",
    access: "r2",
    // The image edge fetches URLs, and a binding has none.
    engine: "binding",
    images,
    r2,
    role: undefined,
    // Only the edge takes a source parameter.
    hasSourceParameter: false,
    canary: canary ? prefix + canary : undefined,
    // A binding needs no key, so there are no slots.
    distinctSlots: [],
    ...NO_SLOTS,
  };
}
