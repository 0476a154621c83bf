// The issuer of `vitrine/testing`, read by `jose` as by an app's server, and the real Worker on a route that it opens.

import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  type JWK,
  jwtVerify,
} from "jose";
import { expect, onTestFinished, test, vi } from "vitest";
import { createIssuer, type Issuer, type IssuerSettings } from "../../src/emulator/issuer.ts";
import { ENV } from "../support/env.ts";
import { handlersOf, network } from "../support/network.ts";
import { get, put } from "../support/run-worker.ts";

/** One key, made at once. */
const ES256 = { algorithms: ["ES256"] } satisfies IssuerSettings;
const NOW = Date.UTC(2026, 11, 2, 12);

const read = async ({ fetch }: Issuer, url: string) => (await fetch(url)).json();

const keysOf = async (issuer: Issuer): Promise<JWK[]> =>
  Object(await read(issuer, issuer.keys)).keys;

/** Verifies a token as a server does that knows the issuer by its documents alone. */
async function verify(issuer: Issuer, token: string, now = Date.now()) {
  const fetchKeys = createRemoteJWKSet(new URL(issuer.keys), { [customFetch]: issuer.fetch });
  const options = { issuer: issuer.issuer, currentDate: new Date(now) };
  return (await jwtVerify(token, fetchKeys, options)).payload;
}

test("each usual algorithm has a key with use, alg and kid; RS256 signs unless a test names another", async () => {
  const issuer = createIssuer();
  const keys = await keysOf(issuer);
  expect(keys.map(({ kty, use, alg }) => [kty, use, alg])).toEqual([
    ["RSA", "sig", "RS256"],
    ["RSA", "sig", "PS256"],
    ["EC", "sig", "ES256"],
    ["OKP", "sig", "EdDSA"],
  ]);
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(4);
  for (const key of keys) expect(key).not.toHaveProperty("d");

  for (const alg of [undefined, "PS256", "ES256", "EdDSA"] as const) {
    const token = await issuer.token({ sub: "alice" }, { ...(alg && { alg }) });
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: alg ?? "RS256", typ: "JWT" });
    expect((await verify(issuer, token)).sub).toBe("alice");
  }
});

test.each([
  ["https://login.example.com/", "https://login.example.com/"],
  ["https://acme.clerk.accounts.dev", "https://acme.clerk.accounts.dev/"],
  ["https://sso.example.com/realms/acme", "https://sso.example.com/realms/acme/"],
])("the documents of %s are below it", async (name, below) => {
  const issuer = createIssuer({ ...ES256, issuer: name });
  const keys = `${below}.well-known/jwks.json`;
  expect(issuer).toMatchObject({ issuer: name, keys });

  const discovery = `${below}.well-known/openid-configuration`;
  expect(await read(issuer, discovery)).toMatchObject({ issuer: name, jwks_uri: keys });
  expect(issuer.requests.map(({ url }) => url)).toEqual([discovery]);
});

test("keys may be elsewhere; what is not of the issuer leads nowhere", async () => {
  const keys = "https://keys.example.com/certs";
  const issuer = createIssuer({ ...ES256, keys });
  expect(await keysOf(issuer)).toHaveLength(1);

  expect((await issuer.fetch("https://login.example.com/.well-known/jwks.json")).status).toBe(404);
  expect((await issuer.fetch(keys, { method: "POST" })).status).toBe(405);
  const head = await issuer.fetch(keys, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);

  for (const url of [`${keys}2`, "https://login.example.com.evil.example/", "no URL"]) {
    expect([url, issuer.matches(url)]).toEqual([url, false]);
  }
  const failure = { cause: { code: "ENOTFOUND" } };
  await expect(issuer.fetch(`${keys}2`)).rejects.toMatchObject(failure);
});

test("a token lasts an hour of the issuer's clock, and has the claims and the kid of the test", async () => {
  const issuer = createIssuer({ ...ES256, now: () => NOW + 900 });
  const iat = NOW / 1000;
  const claims = { iss: issuer.issuer, iat, exp: iat + 3600 };
  expect(decodeJwt(await issuer.token())).toEqual(claims);

  const aud = ["images", "api"];
  const late = await issuer.token({ sub: "auth0|5f", aud }, { expiresIn: -60, kid: "unknown" });
  expect(decodeJwt(late)).toEqual({ ...claims, sub: "auth0|5f", aud, exp: iat - 60 });
  expect(decodeProtectedHeader(late).kid).toBe("unknown");

  const odd = await issuer.token({ iss: "https://evil.example", exp: undefined, iat: "now" });
  expect(decodeJwt(odd)).toEqual({ iss: "https://evil.example", iat: "now" });
});

