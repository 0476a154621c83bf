// Asks S3 as the Worker and the edge do, and says what its answers mean. One kind of request is a PUT: a part of an upload
// that does not exist, with a wrong digest. S3 refuses it; only a server that ignores both stores an empty object.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import type { SlotName } from "../../worker/http/refusal.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { secretNamesOf } from "../config/buckets.ts";
import { requestS3, type S3Request, type S3RequestResult } from "../http/ask-s3.ts";
import { listPage } from "../objects/list-page.ts";
import { ALL_MISSING, type Check, problem, type Result, SEE_PROVIDER } from "./finding.ts";

export type S3Query = {
  /** With the bucket's name in wrangler.toml, also in the local run. */
  readonly bucket: Bucket;
  readonly slot: SlotName;
  /** Where a secret of that slot comes from, as `.dev.vars`; undefined: from the deployed Worker. */
  readonly source?: string | undefined;
};

/** Keys begin with the prefix of the bucket. */
export type S3Probe = ReturnType<typeof openProbe>;

const NO_UPLOAD = "?partNumber=1&uploadId=vitrine-doctor";
/** Not the digest of an empty body. */
const WRONG_MD5 = { "content-md5": Buffer.alloc(16).toString("base64") };

/** @param now milliseconds since 1970 */
export function openProbe(query: S3Query, credentials: Credentials | undefined, now: () => number) {
  const { bucket } = query;
  type Init = Omit<S3Request, "headers">;
  const send = async (key: string, search: string, extraHeaders: object, init: Init = {}) => {
    const sentAt = now();
    const url = originUrl(bucket.baseUrl, key) + search;
    const signed =
      credentials && (await sign(url, bucket.region, credentials, sentAt, init.method));
    return requestS3(
      url,
      { ...init, headers: new Headers({ ...signed, ...extraHeaders }) },
      sentAt,
    );
  };
  return {
    query,
    credentials,
    getFirstByte: (key: string, search = "") => send(key, search, { range: "bytes=0-0" }),
    getObject: (key: string) => send(key, "", {}, { readsObject: true }),
    /** Whether there is an object below the prefix; else what S3 answers. */
    list: () => listPage(bucket, credentials, { prefix: bucket.prefix, maxKeys: 1 }, now()),
    /** A key that may write learns that there is no such upload; any other one is denied. */
    tryWriting: (key: string) => send(key, NO_UPLOAD, WRONG_MD5, { method: "PUT" }),
  };
}

/** A fault that is corrected in the table of a bucket in wrangler.toml. */
export function misset(check: Check, { name }: Bucket, seen: string, change: string): Result {
  const remedy = `in BUCKETS.${name} of wrangler.toml, ${change}`;
  return problem(check, { seen, remedy, needsDeploy: true });
}

/**
 * What S3's answer about an object means; undefined: it accepts the credentials.
 * @param object what was asked for, if the report is to name it
 */
