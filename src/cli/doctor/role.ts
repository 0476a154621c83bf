// Checks the chain by which a role of AWS opens a bucket, link by link: the Worker's public keys, as AWS reads them;
// STS; and the role's policy. What answers at the issuer's address is not trusted.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import type { Bucket, Role } from "../../worker/config/bucket.ts";
import type { Oidc } from "../../worker/config/oidc.ts";
import type { RoleHealth } from "../../worker/health.ts";
import { fetchText } from "../http/body.ts";
import { type Finding, fail, ok, type Result } from "./finding.ts";

const TIMEOUT_S = 10;
const MAX_BYTES = 100_000;
const PUT_KEY =
  "put OIDC_SIGNING_KEY again, with all its lines (docs/keyless.md): npx wrangler secret put OIDC_SIGNING_KEY";

/** Checks the discovery document and the public keys, which anybody may read. */
export async function checkIssuer({ issuer }: Pick<Oidc, "issuer">): Promise<Finding> {
  const about = `${issuer}/.well-known/openid-configuration`;
  const keysUrl = `${issuer}/.well-known/jwks.json`;
  const seen = await findIssuerFault(issuer, about, keysUrl);
  if (seen === undefined) return { about, ...ok("issuer", "it shows the Worker's public keys") };
  const fault = fail("issuer", {
    seen,
    impact: "AWS reads it before it trusts the Worker: without it, the role cannot be taken",
    remedy: `OIDC.issuer in wrangler.toml must be the address of this Worker, without a firewall in front: npx vitrine deploy. If only the key is missing, ${PUT_KEY}`,
  });
  return { about, ...fault };
}

/** @returns what is wrong with the issuer's documents; undefined: nothing */
async function findIssuerFault(issuer: string, url: string, keysUrl: string) {
  const document = await readJson(url);
  if (typeof document === "string") return document;
  for (const [name, right] of Object.entries({ issuer, jwks_uri: keysUrl })) {
    const value = JSON.stringify(document[name]) ?? "missing";
    if (document[name] !== right) return `${url}: ${name} is ${value.slice(0, 100)}, not ${right}`;
  }
  const set = await readJson(keysUrl);
  if (typeof set === "string") return set;
  const keys: readonly unknown[] = Array.isArray(set["keys"]) ? set["keys"] : [];
  const isThere = keys.some((one) => isPlainObject(one) && typeof one["kid"] === "string");
  return isThere ? undefined : `${keysUrl} shows no public key`;
}

/** @returns the reason if there is no JSON object */
async function readJson(url: string): Promise<Readonly<Record<string, unknown>> | string> {
  const answer = await fetchText(url, {}, TIMEOUT_S, MAX_BYTES);
  if ("reason" in answer) return `${url} cannot be reached: ${answer.reason}`;
  const table = answer.status === 200 ? parseJson(answer.text) : undefined;
  return isPlainObject(table) ? table : `${url} answers ${answer.status}, or no JSON`;
}

/** What /healthz says of a role. The first link that is broken hides the rest. */
export function diagnoseRole(
  bucket: Pick<Bucket, "name" | "bucket" | "prefix">,
  role: Role,
  health: RoleHealth,
): Result[] {
  const { state, expires, renewal, mistakes = [] } = health;
  if (expires === undefined) return [diagnoseSts(bucket.name, role, health)];
  const { arn } = role;
  const given = `STS gives credentials of ${arn}, good until ${expires}`;
  const refused = renewal === undefined ? [] : [`STS gives no new ones (${renewal})`];
  const troubles = [...refused, ...mistakes];
  const weak = fail("role", {
    severity: "warning",
    seen: `${given}, but ${troubles.join("; ")}`,
    impact: "without new ones, visitors get 502 after that",
    remedy: `docs/keyless.md has each answer of STS. If it is a key, put it again, with all its lines`,
  });
  const Resource = `arn:${arn.split(":")[1]}:s3:::${bucket.bucket}/${bucket.prefix}*`;
  const policy = policyText({ Effect: "Allow", Action: "s3:GetObject", Resource });
  const denied = fail("role-rights", {
    seen: `S3 answers ${state} to credentials of the role`,
    remedy: `give the role this policy: ${policy}. Check the bucket's policy and its KMS key, too`,
  });
  return [
    troubles.length === 0 ? ok("role", given) : weak,
    state === "ok" ? ok("role-rights", "S3 lets the role read") : denied,
  ];
}

/** Why STS gives no credentials, by its code, or by a word of the Worker's own. */
function diagnoseSts(name: string, role: Role, { state, reason }: RoleHealth): Result {
  const { issuer, audience } = role.oidc;
  const token = `compare the provider in IAM with ${issuer} and ${audience}: aws iam get-open-id-connect-provider, docs/keyless.md`;
  const remedies: Readonly<Record<string, string>> = {
    AccessDenied: `compare the role's trust policy (aws iam get-role), character by character, and create the provider if it is missing: ${trustOf(role)}`,
    InvalidIdentityToken: token,
    IDPRejectedClaim: token,
    ExpiredTokenException: token,
    IDPCommunicationError: `let AWS read ${issuer}/.well-known/ without a challenge of a firewall`,
    ValidationError: `correct BUCKETS.${name}.role in wrangler.toml: ${role.arn} is no role`,
    "no-key": PUT_KEY,
    unreachable: `wait: see AWS's status page. Else correct BUCKETS.${name}.sts in wrangler.toml`,
  };
  return fail("role", {
    seen: `STS gives the Worker no credentials of the role (${state}): ${reason ?? "it does not say why"}`,
    remedy: remedies[state] ?? "see docs/keyless.md for each answer of STS",
    deploys: state === "ValidationError",
  });
}

/** The trust policy of a role, to compare or to paste. */
function trustOf({ arn, oidc: { issuer, audience, subject } }: Role): string {
  const [, partition = "aws", account = ""] = /^arn:([\w-]+):iam::(\d*):/.exec(arn) ?? [];
  const host = issuer.replace(/^https?:\/\//, "");
  return policyText({
    Effect: "Allow",
    Principal: { Federated: `arn:${partition}:iam::${account}:oidc-provider/${host}` },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: { StringEquals: { [`${host}:aud`]: audience, [`${host}:sub`]: subject } },
  });
}

function policyText(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}
