// What AWS reads of the issuer: the two documents, and that a token is checked by them.

import { createHash, createPublicKey, verify } from "node:crypto";
import { expect, test } from "vitest";
import { createToken } from "../../../src/worker/origin/get-session.ts";
import { issuerKeysOf } from "../../../src/worker/origin/issuer-keys.ts";
import { configOf } from "../../support/config-of.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { EC_KEY, ISSUER, KEYLESS, OTHER_EC_KEY } from "../../support/issuer.ts";
import { get, lines } from "../../support/run-worker.ts";

const DISCOVERY = "/.well-known/openid-configuration";
const KEYS = "/.well-known/jwks.json";

const keysOf = async (env: object = KEYLESS): Promise<{ kid: string; alg: string }[]> =>
  JSON.parse(await (await get(KEYS, {}, env)).text()).keys;

/** The public half of a key as Node.js has it, named by RFC 7638. */
function publicOf(pem: string) {
  const { kty, crv, x, y } = createPublicKey(pem).export({ format: "jwk" });
  const members = { crv, kty, x, y };
  const kid = createHash("sha256").update(JSON.stringify(members)).digest("base64url");
  return { ...members, use: "sig", alg: "ES256", kid };
}

test("the discovery document leads to the public keys (K2)", async () => {
  const answer = await get(DISCOVERY, {}, KEYLESS);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(JSON.parse(await answer.text())).toEqual({
    issuer: ISSUER,
    jwks_uri: `${ISSUER}${KEYS}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    claims_supported: ["aud", "exp", "iat", "iss", "jti", "sub"],
  });
});

test("both public keys are there, the current one first, and no private part (K3)", async () => {
  const env = { ...KEYLESS, OIDC_SIGNING_KEY: OTHER_EC_KEY, OIDC_SIGNING_KEY_NEXT: EC_KEY };
  expect(await keysOf(env)).toEqual([publicOf(OTHER_EC_KEY), publicOf(EC_KEY)]);
  const same = { ...KEYLESS, OIDC_SIGNING_KEY_NEXT: EC_KEY };
  expect(await keysOf(same)).toEqual([publicOf(EC_KEY)]);
});

test.each([DISCOVERY, KEYS])("%s is kept for a minute, protected, and only read", async (path) => {
  const answer = await get(path, {}, KEYLESS);
  expect(answer.headers.get("cache-control")).toBe("public, max-age=60");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");

  const head = await get(path, { method: "HEAD" }, KEYLESS);
  expect(head.status).toBe(200);
  expect(head.body).toBe(null);
  expect((await get(path, { method: "POST" }, KEYLESS)).status).toBe(405);
  expect((await get(path)).status).toBe(404);
  expect((await get(`${path}/`, {}, KEYLESS)).status).toBe(404);
});

test("a token is checked by the published key, and lasts five minutes (K4, K7)", async () => {
  const { oidc = expect.unreachable() } = configOf(KEYLESS);
  const { signers } = await issuerKeysOf(oidc);
  const [signer] = signers;
  if (!signer) throw new Error("no key");

  await expect(crypto.subtle.exportKey("pkcs8", signer.key)).rejects.toThrow(/not extractable/);

  const now = Date.parse("2026-11-26T12:00:00.900Z");
  const [head = "", claims = "", signature = ""] = (await createToken(oidc, signer, now)).split(
    ".",
  );
  const parse = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());

  expect(parse(head)).toEqual({ alg: "ES256", kid: publicOf(EC_KEY).kid, typ: "JWT" });

  const at = Date.parse("2026-11-26T12:00:00Z") / 1000;
  expect(parse(claims)).toEqual({
    iss: ISSUER,
    sub: "vitrine",
    aud: "sts.amazonaws.com",
    iat: at - 60,
    exp: at + 300,
    jti: expect.stringMatching(/^[\w-]{36}$/),
  });

  const key = createPublicKey(EC_KEY);
  const text = Buffer.from(`${head}.${claims}`);
  const bytes = Buffer.from(signature, "base64url");

  expect(verify("sha256", text, { key, dsaEncoding: "ieee-p1363" }, bytes)).toBe(true);
});

/** A key whose form is right, and whose inside is not. */
const HOLLOW = EC_KEY.replace(
  /(\n[\w+/]{48})[\w+/]{16}\n[\w+/]{20}/,
  `$1${"A".repeat(16)}\n${"A".repeat(20)}`,
);

test("a damaged key is told in the log and by /healthz, and no document is shown", async () => {
  const env = { ...KEYLESS, OIDC_SIGNING_KEY: HOLLOW, HEALTH_TOKEN };
  for (const path of [DISCOVERY, KEYS]) expect((await get(path, {}, env)).status).toBe(500);

  const message = "cannot be imported: it is damaged";
  const mistakes = [`OIDC_SIGNING_KEY: ${message}`];
  expect(lines()).toMatchObject([{ event: "configuration-broken", mistakes }, { mistakes }]);

  const both = { ...env, OIDC_SIGNING_KEY_NEXT: OTHER_EC_KEY };
  expect(await keysOf(both)).toEqual([publicOf(OTHER_EC_KEY)]);
});
