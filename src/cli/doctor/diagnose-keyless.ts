// What /healthz says of a bucket that no key opens, and of the Images binding. Pure.

import type { Bucket, Role } from "../../worker/config/bucket.ts";
import type { RoleHealth } from "../../worker/health.ts";
import { type Diagnosis, diagnose, well } from "./finding.ts";

/** What the Images binding says of the canary, by its code or by the event of the Worker's log. */
const BINDING = {
  "9402": "binding-unreadable",
  "9412": "binding-unreadable",
  "9413": "binding-unreadable",
  "9516": "binding-unreadable",
  "9520": "binding-unreadable",
  "source-unreadable": "binding-unreadable",
  "9422": "binding-quota",
  "quota-spent": "binding-quota",
  "9423": "binding-denied",
  "9430": "binding-denied",
  "object-missing": "binding-missing",
  "object-denied": "binding-missing",
  "origin-denied": "binding-missing",
  "9522": "binding-late",
  "9527": "binding-late",
  "9528": "binding-late",
  "9529": "binding-late",
  "timed-out": "binding-late",
  unreachable: "binding-late",
} as const;

/** @param code as `/healthz` reports it */
export function diagnoseBinding(code: string, local: boolean): Diagnosis {
  const causes: Readonly<Record<string, (typeof BINDING)[keyof typeof BINDING]>> = BINDING;
  return diagnose(causes[code] ?? "binding", { code }, local);
}

export function diagnoseR2(state: string): Diagnosis {
  return state === "ok" ? well("r2", "R2 answers the Worker") : diagnose("r2", {});
}

/** By STS's code, or by a word of the Worker's own. */
const ROLE = {
  AccessDenied: "role-denied",
  InvalidIdentityToken: "role-token",
  IDPRejectedClaim: "role-token",
  ExpiredTokenException: "role-token",
  IDPCommunicationError: "role-issuer",
  ValidationError: "role-unknown",
  "no-key": "role-key",
  unreachable: "role-unreachable",
} as const;

/** The links from the issuer to S3, in their order: the first one that is broken hides the rest. */
export function diagnoseRole(
  bucket: Pick<Bucket, "name" | "bucket" | "prefix">,
  role: Role,
  health: RoleHealth,
): Diagnosis[] {
  const { state, reason = "it does not say why", expires, renewal, mistakes = [] } = health;
  const { name } = bucket;
  const { issuer, audience } = role.oidc;
  const facts = {
    name,
    role: role.arn,
    code: state,
    reason,
    issuer,
    audience,
    trust: trustOf(role),
  };
  if (expires === undefined) {
    const causes: Readonly<Record<string, (typeof ROLE)[keyof typeof ROLE]>> = ROLE;
    return [diagnose(causes[state] ?? "role", facts)];
  }
  const given = well("role", `STS gives credentials of ${role.arn}, good until ${expires}`);
  return [
    renewal === undefined ? given : diagnose("role-renewal", { code: renewal, expires }),
    ...(mistakes.length > 0 ? [diagnose("role-next-key", { reason: mistakes.join("; ") })] : []),
    state === "ok"
      ? well("role-rights", "S3 lets the role read")
      : diagnose("role-rights", { code: state, policy: policyOf(bucket, role) }),
  ];
}

/** The trust policy of a role, to compare or to paste. */
export function trustOf({ arn, oidc: { issuer, audience, subject } }: Role): string {
  const [, partition = "aws", account = ""] = /^arn:([\w-]+):iam::(\d*):/.exec(arn) ?? [];
  const host = issuer.replace(/^https?:\/\//, "");
  return policy({
    Effect: "Allow",
    Principal: { Federated: `arn:${partition}:iam::${account}:oidc-provider/${host}` },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: { StringEquals: { [`${host}:aud`]: audience, [`${host}:sub`]: subject } },
  });
}

function policyOf({ bucket, prefix }: Pick<Bucket, "bucket" | "prefix">, { arn }: Role): string {
  const partition = arn.split(":")[1] ?? "aws";
  const Resource = `arn:${partition}:s3:::${bucket}/${prefix}*`;
  return policy({ Effect: "Allow", Action: "s3:GetObject", Resource });
}

function policy(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}
