// Checks the objects of a bucket with a key that S3 knows: whether it may read one below the prefix, and whether that
// is an image. Sends GET alone.

import { verdictOf } from "../../worker/origin/verdict.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { sniff } from "../picture/sniff.ts";
import { ALL_MISSING, fail, LEAVE_PARAMETER_OUT, note, ok, type Result } from "./finding.ts";
import { answerText, diagnoseS3, misset, type S3Probe } from "./s3.ts";

/** An original. Visitors must never get it. */
export type Sample = {
  readonly key: string;
  /** Undefined if it cannot be read from here. */
  readonly bytes: Uint8Array | undefined;
};

/**
 * Looks at objects of a bucket.
 * @param keys below the prefix; none: the canary
 * @param weigh weighs that an object is missing, by its key below the prefix: the next bucket may have it
 * @returns what is found, and the first object that the key may read
 */
export async function checkObjects(
  probe: S3Probe,
  keys: readonly string[],
  weigh: (missing: Result, key: string) => Promise<Result>,
) {
  const { bucket } = probe.query;
  const { prefix, canary, hasSourceParameter, engine } = bucket;
  const whole = keys.map((one) => prefix + one);
  const results: Result[] = [];
  let sample: Sample | undefined;
  for (const key of whole.length === 0 && canary !== undefined ? [canary] : whole) {
    const answer = await probe.fetch(key);
    const result = await checkObject(probe, key, answer);
    const isMissing = answer.code === "NoSuchKey"; // else the next bucket is not asked
    results.push(isMissing ? await weigh(result, key.slice(prefix.length)) : result);
    if (answer.bytes !== undefined) sample ??= { key, bytes: answer.bytes };
  }
  if (results.length === 0) {
    const seen = "no image of this bucket is known, so nobody checked whether the key may read";
    const impact = "S3 may know a key and still allow it nothing";
    const change = "set canary. Or name an image, such as photos/fig.jpg";
    results.push({ ...misset("sample", bucket, seen, change), severity: "warning", impact });
  }
  if (sample !== undefined && hasSourceParameter && engine === "cf") {
    results.push(await checkParameter(probe, sample.key));
  }
  return { results, sample };
}

async function checkObject(probe: S3Probe, key: string, answer: S3Answer): Promise<Result> {
  const { bytes, status, code, failure } = answer;
  const { bucket, name, prefix } = probe.query.bucket;
  const type = bytes && sniff(bytes);
  if (bytes && type !== undefined) {
    return ok("sample", `S3 returns ${key}: ${bytes.length.toLocaleString("en")} bytes, ${type}`);
  }
  if (status === 200) {
    const broken = failure === "too large" ? "over 100 MB" : `not whole (${failure})`;
    return fail("sample", {
      severity: "warning",
      seen: `S3 returns ${key}, which is ${bytes ? "no image" : broken}`,
      impact: "visitors get 415 for it, or 502 if it is not whole", // L1
      remedy: `replace that object by an image that the edge can read, or name another object. If it is not whole, try again`,
    });
  }
  const fault = diagnoseS3(answer, probe.query);
  if (fault !== undefined) return { ...fault, seen: `${key}: ${fault.seen}` };
  const page = await probe.list();
  if ("objects" in page && page.objects.length === 0) {
    const seen = `there is no object below the prefix "${prefix}"`;
    const change = "correct prefix, or upload images there";
    return { ...misset("prefix", probe.query.bucket, seen, change), impact: ALL_MISSING };
  }
  // S3 does not always say which it is (A6, A9).
  return fail("sample", {
    seen: `${key} is missing, in an archive, or denied to the key (${code ?? status})`,
    impact: "visitors get 404 for it, or for every object",
    remedy: `if it exists, the key's policy must allow s3:GetObject on arn:aws:s3:::${bucket}/${prefix}*, no bucket policy may deny it, and it must be restored from an archive. If not, name another object, or correct canary or prefix in BUCKETS.${name} of wrangler.toml`,
    deploys: true,
  });
}

/** Checks whether S3 gives an object by a URL like the one that the edge fetches (A15). */
async function checkParameter(probe: S3Probe, key: string): Promise<Result> {
  const { bucket } = probe.query;
  const value = crypto.randomUUID().replaceAll("-", "");
  const answer = await probe.ask(key, `?x-vitrine=${value}`);
  const { status = 0, code } = answer;
  if (verdictOf(answer, bucket.region).fault === "none") {
    return ok("parameter", "S3 ignores x-vitrine in the URL of an object");
  }
  const isRefusal = (status >= 300 && status < 500 && status !== 429) || status === 501;
  if (!isRefusal) {
    return note("parameter", `whether S3 ignores x-vitrine is unknown: ${answerText(answer)}`);
  }
  const seen = `S3 does not give ${key} by a URL with x-vitrine (${code ?? status}), and gives it without`;
  return misset("parameter", bucket, seen, `set ${LEAVE_PARAMETER_OUT}`);
}
