// Checks the objects of a bucket with a key that S3 knows: whether it may read one below the prefix, and whether that
// is an image. Sends GET alone.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { sniff } from "../picture/sniff.ts";
import { fail, note, ok, type Result } from "./finding.ts";
import { answerText, diagnoseS3, type S3Probe, type S3Query, SEE_PROVIDER } from "./s3.ts";

/** An original. Visitors must never get it. */
export type Sample = {
  /** In the bucket. */
  readonly key: string;
  /** Undefined if it cannot be read from here. */
  readonly bytes: Uint8Array | undefined;
};

const IMAGE = /\.(?:jpe?g|png|webp|gif|avif|heic)$/i;
/** How many keys of a list are looked at, how many objects are tried, and how many bytes say what one is. */
const MAX_LISTED = 100;
const MAX_TRIED = 5;
const HEAD_BYTES = 4096;

export const NAME_ANOTHER = "name another object";
// A15
export const LEAVE_PARAMETER_OUT =
  'source_parameter = false (a replaced object then shows after an hour, or its cache-control if that is longer), or engine = "binding"';

/**
 * Looks at objects of a bucket.
 * @param keys below the prefix; none: the canary, or one that is listed
 * @returns what is found, and the first object that the key may read
 */
export async function checkObjects(
  query: S3Query,
  bucket: Bucket,
  probe: S3Probe,
  keys: readonly string[],
): Promise<{ readonly results: readonly Result[]; readonly sample?: Sample | undefined }> {
  const chosen = await chooseObjects(bucket, probe, keys);
  if ("check" in chosen) return { results: [chosen] };
  const results: Result[] = [];
  let sample: Sample | undefined;
  for (const key of chosen) {
    const answer = await probe.fetch(key);
    results.push(await checkObject(query, bucket, probe, { key, answer }));
    if (answer.bytes !== undefined) sample ??= { key, bytes: answer.bytes };
  }
  if (sample !== undefined && bucket.hasSourceParameter && bucket.engine === "cf") {
    results.push(await checkParameter(bucket, probe, sample.key));
  }
  return { results, sample };
}

/** Which objects to look at: those that are named, the canary, or one that is listed. */
async function chooseObjects(
  bucket: Bucket,
  probe: S3Probe,
  keys: readonly string[],
): Promise<readonly string[] | Result> {
  const { name, prefix, canary } = bucket;
  if (keys.length > 0) return keys.map((key) => prefix + key);
  if (canary !== undefined) return [canary];
  const page = await probe.list({ prefix, most: MAX_LISTED });
  const listed = "objects" in page ? page.objects.map(({ key }) => key) : [];
  if ("objects" in page && listed.length === 0 && prefix !== "") {
    return diagnosePrefix(bucket, probe);
  }
  const images = listed.filter((key) => IMAGE.test(key) && keyFault(key) === undefined);
  const unread: string[] = [];
  for (const key of images.slice(0, MAX_TRIED)) {
    const { bytes } = await probe.fetch(key, HEAD_BYTES);
    if (bytes === undefined) unread.push(key);
    else if (sniff(bytes) !== undefined) return [key];
  }
  if (unread.length > 0) return unread.slice(0, 1);
  const first = `none was found among its first ${listed.length} objects`;
  const reason = "objects" in page ? first : `to its list, ${answerText(page)}`;
  return fail("sample", {
    severity: "warning",
    seen: `no image of this bucket is known (${reason}), so nobody checked whether the key may read`,
    impact: "S3 may know a key and still allow it nothing",
    remedy: `name an image, such as photos/fig.jpg, or set canary in BUCKETS.${name} of wrangler.toml`,
    deploys: true,
  });
}

