// What a reply of S3 means for an operator: S3 accepts the key, refuses it, or something is wrong that no other key
// would change. The doctor reads replies to this machine, and what /healthz says of replies to the Worker. Pure.
//
// An operator who follows a remedy must never change what is right. So a setting is named only where S3 itself says that
// it is wrong, and in an outage the remedy is to wait.

import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { page } from "../command.ts";
import { type Project, sourceOfVariable, usesLocalS3 } from "../config/project.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { settingsFor } from "../wrangler/settings.ts";
import type { Check } from "./finding.ts";

/** The checks of an S3, whatever key asks. */
type BucketCheck = Extract<
  Check,
  "reachable" | "clock" | "bucket" | "region" | "busy" | "account" | "endpoint"
>;

export type ReplyMeaning =
  /** S3 knows the key. What it says of the object is another question. */
  | { readonly kind: "accepted" }
  /** S3 does not accept the key. @see describeKeyRefusal */
  | { readonly kind: "key-refused"; readonly code: string }
  /** The reply is about the whole bucket. The check is the one that fails. */
  | { readonly kind: "bucket-fault"; readonly check: BucketCheck };

type Reply = Pick<S3RequestResult, "status" | "code" | "failure" | "region" | "ahead">;

/** Says what a reply about an object means. The first paragraph that fits decides. */
export function meaningOfReply(reply: Reply, bucket: Bucket): ReplyMeaning {
  const { status, code, region } = reply;
  if (code === "RequestTimeTooSkewed") return { kind: "bucket-fault", check: "clock" };
  if (code === "NoSuchBucket") return { kind: "bucket-fault", check: "bucket" };

  const isSilent = status === undefined && code === undefined;
  if (isSilent) return { kind: "bucket-fault", check: "reachable" };

  // The Worker's own table decides what the code means. A report of /healthz may have a code without its status.
  const verdict = verdictOf({ ...reply, status: status ?? USUAL_REFUSAL }, bucket.region);
  // S3 refuses this object, to a key that it accepts.
  if (verdict.result === "object-refused") return { kind: "accepted" };

  // S3 refuses the key itself.
  if (verdict.result === "slot-refused") return { kind: "key-refused", code: verdict.s3Code };

  // S3 may name a region in any reply (A5). Only with these it says that the configured one is wrong.
  const isOtherRegion = region !== undefined && region !== bucket.region;
  if (verdict.result === "misconfigured" && isOtherRegion) {
    return { kind: "bucket-fault", check: "region" };
  }

  if (status !== undefined && isBusy(status)) return { kind: "bucket-fault", check: "busy" };

  // The account is suspended, for example. S3 does not say whether it accepts the key.
  const isRefusal = code !== undefined && status !== undefined && status >= 400;
  if (isRefusal) return { kind: "bucket-fault", check: "account" };

  return { kind: "bucket-fault", check: "endpoint" };
}

/** The status with which S3 sends most of its codes. */
const USUAL_REFUSAL = 403;

function isBusy(status: number): boolean {
  return status === 429 || status >= 500;
}

/** Returns whether S3 knows the key, whatever it says of the object. */
export function isKeyAccepted(reply: Reply, bucket: Bucket): boolean {
  return meaningOfReply(reply, bucket).kind === "accepted";
}

/** What S3 says of the whole bucket, and what to do. */
export type BucketFault = {
  readonly check: BucketCheck;
  readonly seen: string;
  readonly remedy: string;
  /** The remedy changes wrangler.toml. */
  readonly needsDeploy: boolean;
};

