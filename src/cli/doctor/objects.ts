// Checks the objects of a bucket with a key that S3 knows: whether it may read one below the prefix, and whether that
// is an image. Sends GET alone.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { sniff } from "../picture/sniff.ts";
import { optionOf } from "../terminal/shell.ts";
import { fail, note, type Observation, ok, type Result } from "./finding.ts";
import {
  answerText,
  diagnoseS3,
  isInBucket,
  type S3Probe,
  type S3Query,
  SEE_PROVIDER,
} from "./s3.ts";

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

/** An object of every bucket that the local run simulates. */
export const FIXTURE = "photos/dandelion.jpg";

export const NAME_ANOTHER = "name another object";
// A15
export const LEAVE_PARAMETER_OUT =
  'source_parameter = false (a replaced object then shows after an hour, or its cache-control if that is longer), or engine = "binding"';
const ALL_MISSING = "every object is missing: visitors get 404";

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
  isSimulated: boolean,
): Promise<{ readonly results: readonly Observation[]; readonly sample?: Sample | undefined }> {
  const chosen = await chooseObjects(query, bucket, probe, keys, isSimulated);
  if ("check" in chosen) return { results: [chosen] };
  const results: Observation[] = [];
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
  query: S3Query,
  bucket: Bucket,
  probe: S3Probe,
  keys: readonly string[],
  isSimulated: boolean,
): Promise<readonly string[] | Observation> {
  const { prefix, canary } = bucket;
  if (keys.length > 0) return keys.map((key) => prefix + key);
  if (canary !== undefined) return [canary];
  if (isSimulated) return [prefix + FIXTURE];
  const page = await probe.list({ prefix, most: MAX_LISTED });
  if (!("objects" in page)) {
    const isDenied = page.code === "AccessDenied";
    const reason = "no image of this bucket is known (the key may not list it)";
    const silent = `the bucket could not be listed (${answerText(page)})`;
    return nothingKnown(query, isDenied ? reason : silent, isDenied ? "" : "try again. Or ");
  }
  if (page.objects.length === 0 && prefix !== "") return diagnosePrefix(bucket, probe);
  const listed = page.objects.map(({ key }) => key);
  const images = listed.filter((key) => IMAGE.test(key) && keyFault(key) === undefined);
  const unread: string[] = [];
  for (const key of images.slice(0, MAX_TRIED)) {
    const { bytes } = await probe.fetch(key, HEAD_BYTES);
    if (bytes === undefined) unread.push(key);
    else if (sniff(bytes) !== undefined) return [key];
  }
  if (unread.length > 0) return unread.slice(0, 1);
  const count = listed.length;
  const reason = count === 0 ? "it is empty" : `none was found among its first ${count} objects`;
  return nothingKnown(query, `no image of this bucket is known (${reason})`, "");
}

function nothingKnown({ name, from }: S3Query, reason: string, first: string): Observation {
  const unknown = fail("sample", {
    severity: "warning",
    seen: `${reason}, so nobody checked whether the key may read`,
    impact: "S3 may know a key and still allow it nothing",
    remedy: `${first}name an image, such as photos/fig.jpg, or set canary in BUCKETS.${name} of wrangler.toml`,
    deploys: first === "",
  });
  return { ...unknown, from };
}

/** There is no object below the prefix: which prefixes there are instead. */
async function diagnosePrefix({ name, prefix }: Bucket, probe: S3Probe): Promise<Result> {
  const top = await probe.list({ prefix: "", delimiter: "/", most: 20 });
  const others = "objects" in top ? top.prefixes.map((other) => `"${other}"`) : [];
  if (others.length > 0 && "objects" in top && top.next !== undefined) others.push("and more");
  const instead = others.length > 0 ? `: the bucket has ${others.join(", ")}` : "";
  return fail("prefix", {
    seen: `there is no object below the prefix "${prefix}"`,
    impact: ALL_MISSING,
    remedy: `correct BUCKETS.${name}.prefix in wrangler.toml${instead}`,
    deploys: true,
  });
}

