// Checks what a bucket holds, and who gets it: an object that visitors may ask for, the prefix, the parameter of the edge's
// URLs, and what anybody gets without a key. A remedy for a denied object never names a policy before it is sure whose key
// was denied: another environment's key must not be given this bucket.

import type { Bucket } from "../../worker/config/bucket.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { sourceOfVariable } from "../config/project.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { sniffImageType } from "../picture/sniff.ts";
import { type ConfigFile, environmentText } from "../wrangler/config-file.ts";
import { settingsFor } from "../wrangler/settings.ts";
import { type Check, error, type Finding, note, ok, type Problem, warning } from "./finding.ts";
import { impactOfKey, reportForKey } from "./keys.ts";
import { needsList } from "./list-right.ts";
import type { Observations } from "./observations.ts";
import { type BucketSeen, type KeySeen, type SampleSeen, subjectOf } from "./observe-bucket.ts";
import { explainRefusedObject } from "./refused-object.ts";
import { answerText, isKeyAccepted } from "./s3-reply.ts";

/** Each object that was asked for, by the first key that S3 accepts. */
export function checkSamples(observations: Observations, bucketSeen: BucketSeen): Finding[] {
  const { bucket, keys, samples } = bucketSeen;
  const key = keys.find(({ absentReply }) => isKeyAccepted(absentReply, bucket));
  if (key === undefined) return [];

  if (samples.length === 0) {
    const file = sourceOfVariable(observations.project, "BUCKETS");
    const finding = warning("sample", subjectOf(bucket), {
      seen: "no image of this bucket is known, so nobody checked whether the key may read",
      impact: "S3 may know a key, and allow it nothing",
      remedy: `set canary in BUCKETS.${bucket.name} of ${file}. Or name an image, such as photos/fig.jpg`,
      needsDeploy: true,
    });
    return [finding];
  }

  return samples.flatMap((sample) => checkSample(observations, bucketSeen, key, sample));
}

function checkSample(
  observations: Observations,
  bucketSeen: BucketSeen,
  key: KeySeen,
  sample: SampleSeen,
): Finding[] {
  const { bucket } = bucketSeen;
  const { reply } = sample;
  const subject = subjectOf(bucket);
  if (reply === undefined) return [];

  const { bytes } = reply;
  const type = bytes && sniffImageType(bytes);
  if (bytes !== undefined && type !== undefined) {
    const size = bytes.length.toLocaleString("en");
    return [ok("sample", subject, `S3 returns ${sample.key}: ${size} bytes, ${type}`)];
  }

  const isFollowed = needsList(observations.project, bucket) === "follower";
  if (reply.code === "NoSuchKey" && isFollowed) {
    const text = `${sample.key} is not in ${bucket.name}: the next bucket is asked for it`;
    return [note("sample", subject, text)];
  }

  const fault = explainSample(observations, bucketSeen, key, sample.key, reply);
  const { check, ...problem } = fault;

  // An object that is no image, missing or in an archive is a fault of the object, whatever key asks.
  const isOfKey = reply.code === "AccessDenied";
  if (!isOfKey) {
    const report = reply.status === 200 ? warning : error;
    return [report(check, subject, problem)];
  }

  const report = reportForKey(observations, key.source, false);
  return [report(check, subject, { ...problem, ...impactOfKey(observations, bucket, key) })];
}

type SampleFault = Problem & { readonly check: Check };

/** Why an object is no image, or not there. The first paragraph that fits decides. */
function explainSample(
  { project, keyOwners }: Observations,
  { bucket, page }: BucketSeen,
  key: KeySeen,
  name: string,
  reply: S3RequestResult,
): SampleFault {
  const { envConfig } = project;
  const file = sourceOfVariable(project, "BUCKETS");
  const maskedId = maskKeyId(key.slot);

  if (reply.status === 200) {
    return {
      check: "sample",
      seen: `S3 returns ${name}, which is ${contentText(reply)}`,
      remedy:
        "replace it by an image that the edge can read, or take another object. If it is not whole, try again",
    };
  }

  const owner = keyOwners.get(key.slot.credentials.accessKeyId);
  if (owner !== undefined) {
    const ownerEnvironment = environmentText(owner.environment);
    return {
      check: "sample",
      seen: `${name}: S3 denies it to the key ${maskedId}, which opens ${owner.bucket.bucket}: it is the key of ${ownerEnvironment}`,
      remedy: `take the key of ${environmentText(envConfig.environment)}, and change no policy`,
    };
  }

  const isEmpty = page?.kind === "page" && page.objects.length === 0;
  if (isEmpty) {
    return {
      check: "prefix",
      seen: `${name}: there is no object below the prefix "${bucket.prefix}"`,
      remedy: `correct prefix in BUCKETS.${bucket.name} of ${file}, or upload images there`,
      needsDeploy: true,
    };
  }

  const problem = explainRefusedObject({
    name,
    bucket,
    reply,
    // To a key that may list, S3 says NoSuchKey of what is missing (A6).
    mayList: key.absentReply.code === "NoSuchKey",
    keyName: `${maskedId} in ${key.source}`,
    envConfig,
    file,
  });
  return { check: "sample", ...problem };
}

