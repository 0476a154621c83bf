// Checks the chain by which a role of AWS opens a bucket, link by link: the Worker's public keys, as AWS reads them;
// STS; and the role's policy. What answers at the issuer's address is not trusted.

import type { Bucket, Role } from "../../worker/config/bucket.ts";
import type { Oidc } from "../../worker/config/oidc.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { RoleHealth } from "../../worker/origin/health.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { fetchText, isNoAnswer } from "../http/body.ts";
import {
  error,
  type Finding,
  ok,
  type Problem,
  RUN_AGAIN,
  type Subject,
  warning,
} from "./finding.ts";
import { needsList } from "./list-right.ts";
import type { Observations } from "./observations.ts";
import type { BucketSeen } from "./observe-bucket.ts";
import { explainReply } from "./s3-reply.ts";

const TIMEOUT_S = 10;
const MAX_BYTES = 100_000;
const PUT_KEY =
  "put OIDC_SIGNING_KEY again, with all its lines (docs/keyless.md): npx wrangler secret put OIDC_SIGNING_KEY";

/** What AWS reads at the issuer's address. `fault`: undefined if all is well. */
export type OwnIssuerSeen = { readonly about: string; readonly fault: string | undefined };

/** Reads the discovery document and the public keys, which anybody may read. */
export async function observeOwnIssuer({ issuer }: Pick<Oidc, "issuer">): Promise<OwnIssuerSeen> {
  const about = `${issuer}/.well-known/openid-configuration`;
  const keysUrl = `${issuer}/.well-known/jwks.json`;

  const document = await readJson(about);
  if (document.kind === "fault") return { about, fault: document.fault };

  for (const [name, right] of Object.entries({ issuer, jwks_uri: keysUrl })) {
    if (document.table[name] === right) continue;
    const value = JSON.stringify(document.table[name]) ?? "missing";
    return { about, fault: `${about}: ${name} is ${value.slice(0, 100)}, not ${right}` };
  }

  const set = await readJson(keysUrl);
  if (set.kind === "fault") return { about, fault: set.fault };

  const { keys } = set.table;
  const hasKey = Array.isArray(keys) && keys.some(isPublicKey);
  return { about, fault: hasKey ? undefined : `${keysUrl} shows no public key` };
}

function isPublicKey(key: unknown): boolean {
  return isPlainObject(key) && typeof key["kid"] === "string";
}

type JsonDocument =
  | { readonly kind: "table"; readonly table: Readonly<Record<string, unknown>> }
  | { readonly kind: "fault"; readonly fault: string };

async function readJson(url: string): Promise<JsonDocument> {
  const result = await fetchText(url, {}, TIMEOUT_S, MAX_BYTES);
  if (isNoAnswer(result)) {
    return { kind: "fault", fault: `${url} cannot be reached: ${result.reason}` };
  }

  const { status, text } = result;
  const table = status === 200 ? parseJson(text) : undefined;
  if (!isPlainObject(table))
    return { kind: "fault", fault: `${url} answers ${status}, or no JSON` };
  return { kind: "table", table };
}

/** Whether AWS finds the Worker's public keys. */
export function checkOwnIssuer({ about, fault }: OwnIssuerSeen): Finding {
  const subject = { about };
  if (fault === undefined) return ok("issuer", subject, "it shows the Worker's public keys");
  return error("issuer", subject, {
    seen: fault,
    impact: "AWS reads it before it trusts the Worker: without it, the role cannot be taken",
    remedy: `let everybody read it, without a firewall in front. OIDC.issuer in wrangler.toml must be the address of this Worker: if it is, npx vitrine deploy. If only the key is missing, ${PUT_KEY}`,
  });
}

/** What /healthz says of a role. The first failure hides later ones. */
export function checkRole(
  seen: Observations,
  { bucket }: BucketSeen,
  { role: health }: BucketHealth,
): Finding[] {
  const { role } = bucket;
  if (health === undefined || role === undefined) return [];

  const about = `${seen.site?.baseUrl}: bucket ${bucket.name}, its role`;
  const subject = { about, bucket: bucket.name };
  const { state, expires, reason } = health;

  if (expires === undefined) {
    const explanation = reason ?? "it does not say why";
    return [
      error("role", subject, {
        seen: `STS gives the Worker no credentials of the role (${state}): ${explanation}`,
        ...stsRemedy(bucket.name, role, state),
      }),
    ];
  }
  return [
    checkSession(subject, role, health, expires),
    checkRoleRights(seen, subject, bucket, role, state),
  ];
}

