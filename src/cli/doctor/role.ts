// Checks the chain by which a role of AWS opens a bucket, link by link: the Worker's public keys, as AWS reads them;
// STS; and the role's policy. What answers at the issuer's address is not trusted.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import type { Bucket, Role } from "../../worker/config/bucket.ts";
import type { Oidc } from "../../worker/config/oidc.ts";
import type { RoleHealth } from "../../worker/health.ts";
import { fetchText } from "../http/body.ts";
import { kidOf, OIDC_KEYS, oidcKeyFault } from "../secrets/oidc-key.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { type Finding, fail, findingsOn, ok, type Result } from "./finding.ts";

const TIMEOUT_S = 10;
const MAX_BYTES = 100_000;
/** Characters of what somebody else wrote. */
const MAX_QUOTED = 100;
const PUT_KEY =
  "put OIDC_SIGNING_KEY again, with all its lines (docs/keyless.md): npx wrangler secret put OIDC_SIGNING_KEY";

/**
 * Checks the discovery document and the public keys, which anybody may read.
 * @param secrets those at hand: a key of the issuer among them is compared
 */
export async function checkIssuer(
  { issuer }: Pick<Oidc, "issuer">,
  secrets: Secrets,
): Promise<readonly Finding[]> {
  const url = `${issuer}/.well-known/openid-configuration`;
  const document = await readJson(url);
  if ("check" in document) return findingsOn(url, [document]);
  const { issuer: other, jwks_uri: keysUrl } = document.table;
  if (other !== issuer) {
    const seen = `says that the issuer is ${quote(other)}, not ${issuer}`;
    const remedy = "deploy this configuration: npx vitrine deploy. Or correct OIDC.issuer";
    return findingsOn(url, [issuerFault(url, seen, remedy)]);
  }
  // AWS itself would follow it anywhere. The Worker names only its own.
  if (typeof keysUrl !== "string" || !keysUrl.startsWith(`${issuer}/`)) {
    return findingsOn(url, [issuerFault(url, `answers jwks_uri ${quote(keysUrl)}`)]);
  }
  const set = await readJson(keysUrl);
  if ("check" in set) return findingsOn(keysUrl, [set]);
  const keys = Array.isArray(set.table["keys"]) ? set.table["keys"].filter(isPlainObject) : [];
  const kids = keys.flatMap(({ kid }) => (typeof kid === "string" ? [kid] : []));
  if (kids.length === 0) {
    return findingsOn(keysUrl, [issuerFault(keysUrl, "shows no public key", PUT_KEY)]);
  }
  const count = kids.length === 1 ? "one public key" : `${kids.length} public keys`;
  const seen = `it shows ${count}. AWS trusts its certificate if a public authority signed it: no thumbprint`;
  return findingsOn(url, [ok("issuer", seen), ...compareKeys(secrets, kids)]);
}

/** The keys at hand that the Worker does not have. */
function compareKeys(secrets: Secrets, kids: readonly string[]): Result[] {
  return OIDC_KEYS.flatMap((secret) => {
    const { value: pem, from = "" } = secrets.get(secret) ?? {};
    if (pem === undefined || oidcKeyFault(secret, pem) !== undefined) return [];
    const kid = kidOf(pem);
    if (kids.includes(kid)) return [];
    const fault = fail("issuer", {
      severity: "warning",
      seen: `the key ${secret} at hand (${kid}) is not among the public keys of the Worker`,
      impact: "the Worker has another key, or none under that name",
      remedy: `take it out of ${from}. If it is the Worker's new key, docs/keyless.md says how to change keys`,
    });
    return [fault];
  });
}

async function readJson(
  url: string,
): Promise<{ readonly table: Readonly<Record<string, unknown>> } | Result> {
  const answer = await fetchText(url, {}, TIMEOUT_S, MAX_BYTES);
  if ("reason" in answer) return issuerFault(url, `cannot be reached: ${answer.reason}`);
  if (answer.status !== 200) return issuerFault(url, `answers ${answer.status}`);
  const table = parseJson(answer.text);
  return isPlainObject(table) ? { table } : issuerFault(url, "answers no JSON");
}

