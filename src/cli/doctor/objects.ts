// Checks what a bucket holds, and who gets it: an object that visitors may ask for, the prefix, the parameter of the edge's
// URLs, and what anybody gets without a key. A remedy for a denied object never names a policy before it is sure whose key
// was denied: another environment's key must not be given this bucket.

import type { Bucket } from "../../worker/config/bucket.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { sourceOfVariable } from "../config/project.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { sniffImageType } from "../picture/sniff.ts";
import { environmentText } from "../wrangler/config-file.ts";
import {
  type Check,
  error,
  type Finding,
  note,
  ok,
  type Problem,
  SEE_PROVIDER,
  warning,
} from "./finding.ts";
import { impactOfKey, ofMachine } from "./keys.ts";
import { needsList } from "./list-right.ts";
import type { Observations } from "./observations.ts";
import { type BucketSeen, type KeySeen, type SampleSeen, subjectOf } from "./observe-bucket.ts";
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

  const { check = "sample", ...fault } = describeSampleFault(seen, bucketSeen, key, sample, reply);
  const problem = { ...fault, ...impactOfKey(seen.project, key.source) };
  // An object that is no image is one object's fault.
  if (reply.status === 200) return [warning(check, subject, problem)];
  return [ofMachine(seen, key.source, false)(check, subject, problem)];
}

/** By default the check is `sample`. */
type SampleFault = Problem & { readonly check?: Check };

/** Why an object is not there, or no image. The first paragraph that fits decides. */
function describeSampleFault(
  { project, keyOwners }: Observations,
  { bucket, page }: BucketSeen,
  key: KeySeen,
  sample: SampleSeen,
  reply: S3RequestResult,
): SampleFault {
  const { code, status, failure, bytes } = reply;
  const name = sample.key;
  const settings = `BUCKETS.${bucket.name} of ${sourceOfVariable(project, "BUCKETS")}`;
  const isCanary = name === bucket.canary;
  const another = isCanary ? `or set another canary in ${settings}` : "or name another object";
  const misspelt = `if canary or prefix in ${settings} is misspelt, correct that`;

  if (status === 200 && bytes === undefined) {
    const size = failure === "too large" ? "over 100 MB" : `not whole (${failure})`;
    const seen = `S3 returns ${name}, which is ${size}`;
    const remedy = `make it smaller, ${another}. If it is not whole, try again`;
    return { seen, remedy };
  }
  if (status === 200) {
    const seen = `S3 returns ${name}, which is no image`;
    return { seen, remedy: `replace it by an image that the edge can read, ${another}` };
  }

  const owner = keyOwners.get(key.slot.credentials.accessKeyId);
  if (owner !== undefined) {
    const masked = maskKeyId(key.slot);
    const seen = `${name}: S3 denies it to the key ${masked}, which opens ${owner.bucket.bucket}: it is the key of ${environmentText(owner.environment)}`;
    const remedy = `take the key of ${environmentText(project.envConfig.environment)}, and change no policy`;
    return { seen, remedy };
  }

  if (code === "InvalidObjectState") {
    const seen = `${name} is in an archive (${code})`;
    return { seen, remedy: `restore it from the archive, ${another}` };
  }
  if (code?.startsWith("KMS.")) {
    const seen = `${name}: KMS does not decrypt it (${code})`;
    return { seen, remedy: `look at the object's KMS key and its policy, ${another}` };
  }

  if (page?.kind === "page" && page.objects.length === 0) {
    const seen = `${name}: there is no object below the prefix "${bucket.prefix}"`;
    const remedy = `correct prefix in ${settings}, or upload images there`;
    return { check: "prefix", seen, remedy, needsDeploy: true };
  }
  if (code === "NoSuchKey" || (status === 404 && code === undefined)) {
    const seen = `${name} is missing (${code ?? status})`;
    return { seen, remedy: `${misspelt}. Else upload it, ${another}`, needsDeploy: isCanary };
  }

  if (status === undefined || status === 429 || status >= 500) {
    const seen = `${name}: ${answerText(reply)}`;
    return { seen, remedy: `wait a minute, then run the doctor again, and ${SEE_PROVIDER}` };
  }
  if (code !== "AccessDenied") return describeUnknownRefusal(name, reply, bucket);

  // To a key that may list, S3 says NoSuchKey of what is missing (A6): so this object is there, and denied.
  const isListed = key.absent.code === "NoSuchKey";
  const rights = `the policy of its user must allow s3:GetObject on arn:aws:s3:::${bucket.bucket}/${bucket.prefix}*, and no bucket policy may deny it (docs/deploy.md, step 4)`;
  const whose = `make sure that ${maskKeyId(key.slot)} in ${key.source} is the key of this bucket`;
  if (isListed) {
    return {
      seen: `${name} is there, and denied to the key (${code})`,
      remedy: `${whose}: then ${rights}`,
    };
  }
  return {
    seen: `${name} is missing, or denied to the key (${code}): S3 does not say which to a key that may not list`,
    remedy: `look whether it is there. If not, ${misspelt}, or upload it, ${another}. If it is there, ${whose}: then ${rights}`,
    needsDeploy: isCanary,
  };
}

function describeUnknownRefusal(
  name: string,
  { status, code }: S3RequestResult,
  { baseUrl }: Bucket,
): Problem {
  if (code === undefined) {
    const { host } = new URL(baseUrl);
    const seen = `${name}: ${host} does not answer as an S3 does: ${status}`;
    return { seen, remedy: `look at what answers at ${host}: a proxy, or a website` };
  }
  const seen = `${name}: S3 refuses it with ${code} (${status})`;
  return { seen, remedy: `look ${code} up at the provider. Do not change endpoint` };
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
        remedy: `aws s3api put-public-access-block --bucket ${bucket.bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`,
      }),
    ];
  }

  // Only if S3 refuses both, the bucket is certainly private.
  const replies = [object, ...(page.kind === "no-page" ? [page.answer] : [])];
  const unclear = replies.find((reply) => !isClientError(reply));
  if (sampleKey !== undefined && unclear === undefined) {
    const text = "it is private: S3 refuses requests without a key at this host";
    return [ok("public", subject, text)];
  }
  const text = `whether anyone may read is unknown: ${answerText(unclear ?? object)}`;
  return [note("public", subject, text)];
}

function isClientError({ status = 0 }: S3RequestResult): boolean {
  return status >= 400 && status < 500;
}