/** Whether STS will go on to give credentials. */
function checkSession(
  subject: Subject,
  { arn }: Role,
  { renewal, mistakes = [] }: RoleHealth,
  expires: string,
): Finding {
  const text = `STS gives credentials of ${arn}, good until ${expires}`;
  const problems = [...mistakes];
  if (renewal !== undefined) problems.unshift(`STS gives no new ones (${renewal})`);
  if (problems.length === 0) return ok("role", subject, text);

  return warning("role", subject, {
    seen: `${text}, but ${problems.join("; ")}`,
    impact: "without new ones, no new picture can be made after that",
    remedy: `docs/keyless.md has each answer of STS. If it is a key, put it again, with all its lines`,
  });
}

/** Whether the role may read. A policy that is printed has all rights that the docs demand, and no other. */
function checkRoleRights(
  seen: Observations,
  subject: Subject,
  bucket: Bucket,
  { arn }: Role,
  state: string,
): Finding {
  if (state === "ok") return ok("role-rights", subject, "S3 lets the role read");

  const meaning = explainReply({ status: 403, code: state }, bucket);
  if (meaning.kind === "bucket-fault") {
    return error(meaning.check, subject, { seen: meaning.seen, remedy: meaning.remedy });
  }

  const [, partition] = arn.split(":");
  const bucketArn = `arn:${partition}:s3:::${bucket.bucket}`;
  const reads = {
    Effect: "Allow",
    Action: "s3:GetObject",
    Resource: `${bucketArn}/${bucket.prefix}*`,
  };
  const lists = { Effect: "Allow", Action: "s3:ListBucket", Resource: bucketArn };
  const statements = needsList(seen.project, bucket) === "none" ? [reads] : [reads, lists];
  return error("role-rights", subject, {
    seen: `S3 answers ${state} to credentials of the role`,
    remedy: `look whether the canary is there. If it is, the role needs this policy: ${policyText(statements)}. Look at the bucket's policy and its KMS key, too`,
  });
}

/** What to do if STS gives no credentials, by its code, or by a word of the Worker's own. */
function stsRemedy(
  name: string,
  { arn, oidc }: Role,
  state: string,
): Pick<Problem, "remedy" | "needsDeploy"> {
  const { issuer, audience, subject } = oidc;
  const [, partition, , , account] = arn.split(":");
  const host = issuer.replace(/^https?:\/\//, "");

  switch (state) {
    case "AccessDenied": {
      const statement = {
        Effect: "Allow",
        Principal: { Federated: `arn:${partition}:iam::${account}:oidc-provider/${host}` },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: { StringEquals: { [`${host}:aud`]: audience, [`${host}:sub`]: subject } },
      };
      const trust = policyText([statement]);
      return {
        remedy: `create the provider if it is missing, and compare the role's trust policy: ${trust}`,
      };
    }
    case "InvalidIdentityToken":
    case "IDPRejectedClaim":
    case "ExpiredTokenException":
      return {
        remedy: `compare the provider in IAM with ${issuer} and ${audience}: docs/keyless.md`,
      };
    case "IDPCommunicationError":
      return { remedy: `let AWS read ${issuer}/.well-known/ without a challenge of a firewall` };
    case "ValidationError":
      return {
        remedy: `correct BUCKETS.${name}.role in wrangler.toml: ${arn} is no role`,
        needsDeploy: true,
      };
    case "no-key":
      return { remedy: PUT_KEY };
    case "unreachable":
      return {
        remedy: `wait a minute, ${RUN_AGAIN}, and see AWS's status page. Only if the role never worked, compare BUCKETS.${name}.sts in wrangler.toml with docs/keyless.md`,
      };
    default:
      return { remedy: `look ${state} up in AWS's documentation of STS, and in docs/keyless.md` };
  }
}

function policyText(statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
