// What the doctor says of the chain from the Worker's public keys to S3, and of what no key opens.

import { generateKeyPairSync } from "node:crypto";
import { HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import {
  diagnoseBinding,
  diagnoseR2,
  diagnoseRole,
  trustOf,
} from "../../../src/cli/doctor/diagnose-keyless.ts";
import { examineIssuer } from "../../../src/cli/doctor/examine-issuer.ts";
import { kidOf } from "../../../src/cli/secrets/oidc-key.ts";
import { secretsIn } from "../../../src/cli/secrets/secrets.ts";
import "../../support/play.ts";
import { network } from "../../support/stand.ts";

const issuer = "https://images.example";
const OIDC = { issuer, subject: "vitrine", audience: "sts.amazonaws.com", keys: [], mistakes: [] };
const ARN = "arn:aws-cn:iam::123456789012:role/vitrine";
const ROLE = { arn: ARN, sts: "https://sts.cn-north-1.amazonaws.com.cn", oidc: OIDC };
const BUCKET = { name: "media", bucket: "acme-media", prefix: "published/" };
const DISCOVERY = `${issuer}/.well-known/openid-configuration`;
const JWKS = `${issuer}/.well-known/jwks.json`;

const pem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const KEY = pem.export({ type: "pkcs8", format: "pem" }).toString();
const kid = kidOf(KEY);
const right = { issuer, jwks_uri: JWKS };

describe("the first broken link is named", () => {
  test.each<
    [
      what: string,
      discovery: Response | object,
      keys: Response | object,
      cause: string | undefined,
      says: string,
    ]
  >([
    ["nobody answers", HttpResponse.error(), {}, "issuer-unreachable", "cannot be reached"],
    [
      "a challenge of a firewall",
      new HttpResponse("<html>", { status: 403 }),
      {},
      "issuer",
      "answers 403",
    ],
    [
      "a redirect",
      new HttpResponse(null, { status: 301, headers: { location: "/x" } }),
      {},
      "issuer",
      "answers 301",
    ],
    ["a page", new HttpResponse("<html>"), {}, "issuer", "answers no JSON"],
    ["a list", [right], {}, "issuer", "answers no JSON"],
    [
      "another issuer",
      { ...right, issuer: `${issuer}/` },
      {},
      "issuer-other",
      `the issuer is ${issuer}/, not ${issuer}`,
    ],
    [
      "an endless issuer",
      { ...right, issuer: "x".repeat(9_000) },
      {},
      "issuer-other",
      `is ${"x".repeat(100)}, not`,
    ],
    [
      "keys elsewhere",
      { ...right, jwks_uri: "https://attacker.example/jwks" },
      {},
      "issuer",
      "jwks_uri https://attacker.example/jwks",
    ],
    [
      "keys at a host that begins like it",
      { ...right, jwks_uri: `${issuer}.attacker.example/` },
      {},
      "issuer",
      "jwks_uri",
    ],
    [
      "no keys there",
      right,
      new HttpResponse(null, { status: 404 }),
      "issuer",
      `${JWKS} answers 404`,
    ],
    ["an empty set", right, { keys: [] }, "issuer-without-keys", "shows no public key"],
    [
      "a set that is none",
      right,
      { keys: [null, 1, { kid: 7 }] },
      "issuer-without-keys",
      "shows no public key",
    ],
    [
      "another key than the one at hand",
      right,
      { keys: [{ kid: "other" }] },
      "issuer-key-other",
      kid,
    ],
    [
      "all right",
      right,
      { keys: [{ kid: "other" }, { kid }] },
      undefined,
      "it shows 2 public keys",
    ],
  ])("%s", async (_what, discovery, keys, cause, says) => {
    const answer = (body: Response | object) => () =>
      body instanceof Response ? body : HttpResponse.json(body);
    network.use(http.get(DISCOVERY, answer(discovery)), http.get(JWKS, answer(keys)));
    const findings = await examineIssuer(OIDC, secretsIn({ OIDC_SIGNING_KEY: KEY }, "here"));
    const last = findings.at(-1);
    expect(last?.cause).toBe(cause);
    expect(last?.what).toContain(says);
    expect(JSON.stringify(findings)).not.toMatch(/\{\w+\}|PRIVATE KEY/);
  });
});

test.each<[state: object, causes: (string | undefined)[], says: string]>([
  [{ state: "AccessDenied", reason: "x" }, ["role-denied"], "oidc-provider/images.example"],
  [{ state: "InvalidIdentityToken" }, ["role-token"], `${issuer} and sts.amazonaws.com`],
  [{ state: "IDPRejectedClaim" }, ["role-token"], "provider in IAM"],
  [{ state: "IDPCommunicationError" }, ["role-issuer"], `${issuer}/.well-known/`],
  [{ state: "ValidationError" }, ["role-unknown"], `BUCKETS.media.role in wrangler.toml: ${ARN}`],
  [
    { state: "no-key", reason: "OIDC_SIGNING_KEY is damaged" },
    ["role-key"],
    "OIDC_SIGNING_KEY is damaged",
  ],
  [{ state: "unreachable" }, ["role-unreachable"], "BUCKETS.media.sts"],
  [{ state: "RegionDisabledException", reason: "off" }, ["role"], "RegionDisabledException: off"],
  [
    { state: "ok", expires: "2026-11-26T13:00:00.000Z" },
    [undefined, undefined],
    "good until 2026-11-26",
  ],
  [
    { state: "AccessDenied", expires: "2026-11-26T13:00:00.000Z" },
    [undefined, "role-rights"],
    "arn:aws-cn:s3:::acme-media/published/*",
  ],
  [
    { state: "ok", expires: "2026-11-26T13:00:00.000Z", renewal: "AccessDenied" },
    ["role-renewal", undefined],
    "gives no new credentials (AccessDenied)",
  ],
  [
    {
      state: "ok",
      expires: "2026-11-26T13:00:00.000Z",
      mistakes: ["OIDC_SIGNING_KEY_NEXT is damaged"],
    },
    [undefined, "role-next-key", undefined],
    "OIDC_SIGNING_KEY_NEXT is damaged",
  ],
])("of a role with %o it says what to do", (health, causes, says) => {
  const found = diagnoseRole(BUCKET, ROLE, { role: ARN, state: "", ...health });
  expect(found.map(({ cause }) => cause)).toEqual(causes);
  const text = found.map(({ what, remedy }) => `${what} ${remedy}`).join("\n");
  expect(text).toContain(says);
  expect(text.replaceAll(trustOf(ROLE), "")).not.toMatch(/\{\w+\}/);
});

test("the trust policy has the audience and the subject that the Worker sends", () => {
  expect(JSON.parse(trustOf(ROLE))).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Federated: "arn:aws-cn:iam::123456789012:oidc-provider/images.example" },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: {
            "images.example:aud": "sts.amazonaws.com",
            "images.example:sub": "vitrine",
          },
        },
      },
    ],
  });
});

test.each([
  ["9412", "binding-unreadable"],
  ["9402", "binding-unreadable"],
  ["9422", "binding-quota"],
  ["9430", "binding-denied"],
  ["object-missing", "binding-missing"],
  ["timed-out", "binding-late"],
  ["9401", "binding"],
  ["a-new-word", "binding"],
])("of the Images binding that says %s it says what to do (L2)", (code, cause) => {
  const found = diagnoseBinding(code, false);
  expect(found).toMatchObject({
    cause,
    check: "binding",
    what: expect.stringContaining(code === "9401" ? "9401" : ""),
  });
  expect(found.remedy).not.toContain("Sources");
});

test("an R2 bucket works, or does not answer", () => {
  expect(diagnoseR2("ok").severity).toBe("ok");
  expect(diagnoseR2("unreachable")).toMatchObject({ severity: "error", cause: "r2" });
});