/** What an answer has in place of an image. */
function contentText({ bytes, failure }: S3RequestResult): string {
  if (bytes !== undefined) return "no image";
  if (failure === "too large") return "over 100 MB";
  return `not whole (${failure})`;
}

/** Whether S3 gives an object by a URL like the one that the edge fetches (A15). */
export function checkParameter(observations: Observations, bucketSeen: BucketSeen): Finding[] {
  const { bucket, withParameter: reply } = bucketSeen;
  if (reply === undefined) return [];

  const subject = subjectOf(bucket);
  const verdict = verdictOf(reply, bucket.region);
  if (verdict.result === "served") {
    return [ok("parameter", subject, "S3 ignores x-vitrine in the URL of an object")];
  }

  if (!refusesParameter(bucketSeen)) {
    const text = `whether S3 ignores x-vitrine is unknown: ${answerText(reply)}`;
    return [note("parameter", subject, text)];
  }

  const { envConfig } = observations.project;
  const file = sourceOfVariable(observations.project, "BUCKETS");
  const finding = error("parameter", subject, {
    seen: `S3 gives an object, and not by a URL with x-vitrine (${reply.code ?? reply.status})`,
    remedy: `in BUCKETS.${bucket.name} of ${file}, set ${settingsWithoutParameter(envConfig)}`,
    needsDeploy: true,
  });
  return [finding];
}

/** The settings for an S3 that refuses x-vitrine in the edge's URL, so that the URL must go without (A15). */
export function settingsWithoutParameter(config: ConfigFile): string {
  const noParameter = settingsFor(config, "source_parameter = false");
  const binding = settingsFor(config, 'engine = "binding"');
  return `${noParameter} (a replaced object then shows after an hour, or its cache-control if that is longer), or ${binding}`;
}

/** Returns whether S3 gives an object, and certainly not by a URL like the one that the edge fetches. */
export function refusesParameter({ withParameter }: BucketSeen): boolean {
  const status = withParameter?.status;
  if (status === undefined) return false;

  // That too much was asked, or that the object is empty, is no refusal of the parameter.
  if (status === 429 || status === 416) return false;
  return (status >= 300 && status < 500) || status === 501;
}

/** Whether anyone gets in without a key. */
export function checkPublicAccess(_seen: Observations, bucketSeen: BucketSeen): Finding[] {
  const { bucket, stranger, samples } = bucketSeen;
  if (stranger === undefined) return [];

  const subject = subjectOf(bucket);
  const { object, page } = stranger;
  const sampleKey = samples[0]?.key;
  const acts: string[] = [];
  const isReadable = verdictOf(object, bucket.region).result === "served";
  if (isReadable) acts.push(`download ${sampleKey}`);
  if (page.kind === "page") acts.push("list it");
  if (acts.length > 0) return [explainPublicBucket(bucket, acts)];

  // Only if S3 refuses both, the bucket is certainly private.
  const replies = [object];
  if (page.kind === "no-page") replies.push(page.answer);
  const unclear = replies.find((reply) => !isRefusal(reply));
  if (sampleKey !== undefined && unclear === undefined) {
    const text = "it is private: S3 refuses requests without a key at this host";
    return [ok("public", subject, text)];
  }

  const { status } = unclear ?? object;
  const text = `whether anyone may read is unknown: without a key, S3 gives ${status ?? "no answer"}`;
  return [note("public", subject, text)];
}

/** @param acts what anybody can do */
function explainPublicBucket(bucket: Bucket, acts: readonly string[]): Finding {
  return error("public", subjectOf(bucket), {
    seen: `anyone can ${acts.join(" and ")} without a key`,
    impact: "who finds the bucket's name gets past Vitrine, which then protects nothing",
    remedy: `aws s3api put-public-access-block --bucket ${bucket.bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true. At another provider than AWS, also take out of the bucket's policy and ACL what allows anyone ("Principal": "*")`,
  });
}

/** Returns whether S3 refuses. That too much was asked, or too slowly, proves nothing. */
function isRefusal({ status }: S3RequestResult): boolean {
  if (status === undefined || [408, 416, 429].includes(status)) return false;
  return status >= 400 && status < 500;
}
