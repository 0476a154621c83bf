// Checks the objects of a bucket with a key that S3 knows: whether it may read one below the prefix, and whether that
// is an image. Sends GET alone.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { sniff } from "../picture/sniff.ts";
import {
  fail,
  LEAVE_PARAMETER_OUT,
  NAME_ANOTHER,
  note,
  ok,
  type Result,
  SEE_PROVIDER,
} from "./finding.ts";
import { answerText, diagnoseS3, type S3Probe } from "./s3.ts";

/** An original. Visitors must never get it. */
export type Sample = {
  /** In the bucket. */
  readonly key: string;
  /** Undefined if it cannot be read from here. */
  readonly bytes: Uint8Array | undefined;
};

const IMAGE = /\.(?:jpe?g|png|webp|gif|avif|heic)$/i;
/** How many keys of a list are looked at. */
const MAX_LISTED = 100;

/**
 * Looks at objects of a bucket.
 * @param keys below the prefix; none: the canary, or one that is listed
 * @returns what is found, and the first object that the key may read
 */
export async function checkObjects(probe: S3Probe, keys: readonly string[]) {
  const { bucket } = probe.query;
  const { prefix, canary } = bucket;
  const named =
    canary !== undefined && keys.length === 0 ? [canary] : keys.map((one) => prefix + one);
  const chosen = named.length > 0 ? named : await findImage(probe);
  if ("check" in chosen) return { results: [chosen], sample: undefined };
  const results: Result[] = [];
  let sample: Sample | undefined;
  for (const key of chosen) {
    const answer = await probe.fetch(key);
    results.push(await checkObject(probe, key, answer));
    if (answer.bytes !== undefined) sample ??= { key, bytes: answer.bytes };
  }
  if (sample !== undefined && bucket.hasSourceParameter && bucket.engine === "cf") {
    results.push(await checkParameter(probe, sample.key));
  }
  return { results, sample };
}

/** Finds an object that may be an image, if the key may list the bucket. */
async function findImage(probe: S3Probe): Promise<[string] | Result> {
  const { bucket } = probe.query;
  const page = await probe.list({ prefix: bucket.prefix, most: MAX_LISTED });
  const listed = "objects" in page ? page.objects.map(({ key }) => key) : [];
  const image = listed.find((key) => IMAGE.test(key) && keyFault(key) === undefined);
  if (image !== undefined) return [image];
  if ("objects" in page && listed.length === 0) return nothingBelow(bucket);
  const reason = "objects" in page ? `none is among its first ${listed.length}` : answerText(page);
  return fail("sample", {
    severity: "warning",
    seen: `no image of this bucket is known (${reason}), so nobody checked whether the key may read`,
    impact: "S3 may know a key and still allow it nothing",
    remedy: `name an image, such as photos/fig.jpg, or set canary in BUCKETS.${bucket.name} of wrangler.toml`,
    deploys: true,
  });
}

function nothingBelow({ name, prefix }: Bucket): Result {
  return fail("prefix", {
    seen: `there is no object below the prefix "${prefix}"`,
    impact: "every object is missing: visitors get 404",
    remedy: `upload images there, or correct BUCKETS.${name}.prefix in wrangler.toml`,
    deploys: true,
  });
}

/** Checks whether S3 returned the whole object, and whether it is an image. */
async function checkObject(probe: S3Probe, key: string, answer: S3Answer): Promise<Result> {
  const { bytes, status, code, failure } = answer;
  const { bucket } = probe.query;
  const { name, prefix } = bucket;
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
  const fault = status === 200 ? undefined : diagnoseS3(answer, probe.query);
  if (fault !== undefined) return { ...fault, seen: `${key}: ${fault.seen}` };
  if (status === 200) {
    return fail("sample", {
      seen: `S3 begins to send ${key}, then stops (${failure})`,
      impact: "the edge gets no complete image: visitors get 502 or 504",
      remedy: `try again, then ${SEE_PROVIDER}`,
    });
  }
  const page = await probe.list({ prefix, most: 1 });
  if ("objects" in page && page.objects.length === 0) return nothingBelow(bucket);
  // S3 does not always say which it is (A6, A9).
  return fail("sample", {
    seen: `${key} is missing, in an archive, or denied to the key (${code ?? status})`,
    impact: "visitors get 404 for it, or for every object",
    remedy: `if it exists, the key's policy must allow s3:GetObject on arn:aws:s3:::${bucket.bucket}/${prefix}*, no bucket policy may deny it, and it must be restored from an archive. If not, ${NAME_ANOTHER}, or correct canary or prefix in BUCKETS.${name} of wrangler.toml`,
    deploys: true,
  });
}

/** Checks whether S3 gives an object by a URL like the one that the edge fetches (A15). */
async function checkParameter(probe: S3Probe, key: string): Promise<Result> {
  const { name, region } = probe.query.bucket;
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
