// Checks what a bucket holds, and who gets it: an object that visitors may ask for, the prefix, the parameter of the edge's
// URLs, and what anybody gets without a key. A remedy for a denied object never names a policy before it is sure whose key
// was denied: another environment's key must not be given this bucket.

import { maskKeyId } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { sourceOfVariable } from "../config/project.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { sniffImageType } from "../picture/sniff.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { type Check, error, type Finding, note, ok, type Problem, warning } from "./finding.ts";
import { impactOfKey, ofMachine } from "./keys.ts";
import { needsList } from "./list-right.ts";
import type { Observations } from "./observations.ts";
import { type BucketSeen, type KeySeen, type SampleSeen, subjectOf } from "./observe-bucket.ts";
import { explainRefusedObject } from "./refused-object.ts";
import { answerText, explainReply } from "./s3-reply.ts";

/** What the edge refuses with x-vitrine in its URL, so it must go without (A15). */
export const LEAVE_PARAMETER_OUT =
  'source_parameter = false (a replaced object then shows after an hour, or its cache-control if that is longer), or engine = "binding"';

/** Each object that was asked for, by the first key that S3 accepts. */
export function checkSamples(seen: Observations, bucketSeen: BucketSeen): Finding[] {
  const { bucket, keys, samples } = bucketSeen;
  const subject = subjectOf(bucket);
  const key = keys.find(({ absent }) => explainReply(absent, bucket).kind === "accepted");
  if (key === undefined) return [];

  if (samples.length === 0) {
    return [
      warning("sample", subject, {
        seen: "no image of this bucket is known, so nobody checked whether the key may read",
        impact: "S3 may know a key, and allow it nothing",
        remedy: `set canary in BUCKETS.${bucket.name} of ${sourceOfVariable(seen.project, "BUCKETS")}. Or name an image, such as photos/fig.jpg`,
        needsDeploy: true,
      }),
    ];
  }
  return samples.flatMap((sample) => checkSample(seen, bucketSeen, key, sample));
}

function checkSample(
  seen: Observations,
  bucketSeen: BucketSeen,
  key: KeySeen,
  sample: SampleSeen,
): Finding[] {
  const { bucket } = bucketSeen;
  const { reply } = sample;
  const subject = subjectOf(bucket);
  if (reply === undefined) return [];

  const type = reply.bytes && sniffImageType(reply.bytes);
  if (reply.bytes !== undefined && type !== undefined) {
    const size = reply.bytes.length.toLocaleString("en");
    return [ok("sample", subject, `S3 returns ${sample.key}: ${size} bytes, ${type}`)];
  }
  const isFollowed = needsList(seen.project, bucket) === "follower";
  if (reply.code === "NoSuchKey" && isFollowed) {
    const text = `${sample.key} is not in ${bucket.name}: the next bucket is asked for it`;
    return [note("sample", subject, text)];
  }

  const { check = "sample", ...fault } = describeSampleFault(
    seen,
    bucketSeen,
    key,
    sample.key,
    reply,
  );
  // An object that is no image, missing or in an archive is a fault of the object, whatever key asks.
  const isOfKey = reply.code === "AccessDenied";
  if (!isOfKey) return [(reply.status === 200 ? warning : error)(check, subject, fault)];

  const problem = { ...fault, ...impactOfKey(seen, bucket, key) };
  return [ofMachine(seen, key.source, false)(check, subject, problem)];
}

