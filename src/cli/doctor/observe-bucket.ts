// Asks S3 itself about a bucket, from this machine: with each key at hand, and as a stranger without a key. It sends
// nothing but GETs, and judges nothing: the checks do.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { UnusableSlot } from "../../worker/config/read-secrets.ts";
import type { Credentials, Slot } from "../../worker/config/slot.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { secretNamesOf } from "../config/buckets.ts";
import { configuredBucket, type Project, slotsAtHand, usesLocalS3 } from "../config/project.ts";
import { requestS3, type S3RequestResult } from "../http/ask-s3.ts";
import { listPage, type NoPage, type Page } from "../objects/list-page.ts";
import type { Subject } from "./finding.ts";
import { isKeyAccepted, meaningOfReply } from "./s3-reply.ts";

/** What S3 replies to one key at hand. */
export type KeySeen = {
  readonly slot: Slot;
  /** Where its secrets come from, as `.dev.vars`. */
  readonly source: string;
  /** The reply about an object that cannot exist. */
  readonly absentReply: S3RequestResult;
};

/** An object that visitors may ask for, and what S3 replies to the first key that it accepts. */
export type SampleSeen = {
  /** With the prefix of the bucket. */
  readonly key: string;
  /** Undefined if nobody could ask. */
  readonly reply: S3RequestResult | undefined;
};

export type BucketSeen = {
  /** With its name in wrangler.toml, also in the local run. */
  readonly bucket: Bucket;
  readonly keys: readonly KeySeen[];
  readonly unusable: readonly UnusableSlot[];
  readonly samples: readonly SampleSeen[];
  /** A list of one object, by the first key that S3 accepts. Undefined: nobody listed. */
  readonly page: Page | NoPage | undefined;
  /** The reply about a sample by a URL with the parameter of the edge. */
  readonly withParameter: S3RequestResult | undefined;
  /** What anybody gets without a key. Undefined if S3 does not answer, or has no such bucket. */
  readonly stranger: StrangerSeen | undefined;
  /** The reply to a request without a key for an object that cannot exist, if no key is at hand. */
  readonly keyless: S3RequestResult | undefined;
};

type StrangerSeen = {
  /** The reply about the sample, or about an object that cannot exist. */
  readonly object: S3RequestResult;
  readonly page: Page | NoPage;
};

/**
 * Asks S3 about a bucket. An R2 binding is opened by the Worker alone, so nothing is asked.
 * @param configBucket as `Project.config` has it: in the local run, the bucket that replaces it
 * @param names objects to look at, below the prefix; none: the canary and the fallbacks
 * @param now ms since 1970
 */
export async function observeBucket(
  project: Project,
  configBucket: Bucket,
  names: readonly string[],
  now: () => number,
): Promise<BucketSeen> {
  const bucket = bucketToAsk(project, configBucket);
  const { usable, unusable } = slotsAtHand(project, configBucket);
  const sampleKeys = sampleKeysOf(project, bucket, names);

  const nothing: BucketSeen = {
    bucket,
    keys: [],
    unusable,
    samples: sampleKeys.map((key) => ({ key, reply: undefined })),
    page: undefined,
    withParameter: undefined,
    stranger: undefined,
    keyless: undefined,
  };
  const isBinding = configuredBucket(project, configBucket).r2 !== undefined;
  if (isBinding) return nothing;

  const absentKey = absentKeyOf(bucket);
  const observing = usable.map((slot) => observeKey(project, bucket, slot, absentKey, now));
  const keys = await Promise.all(observing);
  const replies = keys.map(({ absentReply }) => absentReply);

  let keyless: S3RequestResult | undefined;
  if (keys.length === 0) {
    keyless = await getFirstByte(bucket, undefined, absentKey, now);
    replies.push(keyless);
  }
  const seen = { ...nothing, keys, keyless };

  // Where S3 does not answer as the S3 of this bucket, every other request would only wait for the same.
  const isShut = replies.some((reply) => meaningOfReply(reply, bucket).kind === "bucket-fault");
  if (isShut) return seen;

  const stranger = await observeStranger(bucket, sampleKeys[0] ?? absentKey, now);
  const acceptedKey = keys.find(({ absentReply }) => isKeyAccepted(absentReply, bucket));
  if (acceptedKey === undefined) return { ...seen, stranger };

  const { credentials } = acceptedKey.slot;
  const samples: SampleSeen[] = [];
  for (const key of sampleKeys) {
    samples.push(await observeSample(bucket, credentials, key, now));
  }

  const listOptions = { prefix: bucket.prefix, maxKeys: 1 };
  const page = await listPage(bucket, credentials, listOptions, now());
  const withParameter = await askWithParameter(bucket, credentials, samples, now);
  return { ...seen, samples, page, withParameter, stranger };
}

