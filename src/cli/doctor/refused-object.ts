// Why S3 gives an object to a key that it accepts: never a guess. A policy is named only after the operator has made sure
// whose key it is: the policy of another environment's key must not get this bucket. Pure.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { type Problem, SEE_PROVIDER } from "./finding.ts";
import { answerText } from "./s3-reply.ts";

export type RefusedObject = {
  /** Its key, or `the canary`. */
  readonly name: string;
  readonly bucket: Bucket;
  readonly reply: S3RequestResult;
  /** Whether S3 tells this key what is missing (A6). */
  readonly mayList: boolean;
  /** The key that asked, as `…0OLD in production.env`. */
  readonly keyName: string;
  /** The environment whose key it should be. */
  readonly environment: string;
  /** What has the settings of the bucket, as `wrangler.toml`. */
  readonly file: string;
};

/** Says why an object is refused, and what to do. The first paragraph that fits decides. */
export function explainRefusedObject(refused: RefusedObject): Problem {
  const { name, bucket, reply, mayList, keyName, environment, file } = refused;
  const { code, status } = reply;
  const settings = `BUCKETS.${bucket.name} of ${file}`;
  const another = "or take another object";
  const misspelt = `if canary, prefix or bucket in ${settings} is misspelt, correct that, and npx vitrine deploy`;

  if (code === "InvalidObjectState") {
    return {
      seen: `${name} is in an archive (${code})`,
      remedy: `restore it from the archive, ${another}`,
    };
  }
  if (code?.startsWith("KMS.")) {
    return {
      seen: `${name}: KMS does not decrypt it (${code})`,
      remedy: `look at the object's KMS key and its policy, ${another}`,
    };
  }
  if (code === "NoSuchKey" || (status === 404 && code === undefined)) {
    return {
      seen: `${name} is missing (${code ?? status})`,
      remedy: `${misspelt}. Else upload it, ${another}`,
    };
  }
  if (status === undefined || status === 429 || status >= 500) {
    return {
      seen: `${name}: ${answerText(reply)}`,
      remedy: `wait a minute, then run the doctor again, and ${SEE_PROVIDER}`,
    };
  }
  if (code === undefined) {
    const { host } = new URL(bucket.baseUrl);
    return {
      seen: `${name}: ${host} does not answer as an S3 does: ${status}`,
      remedy: `look at what answers at ${host}: a proxy, or a website`,
    };
  }
  if (code !== "AccessDenied") {
    return {
      seen: `${name}: S3 refuses it with ${code} (${status})`,
      remedy: `look ${code} up at the provider. Do not change endpoint`,
    };
  }

  const rights = `make sure that ${keyName} is the key of this bucket and of ${environment}. If it is not, take the right one: npx vitrine deploy --secrets-file FILE. If it is, the policy of its user must allow s3:GetObject on arn:aws:s3:::${bucket.bucket}/${bucket.prefix}*, and no bucket policy may deny it (docs/deploy.md, step 4)`;
  // To a key that may list, S3 says NoSuchKey of what is missing (A6): so this object is there.
  if (mayList) return { seen: `${name} is there, and denied to the key (${code})`, remedy: rights };
  return {
    seen: `${name} is missing, or denied to the key (${code}): S3 does not say which to a key that may not list`,
    remedy: `look whether it is there. If not, ${misspelt}, or upload it, ${another}. If it is there, ${rights}`,
  };
}
