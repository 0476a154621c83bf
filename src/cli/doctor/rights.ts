// What the key may do beyond reading, and what anyone may do without a key. It writes nothing to an S3 that
// knows uploads in parts or checks digests.

import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import type { Page } from "../objects/list-page.ts";
import { answerText } from "./diagnose-s3.ts";
import { type Diagnosis, diagnose, note, well } from "./finding.ts";
import type { Reader } from "./reader.ts";

/** S3's answers to those who may write: no such upload, or the part is not what it claims to be. */
const MAY: readonly (string | undefined)[] = ["NoSuchUpload", "BadDigest"];

/** S3's answer to those who may not. Other codes, such as SignatureDoesNotMatch, say nothing about rights. */
const DENIED = "AccessDenied";

/** Writing as a test: to an object that does not exist. */
export type Trial = {
  /** The key of an object that does not exist. */
  readonly absent: string;
  /** What S3 said to the test without a key; undefined: wrangler's S3 has no policies to try. */
  readonly strangely: S3Answer | undefined;
};

/**
 * What a key may do beyond reading (A13).
 * @param hasStore whether it has to list, so that what is deleted is known (A6)
 */
export async function rightsOf(
  bucket: Bucket,
  reader: Reader,
  trial: Trial,
  hasStore: boolean,
): Promise<Diagnosis[]> {
  if (trial.strangely === undefined) return [];
  const [page, written] = await Promise.all([
    reader.list({ prefix: bucket.prefix, most: 1 }),
    reader.tryWriting(trial.absent),
  ]);
  return [listingOf(bucket, page, hasStore), writingOf(bucket, written, trial)];
}

function writingOf(bucket: Bucket, written: S3Answer, { absent, strangely }: Trial): Diagnosis {
  if (written.status === 200) return diagnose("key-wrote", { ...bucket, absent });
  // An S3 that says so to everyone has not looked at the key yet.
  const looked = MAY.includes(written.code) && strangely?.code !== written.code;
  if (looked) return diagnose("write", bucket);
  if (written.code === DENIED) return well("write", "the key may not write");
  const whether = `whether the key may write to ${bucket.name} is unknown`;
  return note("write", `${whether}: ${answerText(written)}`);
}

function listingOf(bucket: Bucket, page: Page | S3Answer, hasStore: boolean): Diagnosis {
  if ("objects" in page) {
    if (hasStore) return well("list", "the key may list the bucket, as the store needs it");
    return diagnose("list", bucket);
  }
  if (page.code === DENIED) {
    if (hasStore) return diagnose("list-for-store", bucket);
    return well("list", `the key may not list the bucket (${DENIED})`);
  }
  return note("list", `whether the key may list the bucket is unknown: ${answerText(page)}`);
}

const LIST = new Intl.ListFormat("en-GB");

/**
 * Whether anyone gets in without a key.
 * @param known an object that exists, if one is known
 */
export async function publicity(
  { bucket, region, prefix }: Bucket,
  stranger: Reader,
  known: string | undefined,
  { absent, strangely }: Trial,
): Promise<Diagnosis> {
  const key = known ?? absent;
  const [got, page] = await Promise.all([stranger.ask(key), stranger.list({ prefix, most: 1 })]);
  const reads = verdictOf(got, region).fault === "none";
  const writes = strangely?.status === 200;
  const perhaps = strangely !== undefined && MAY.includes(strangely.code);
  const acts = [
    ...(reads ? [`download ${key}`] : []),
    ...("objects" in page ? ["list it"] : []),
    ...(writes ? ["write to it"] : []),
  ];
  const can = LIST.format(acts) + (perhaps ? ", and perhaps write to it," : "");
  if (writes) return diagnose("public-write", { bucket, can, absent });
  if (acts.length > 0) return diagnose("public", { bucket, can });
  if (perhaps) {
    return diagnose("public-write-perhaps", { bucket, said: answerText(strangely) });
  }
  const said = "objects" in page ? [got] : [got, page];
  const refused = said.every(({ status = 0 }) => status >= 400 && status < 500);
  if (refused && known !== undefined) {
    return well("public", "it is private: S3 refuses requests without a key at this host");
  }
  const answers = said.map(({ status, failure }) => status ?? failure).join(" and ");
  const unknown = refused
    ? "without a key nobody may list it. Whether they may read is unknown: name an object by --key"
    : `whether the bucket is public is unknown: S3 answers ${answers} without a key`;
  return note("public", unknown);
}