/** Why an object is no image, or not there. The first paragraph that fits decides. */
function describeSampleFault(
  { project, keyOwners }: Observations,
  { bucket, page }: BucketSeen,
  key: KeySeen,
  name: string,
  reply: S3RequestResult,
): Problem & { readonly check?: Check } {
  const file = sourceOfVariable(project, "BUCKETS");
  const environment = environmentText(project.envConfig.environment);
  const masked = maskKeyId(key.slot);

  if (reply.status === 200) {
    const { bytes, failure } = reply;
    const size = failure === "too large" ? "over 100 MB" : `not whole (${failure})`;
    return {
      seen: `S3 returns ${name}, which is ${bytes === undefined ? size : "no image"}`,
      remedy:
        "replace it by an image that the edge can read, or take another object. If it is not whole, try again",
    };
  }

  const owner = keyOwners.get(key.slot.credentials.accessKeyId);
  if (owner !== undefined) {
    return {
      seen: `${name}: S3 denies it to the key ${masked}, which opens ${owner.bucket.bucket}: it is the key of ${environmentText(owner.environment)}`,
      remedy: `take the key of ${environment}, and change no policy`,
    };
  }
  if (page?.kind === "page" && page.objects.length === 0) {
    return {
      check: "prefix",
      seen: `${name}: there is no object below the prefix "${bucket.prefix}"`,
      remedy: `correct prefix in BUCKETS.${bucket.name} of ${file}, or upload images there`,
      needsDeploy: true,
    };
  }

  return explainRefusedObject({
    name,
    bucket,
    reply,
    // To a key that may list, S3 says NoSuchKey of what is missing (A6).
    mayList: key.absent.code === "NoSuchKey",
    keyName: `${masked} in ${key.source}`,
    environment,
    file,
  });
}

/** Whether S3 gives an object by a URL like the one that the edge fetches (A15). */
export function checkParameter(seen: Observations, bucketSeen: BucketSeen): Finding[] {
  const { bucket, withParameter: reply } = bucketSeen;
  if (reply === undefined) return [];

  const subject = subjectOf(bucket);
  const { status, code } = reply;
  if (verdictOf(reply, bucket.region).result === "served") {
    return [ok("parameter", subject, "S3 ignores x-vitrine in the URL of an object")];
  }

  if (!refusesParameter(bucketSeen)) {
    const text = `whether S3 ignores x-vitrine is unknown: ${answerText(reply)}`;
    return [note("parameter", subject, text)];
  }
  return [
    error("parameter", subject, {
      seen: `S3 gives an object, and not by a URL with x-vitrine (${code ?? status})`,
      remedy: `in BUCKETS.${bucket.name} of ${sourceOfVariable(seen.project, "BUCKETS")}, set ${LEAVE_PARAMETER_OUT}`,
      needsDeploy: true,
    }),
  ];
}

/** Returns whether S3 gives an object, and certainly not by a URL like the one that the edge fetches. */
export function refusesParameter({ withParameter }: BucketSeen): boolean {
  const { status = 0 } = withParameter ?? {};
  const isRefused = status >= 300 && status < 500 && status !== 429 && status !== 416;
  return isRefused || status === 501;
}

/** Whether anyone gets in without a key. */
export function checkPublicAccess(_seen: Observations, bucketSeen: BucketSeen): Finding[] {
  const { bucket, stranger, samples } = bucketSeen;
  if (stranger === undefined) return [];

  const subject = subjectOf(bucket);
  const { object, page } = stranger;
  const sampleKey = samples[0]?.key;
  const acts: string[] = [];
  if (verdictOf(object, bucket.region).result === "served") acts.push(`download ${sampleKey}`);
  if (page.kind === "page") acts.push("list it");

  if (acts.length > 0) {
    return [
      error("public", subject, {
        seen: `anyone can ${acts.join(" and ")} without a key`,
        impact: "who finds the bucket's name gets past Vitrine, which then protects nothing",
        remedy: `aws s3api put-public-access-block --bucket ${bucket.bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true. At another provider than AWS, also take out of the bucket's policy and ACL what allows anyone ("Principal": "*")`,
      }),
    ];
  }

  // Only if S3 refuses both, the bucket is certainly private.
  const replies = [object, ...(page.kind === "no-page" ? [page.answer] : [])];
  const unclear = replies.find((reply) => !isRefusal(reply));
  if (sampleKey !== undefined && unclear === undefined) {
    const text = "it is private: S3 refuses requests without a key at this host";
    return [ok("public", subject, text)];
  }
  const { status = "no answer" } = unclear ?? object;
  const text = `whether anyone may read is unknown: without a key, S3 gives ${status}`;
  return [note("public", subject, text)];
}

/** Returns whether S3 refuses. That too much was asked, or too slowly, proves nothing. */
function isRefusal({ status = 0 }: S3RequestResult): boolean {
  return status >= 400 && status < 500 && ![408, 416, 429].includes(status);
}
