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
/** Characters of what somebody else wrote. */
const MAX_QUOTED = 100;
const PUT_KEY =
  "put OIDC_SIGNING_KEY again, with all its lines (docs/keyless.md): npx wrangler secret put OIDC_SIGNING_KEY";

/** Checks the discovery document and the public keys, which anybody may read. */
export async function checkIssuer({ issuer }: Pick<Oidc, "issuer">): Promise<Finding> {
  const url = `${issuer}/.well-known/openid-configuration`;
  const keysUrl = `${issuer}/.well-known/jwks.json`;
  const [document, set] = [await readJson(url), await readJson(keysUrl)];
  const keys = typeof set === "string" ? [] : set["keys"];
  const isKey = (one: unknown) => isPlainObject(one) && typeof one["kid"] === "string";
  const seen =
    typeof document === "string"
      ? document
      : document["issuer"] !== issuer || document["jwks_uri"] !== keysUrl
        ? `${url} does not name ${issuer} and ${keysUrl}, but ${quote(document["issuer"])} and ${quote(document["jwks_uri"])}`
        : typeof set === "string"
          ? set
          : Array.isArray(keys) && keys.some(isKey)
            ? undefined
            : `${keysUrl} shows no public key`;
  if (seen === undefined) {
    const right =
      "it shows its public keys. AWS trusts its certificate if a public authority signed it: no thumbprint";
    return { about: url, ...ok("issuer", right) };
  }
  const fault = fail("issuer", {
    seen,
    impact: "AWS reads it before it trusts the Worker: without it, the role cannot be taken",
    remedy: `OIDC.issuer in wrangler.toml must be the address of this Worker, without a firewall in front: npx vitrine deploy. If only the key is missing, ${PUT_KEY}`,
  });
  return { about: url, ...fault };
}

/** @returns the reason if there is no JSON object */
async function readJson(url: string): Promise<Readonly<Record<string, unknown>> | string> {
  const answer = await fetchText(url, {}, TIMEOUT_S, MAX_BYTES);
  if ("reason" in answer) return `${url} cannot be reached: ${answer.reason}`;
  const table = answer.status === 200 ? parseJson(answer.text) : undefined;
  return isPlainObject(table) ? table : `${url} answers ${answer.status}, or no JSON`;
}

function quote(value: unknown): string {
  return `${typeof value === "string" ? value : JSON.stringify(value)}`.slice(0, MAX_QUOTED);
}

/** What /healthz says of a role. The first link that is broken hides the rest. */
export function diagnoseRole(
  bucket: Pick<Bucket, "name" | "bucket" | "prefix">,
  role: Role,
  health: RoleHealth,
): Result[] {
  const { state, expires, renewal, mistakes = [] } = health;
  if (expires === undefined) return [diagnoseSts(bucket.name, role, health)];
  const troubles = [
    ...(renewal === undefined ? [] : [`STS gives no new credentials (${renewal})`]),
    ...mistakes.map((mistake) => `a key of the issuer cannot be used: ${mistake}`),
  ];
  const given = `STS gives credentials of ${role.arn}, good until ${expires}`;
  const partition = role.arn.split(":")[1] ?? "aws";
  const policy = policyText({
    Effect: "Allow",
    Action: "s3:GetObject",
    Resource: `arn:${partition}:s3:::${bucket.bucket}/${bucket.prefix}*`,
  });
  return [
    troubles.length === 0
      ? ok("role", given)
      : fail("role", {
          severity: "warning",
          seen: `${troubles.join("; ")}. The old credentials are good until ${expires}`,
          impact: "after that, visitors get 502, unless another key signs",
          remedy:
            "fix it before then: docs/keyless.md has each answer of STS. If it is a key, put it again, with all its lines",
        }),
    state === "ok"
      ? ok("role-rights", "S3 lets the role read")
      : fail("role-rights", {
          seen: `S3 answers ${state} to credentials of the role`,
          remedy: `give the role this policy: ${policy}. Check the bucket's policy and its KMS key, too`,
        }),
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
    deploys: remedies[state]?.includes("wrangler.toml") ?? false,
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