/** @param check the one that the reply's meaning names */
export function explainBucketFault(
  check: BucketCheck,
  reply: Reply,
  bucket: Bucket,
  project: Pick<Project, "envConfig" | "isLocalRun">,
): BucketFault {
  const { envConfig } = project;
  const { host } = new URL(bucket.baseUrl);
  const settings = `BUCKETS.${bucket.name} of ${sourceOfVariable(project, "BUCKETS")}`;

  switch (check) {
    case "reachable":
      return explainSilence(reply, host, settings, project);

    case "clock":
      return {
        check,
        seen: `S3's clock is ${offsetText(reply.ahead)}, and it refuses what is over 900 s off (RequestTimeTooSkewed)`,
        remedy: `compare this machine's clock with https://time.is. If it is off, set it: timedatectl set-ntp true. Else set the clock of ${host}, or tell whoever runs it`,
        needsDeploy: false,
      };

    case "bucket":
      if (usesLocalS3(project)) {
        const dev = commandFor(envConfig, "npx vitrine dev");
        return {
          check,
          seen: `the local run at ${host} has no bucket "${bucket.bucket}"`,
          remedy: `it is that of another environment or folder, or has not read ${settings} yet: stop it, and start that of this one: ${dev}`,
          needsDeploy: false,
        };
      }

      return {
        check,
        seen: `S3 has no bucket "${bucket.bucket}" at ${host}`,
        remedy: `if it has another name, correct bucket or endpoint in ${settings}. If somebody deleted it, make it again, with its objects`,
        needsDeploy: true,
      };

    case "region": {
      const regionSetting = settingsFor(envConfig, `region = "${reply.region}"`);
      return {
        check,
        seen: `the bucket is in ${reply.region}, not in ${bucket.region}`,
        remedy: `in ${settings}, set ${regionSetting}, and correct endpoint if that has ${bucket.region}`,
        needsDeploy: true,
      };
    }

    case "busy":
      return {
        check,
        seen: `S3 answers ${statusText(reply)}: it is busy, or has an error`,
        remedy: `wait a minute, then run the doctor again, and see the provider's status page. Nothing that you change here helps: ${page("docs/errors.md")}, “S3 is down”`,
        needsDeploy: false,
      };

    case "account":
      return {
        check,
        seen: `S3 refuses with ${reply.code} (${reply.status})`,
        remedy: `look ${reply.code} up at the provider, and look at the account there. Do not change endpoint`,
        needsDeploy: false,
      };

    case "endpoint":
      return {
        check,
        seen: `${host} does not answer as an S3 does: ${statusText(reply)}`,
        remedy: `look at what answers at ${host}: a proxy, or a website. If it was never an S3, set endpoint in ${settings} to one that does not redirect, without the bucket`,
        needsDeploy: true,
      };

    default:
      return check satisfies never;
  }
}

/** No answer came. Only where the host has no address or no right certificate, a setting may be wrong. */
function explainSilence(
  { failure }: Reply,
  host: string,
  settings: string,
  project: Pick<Project, "envConfig" | "isLocalRun">,
): BucketFault {
  const { envConfig } = project;
  const check = "reachable";
  const seen = `${host} does not answer: ${failure}`;

  if (usesLocalS3(project)) {
    return { check, seen, remedy: startAdvice(project), needsDeploy: false };
  }

  const providers = page("docs/configuration.md");

  if (`${failure}`.includes("EXPIRED")) {
    return {
      check,
      seen,
      remedy: `renew the certificate of ${host}, or tell whoever runs it. If this machine's clock is off, set it`,
      needsDeploy: false,
    };
  }

  if (/ENOTFOUND|CERT|SSL|EPROTO/.test(`${failure}`)) {
    const deploy = commandFor(envConfig, "npx vitrine deploy");
    return {
      check,
      seen,
      remedy: `compare endpoint and addressing in ${settings} with ${providers}, which lists providers, and if one is wrong, correct it: ${deploy}. If they showed pictures before, leave them, and see the provider's status page`,
      needsDeploy: false,
    };
  }

  return {
    check,
    seen,
    remedy: `get this machine online, or start that S3 if it is yours. Else wait, and see the provider's status page: nothing that you change here helps (${page("docs/errors.md")}, “S3 is down”). Only if this bucket never showed a picture, compare endpoint with ${providers}`,
    needsDeploy: false,
  };
}

/** What to do where no local run answers. */
export function startAdvice({ envConfig }: Pick<Project, "envConfig">): string {
  const dev = commandFor(envConfig, "npx vitrine dev");
  return `start the local run: ${dev}. It prints its http:// URL: pass that, without a path`;
}

/** @param ahead how far S3's clock is ahead: s; undefined: S3 refused the time of the request, and told no other */
export function offsetText(ahead: number | undefined): string {
  if (ahead === undefined) return "over 15 minutes from the time of the request";

  const direction = ahead < 0 ? "behind" : "ahead";
  return `${Math.abs(ahead)} s ${direction}`;
}

/** `503 SlowDown`: what of both is known. */
export function statusText({ status, code }: Pick<Reply, "status" | "code">): string {
  return [status, code].filter((part) => part !== undefined).join(" ");
}

export function answerText(reply: Pick<Reply, "status" | "code" | "failure">): string {
  const { status, failure } = reply;
  if (status === undefined) return `S3 does not answer: ${failure}`;
  if (failure !== undefined) return `S3 answers ${status}: ${failure}`;
  return `S3 answers ${statusText(reply)}`;
}