/** Checks whether S3 returned the whole object, and whether it is an image. */
async function checkObject(
  query: S3Query,
  bucket: Bucket,
  probe: S3Probe,
  { key, answer }: { key: string; answer: S3Answer & { readonly bytes?: Uint8Array } },
): Promise<Observation> {
  const { bytes, status, failure } = answer;
  const warning = { severity: "warning" } as const;
  if (bytes !== undefined) {
    const type = sniff(bytes);
    const returned = `S3 returns ${key}: ${bytes.length.toLocaleString("en")} bytes`;
    if (type !== undefined) return ok("sample", `${returned}, ${type}`);
    const remedy = `replace that object by an image, or ${NAME_ANOTHER}`;
    return fail("sample", {
      ...warning,
      seen: `${returned}, no image`,
      impact: "visitors get 415 for it",
      remedy,
    });
  }
  if (failure === "too large") {
    const impact = "the edge reads no object of that size: visitors get 415"; // L1
    const remedy = `use a smaller original, or ${NAME_ANOTHER}`;
    return fail("sample", {
      ...warning,
      seen: `S3 returns ${key}, which is over 100 MB`,
      impact,
      remedy,
    });
  }
  if (status !== undefined && verdictOf(answer, bucket.region).fault === "object") {
    return diagnoseDenial(bucket, probe, { key, answer, from: query.from });
  }
  const fault = status === 200 ? undefined : diagnoseS3(answer, query);
  if (fault !== undefined) return { ...fault, seen: `${key}: ${fault.seen}` };
  const ends = failure === "timeout" ? "stops" : `closes the connection (${failure})`;
  return fail("sample", {
    seen: `S3 begins to send ${key}, then ${ends}`,
    impact: "the edge gets no complete image: visitors get 502 or 504",
    remedy: `try again, then ${SEE_PROVIDER}`,
  });
}

/** Why S3 does not return an object to a key that it knows (A6, A9). */
async function diagnoseDenial(
  bucket: Bucket,
  probe: S3Probe,
  { key, answer, from }: { key: string; answer: S3Answer; from: string | undefined },
): Promise<Observation> {
  const { name, prefix } = bucket;
  const code = `${answer.code ?? answer.status}`;
  if (code === "InvalidObjectState") {
    return fail("sample", {
      seen: `${key} is in an archive (${code})`,
      impact: "visitors get 404 for it",
      remedy: `aws s3api restore-object --bucket ${bucket.bucket} ${optionOf("--key", key)} --restore-request Days=7`,
    });
  }
  if (prefix !== "") {
    const bare = key.slice(prefix.length);
    if ((await probe.fetch(bare, 1)).bytes !== undefined) {
      return fail("prefix", {
        seen: `${key} is missing, but ${bare} exists: the prefix "${prefix}" is wrong`,
        impact: ALL_MISSING,
        remedy: `remove prefix from BUCKETS.${name} in wrangler.toml, or correct it`,
        deploys: true,
      });
    }
    const page = await probe.list({ prefix, most: 1 });
    if ("objects" in page && page.objects.length === 0) return diagnosePrefix(bucket, probe);
  }
  const isThere = await isInBucket(probe, key, answer);
  const allow = `the key's policy must allow s3:GetObject on arn:aws:s3:::${bucket.bucket}/${prefix}*, and no bucket policy may deny it`;
  const correct = `correct canary or prefix in BUCKETS.${name} of wrangler.toml`;
  const impact = "visitors get 404 for it, or for every object";
  if (isThere) {
    const seen = `the key may not read ${key}, which is in the bucket (${code})`;
    return { ...fail("sample", { seen, impact, remedy: allow }), from };
  }
  if (isThere === false) {
    const remedy = `upload it, ${NAME_ANOTHER}, or ${correct}`;
    return fail("sample", {
      seen: `${key} is not in the bucket (${code})`,
      impact,
      remedy,
      deploys: true,
    });
  }
  const seen = `the key may not read ${key}, or it does not exist (${code})`;
  const remedy = `if it exists, ${allow}. If not, ${NAME_ANOTHER}, or ${correct}`;
  return { ...fail("sample", { seen, impact, remedy, deploys: true }), from };
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