export function diagnoseS3(
  answer: S3RequestResult,
  query: S3Query,
  object?: "an object that cannot exist",
): Result | undefined {
  const { status = 0, code, failure, ahead } = answer;
  const { bucket, region, baseUrl } = query.bucket;
  const { host } = new URL(baseUrl);
  const setting = (check: Check, seen: string, change: string) =>
    misset(check, query.bucket, seen, change);

  if (status === 0 && code === undefined) {
    const change = `correct endpoint (with a valid TLS certificate: docs/configuration.md lists providers) or addressing. If they are right, start that S3, get this machine online, or ${SEE_PROVIDER}`;
    return setting("reachable", `${host} does not answer: ${failure}`, change);
  }

  if (code === "RequestTimeTooSkewed") {
    return problem("clock", {
      seen: `S3's clock is ${offsetText(ahead)}, and it refuses what is over 900 s off (${code})`,
      remedy: `compare this machine's clock with https://time.is. If it is off, set it: timedatectl set-ntp true. Else set the clock of ${host}, or tell whoever runs it`,
    });
  }

  if (code === "NoSuchBucket") {
    const missing = `S3 has no bucket "${bucket}" at ${host}`;
    return { ...setting("bucket", missing, "correct bucket or endpoint"), impact: ALL_MISSING };
  }

  if (code !== "Unauthorized" && answer.region !== undefined && answer.region !== region) {
    const change = `set region = "${answer.region}", and correct endpoint if that has ${region}`;
    return setting("region", `the bucket is in ${answer.region}, not in ${region}`, change);
  }

  const verdict = verdictOf(answer, region);
  if (verdict.result === "object-refused") return undefined;
  if (verdict.result === "slot-refused") return diagnoseKey(verdict.s3Code, query);

  const reply = `${status} ${code ?? ""}`.trim();
  if (status === 429 || status >= 500) {
    return problem("busy", {
      severity: "warning",
      seen: `S3 answers ${reply}: it is busy, or has an error`,
      impact: "visitors get 502 for images that the edge has not cached",
      remedy: `try again in a minute, then ${SEE_PROVIDER}`,
      bearing: "passing",
    });
  }

  // The account is suspended, for example. S3 does not say whether it accepts the key.
  if (verdict.result === "object-denied" && status === 403 && code !== undefined) {
    return problem("sample", {
      seen: `S3 refuses with ${code}`,
      impact: "visitors get 404 for what S3 refuses, and see no older picture of it",
      remedy: `look ${code} up in the provider's list of errors, and look at the account there. Do not change endpoint`,
    });
  }

  const about = object === undefined ? "" : ` for ${object}`;
  const seen = `${host} does not answer as an S3 does: ${reply}${about}`;
  const change = "set endpoint to an S3 that does not redirect, without the bucket";
  return setting("endpoint", seen, change);
}

/** @param ahead how far S3's clock is ahead: s; undefined: S3 refused the time of the request, and told no other */
function offsetText(ahead: number | undefined): string {
  if (ahead === undefined) return "over 15 minutes from the time of the request";
  return `${Math.abs(ahead)} s ${ahead < 0 ? "behind" : "ahead"}`;
}

/** What is wrong with the credentials, by S3's code (A7, A11). */
function diagnoseKey(code: string, { bucket, slot, source }: S3Query): Result {
  const { accessKeyId: id, secretAccessKey: secret } = secretNamesOf(bucket, slot);
  const impact = "with this key no image is shown, unless the other slot works";
  const putSecret = (name: string, otherName: string) =>
    source === undefined
      ? `npx wrangler secret put ${name}. If that is right, put ${otherName}`
      : `correct ${name} or ${otherName} in ${source}, or take both out there`;
  if (code === "SignatureDoesNotMatch") {
    const seen = `S3 finds the signature wrong (${code}): the secret does not belong to the access key id, or this S3 does not know that id`;
    return problem("secret", { seen, impact, remedy: putSecret(secret, id) });
  }
  const seen = `S3 does not accept this access key id (${code}): it is revoked, expired or misspelt`;
  const remedy = `${putSecret(id, secret)}. To list the keys: aws iam list-access-keys`;
  return problem("key-id", { seen, impact, remedy });
}

export function answerText({ status, code = "", failure }: S3RequestResult): string {
  if (status === undefined) return `S3 does not answer: ${failure}`;
  return `S3 answers ${status}${failure === undefined ? ` ${code}`.trimEnd() : `: ${failure}`}`;
}

/**
 * A store, and a bucket that another one follows, need a key or a role that may list: else nobody can tell a missing
 * object from a denied one (A6).
 */
export function cannotList({ bucket }: Pick<Bucket, "bucket">, isFollowed: boolean): Result {
  const policy = `if it is the Worker's key, add s3:ListBucket on arn:aws:s3:::${bucket} to its policy`;
  if (isFollowed) {
    return problem("list", {
      seen: "the key may not list the bucket (s3:ListBucket), or its S3 never says NoSuchKey, and another bucket follows it in a route",
      impact:
        "S3 does not say NoSuchKey of an object that is missing here, so the next bucket is never asked: visitors get 404 for what only that one has",
      remedy: `${policy}: docs/configuration.md, “Several buckets”`,
    });
  }
  return problem("list", {
    severity: "warning",
    seen: "the key may not list the bucket (s3:ListBucket), and there is a store",
    impact:
      "S3 does not say that an object is deleted: what is stored of it stays, and visitors may see it again while S3 is down",
    remedy: `${policy}: docs/deploy.md, “A store”. Or have S3 send events: docs/purge-and-warm.md, “By event”`,
  });
}
