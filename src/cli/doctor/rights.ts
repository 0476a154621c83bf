// Who may do what with a bucket: the key, beyond reading, and anyone without a key. Nothing is written.

import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/s3/verdict.ts";
import type { S3Answer } from "../net/ask-s3.ts";
import type { Page } from "../net/list.ts";
import { type Finding, found, note, well } from "./finding.ts";
import type { Reader } from "./reader.ts";

/** S3's answers to those who may write: no such upload, or the part is not what it claims to be. */
const MAY: readonly (string | undefined)[] = ["NoSuchUpload", "BadDigest"];

/**
 * What a key may do beyond reading (A13).
 * @param strangely what S3 said when the same was tried without a key
 */
export async function rightsOf(
  about: string,
  bucket: Bucket,
  reader: Reader,
  strangely: S3Answer,
  absent: string,
): Promise<Finding[]> {
  const [page, written] = await Promise.all([
    reader.list({ prefix: bucket.prefix, most: 1 }),
    reader.tryWriting(absent),
  ]);
  return [listingOf(about, bucket, page), writingOf(about, bucket, written, strangely, absent)];
}

function writingOf(
  about: string,
  bucket: Bucket,
  written: S3Answer,
  strangely: S3Answer,
  absent: string,
): Finding {
  if (written.status === 200) return found(about, "key-wrote", { ...bucket, absent });
  // An S3 that says so to everyone has not looked at the key yet.
  const looked = MAY.includes(written.code) && strangely.code !== written.code;
  if (looked) return found(about, "write", bucket);
  if (written.status === 403) return well(about, "write", "the key may not write");
  const unknown = `whether the key may write to ${bucket.name} is unknown: S3 answers ${saidBy(written)}`;
  return note(about, "write", unknown);
}

function listingOf(about: string, bucket: Bucket, page: Page | S3Answer): Finding {
  if ("keys" in page) return found(about, "list", bucket);
  const { status, code } = page;
  if (status === 401 || status === 403) {
    return well(about, "list", `the key may not list the bucket (${code ?? status})`);
  }
  const unknown = `whether the key may list the bucket is unknown: S3 answers ${saidBy(page)}`;
  return note(about, "list", unknown);
}

function saidBy({ status, failure, code = "" }: S3Answer): string {
  return `${status ?? failure} ${code}`.trim();
}

/**
 * Whether anyone gets in without a key.
 * @param known an object that exists, ideally
 * @param absent one that does not exist
 * @param strangely what S3 said to a write without a key; undefined: it was not tried
 */
export async function publicity(
  about: string,
  { bucket, region, prefix }: Bucket,
  stranger: Reader,
  known: string | undefined,
  absent: string,
  strangely: S3Answer | undefined,
): Promise<Finding> {
  const key = known ?? absent;
  const [got, page] = await Promise.all([stranger.ask(key), stranger.list({ prefix, most: 1 })]);
  const reads = verdictOf(got, region).fault === "none";
  if (reads || "keys" in page) {
    return found(about, "public", { bucket, read: reads ? `download ${key}` : "list it" });
  }
  if (strangely?.status === 200) return found(about, "public-write", { bucket, absent });
  if (strangely !== undefined && MAY.includes(strangely.code)) {
    return found(about, "public-write-perhaps", { bucket, said: saidBy(strangely) });
  }
  const refused = [got, page].every(({ status = 0 }) => status >= 400 && status < 500);
  if (refused && known !== undefined) {
    return well(about, "public", "it is private: S3 refuses requests without a key at this host");
  }
  const answers = [got, page].map(({ status, failure }) => status ?? failure).join(" and ");
  const unknown = refused
    ? "requests without a key may not list it. Whether they may read is unknown: name an object by --key"
    : `whether the bucket is public is unknown: S3 answers ${answers} without a key`;
  return note(about, "public", unknown);
}
