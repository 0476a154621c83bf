// Checks the chain by which a role of AWS opens a bucket, link by link: the Worker's public keys, as AWS reads them;
// STS; and the role's policy.

import type { Bucket, Role } from "../../worker/config/bucket.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { RoleHealth } from "../../worker/origin/health.ts";
import { page } from "../command.ts";
import { type ConfigFile, commandFor } from "../wrangler/config-file.ts";
import { workerText } from "../wrangler/settings.ts";
import { error, type Finding, ok, type Problem, type Subject, warning } from "./finding.ts";
import { needsList } from "./list-right.ts";
import type { Observations } from "./observations.ts";
import type { BucketSeen } from "./observe-bucket.ts";
import type { OwnIssuerSeen } from "./observe-own-issuer.ts";
import { explainBucketFault, meaningOfReply } from "./s3-reply.ts";

/** Whether AWS finds the Worker's public keys. */
export function checkOwnIssuer({ project }: Observations, issuerSeen: OwnIssuerSeen): Finding {
  const { about, fault } = issuerSeen;
  if (fault === undefined) return ok("issuer", { about }, "it shows the Worker's public keys");

  const { envConfig } = project;
  const deploy = commandFor(envConfig, "npx vitrine deploy");
  const put = commandFor(envConfig, "npx wrangler secret put");
  return error(
    "issuer",
    { about },
    {
      seen: fault,
      impact: "AWS reads it before it trusts the Worker: without it, the role cannot be taken",
      remedy: `let everybody read it, without a firewall in front. OIDC.issuer in ${envConfig.file} must be the address of this Worker: if it is, ${deploy}. If only the key is missing, put OIDC_SIGNING_KEY again, with all its lines (${page("docs/keyless.md")}): ${put} OIDC_SIGNING_KEY`,
    },
  );
}

/** What /healthz says of a role. The first failure hides later ones. */
export function checkRole(
  observations: Observations,
  { bucket }: BucketSeen,
  { role: health }: BucketHealth,
): Finding[] {
  const { role } = bucket;
  if (health === undefined || role === undefined) return [];

  const about = `${observations.site?.baseUrl}: bucket ${bucket.name}, its role`;
  const subject = { about, bucket: bucket.name };
  const { envConfig } = observations.project;

  // Without credentials, the state is what STS says, else what S3 says to them.
  const { state, expires } = health;
  if (expires === undefined) return [explainNoSession(envConfig, subject, bucket, role, health)];

  return [
    checkSession(envConfig, subject, role, health, expires),
    checkRoleRights(observations, subject, bucket, role, state),
  ];
}

function explainNoSession(
  config: ConfigFile,
  subject: Subject,
  bucket: Bucket,
  role: Role,
  { state: stsCode, reason }: RoleHealth,
): Finding {
  const explanation = reason === undefined ? "it does not say why" : workerText(config, reason);
  const repair = stsRepair(config, bucket.name, role, stsCode);
  return error("role", subject, {
    seen: `STS gives the Worker no credentials of the role (${stsCode}): ${explanation}`,
    ...repair,
  });
}

/** Whether STS will go on to give credentials. @param expires when those that the Worker has expire */
function checkSession(
  config: ConfigFile,
  subject: Subject,
  { arn }: Role,
  { renewal, mistakes }: RoleHealth,
  expires: string,
): Finding {
  const text = `STS gives credentials of ${arn}, good until ${expires}`;
  const problems: string[] = [];
  if (renewal !== undefined) problems.push(`STS gives no new ones (${renewal})`);
  for (const mistake of mistakes ?? []) problems.push(workerText(config, mistake));
  if (problems.length === 0) return ok("role", subject, text);

  return warning("role", subject, {
    seen: `${text}, but ${problems.join("; ")}`,
    impact: "without new ones, no new picture can be made after that",
    remedy: `${page("docs/keyless.md")} has each answer of STS. If it is a key, put it again, with all its lines`,
  });
}

/**
 * Whether the role may read. A policy that is printed has all rights that the docs demand, and no other.
 * @param s3Code how S3 answers credentials of the role: `ok` or its code
 */
function checkRoleRights(
  observations: Observations,
  subject: Subject,
  bucket: Bucket,
  { arn }: Role,
  s3Code: string,
): Finding {
  if (s3Code === "ok") return ok("role-rights", subject, "S3 lets the role read");

  const reply = { status: 403, code: s3Code };
  const meaning = meaningOfReply(reply, bucket);
  if (meaning.kind === "bucket-fault") {
    const { check, ...problem } = explainBucketFault(
      meaning.check,
      reply,
      bucket,
      observations.project,
    );
    return error(check, subject, problem);
  }

  const [, partition] = arn.split(":");
  const bucketArn = `arn:${partition}:s3:::${bucket.bucket}`;
  const objectsArn = `${bucketArn}/${bucket.prefix}*`;
  const statements = [{ Effect: "Allow", Action: "s3:GetObject", Resource: objectsArn }];
  if (needsList(observations.project, bucket) !== "none") {
    statements.push({ Effect: "Allow", Action: "s3:ListBucket", Resource: bucketArn });
  }
  return error("role-rights", subject, {
    seen: `S3 answers ${s3Code} to credentials of the role`,
    remedy: `look whether the canary is there. If it is, the role needs this policy: ${policyText(statements)}. Look at the bucket's policy and its KMS key, too`,
  });
}

/** What to do if STS gives no credentials. @param stsCode a code of STS, or a word of the Worker's own */
function stsRepair(
  config: ConfigFile,
  bucketName: string,
  { arn, oidc }: Role,
  stsCode: string,
): Pick<Problem, "remedy" | "needsDeploy"> {
  const { issuer, audience } = oidc;
  const { file } = config;
  const pageOfRoles = page("docs/keyless.md");

  switch (stsCode) {
    case "AccessDenied":
      return {
        remedy: `create the provider if it is missing, and compare the role's trust policy: ${trustPolicyText(arn, oidc)}`,
      };

    case "InvalidIdentityToken":
    case "IDPRejectedClaim":
    case "ExpiredTokenException":
      return {
        remedy: `compare the provider in IAM with ${issuer} and ${audience}: ${pageOfRoles}`,
      };

    case "IDPCommunicationError":
      return { remedy: `let AWS read ${issuer}/.well-known/ without a challenge of a firewall` };

    case "ValidationError":
      return {
        remedy: `correct BUCKETS.${bucketName}.role in ${file}: ${arn} is no role`,
        needsDeploy: true,
      };

    case "no-key": {
      const put = commandFor(config, "npx wrangler secret put");
      return {
        remedy: `put OIDC_SIGNING_KEY again, with all its lines (${pageOfRoles}): ${put} OIDC_SIGNING_KEY`,
      };
    }

    case "unreachable":
      return {
        remedy: `wait a minute, then run the doctor again, and see AWS's status page. Only if the role never worked, compare BUCKETS.${bucketName}.sts in ${file} with ${pageOfRoles}`,
      };

    default:
      return { remedy: `look ${stsCode} up in AWS's documentation of STS, and in ${pageOfRoles}` };
  }
}

/** Lets the tokens of the Worker take the role, and no others. */
function trustPolicyText(arn: string, { issuer, audience, subject }: Role["oidc"]): string {
  const [, partition, , , account] = arn.split(":");
  const host = issuer.replace(/^https?:\/\//, "");
  const statement = {
    Effect: "Allow",
    Principal: { Federated: `arn:${partition}:iam::${account}:oidc-provider/${host}` },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: { StringEquals: { [`${host}:aud`]: audience, [`${host}:sub`]: subject } },
  };
  return policyText([statement]);
}

function policyText(statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
