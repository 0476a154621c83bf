// The strict STS: what AWS gives for a token of an OIDC issuer, and what it refuses.

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { createS3 } from "../../../src/emulator/s3/s3.ts";
import { createSts } from "../../../src/emulator/sts/sts.ts";
import type { StsFault, StsRole, StsSettings } from "../../../src/emulator/sts/types.ts";
import { sign as signRequest } from "../../../src/worker/origin/sigv4.ts";

const ISSUER = "https://images.example";
const ROLE = "arn:aws:iam::123456789012:role/images";
const NOW = Date.parse("2026-11-26T12:00:00Z");
const AT = NOW / 1000;
const CLAIMS = { iss: ISSUER, sub: "vitrine", aud: "sts.amazonaws.com", iat: AT, exp: AT + 300 };

const EC = generateKeyPairSync("ec", { namedCurve: "P-256" });
const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });
const OTHER = generateKeyPairSync("ec", { namedCurve: "P-256" });

const jwkOf = (key: KeyObject, kid: string) => ({
  ...key.export({ format: "jwk" }),
  kid,
  use: "sig",
});
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

function tokenOf(claims: object, head: object = {}, key: KeyObject = EC.privateKey): string {
  const text = `${encode({ alg: "ES256", kid: "ec", typ: "JWT", ...head })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

let clock = NOW;
let keys: object[] = [];
let discovery: object = {};
let reaches = true;

const issuer: StsSettings["fetch"] = async (input) => {
  if (!reaches) throw new TypeError("fetch failed");
  const documents: Record<string, object> = {
    [`${ISSUER}/.well-known/openid-configuration`]: discovery,
    [`${ISSUER}/.well-known/jwks.json`]: { keys },
  };
  const found = documents[`${input}`];
  return found ? Response.json(found) : new Response("no", { status: 404 });
};

function setUp(role: Partial<StsRole> = {}, more: Partial<StsSettings> = {}) {
  return createSts({
    fetch: issuer,
    now: () => clock,
    providers: { [ISSUER]: { clientIds: ["sts.amazonaws.com"] } },
    roles: { [ROLE]: { trusts: ISSUER, ...role } },
    ...more,
  });
}

beforeEach(() => {
  clock = NOW;
  reaches = true;
  keys = [jwkOf(EC.publicKey, "ec"), jwkOf(RSA.publicKey, "rsa")];
  discovery = { issuer: ISSUER, jwks_uri: `${ISSUER}/.well-known/jwks.json` };
});

async function ask(
  sts: ReturnType<typeof setUp>,
  token: string,
  fields: Record<string, string> = {},
) {
  const answer = await sts.fetch("https://sts.eu-west-1.amazonaws.com/", {
    method: "POST",
    body: new URLSearchParams({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: ROLE,
      RoleSessionName: "vitrine",
      WebIdentityToken: token,
      ...fields,
    }),
  });
  const text = await answer.text();
  const of = (name: string) => new RegExp(`<${name}>([^<]*)<`).exec(text)?.[1] ?? "";
  const credentials = {
    accessKeyId: of("AccessKeyId"),
    secretAccessKey: of("SecretAccessKey"),
    sessionToken: of("SessionToken"),
  };
  return { status: answer.status, code: of("Code"), text, credentials, expires: of("Expiration") };
}

test("gives a session for a token, signed with EC or RSA (K1, K4)", async () => {
  const sts = setUp();
  const given = await ask(sts, tokenOf(CLAIMS), { DurationSeconds: "900" });
  expect([given.status, given.expires]).toEqual([200, "2026-11-26T12:15:00Z"]);
  expect(given.text).toContain("arn:aws:sts::123456789012:assumed-role/images/vitrine");
  expect(given.credentials.accessKeyId).toMatch(/^ASIA/);
  const rsa = tokenOf(CLAIMS, { alg: "RS256", kid: "rsa" }, RSA.privateKey);
  expect(await ask(sts, rsa)).toMatchObject({ status: 200, expires: "2026-11-26T13:00:00Z" });
  expect(sts.calls).toEqual([
    { role: ROLE, status: 200 },
    { role: ROLE, status: 200 },
  ]);
});

const INVALID = [400, "InvalidIdentityToken"] as const;
const [head, body, signature] = tokenOf(CLAIMS).split(".");

test.each([
  ["is none (K7)", "not a token", INVALID],
  ["has a part too many (K7)", `${tokenOf(CLAIMS)}.x`, INVALID],
  ["has no signature (K7)", `${head}.${body}.`, INVALID],
  [
    "is not signed by its key (K7)",
    `${head}.${encode({ ...CLAIMS, sub: "a" })}.${signature}`,
    INVALID,
  ],
  [
    "is signed by a key that the issuer does not have (K3)",
    tokenOf(CLAIMS, {}, OTHER.privateKey),
    INVALID,
  ],
  ["names a key that the issuer does not have (K3)", tokenOf(CLAIMS, { kid: "x" }), INVALID],
  ["names the algorithm none (K4)", tokenOf(CLAIMS, { alg: "none" }), INVALID],
  ["names HS256 (K4)", tokenOf(CLAIMS, { alg: "HS256" }), INVALID],
  ["names the algorithm of another key (K4)", tokenOf(CLAIMS, { alg: "RS256" }), INVALID],
  [
    "is of an issuer without a provider (K2)",
    tokenOf({ ...CLAIMS, iss: "https://a.example" }),
    INVALID,
  ],
  ["spells the issuer otherwise (K2)", tokenOf({ ...CLAIMS, iss: `${ISSUER}/` }), INVALID],
  ["has another audience (K7)", tokenOf({ ...CLAIMS, aud: "a" }), INVALID],
  ["has no subject (K7)", tokenOf({ ...CLAIMS, sub: undefined }), INVALID],
  ["has no end (K6)", tokenOf({ ...CLAIMS, exp: undefined }), INVALID],
  ["begins later (K6)", tokenOf({ ...CLAIMS, nbf: AT + 600 }), INVALID],
  ["is over (K6)", tokenOf({ ...CLAIMS, exp: AT }), [400, "ExpiredTokenException"]],
] as const)("refuses a token that %s", async (_name, token, [status, code]) => {
  const sts = setUp();
  expect(await ask(sts, token)).toMatchObject({ status, code });
  expect(sts.calls).toEqual([{ role: ROLE, status, code }]);
  expect(sts.sessions.size).toBe(0);
});

test.each([
  ["lasts too short", { DurationSeconds: "899" }, "ValidationError"],
  ["lasts too long", { DurationSeconds: "43201" }, "ValidationError"],
  ["lasts longer than the role allows", { DurationSeconds: "3601" }, "ValidationError"],
  ["has no ARN", { RoleArn: "images" }, "ValidationError"],
  ["has no name", { RoleSessionName: "" }, "ValidationError"],
  ["is another", { Action: "AssumeRole" }, "InvalidAction"],
])("refuses a request that %s (K1)", async (_name, fields, code) => {
  expect(await ask(setUp(), tokenOf(CLAIMS), fields)).toMatchObject({ status: 400, code });
});

const AUD = { "images.example:aud": "sts.amazonaws.com" };

test.each<[name: string, role: Partial<StsRole>, status: number]>([
  ["audience and subject", { StringEquals: { ...AUD, "images.example:sub": "vitrine" } }, 200],
  ["one of several subjects", { StringEquals: { "images.example:sub": ["a", "vitrine"] } }, 200],
  ["another subject", { StringEquals: { "images.example:sub": "other" } }, 403],
  ["another audience", { StringEquals: { "images.example:aud": "other" } }, 403],
  ["the right subject of another host", { StringEquals: { "a.example:sub": "vitrine" } }, 403],
  ["a pattern", { StringLike: { "images.example:sub": "vit*n?" } }, 200],
  ["a pattern of others", { StringLike: { "images.example:sub": "v?" } }, 403],
  ["a pattern as an exact value", { StringEquals: { "images.example:sub": "vit*" } }, 403],
  ["another issuer", { trusts: "https://a.example" }, 403],
])("a role that trusts %s (K8)", async (_name, role, status) => {
  const given = await ask(setUp(role), tokenOf(CLAIMS));
  expect(given.status).toBe(status);
  if (status === 403) expect(given.code).toBe("AccessDenied");
});

test("a role that is not there is denied as one that trusts nobody (K8)", async () => {
  const RoleArn = "arn:aws:iam::123456789012:role/other";
  expect(await ask(setUp(), tokenOf(CLAIMS), { RoleArn })).toMatchObject({ code: "AccessDenied" });
});

describe("the issuer", () => {
  test.each([
    [
      "cannot be reached",
      () => {
        reaches = false;
      },
      "IDPCommunicationError",
    ],
    [
      "is another by its own document",
      () => {
        discovery = { ...discovery, issuer: "https://b.example" };
      },
      "InvalidIdentityToken",
    ],
    ["says no place of its keys", () => (discovery = { issuer: ISSUER }), "InvalidIdentityToken"],
    [
      "has its keys at a place without TLS",
      () => {
        discovery = { issuer: ISSUER, jwks_uri: "http://images.example/jwks" };
      },
      "InvalidIdentityToken",
    ],
    [
      "has keys that are not for signatures",
      () => {
        keys = [{ ...jwkOf(EC.publicKey, "ec"), use: "enc" }];
      },
      "InvalidIdentityToken",
    ],
  ])("that %s (K2, K3)", async (_name, change, code) => {
    change();
    expect(await ask(setUp(), tokenOf(CLAIMS))).toMatchObject({ status: 400, code });
  });

  test("is asked once in a day: a new key is unknown until then, and an old one is good (K5)", async () => {
    const sts = setUp();
    await ask(sts, tokenOf(CLAIMS));
    keys = [jwkOf(OTHER.publicKey, "other")];
    const rotated = () => tokenOf({ ...CLAIMS, exp: AT + 1e6 }, { kid: "other" }, OTHER.privateKey);
    expect((await ask(sts, rotated())).code).toBe("InvalidIdentityToken");
    expect((await ask(sts, tokenOf(CLAIMS))).status).toBe(200);
    expect(sts.asked).toHaveLength(2);
    clock += 24 * 3600_000;
    expect((await ask(sts, rotated())).status).toBe(200);
    expect(sts.asked).toHaveLength(4);
  });

  test("is asked again for an unknown key, if the switch says so (K5)", async () => {
    const sts = setUp({}, { asksAgain: true });
    await ask(sts, tokenOf(CLAIMS));
    keys = [jwkOf(OTHER.publicKey, "other")];
    expect((await ask(sts, tokenOf(CLAIMS, { kid: "other" }, OTHER.privateKey))).status).toBe(200);
  });
});

test("a session opens the bucket until it ends, is revoked, or the role's key is unknown (K9, A7, A11)", async () => {
  const sts = setUp();
  const s3 = createS3({
    endpoint: "https://s3.eu-west-1.amazonaws.com",
    bucket: "acme-media",
    region: "eu-west-1",
    credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "a-secret" },
    sessions: sts.sessions,
    now: () => clock,
  });
  s3.objects.set("fig.jpg", { body: new Uint8Array(3), type: "image/jpeg" });
  const { credentials } = await ask(sts, tokenOf(CLAIMS));
  const url = "https://acme-media.s3.eu-west-1.amazonaws.com/fig.jpg";
  const read = async (given: Parameters<typeof signRequest>[2]) => {
    await s3.fetch(url, { headers: await signRequest(url, "eu-west-1", given, clock) });
    return s3.answers.at(-1);
  };
  const { sessionToken, ...without } = credentials;
  const lasting = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "a-secret" };
  expect(await read(credentials)).toEqual({ status: 200 });
  expect(await read(without)).toEqual({ status: 403, code: "InvalidAccessKeyId" });
  expect(await read({ ...credentials, sessionToken: "a" })).toEqual({
    status: 400,
    code: "InvalidToken",
  });
  expect(await read({ ...lasting, sessionToken })).toEqual({ status: 400, code: "InvalidToken" });
  expect(await read({ ...credentials, secretAccessKey: "a" })).toEqual({
    status: 403,
    code: "SignatureDoesNotMatch",
  });
  const headers = new Headers(await signRequest(url, "eu-west-1", without, clock));
  headers.set("x-amz-security-token", sessionToken);
  await s3.fetch(url, { headers });
  expect(s3.answers.at(-1)).toEqual({ status: 403, code: "AccessDenied" });
  sts.revoke(ROLE);
  expect(await read(credentials)).toEqual({ status: 403, code: "AccessDenied" });
  expect(await read((await ask(sts, tokenOf(CLAIMS))).credentials)).toEqual({ status: 200 });
  clock += 3_600_000;
  expect(await read(credentials)).toEqual({ status: 400, code: "ExpiredToken" });
});

test.each<[StsFault, number]>([
  ["Throttling", 400],
  ["ServiceUnavailable", 503],
  ["InternalFailure", 500],
  ["IDPCommunicationError", 400],
  ["IDPRejectedClaim", 403],
  ["RegionDisabledException", 403],
])("fails with %s as it is told to (K10)", async (code, status) => {
  const sts = setUp();
  sts.faults.add(code);
  expect(await ask(sts, tokenOf(CLAIMS))).toMatchObject({ status, code });
});

test("may answer with no XML, break, or stall until its caller gives up", async () => {
  const sts = setUp();
  sts.faults.add("garbage");
  expect(await ask(sts, tokenOf(CLAIMS))).toMatchObject({ status: 200, code: "" });
  sts.faults.clear();
  sts.faults.add("reset");
  await expect(ask(sts, tokenOf(CLAIMS))).rejects.toThrow("fetch failed");
  sts.faults.clear();
  sts.faults.add("stall");
  const stop = new AbortController();
  const asked = sts.fetch("https://sts.eu-west-1.amazonaws.com", {
    method: "POST",
    body: "",
    signal: stop.signal,
  });
  stop.abort(new Error("enough"));
  await expect(asked).rejects.toThrow("enough");
  await expect(sts.fetch("https://sts.amazonaws.com")).rejects.toThrow(TypeError);
});

test("refuses wrong settings", () => {
  expect(() => setUp({}, { endpoint: "https://sts.amazonaws.com/a" })).toThrow(
    "createSts: endpoint",
  );
});
