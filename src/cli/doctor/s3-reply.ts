// What a reply of S3 means for an operator: S3 accepts the key, refuses it, or something is wrong that no other key
// would change. The doctor reads replies to this machine, and what /healthz says of replies to the Worker. Pure.
//
// An operator who follows a remedy must never change what is right. So a setting is named only where S3 itself says that
// it is wrong, and in an outage the remedy is to wait.

import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { type Check, SEE_PROVIDER } from "./finding.ts";

/** What S3 says of the whole bucket, whatever key asks. */
export type BucketFault = {
  readonly kind: "bucket-fault";
  readonly check: Check;
  readonly seen: string;
  readonly remedy: string;
  /** The remedy changes wrangler.toml. */
  readonly needsDeploy: boolean;
};

export type ReplyMeaning =
  /** S3 knows the key. What it says of the object is another question. */
  | { readonly kind: "accepted" }
  /** S3 does not accept the key. @see diagnoseKey */
  | { readonly kind: "key-refused"; readonly code: string }
  | BucketFault;

type Reply = Pick<S3RequestResult, "status" | "code" | "failure" | "region" | "ahead">;

/**
 * Says what a reply about an object means. The first paragraph that fits decides.
 * @param file what has the settings of the bucket
 */
export function explainReply(reply: Reply, bucket: Bucket, file = "wrangler.toml"): ReplyMeaning {
  const { status = 0, code, region } = reply;
  const { host } = new URL(bucket.baseUrl);
  const settings = `BUCKETS.${bucket.name} of ${file}`;

  if (status === 0 && code === undefined) return explainSilence(reply, bucket, settings);

  if (code === "RequestTimeTooSkewed") return explainSkew(reply, host);

  if (code === "NoSuchBucket") {
    const seen = `S3 has no bucket "${bucket.bucket}" at ${host}`;
    const remedy = `if it has another name, correct bucket or endpoint in ${settings}. If somebody deleted it, make it again, with its objects`;
    return { kind: "bucket-fault", check: "bucket", seen, remedy, needsDeploy: true };
  }

  const verdict = verdictOf({ ...reply, status }, bucket.region);
  if (verdict.result === "object-refused") return { kind: "accepted" };
  if (verdict.result === "slot-refused") return { kind: "key-refused", code: verdict.s3Code };

  // S3 may name a region in any reply (A5). Only with these it says that the configured one is wrong.
  if (verdict.result === "misconfigured" && region !== undefined && region !== bucket.region) {
    const seen = `the bucket is in ${region}, not in ${bucket.region}`;
    const remedy = `in ${settings}, set region = "${region}", and correct endpoint if that has ${bucket.region}`;
    return { kind: "bucket-fault", check: "region", seen, remedy, needsDeploy: true };
  }

  if (status === 429 || status >= 500) {
    const seen = `S3 answers ${statusText(reply)}: it is busy, or has an error`;
    const remedy = `wait a minute, then run the doctor again, and ${SEE_PROVIDER}. Nothing that you change here helps: docs/errors.md, “S3 is down”`;
    return { kind: "bucket-fault", check: "busy", seen, remedy, needsDeploy: false };
  }

  // The account is suspended, for example. S3 does not say whether it accepts the key.
  if (code !== undefined && status >= 400) {
    const seen = `S3 refuses with ${code} (${status})`;
    const remedy = `look ${code} up at the provider, and look at the account there. Do not change endpoint`;
    return { kind: "bucket-fault", check: "account", seen, remedy, needsDeploy: false };
  }

  const seen = `${host} does not answer as an S3 does: ${statusText(reply)}`;
  const remedy = `look at what answers at ${host}: a proxy, or a website. If it was never an S3, set endpoint in ${settings} to one that does not redirect, without the bucket`;
  return { kind: "bucket-fault", check: "endpoint", seen, remedy, needsDeploy: true };
}

/** No answer came. Only where the host has no address or no right certificate, a setting may be wrong. */
function explainSilence({ failure }: Reply, { baseUrl }: Bucket, settings: string): BucketFault {
  const { host } = new URL(baseUrl);
  const seen = `${host} does not answer: ${failure}`;

  if (`${failure}`.includes("EXPIRED")) {
    const remedy = `renew the certificate of ${host}, or tell whoever runs it. If this machine's clock is off, set it`;
    return { kind: "bucket-fault", check: "reachable", seen, remedy, needsDeploy: false };
  }

  if (/ENOTFOUND|CERT|SSL|EPROTO/.test(`${failure}`)) {
    const remedy = `compare endpoint and addressing in ${settings} with docs/configuration.md, which lists providers, and if one is wrong, correct it: npx vitrine deploy. If they showed pictures before, leave them, and ${SEE_PROVIDER}`;
    return { kind: "bucket-fault", check: "reachable", seen, remedy, needsDeploy: false };
  }

  const remedy = `get this machine online, or start that S3 if it is yours. Else wait, and ${SEE_PROVIDER}: nothing that you change here helps (docs/errors.md, “S3 is down”). Only if this bucket never showed a picture, compare endpoint with docs/configuration.md`;
  return { kind: "bucket-fault", check: "reachable", seen, remedy, needsDeploy: false };
}

function explainSkew({ ahead }: Reply, host: string): BucketFault {
  const seen = `S3's clock is ${offsetText(ahead)}, and it refuses what is over 900 s off (RequestTimeTooSkewed)`;
  const remedy = `compare this machine's clock with https://time.is. If it is off, set it: timedatectl set-ntp true. Else set the clock of ${host}, or tell whoever runs it`;
  return { kind: "bucket-fault", check: "clock", seen, remedy, needsDeploy: false };
}

/** @param ahead how far S3's clock is ahead: s; undefined: S3 refused the time of the request, and told no other */
export function offsetText(ahead: number | undefined): string {
  if (ahead === undefined) return "over 15 minutes from the time of the request";
  const direction = ahead < 0 ? "behind" : "ahead";
  return `${Math.abs(ahead)} s ${direction}`;
}

function statusText({ status, code = "" }: Reply): string {
  return [status, code].filter(Boolean).join(" ");
}

export function answerText({ status, code = "", failure }: S3RequestResult): string {
  if (status === undefined) return `S3 does not answer: ${failure}`;
  if (failure !== undefined) return `S3 answers ${status}: ${failure}`;
  return `S3 answers ${status} ${code}`.trimEnd();
}
