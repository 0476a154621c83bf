// Who may do what with a bucket: the key beyond reading, and strangers at all.

import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/s3/verdict.ts";
import type { S3Answer } from "../net/ask-s3.ts";
import type { Page } from "../net/list.ts";
import { type Cause, type Finding, found, type Own, well } from "./finding.ts";
import type { Reader } from "./reader.ts";

/** What a key may do beyond reading (A13). Nothing is written. */
export async function rightsOf(
  about: string,
  { name, bucket, prefix }: Bucket,
  reader: Reader,
  strangely: S3Answer,
  absent: string,
): Promise<Finding[]> {
  const [page, written] = await Promise.all([
    reader.list({ prefix, most: 1 }),
    reader.tryWriting(absent),
  ]);
  const enough = `s3:GetObject on arn:aws:s3:::${bucket}/${prefix}* is all that the key's policy must allow`;
  const lists = listingOf(about, page, enough);
  const may: Cause = {
    check: "write",
    severity: "warning",
    what: "the key may write (s3:PutObject)",
    why: "who steals it can replace what all visitors see",
    remedy: enough,
  };
  if (written.status === 200) {
    const left = `${may.what}, and an empty object is left of the question, ${absent}`;
    return [lists, found(about, { ...may, what: left, remedy: `remove that one. ${enough}` })];
  }
  // S3s that say so to everybody have not looked yet who asks.
  const looked = MAY.includes(written.code) && strangely.code !== written.code;
  if (looked) return [lists, found(about, may)];
  if (written.status === 403) {
    return [lists, well(about, "write", "the key may not write")];
  }
  const what = `whether the key may write to ${name} cannot be told: S3 answers ${saidBy(written)}`;
  return [lists, { about, check: "write", severity: "note", what }];
}

function listingOf(about: string, page: Page | S3Answer, enough: string): Finding {
  if ("keys" in page) {
    return found(about, {
      check: "list",
      severity: "warning",
      what: "the key may list the bucket (s3:ListBucket)",
      why: "who steals it learns the name of every object",
      remedy: `${enough}. Leave it, if the log is to tell missing objects from denied ones`,
    });
  }
  const { status, code } = page;
  if (status === 401 || status === 403) {
    return well(about, "list", `the key may not list the bucket (${code ?? status})`);
  }
  const what = `whether the key may list the bucket cannot be told: S3 answers ${saidBy(page)}`;
  return { about, check: "list", severity: "note", what };
}

function saidBy({ status, failure, code = "" }: S3Answer): string {
  return `${status ?? failure} ${code}`.trim();
}

/** What is said to who may write: there is no such upload, or the part is not what it claims to be. */
const MAY: readonly (string | undefined)[] = ["NoSuchUpload", "BadDigest"];

function blockOf(bucket: string): string {
  return `aws s3api put-public-access-block --bucket ${bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`;
}

/**
 * Whether strangers get in.
 * @param known an object that is there, best of all
 * @param absent one that is not
 * @param strangely what S3 said to a stranger who tried to write; undefined: none did
 */
export async function publicity(
  { bucket, region, prefix }: Bucket,
  stranger: Reader,
  known: string | undefined,
  absent: string,
  strangely: S3Answer | undefined,
): Promise<Own> {
  const key = known ?? absent;
  const [got, page] = await Promise.all([stranger.ask(key), stranger.list({ prefix, most: 1 })]);
  const reads = verdictOf(got, region).fault === "none";
  const lists = "keys" in page;
  if (reads || lists) {
    return {
      check: "public",
      severity: "error",
      what: `the bucket is public: everybody can ${reads ? `download ${key}` : "list it"}, without a key`,
      why: "originals are open to whoever finds the bucket's name; Vitrine hides nothing then",
      remedy: blockOf(bucket),
    };
  }
  const isWritten = strangely?.status === 200;
  if (strangely !== undefined && (isWritten || MAY.includes(strangely.code))) {
    return {
      check: "public",
      severity: isWritten ? "error" : "warning",
      what: isWritten
        ? `everybody can write to it, without a key: an empty object is left of the question, ${absent}`
        : `perhaps everybody can write to it: strangers who try are told ${saidBy(strangely)}, as who may is`,
      why: "whoever finds the bucket's name could replace what all visitors see",
      remedy: isWritten
        ? `remove that object, and ${blockOf(bucket)}`
        : `${blockOf(bucket)}. If it is so already, this S3 says so to everybody`,
    };
  }
  const refused = [got, page].every(({ status = 0 }) => status >= 400 && status < 500);
  if (refused && known === undefined) {
    const what =
      "strangers may not list it; whether they may read was not tried: name an object by --key";
    return { check: "public", severity: "note", what };
  }
  if (refused) {
    return {
      check: "public",
      severity: "ok",
      what: "it is private: strangers are refused at this host",
    };
  }
  const answers = [got, page].map(({ status, failure }) => status ?? failure).join(" and ");
  return {
    check: "public",
    severity: "note",
    what: `whether the bucket is public cannot be told: strangers get ${answers}`,
  };
}