function issuerFault(url: string, seen: string, remedy?: string): Result {
  const address =
    "OIDC.issuer in wrangler.toml must be the address of this Worker, without a firewall in front";
  return fail("issuer", {
    seen: `${url} ${seen}`,
    impact: "AWS reads it before it trusts the Worker: without it, the role cannot be taken",
    remedy: remedy ?? address,
    deploys: remedy === undefined,
  });
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
  const given = ok("role", `STS gives credentials of ${role.arn}, good until ${expires}`);
  const renewalFault = fail("role", {
    severity: "warning",
    seen: `STS gives no new credentials (${renewal}). The old ones are good until ${expires}`,
    impact: "after that, visitors get 502",
    remedy: "fix it before then: docs/keyless.md has each answer of STS",
  });
  const keyFault = fail("role", {
    severity: "warning",
    seen: `a key of the issuer cannot be used: ${mistakes.join("; ")}`,
    impact: "the other key still signs",
    remedy: "put it again, with all its lines: docs/keyless.md",
  });
  const rightsFault = fail("role-rights", {
    seen: `S3 answers ${state} to credentials of the role`,
    remedy: `give the role this policy: ${policyOf(bucket, role)}. Check the bucket's policy and its KMS key, too`,
  });
  return [
    renewal === undefined ? given : renewalFault,
    ...(mistakes.length > 0 ? [keyFault] : []),
    state === "ok" ? ok("role-rights", "S3 lets the role read") : rightsFault,
  ];
}

/** Why STS gives no credentials, by its code, or by a word of the Worker's own. */
function diagnoseSts(name: string, role: Role, { state, reason }: RoleHealth): Result {
  const { issuer, audience } = role.oidc;
  const cause = reason ?? "it does not say why";
  switch (state) {
    case "AccessDenied":
      return fail("role", {
        seen: `STS does not let the Worker take the role (${state})`,
        remedy: `compare the role's trust policy (aws iam get-role), character by character, and create the provider if it is missing: ${trustOf(role)}`,
      });
    case "InvalidIdentityToken":
    case "IDPRejectedClaim":
    case "ExpiredTokenException":
      return fail("role", {
        seen: `STS does not accept the Worker's token (${state})`,
        remedy: `compare the provider in IAM with ${issuer} and ${audience}: aws iam get-open-id-connect-provider, docs/keyless.md`,
      });
    case "IDPCommunicationError":
      return fail("role", {
        seen: `STS cannot reach the issuer (${state})`,
        remedy: `let AWS read ${issuer}/.well-known/ without a challenge of a firewall`,
      });
    case "ValidationError":
      return fail("role", {
        seen: `for STS, this is not the ARN of a role (${state})`,
        remedy: `correct BUCKETS.${name}.role in wrangler.toml: ${role.arn}`,
        deploys: true,
      });
    case "no-key":
      return fail("role", {
        seen: `the Worker has no key that can sign: ${cause}`,
        remedy: PUT_KEY,
      });
    case "unreachable":
      return fail("role", {
        seen: `STS cannot be reached from the Worker: ${cause}`,
        remedy: `wait: see AWS's status page. Else correct BUCKETS.${name}.sts in wrangler.toml`,
        deploys: true,
      });
  }
  const remedy = "see docs/keyless.md for each answer of STS";
  return fail("role", { seen: `STS answers ${state}: ${cause}`, remedy });
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

function policyOf({ bucket, prefix }: Pick<Bucket, "bucket" | "prefix">, { arn }: Role): string {
  const partition = arn.split(":")[1] ?? "aws";
  const Resource = `arn:${partition}:s3:::${bucket}/${prefix}*`;
  return policyText({ Effect: "Allow", Action: "s3:GetObject", Resource });
}

function policyText(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}
