// An object of a bucket: one to look at, and whether S3 gives it.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/s3/verdict.ts";
import type { S3Answer } from "../net/ask-s3.ts";
import { shellQuote } from "../terminal/shell.ts";
import type { Cause, Own } from "./finding.ts";
import type { Reader } from "./reader.ts";
import { type Asked, slotCause } from "./s3-causes.ts";
import { sniff } from "./sniff.ts";

/** An original, which must not be seen where Vitrine is. */
export type Sample = {
  /** In the bucket. */
  readonly key: string;
  /** Undefined where it cannot be read from here. */
  readonly bytes: Uint8Array | undefined;
};

const IMAGE = /\.(?:jpe?g|png|webp|gif|avif|heic)$/i;
const LOOKED_AT = 100;
const TRIED = 5;
const ENOUGH_BYTES = 512;

/** One that every bucket has that `npm start` plays. */
export const FIXTURE = "photos/dandelion.jpg";

const MISSING = "every object is missing then: visitors get 404";

/**
 * Which objects to look at: those that are named, the canary, or one that is listed.
 * @param keys below the prefix
 * @param played true where `npm start` plays the bucket
 * @returns keys in the bucket
 */
export async function findSample(
  { name, prefix, canary }: Bucket,
  reader: Reader,
  keys: readonly string[],
  played: boolean,
): Promise<{ keys: readonly string[]; findings: readonly Own[] }> {
  if (keys.length > 0) return { keys: keys.map((key) => prefix + key), findings: [] };
  if (canary !== undefined) return { keys: [canary], findings: [] };
  if (played) return { keys: [prefix + FIXTURE], findings: [] };
  const page = await reader.list({ prefix, most: LOOKED_AT });
  const listed = "keys" in page ? page.keys : [];
  const images = listed.filter((key) => IMAGE.test(key) && keyFault(key) === undefined);
  for (const key of images.slice(0, TRIED)) {
    const { bytes } = await reader.fetch(key, ENOUGH_BYTES);
    if (bytes !== undefined && sniff(bytes) !== undefined) return { keys: [key], findings: [] };
  }
  if ("keys" in page && listed.length === 0 && prefix !== "") {
    return { keys: [], findings: [own(await nothingBelow(name, prefix, reader))] };
  }
  return {
    keys: [],
    findings: [
      {
        check: "sample",
        severity: "warning",
        what: "no image is known to look at, so that it was not seen whether the key may read any",
        why: "a key that S3 knows may still be allowed nothing",
        remedy: `npx vitrine doctor --key photos/fig.jpg, with one that is there, or a canary in BUCKETS.${name} of wrangler.toml`,
      },
    ],
  };
}

function own({ severity = "error", ...cause }: Cause): Own {
  return { severity, ...cause };
}

/** Nothing lies below the prefix: what there is instead. */
async function nothingBelow(name: string, prefix: string, reader: Reader): Promise<Cause> {
  const top = await reader.list({ prefix: "", delimiter: "/", most: 20 });
  const others = "keys" in top ? top.prefixes.map((other) => `"${other}"`).join(", ") : "";
  return {
    check: "prefix",
    what: `nothing lies below the prefix "${prefix}"`,
    why: MISSING,
    remedy: `mend BUCKETS.${name}.prefix in wrangler.toml${others && `: the bucket has ${others}`}`,
  };
}

/** Whether S3 gives an object, whole, and whether it is an image. */
export async function examineSample(
  asked: Asked,
  bucket: Bucket,
  reader: Reader,
  key: string,
): Promise<{ finding: Own; sample: Sample | undefined }> {
  const told = await reader.fetch(key);
  const { bytes, status } = told;
  if (bytes !== undefined) return { finding: describe(key, bytes), sample: { key, bytes } };
  if (status === 200) return { finding: own(brokenOff(key, told)), sample: undefined };
  const object = status !== undefined && verdictOf(told, bucket.region).fault === "object";
  const cause = object ? await objectCause(bucket, reader, key, told) : slotCause(told, asked);
  const what = object || cause === undefined ? {} : { what: `${key}: ${cause.what}` };
  return { finding: own({ ...(cause ?? brokenOff(key, told)), ...what }), sample: undefined };
}

function describe(key: string, bytes: Uint8Array): Own {
  const type = sniff(bytes);
  const what = `S3 gives ${key}: ${bytes.length.toLocaleString("en")} bytes, ${type ?? "no image"}`;
  if (type !== undefined) return { check: "sample", severity: "ok", what };
  return {
    check: "sample",
    severity: "warning",
    what,
    why: "what is no image is a 415 for visitors",
    remedy: "look at that object, or name another one: npx vitrine doctor --key …",
  };
}

function brokenOff(key: string, { failure }: S3Answer): Cause {
  if (failure === "too large") {
    return {
      check: "sample",
      severity: "warning",
      what: `S3 gives ${key}, and it is over 100 MB`,
      why: "the edge reads none so large: visitors get 415",
      remedy: "a smaller original, or name another one: npx vitrine doctor --key …",
    };
  }
  const late = failure === "timeout";
  return {
    check: "sample",
    what: `S3 begins to give ${key}, and ${late ? "stops in the middle" : `breaks off (${failure})`}`,
    why: "the edge gets no whole image: visitors get 502 or 504",
    remedy: "try again, with --timeout 60 if the object is large; then the provider's status page",
  };
}

/** Why S3 does not give an object to a key that it knows (A6, A9). */
async function objectCause(
  { prefix, name, bucket }: Bucket,
  reader: Reader,
  key: string,
  { code, status }: S3Answer,
): Promise<Cause> {
  if (code === "InvalidObjectState") {
    return {
      check: "sample",
      what: `${key} lies in an archive (${code})`,
      why: "visitors get 404 for it",
      remedy: `aws s3api restore-object --bucket ${bucket} --key ${shellQuote(key)} --restore-request Days=7`,
    };
  }
  if (prefix !== "") {
    const bare = key.slice(prefix.length);
    if ((await reader.fetch(bare, 1)).bytes !== undefined) {
      return {
        check: "prefix",
        what: `${key} is not there, and ${bare} is: the prefix "${prefix}" is wrong`,
        why: MISSING,
        remedy: `take prefix out of BUCKETS.${name} in wrangler.toml, or mend it`,
      };
    }
    const page = await reader.list({ prefix, most: 1 });
    if ("keys" in page && page.keys.length === 0) return nothingBelow(name, prefix, reader);
  }
  if (status === 404) {
    return {
      check: "sample",
      what: `${key} is not in the bucket (${code ?? status})`,
      why: "visitors get 404 for it; if it should be there, perhaps for all",
      remedy: `upload it, or mend canary or prefix in BUCKETS.${name} of wrangler.toml, or name another one by --key`,
    };
  }
  return {
    check: "sample",
    what: `the key may not read ${key}, or it is not there (${code ?? status})`,
    why: "to who may not list S3 says the same of both; visitors get 404",
    remedy: `if it is there, the key's policy must allow s3:GetObject on arn:aws:s3:::${bucket}/${prefix}*, and no bucket policy deny it; if not, mend prefix in BUCKETS.${name}, or name another one by --key`,
  };
}
