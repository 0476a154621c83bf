// The key of the buckets on this machine, in a file that only its owner can read. wrangler shows an object of a
// local bucket to everyone who knows the bucket's name, so a part of that name is secret, too.

import { hash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { replaceFile } from "../files/write-file.ts";

export const LOCAL_KEY_FILE = ".wrangler/vitrine/local-key.json";
/** What both halves of a local key begin with. No key of a provider does. */
const MARK = "vitrine-local-";
const MAX_BUCKET_NAME = 63;

/**
 * Reads the key of a project's local buckets. Where there is none, it makes one. The file has the form that
 * `aws iam create-access-key` prints, which `vitrine rotate --key-file` takes.
 * @throws if the file cannot be read or made
 */
export function readLocalKeys(folder: string): Credentials {
  const file = join(folder, LOCAL_KEY_FILE);
  if (!existsSync(file)) replaceFile(file, JSON.stringify({ AccessKey: makeKey() }));
  const read = parseJson(readFileSync(file, "utf8"));
  const key = isPlainObject(read) && isPlainObject(read["AccessKey"]) ? read["AccessKey"] : {};
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = key;
  if (!isOfLocalKey(accessKeyId) || !isOfLocalKey(secretAccessKey)) {
    throw new Error(`${file} is broken. Remove it.`);
  }
  return { accessKeyId, secretAccessKey };
}

function makeKey() {
  const secret = randomBytes(32).toString("base64url");
  return { AccessKeyId: `${MARK}key-id`, SecretAccessKey: MARK + secret };
}

/** Returns whether a value is a half of a local key, which must never be deployed. */
export function isOfLocalKey(value: unknown): value is string {
  return typeof value === "string" && value.startsWith(MARK);
}

/** Returns the name on this machine of a bucket. The local S3 is R2, which allows no dots and underscores. */
export function localBucketName(bucket: string, { secretAccessKey }: Credentials): string {
  const secret = hash("sha256", `${secretAccessKey} ${bucket}`).slice(0, 32);
  return `${bucket.replace(/[._]/g, "-").slice(0, MAX_BUCKET_NAME - 33)}-${secret}`;
}
