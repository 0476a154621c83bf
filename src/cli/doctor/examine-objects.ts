// Finds an object of a bucket to look at, and checks that S3 returns it.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { sniff } from "../picture/sniff.ts";
import { optionOf } from "../terminal/shell.ts";
import { type Asked, answerText, diagnoseS3 } from "./diagnose-s3.ts";
import { type Diagnosis, diagnose, note, well } from "./finding.ts";
import { isInBucket, type Reader } from "./reader.ts";

/** An original. Visitors must never get it. */
export type Sample = {
  /** In the bucket. */
  readonly key: string;
  /** Undefined if it cannot be read from here. */
  readonly bytes: Uint8Array | undefined;
};

const IMAGE = /\.(?:jpe?g|png|webp|gif|avif|heic)$/i;
const LOOKED_AT = 100;
const TRIED = 5;
const ENOUGH_BYTES = 512;

/** An object of every bucket that the local run simulates. */
export const FIXTURE = "photos/dandelion.jpg";

/**
 * Looks at objects of a bucket.
 * @param keys below the prefix; none: the canary, or one that is listed
 * @param played whether the local run simulates the bucket
 * @returns what is found, and the first object that the key may read
 */
export async function examineObjects(
  asked: Asked,
  bucket: Bucket,
  reader: Reader,
  keys: readonly string[],
  played: boolean,
): Promise<{ readonly diagnoses: readonly Diagnosis[]; readonly sample?: Sample | undefined }> {
  const found = await findKeys(bucket, reader, keys, played);
  if ("check" in found) return { diagnoses: [found] };
  const diagnoses: Diagnosis[] = [];
  let sample: Sample | undefined;
  for (const key of found) {
    const examined = await examineObject(asked, bucket, reader, key);
    diagnoses.push(examined.diagnosis);
    sample ??= examined.sample;
  }
  if (sample !== undefined && bucket.hasSourceParameter && bucket.engine === "cf") {
    diagnoses.push(await examineParameter(bucket, reader, sample.key));
  }
  return { diagnoses, sample };
}

/** Whether S3 gives an object by a URL like the one that the edge fetches (A15). */
async function examineParameter(
  { name, region }: Bucket,
  reader: Reader,
  key: string,
): Promise<Diagnosis> {
  const value = crypto.randomUUID().replaceAll("-", "");
  const answer = await reader.ask(key, `?x-vitrine=${value}`);
  const { status = 0, code } = answer;
  if (verdictOf(answer, region).fault === "none") {
    return well("parameter", "S3 ignores x-vitrine in the URL of an object");
  }
  const isRefusal = (status >= 300 && status < 500 && status !== 429) || status === 501;
  if (!isRefusal) {
    const unknown = `whether S3 ignores x-vitrine is unknown: ${answerText(answer)}`;
    return note("parameter", unknown);
  }
  return diagnose("parameter", { name, key, said: code ?? status });
}

/** Which objects to look at: those that are named, the canary, or one that is listed. */
async function findKeys(
  bucket: Bucket,
  reader: Reader,
  keys: readonly string[],
  played: boolean,
): Promise<readonly string[] | Diagnosis> {
  const { name, prefix, canary } = bucket;
  if (keys.length > 0) return keys.map((key) => prefix + key);
  if (canary !== undefined) return [canary];
  if (played) return [prefix + FIXTURE];
  const page = await reader.list({ prefix, most: LOOKED_AT });
  if (!("objects" in page)) {
    const denied = page.code === "AccessDenied";
    return denied
      ? diagnose("no-sample", { name, reason: "the key may not list it" })
      : diagnose("not-listed", { name, said: answerText(page) });
  }
  if (page.objects.length === 0 && prefix !== "") return nothingBelow(bucket, reader);
  const listed = page.objects.map(({ key }) => key);
  const images = listed.filter((key) => IMAGE.test(key) && keyFault(key) === undefined);
  const unread: string[] = [];
  for (const key of images.slice(0, TRIED)) {
    const { bytes } = await reader.fetch(key, ENOUGH_BYTES);
    if (bytes === undefined) unread.push(key);
    else if (sniff(bytes) !== undefined) return [key];
  }
  const count = listed.length;
  const reason = count === 0 ? "it is empty" : `none was found among its first ${count} objects`;
  return unread.length > 0 ? unread.slice(0, 1) : diagnose("no-sample", { name, reason });
}

/** There is no object below the prefix: which prefixes there are instead. */
async function nothingBelow({ name, prefix }: Bucket, reader: Reader): Promise<Diagnosis> {
  const top = await reader.list({ prefix: "", delimiter: "/", most: 20 });
  const shown = "objects" in top ? top.prefixes.map((other) => `"${other}"`) : [];
  if (shown.length > 0 && "objects" in top && top.next !== undefined) shown.push("and more");
  const others = shown.length > 0 ? `: the bucket has ${shown.join(", ")}` : "";
  return diagnose("prefix", { name, prefix, others });
}

/** Whether S3 returns the whole object, and whether it is an image. */
async function examineObject(
  asked: Asked,
  bucket: Bucket,
  reader: Reader,
  key: string,
): Promise<{ readonly diagnosis: Diagnosis; readonly sample?: Sample }> {
  const answer = await reader.fetch(key);
  const { bytes, status } = answer;
  if (bytes !== undefined) {
    const type = sniff(bytes);
    const size = bytes.length.toLocaleString("en");
    const image = well("sample", `S3 returns ${key}: ${size} bytes, ${type}`);
    const diagnosis = type === undefined ? diagnose("not-an-image", { key, size }) : image;
    return { diagnosis, sample: { key, bytes } };
  }
  if (status === 200) return { diagnosis: cutShort(key, answer) };
  if (status !== undefined && verdictOf(answer, bucket.region).fault === "object") {
    return { diagnosis: await diagnoseObject(bucket, reader, key, answer) };
  }
  const fault = diagnoseS3(answer, asked);
  const named = fault && { ...fault, what: `${key}: ${fault.what}` };
  return { diagnosis: named ?? cutShort(key, answer) };
}

function cutShort(key: string, { failure }: S3Answer): Diagnosis {
  if (failure === "too large") return diagnose("object-too-large", { key });
  const ends = failure === "timeout" ? "stops" : `closes the connection (${failure})`;
  return diagnose("object-cut-short", { key, ends });
}

/** Why S3 does not return an object to a key that it knows (A6, A9). */
async function diagnoseObject(bucket: Bucket, reader: Reader, key: string, answer: S3Answer) {
  const { code, status = 0 } = answer;
  const { prefix } = bucket;
  const facts = { ...bucket, key, named: optionOf("--key", key), said: code ?? status };
  if (code === "InvalidObjectState") return diagnose("object-archived", facts);
  if (prefix !== "") {
    const bare = key.slice(prefix.length);
    if ((await reader.fetch(bare, 1)).bytes !== undefined) {
      return diagnose("prefix-wrong", { ...facts, bare });
    }
    const page = await reader.list({ prefix, most: 1 });
    if ("objects" in page && page.objects.length === 0) return nothingBelow(bucket, reader);
  }
  const isThere = await isInBucket(reader, key, answer);
  if (isThere === undefined) return diagnose("sample", facts);
  return diagnose(isThere ? "object-denied" : "object-absent", facts);
}