/** The bucket with its name in wrangler.toml, and with a canary: the local S3 has the samples of the package. */
function bucketToAsk(project: Project, configBucket: Bucket): Bucket {
  const { bucket } = configuredBucket(project, configBucket);
  const { prefix, canary } = configBucket;
  const localCanary = usesLocalS3(project) ? `${prefix}photos/dandelion.jpg` : undefined;
  return { ...configBucket, canary: canary ?? localCanary, bucket };
}

/** The keys of the objects to look at: those that are named, else the canary, and what routes fall back to. */
function sampleKeysOf({ config }: Project, bucket: Bucket, names: readonly string[]): string[] {
  const { prefix, canary, name } = bucket;
  if (names.length > 0) return names.map((path) => prefix + path);

  const keys = new Set<string>();
  if (canary !== undefined) keys.add(canary);
  for (const { fallback } of config.routes) {
    if (fallback?.bucket.name === name) keys.add(fallback.key);
  }
  return [...keys];
}

/** A key that no object has. */
function absentKeyOf({ prefix }: Pick<Bucket, "prefix">): string {
  return `${prefix}vitrine-doctor-${crypto.randomUUID()}`;
}

/** What a finding about a bucket at S3 is about. */
export function subjectOf({ name, bucket, baseUrl }: Bucket): Subject {
  const { host } = new URL(baseUrl);
  return { about: `bucket ${name}: ${bucket} at ${host}`, bucket: name };
}

async function observeKey(
  project: Project,
  bucket: Bucket,
  slot: Slot,
  absentKey: string,
  now: () => number,
): Promise<KeySeen> {
  const absentReply = await getFirstByte(bucket, slot.credentials, absentKey, now);
  return { slot, source: sourceOfSlot(project, bucket, slot), absentReply };
}

function sourceOfSlot({ secrets }: Project, bucket: Bucket, { name }: Slot): string {
  const { accessKeyId } = secretNamesOf(bucket, name);
  const secret = secrets.get(accessKeyId);
  return secret?.source ?? "this machine";
}

async function observeStranger(
  bucket: Bucket,
  key: string,
  now: () => number,
): Promise<StrangerSeen> {
  const object = await getFirstByte(bucket, undefined, key, now);
  const listOptions = { prefix: bucket.prefix, maxKeys: 1 };
  const page = await listPage(bucket, undefined, listOptions, now());
  return { object, page };
}

/** Reads an object whole. */
async function observeSample(
  bucket: Bucket,
  credentials: Credentials,
  key: string,
  now: () => number,
): Promise<SampleSeen> {
  const sentAt = now();
  const url = originUrl(bucket.baseUrl, key);
  const signedHeaders = await sign(url, bucket.region, credentials, sentAt);
  const headers = new Headers(signedHeaders);
  const reply = await requestS3(url, { headers, readsObject: true }, sentAt);
  return { key, reply };
}

/** Asks for the first sample that S3 gives by a URL like the one that the edge fetches (A15). */
async function askWithParameter(
  bucket: Bucket,
  credentials: Credentials,
  samples: readonly SampleSeen[],
  now: () => number,
): Promise<S3RequestResult | undefined> {
  const readable = samples.find(({ reply }) => reply?.bytes !== undefined);
  if (readable === undefined) return undefined;
  if (!bucket.hasSourceParameter || bucket.engine !== "cf") return undefined;

  const value = crypto.randomUUID().replaceAll("-", "");
  return getFirstByte(bucket, credentials, readable.key, now, `?x-vitrine=${value}`);
}

/** @param credentials undefined: as a stranger */
async function getFirstByte(
  bucket: Bucket,
  credentials: Credentials | undefined,
  key: string,
  now: () => number,
  search = "",
): Promise<S3RequestResult> {
  const sentAt = now();
  const url = originUrl(bucket.baseUrl, key) + search;
  const headers = new Headers({ range: "bytes=0-0" });

  if (credentials !== undefined) {
    const signedHeaders = await sign(url, bucket.region, credentials, sentAt);
    for (const [name, value] of Object.entries(signedHeaders)) headers.set(name, value);
  }
  return requestS3(url, { headers }, sentAt);
}
