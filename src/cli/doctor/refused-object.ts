// Why S3 does not give an object to a key that it accepts: never a guess. A policy is named only after the operator has
// made sure whose key it is: the policy of another environment's key must not get this bucket. Pure.

import type { Bucket } from "../../worker/config/bucket.ts";
import { page } from "../command.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { type ConfigFile, commandFor, environmentText } from "../wrangler/config-file.ts";
import type { Problem } from "./finding.ts";
import { answerText } from "./s3-reply.ts";

export type RefusedObject = {
  /** Its key, or `the canary`. */
  readonly name: string;
  readonly bucket: Bucket;
  readonly reply: Pick<S3RequestResult, "status" | "code" | "failure">;
  /** Whether S3 tells this key what is missing (A6). */
  readonly mayList: boolean;
  /** The key that asked, as `…0OLD in production.env`. */
  readonly keyName: string;
  /** The environment whose key it should be. */
  readonly envConfig: ConfigFile;
  /** What has the settings of the bucket: `env.staging of wrangler.toml`. */
  readonly file: string;
};

/** Says why an object is refused, and what to do. The first paragraph that fits decides. */
export function explainRefusedObject(refused: RefusedObject): Problem {
  const { name, bucket, reply } = refused;
  const { code, status } = reply;

  if (code === "InvalidObjectState") {
    return {
      seen: `${name} is in an archive (${code})`,
      remedy: "restore it from the archive, or take another object",
    };
  }

  if (code?.startsWith("KMS.")) {
    return {
      seen: `${name}: KMS does not decrypt it (${code})`,
      remedy: "look at the object's KMS key and its policy, or take another object",
    };
  }

  const isMissing = code === "NoSuchKey" || (status === 404 && code === undefined);
  if (isMissing) {
    return {
      seen: `${name} is missing (${code ?? status})`,
      remedy: `${correctSettings(refused)}. Else upload it, or take another object`,
    };
  }

  const isOutage = status === undefined || status === 429 || status >= 500;
  if (isOutage) {
    return {
      seen: `${name}: ${answerText(reply)}`,
      remedy: "wait a minute, then run the doctor again, and see the provider's status page",
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

  return explainDenial(refused);
}

/** S3 denies the object to the key. */
function explainDenial(refused: RefusedObject): Problem {
  const { name, mayList } = refused;
  const grantRight = grantRightText(refused);

  // To a key that may list, S3 says NoSuchKey of what is missing (A6): so this object is there.
  if (mayList) {
    return { seen: `${name} is there, and denied to the key (AccessDenied)`, remedy: grantRight };
  }

  return {
    seen: `${name} is missing, or denied to the key (AccessDenied): S3 does not say which to a key that may not list`,
    remedy: `look whether it is there. If not, ${correctSettings(refused)}, or upload it, or take another object. If it is there, ${grantRight}`,
  };
}

/** What to do if the object is nowhere near the name that is configured. */
function correctSettings({ bucket, file, envConfig }: RefusedObject): string {
  const deploy = commandFor(envConfig, "npx vitrine deploy");
  return `if canary, prefix or bucket in BUCKETS.${bucket.name} of ${file} is misspelt, correct that, and ${deploy}`;
}

/** What to do if the key may not read the object. */
function grantRightText({ bucket, keyName, envConfig }: RefusedObject): string {
  const environment = environmentText(envConfig.environment);
  const deploy = commandFor(envConfig, "npx vitrine deploy");
  const arn = `arn:aws:s3:::${bucket.bucket}/${bucket.prefix}*`;
  return `make sure that ${keyName} is the key of this bucket and of ${environment}. If it is not, take the right one: ${deploy} --secrets-file FILE. If it is, the policy of its user must allow s3:GetObject on ${arn}, and no bucket policy may deny it (${page("docs/deploy.md")}, step 4)`;
}
