// The tests' own STS: what it gives the Worker, and which tokens and requests it refuses.

import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { beforeEach, expect, test, vi } from "vitest";
import { readConfig } from "../../../src/worker/config/config.ts";
import { askSts } from "../../../src/worker/origin/get-session.ts";
import { isStsFailure } from "../../../src/worker/origin/session.ts";
import { ISSUER, KEYLESS, ROLE } from "../issuer.ts";
import { createSts } from "./sts.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const AT = NOW / 1000;
const CLAIMS = {
  iss: ISSUER,
  sub: "vitrine",
  aud: "sts.amazonaws.com",
  iat: AT,
  exp: AT + 300,
};
const EC = await generateKeyPair("ES256");
const OTHER_KEYS = await generateKeyPair("ES256");

const DISCOVERY = "/.well-known/openid-configuration";

let keys: JWK[] = [];

const tokenOf = (claims: object, { kid = "ec", key = EC.privateKey } = {}) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: "ES256", kid }).sign(key);

const config = readConfig(KEYLESS);
const role = ("buckets" in config && config.buckets[0]?.role) || expect.fail("no role");

function setUp(asksAgain = false) {
  const sts = createSts({
    async fetch(input) {
      const isDiscovery = new URL(`${input}`).pathname === DISCOVERY;
      return Response.json(isDiscovery ? { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` } : { keys });
    },
    providers: { [ISSUER]: { clientIds: ["sts.amazonaws.com"] } },
    roles: { [ROLE]: { trusts: ISSUER } },
    asksAgain,
  });

  vi.spyOn(globalThis, "fetch").mockImplementation(sts.fetch);

  /** What the Worker gets for a token: credentials, or STS's code. */
  const assumeRole = async (token: string) => {
    const answer = await askSts(role, token);
    return isStsFailure(answer) ? answer.code : answer.credentials;
  };

  return { sts, assumeRole };
}

const CREDENTIALS = { accessKeyId: expect.stringMatching(/^ASIA/) };

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  keys = [{ ...(await exportJWK(EC.publicKey)), kid: "ec", use: "sig" }];
  return () => void vi.useRealTimers();
});

const changed = (part: number, text: string) => async () =>
  (await tokenOf(CLAIMS)).split(".").with(part, text).join(".");
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

test.each<[name: string, token: () => Promise<string> | string, code?: string]>([
  ["is none (K7)", () => "not a token"],
  ["has no signature (K7)", changed(2, "")],
  ["is not signed by its key (K7)", changed(1, encode({ ...CLAIMS, sub: "a" }))],
  ["is signed by another key (K3)", () => tokenOf(CLAIMS, { key: OTHER_KEYS.privateKey })],
  ["names a key that the issuer does not have (K3)", () => tokenOf(CLAIMS, { kid: "x" })],
  ["names the algorithm none (K4)", changed(0, encode({ alg: "none", kid: "ec" }))],
  ["is of an unknown issuer (K2)", () => tokenOf({ ...CLAIMS, iss: "https://a.example" })],
  ["spells the issuer otherwise (K2)", () => tokenOf({ ...CLAIMS, iss: `${ISSUER}/` })],
  ["has another audience (K7)", () => tokenOf({ ...CLAIMS, aud: "a" })],
  ["has no subject (K7)", () => tokenOf({ ...CLAIMS, sub: undefined })],
  ["has no beginning (K7)", () => tokenOf({ ...CLAIMS, iat: undefined })],
  ["has no end (K7)", () => tokenOf({ ...CLAIMS, exp: undefined })],
  ["begins in ten minutes (K6)", () => tokenOf({ ...CLAIMS, iat: AT + 600, exp: AT + 900 })],
  ["is good in ten minutes (K6)", () => tokenOf({ ...CLAIMS, nbf: AT + 600 })],
  ["is over (K6)", () => tokenOf({ ...CLAIMS, exp: AT }), "ExpiredTokenException"],
])("refuses a token that %s", async (_name, token, code = "InvalidIdentityToken") => {
  const { sts, assumeRole } = setUp();
  expect(await assumeRole(await token())).toBe(code);
  expect(sts.calls).toEqual([{ status: 400, code }]);
  expect(sts.sessions.size).toBe(0);
});

test.each([
  [false, "InvalidIdentityToken"],
  [true, expect.objectContaining(CREDENTIALS)],
])("caches the issuer's keys for a day; fetches them before: %s (K5)", async (again, result) => {
  const { sts, assumeRole } = setUp(again);
  const old = await tokenOf({ ...CLAIMS, exp: AT + 1e6 });
  const rotated = await tokenOf(
    { ...CLAIMS, exp: AT + 1e6 },
    { kid: "x", key: OTHER_KEYS.privateKey },
  );

  await assumeRole(old);
  keys.splice(0, 2, { ...(await exportJWK(OTHER_KEYS.publicKey)), kid: "x" });
  expect(await assumeRole(old)).toMatchObject(CREDENTIALS);
  expect(await assumeRole(rotated)).toEqual(result);

  vi.setSystemTime(NOW + 24 * 3600_000);
  expect(await assumeRole(rotated)).toMatchObject(CREDENTIALS);
  expect(await assumeRole(old)).toBe("InvalidIdentityToken");
  expect(new Set(sts.issuerRequests)).toEqual(new Set([`${ISSUER}${DISCOVERY}`, `${ISSUER}/keys`]));
});
