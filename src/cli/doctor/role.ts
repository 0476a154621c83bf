// Checks the chain by which a role of AWS opens a bucket, link by link: the Worker's public keys, as AWS reads them;
// STS; and the role's policy. What answers at the issuer's address is not trusted.

import type { Bucket, Role } from "../../worker/config/bucket.ts";
import type { Oidc } from "../../worker/config/oidc.ts";
import type { RoleHealth } from "../../worker/origin/health.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { fetchText, isNoAnswer } from "../http/body.ts";
import { type Finding, ok, problem, type Result } from "./finding.ts";

const TIMEOUT_S = 10;
const MAX_BYTES = 100_000;
const PUT_KEY =
  "put OIDC_SIGNING_KEY again, with all its lines (docs/keyless.md): npx wrangler secret put OIDC_SIGNING_KEY";

/** Checks the discovery document and the public keys, which anybody may read. */
export async function checkIssuer({ issuer }: Pick<Oidc, "issuer">): Promise<Finding> {
  const about = `${issuer}/.well-known/openid-configuration`;
  const seen = await findIssuerFault(issuer, about, `${issuer}/.well-known/jwks.json`);
  if (seen === undefined) return { about, ...ok("issuer", "it shows the Worker's public keys") };
  const fault = problem("issuer", {
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
  const isThere = keys.some((key) => isPlainObject(key) && typeof key["kid"] === "string");
  return isThere ? undefined : `${keysUrl} shows no public key`;
}

async function readJson(url: string): Promise<Readonly<Record<string, unknown>> | string> {
  const result = await fetchText(url, {}, TIMEOUT_S, MAX_BYTES);
  if (isNoAnswer(result)) return `${url} cannot be reached: ${result.reason}`;

  const { status, text } = result;
  const table = status === 200 ? parseJson(text) : undefined;
  if (!isPlainObject(table)) return `${url} answers ${status}, or no JSON`;
  return table;
}

/** Diagnoses the report of /healthz about a role. The first failure hides later ones. */
export function diagnoseRole(
  bucket: Pick<Bucket, "name" | "bucket" | "prefix">,
  role: Role,
  { state, expires, renewal, reason, mistakes = [] }: RoleHealth,
): Result[] {
  const { arn } = role;
  if (expires === undefined) {
    const seen = `STS gives the Worker no credentials of the role (${state}): ${reason ?? "it does not say why"}`;
    const remedy = stsRemedy(bucket.name, role, state);
    return [problem("role", { seen, remedy, needsDeploy: state === "ValidationError" })];
  }
  const refused = renewal && `STS gives no new ones (${renewal})`;
  const problems = [refused, ...mistakes].filter(Boolean).join("; ");
  const seen = `STS gives credentials of ${arn}, good until ${expires}`;
  const weak = problem("role", {
    severity: "warning",
    seen: `${seen}, but ${problems}`,
    impact: "without new ones, visitors get 502 after that",
    remedy: `docs/keyless.md has each answer of STS. If it is a key, put it again, with all its lines`,
  });
  const Resource = `arn:${arn.split(":")[1]}:s3:::${bucket.bucket}/${bucket.prefix}*`;
  const policy = policyText({ Effect: "Allow", Action: "s3:GetObject", Resource });
  const denied = problem("role-rights", {
    seen: `S3 answers ${state} to credentials of the role`,
    remedy: `give the role this policy: ${policy}. Check the bucket's policy and its KMS key, too`,
  });
  return [
    problems === "" ? ok("role", seen) : weak,
    state === "ok" ? ok("role-rights", "S3 lets the role read") : denied,
  ];
}

/** What to do if STS gives no credentials, by its code, or by a word of the Worker's own. */
function stsRemedy(name: string, { arn, oidc }: Role, state: string): string {
  const { issuer, audience, subject } = oidc;
  const [, partition, , , account] = arn.split(":");
  const host = issuer.replace(/^https?:\/\//, "");
  const trust = policyText({
    Effect: "Allow",
    Principal: { Federated: `arn:${partition}:iam::${account}:oidc-provider/${host}` },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: { StringEquals: { [`${host}:aud`]: audience, [`${host}:sub`]: subject } },
  });
  const compare = `compare the provider in IAM with ${issuer} and ${audience}: docs/keyless.md`;
  const remedies: Readonly<Record<string, string>> = {
    AccessDenied: `create the provider if it is missing, and compare the role's trust policy: ${trust}`,
    InvalidIdentityToken: compare,
    IDPRejectedClaim: compare,
    ExpiredTokenException: compare,
    IDPCommunicationError: `let AWS read ${issuer}/.well-known/ without a challenge of a firewall`,
    ValidationError: `correct BUCKETS.${name}.role in wrangler.toml: ${arn} is no role`,
    "no-key": PUT_KEY,
    unreachable: `wait: see AWS's status page. Else correct BUCKETS.${name}.sts in wrangler.toml`,
  };
  return remedies[state] ?? "see docs/keyless.md for each answer of STS";
}

function policyText(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}