test("after a rotation a new key signs, and the old one is in the JWKS until it is forgotten", async () => {
  const issuer = createIssuer(ES256);
  const [old] = await keysOf(issuer);
  const token = await issuer.token({ sub: "alice" });

  issuer.rotate();
  const next = await issuer.token({ sub: "bob" });
  const both = await keysOf(issuer);
  expect(both).toEqual([expect.objectContaining({ kid: decodeProtectedHeader(next).kid }), old]);
  expect((await verify(issuer, token)).sub).toBe("alice");
  expect((await verify(issuer, next)).sub).toBe("bob");

  issuer.rotate({ forget: true });
  expect(await keysOf(issuer)).toHaveLength(1);
  for (const lost of [token, next]) {
    await expect(verify(issuer, lost)).rejects.toThrow("no applicable key found");
  }
});

test("it is down, slow, or answers with a status, from now on or from the start", async () => {
  const issuer = createIssuer({ ...ES256, status: 503 });
  const leaving = new AbortController();
  const ask = () => issuer.fetch(issuer.keys, { signal: leaving.signal });
  const failed = await ask();
  expect([failed.status, await failed.text()]).toEqual([503, ""]);

  vi.useFakeTimers({ toFake: ["setTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  Object.assign(issuer.switches, { status: 200, slow: 2000 });
  const slow = ask();
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(2000);
  expect((await slow).status).toBe(200);

  issuer.switches.slow = Number.POSITIVE_INFINITY;
  const endless = ask();
  expect(vi.getTimerCount()).toBe(0);
  leaving.abort();
  await expect(endless).rejects.toMatchObject({ name: "AbortError" });

  issuer.switches.down = true;
  const failure = { cause: { code: "ECONNREFUSED" } };
  await expect(issuer.fetch(issuer.keys)).rejects.toMatchObject(failure);
  expect(issuer.requests).toHaveLength(4);
});

test("a mistake of a test throws", async () => {
  const issuer = createIssuer(ES256);
  expect(() => createIssuer({ issuer: "login.example.com" })).toThrow(/^createIssuer: issuer: /);
  expect(() => createIssuer({ issuer: "https://a.example?b" })).toThrow(/is not a URL without/);
  expect(() => createIssuer({ algorithms: [] })).toThrow(/algorithms: \[\] is not a list/);
  expect(() => createIssuer(Object({ algorithms: ["HS256"] }))).toThrow(/\[HS256\] is not a list/);
  expect(() => createIssuer(Object({ key: "" }))).toThrow(/unknown: key\. Known: issuer, keys/);
  expect(() => Object.assign(issuer.switches, { status: 42 })).toThrow(/switches.status: 42 is/);
  expect(() => issuer.rotate(Object({ forgets: true }))).toThrow(/unknown: forgets/);
  await expect(issuer.token({}, { alg: "RS256" })).rejects.toThrow('alg: "RS256" is not one of ES');
});

test("a test of an app opens the Worker's pictures by its tokens, with msw as the network", async () => {
  const issuer = createIssuer(ES256);
  network.use(...handlersOf(issuer));
  const claims = { sub: ":user" };
  const token = { issuer: issuer.issuer, keys: issuer.keys, audience: "images", claims };
  const route = { path: "/users/:user/:preset/*", object: "media/users/:user/*" };
  const env = { ...ENV, ROUTES: [{ ...route, token: { ...token, cookie: "session" } }] };
  for (const user of ["alice", "auth0|5f"]) put(`users/${user}/fig.jpg`, "made/key.jpg");

  const statusFor = async (user: string, sub: string) => {
    const session = await issuer.token({ sub, aud: "images" });
    const headers = { cookie: `session=${session}` };
    return (await get(`/users/${user}/card/fig.jpg`, { headers }, env)).status;
  };
  expect(await statusFor("alice", "alice")).toBe(200);
  expect(await statusFor("auth0%7C5f", "auth0|5f")).toBe(200);
  expect(await statusFor("alice", "bob")).toBe(404);
  expect(issuer.requests.map(({ url }) => url)).toEqual([issuer.keys]);
});