/** There is no object below the prefix: which prefixes there are instead. */
async function diagnosePrefix({ name, prefix }: Bucket, probe: S3Probe): Promise<Result> {
  const top = await probe.list({ prefix: "", delimiter: "/", most: 20 });
  const others = "objects" in top ? top.prefixes.map((other) => `"${other}"`) : [];
  const instead = others.length > 0 ? `. The bucket has ${others.join(", ")}` : "";
  return fail("prefix", {
    seen: `there is no object below the prefix "${prefix}"${instead}`,
    impact: "every object is missing: visitors get 404",
    remedy: `correct BUCKETS.${name}.prefix in wrangler.toml`,
    deploys: true,
  });
}

/** Checks whether S3 returned the whole object, and whether it is an image. */
async function checkObject(
  query: S3Query,
  bucket: Bucket,
  probe: S3Probe,
  { key, answer }: { key: string; answer: S3Answer & { readonly bytes?: Uint8Array } },
): Promise<Result> {
  const { bytes, status, failure } = answer;
  const type = bytes && sniff(bytes);
  if (bytes && type !== undefined) {
    return ok("sample", `S3 returns ${key}: ${bytes.length.toLocaleString("en")} bytes, ${type}`);
  }
  if (bytes || failure === "too large") {
    return fail("sample", {
      severity: "warning",
      seen: `S3 returns ${key}, which is ${bytes ? "no image" : "over 100 MB"}`,
      impact: "visitors get 415 for it", // L1
      remedy: `replace that object by an image that the edge can read, or ${NAME_ANOTHER}`,
    });
  }
  if (status !== undefined && verdictOf(answer, bucket.region).fault === "object") {
    return diagnoseDenial(bucket, probe, key, answer);
  }
  const fault = status === 200 ? undefined : diagnoseS3(answer, query);
  if (fault !== undefined) return { ...fault, seen: `${key}: ${fault.seen}` };
  return fail("sample", {
    seen: `S3 begins to send ${key}, then stops (${failure})`,
    impact: "the edge gets no complete image: visitors get 502 or 504",
    remedy: `try again, then ${SEE_PROVIDER}`,
  });
}

/** Why S3 does not return an object to a key that it knows. It does not always say which it is (A6, A9). */
async function diagnoseDenial(
  bucket: Bucket,
  probe: S3Probe,
  key: string,
  { code, status }: S3Answer,
): Promise<Result> {
  const { name, prefix } = bucket;
  const page = await probe.list({ prefix, most: 1 });
  if (prefix !== "" && "objects" in page && page.objects.length === 0) {
    return diagnosePrefix(bucket, probe);
  }
  return fail("sample", {
    seen: `${key} is missing, in an archive, or denied to the key (${code ?? status})`,
    impact: "visitors get 404 for it, or for every object",
    remedy: `if it exists, the key's policy must allow s3:GetObject on arn:aws:s3:::${bucket.bucket}/${prefix}*, no bucket policy may deny it, and it must be restored from an archive. If not, ${NAME_ANOTHER}, or correct canary or prefix in BUCKETS.${name} of wrangler.toml`,
    deploys: true,
  });
}

/** Checks whether S3 gives an object by a URL like the one that the edge fetches (A15). */
async function checkParameter(
  { name, region }: Bucket,
  probe: S3Probe,
  key: string,
): Promise<Result> {
  const value = crypto.randomUUID().replaceAll("-", "");
  const answer = await probe.ask(key, `?x-vitrine=${value}`);
  const { status = 0, code } = answer;
  if (verdictOf(answer, region).fault === "none") {
    return ok("parameter", "S3 ignores x-vitrine in the URL of an object");
  }
  const isRefusal = (status >= 300 && status < 500 && status !== 429) || status === 501;
  if (!isRefusal) {
    return note("parameter", `whether S3 ignores x-vitrine is unknown: ${answerText(answer)}`);
  }
  return fail("parameter", {
    seen: `S3 does not give ${key} by a URL with x-vitrine (${code ?? status}), and gives it without`,
    remedy: `in BUCKETS.${name} of wrangler.toml, set ${LEAVE_PARAMETER_OUT}`,
    deploys: true,
  });
}
