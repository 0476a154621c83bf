// What the doctor says of a route that tokens open: of the keys and the name of its issuer, and of what the site answers
// with a token and without one. No token is printed.

import { exportJWK, generateKeyPair } from "jose";
import { HttpResponse } from "msw";
import { beforeEach, expect, test } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import {
  beginSite,
  type Change,
  CONFIGURED,
  deploy,
  examine,
  SITE,
} from "../../support/cli/doctor.ts";
import { expectFindings, problemsOf } from "../../support/cli/findings.ts";
import { ISSUER, KEYS, type Login, serveLogin, USERS } from "../../support/cli/login.ts";
import { ENV, HEALTH_TOKEN } from "../../support/env.ts";
import { put } from "../../support/run-worker.ts";

const OPEN = { path: "/images/:preset/*", object: "media/photos/*" };
const VARS = {
  ...CONFIGURED,
  ROUTES: [USERS, OPEN],
  BUCKETS: { media: { ...CONFIGURED.BUCKETS.media, canary: "users/alice/a.jpg" } },
};

let login: Login;
beforeEach(() => {
  beginSite({}, VARS);
  login = serveLogin();
  put("users/alice/a.jpg", "made/key.jpg");
  put("photos/fig.jpg", "made/key.jpg");
});

const tokenFindings = (findings: readonly Finding[]) =>
  findings.filter(({ check }) => check === "token");

test("where all is well, nothing is wrong, with a token and without one", async () => {
  const without = await examine();
  expect(problemsOf(without)).toEqual([]);
  expect(without.findings.some(({ check }) => check === "formats")).toBe(false);

  const token = await login.sign();
  const withToken = await examine(["--url", SITE], { env: { VITRINE_TOKEN: token } });
  expect(problemsOf(withToken)).toEqual([]);
  const seen = withToken.findings.map(({ check, severity }) => `${check} ${severity}`);
  expect(seen).toEqual(expect.arrayContaining(["image ok", "formats ok", "cache ok"]));
  expect(JSON.stringify(withToken)).not.toContain(token.slice(40));

  const cases = [without, withToken].map(({ findings }, index) => {
    const isOfRoute = ({ check }: Finding) => ["token", "image", "cache"].includes(check);
    return [["without a token", "with one"][index] ?? "", findings.filter(isOfRoute)] as const;
  });
  await expectFindings("token-well.txt", cases);
});

test("a token that does not open the picture is not sent, and the reason is told", async () => {
  const heard = new Set<string | null>();
  deploy({ ...ENV, ...VARS, HEALTH_TOKEN }, (answer, { path, headers }) => {
    if (path.startsWith("/users/")) heard.add(headers.get("authorization"));
    return answer;
  });
  const token = await login.sign({ sub: "bob" });
  const report = await examine(["--url", SITE], { env: { VITRINE_TOKEN: token } });
  expect(problemsOf(report)).toEqual([]);
  expect(JSON.stringify(report.findings)).toContain(
    'the token at hand does not open /users/alice/card/a.jpg: token-refused: the claim sub is not \\"alice\\"',
  );
  expect(heard).toEqual(new Set([null, `Bearer ${HEALTH_TOKEN}`]));
});

const keys = (...list: unknown[]) => HttpResponse.json({ keys: list });
const status = (code: number, headers: Record<string, string> = {}) =>
  new HttpResponse("x", { status: code, headers });
const named = (issuer: string, jwks_uri = KEYS) => HttpResponse.json({ issuer, jwks_uri });

/** A public RSA key of 1,024 bits. */
const SHORT = {
  kty: "RSA",
  kid: "short",
  e: "AQAB",
  n: Buffer.concat([Buffer.from([0xc1]), Buffer.alloc(127, 0x11)]).toString("base64url"),
};

test("the issuer: what is wrong with its keys and with its name, and what to do", async () => {
  const secret = { kty: "oct", kid: "s", k: "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", alg: "HS256" };
  const nameless = await exportJWK((await generateKeyPair("ES256")).publicKey);
  const jwk = await login.jwk;

  const cases: Readonly<Record<string, Partial<Pick<Login, "keys" | "document">>>> = {
    "no answer": { keys: () => HttpResponse.error() },
    "it is busy": { keys: () => status(503) },
    "there are no keys": { keys: () => status(404) },
    "it redirects": { keys: () => status(302, { location: "https://login.example.com/keys" }) },
    "a page": { keys: () => HttpResponse.html("<h1>Log in</h1>") },
    "too much": { keys: () => keys(...Array.from({ length: 500 }, () => jwk)) },
    "no keys in it": { keys: () => keys() },
    "symmetric keys alone": { keys: () => keys(secret) },
    "a private key": { keys: () => keys({ ...nameless, d: "AA" }) },
    "a short key": { keys: () => keys(SHORT) },
    "an algorithm of others": { keys: () => keys({ ...jwk, alg: "ES256K" }, {}) },
    "a key for encryption alone": { keys: () => keys({ ...jwk, use: "enc" }) },
    "one of three can be used": { keys: () => keys(secret, SHORT, jwk) },
    "several without a name": { keys: () => keys(jwk, nameless) },
    "no document": { document: () => status(404) },
    "its name has no slash": { document: () => named(ISSUER.slice(0, -1)) },
    "another name of its host": { document: () => named(`${ISSUER}realms/acme`) },
    "a name of another host": { document: () => named("https://login.acme.example/") },
    "keys elsewhere": { document: () => named(ISSUER, `${ISSUER}keys.json`) },
    "a document of odd types": { document: () => HttpResponse.json({ issuer: 1, jwks_uri: [] }) },
  };
  const results: [string, Finding[]][] = [];
  for (const [title, changes] of Object.entries(cases)) {
    login = serveLogin();
    Object.assign(login, changes);
    const { findings } = await examine([]);
    results.push([title, tokenFindings(findings)]);
  }
  await expectFindings("token-issuer.txt", results);
});

const json = (text: string) => () =>
  new HttpResponse(text, { headers: { "content-type": "application/json" } });
const repeated = (text: string, times: number) =>
  json(`{"keys":[${`${text},`.repeat(times - 1)}${text}]}`);

const NO_KEY_SET = /has no key set/;
const NO_KEY = /has no key by which the Worker can check a token/;
const TOO_LARGE = /has more than 64 KB/;

test("whatever is at the URL of the keys, it is a finding, and the doctor goes on", async () => {
  const good = JSON.stringify(await login.jwk);
  const odd: readonly (readonly [answer: () => Response, seen: RegExp])[] = [
    ...["", "null", "1", "[]", "{", '"keys"', "{}", "[".repeat(60_000)].map(
      (text) => [json(text), NO_KEY_SET] as const,
    ),
    ...["null", "1", '"x"', "{}", "[null]", "[[]]", "[1e999]", '[{}, "x"]'].map(
      (text) => [json(`{"keys":${text}}`), NO_KEY_SET] as const,
    ),
    // The library takes no set with a member that is none, so none of its keys.
    [json(`{"keys":[${good},null]}`), NO_KEY_SET],
    ...[
      '{"kty":{"toString":1}}',
      '{"kty":{"toString":1,"valueOf":1},"alg":"ES256"}',
      '{"kty":"EC","alg":{"toString":1}}',
      '{"kty":"EC","alg":null}',
      '{"kty":"EC","crv":{"toString":1},"x":1e999,"y":[]}',
      '{"kty":"RSA","n":-1e999,"e":{"toString":1}}',
      '{"kty":"RSA","n":"AQAB","e":"AQAB","kid":{"toString":1},"use":{"toString":1}}',
      '{"kty":["EC"],"key_ops":[{"toString":1}],"ext":{},"kid":1e999}',
      '{"__proto__":{"kty":"EC"},"constructor":1,"toString":1}',
      `{"kty":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
      `{"kty":"EC","x":${'{"x":'.repeat(5_000)}1${"}".repeat(5_000)}}`,
      `{"kty":"RSA","kid":"${"k".repeat(60_000)}"}`,
    ].map((key) => [json(`{"keys":[${key}]}`), NO_KEY] as const),
    [repeated("{}", 5_000), NO_KEY],
    [repeated('{"kty":"EC"}', 100), NO_KEY],
    [repeated('{"kty":"RSA"}', 5_000), TOO_LARGE],
  ];
  for (const [answer, seen] of odd) {
    login = serveLogin();
    login.keys = answer;
    const { findings } = await examine([]);
    const text = (await answer().text()).slice(0, 80);
    const [first] = tokenFindings(findings);
    expect([text, first?.severity, first?.seen]).toEqual([
      text,
      "error",
      expect.stringMatching(seen),
    ]);
  }

  login = serveLogin();
  login.keys = json(`{"keys":[{"kty":{"toString":1}},${good}]}`);
  const { findings } = await examine([]);
  expect(
    tokenFindings(findings)
      .map(({ severity, seen }) => [severity, seen])
      .slice(0, 2),
  ).toEqual([
    ["ok", 'its keys: ES256 "k1"'],
    ["note", expect.stringContaining("keys that the Worker leaves out")],
  ]);
});

/** Changes what visitors without a token get of the route. */
const onUsers =
  (change: (answer: Response) => Response): Change =>
  (answer, { path }) =>
    path.startsWith("/users/") ? change(answer) : answer;

const without = (name: string) =>
  onUsers((answer) => {
    const changed = new Response(answer.body, answer);
    changed.headers.delete(name);
    return changed;
  });

test("the site: a picture for everybody, and answers that a browser or a cache would keep", async () => {
  const { token: _token, ...opened } = USERS;
  const live = { ...ENV, ...VARS, HEALTH_TOKEN };
  const cases: Readonly<Record<string, readonly [object, Change?]>> = {
    "another configuration, without token": [{ ...live, ROUTES: [opened, OPEN] }],
    "a Worker that does not know the route": [{ ...live, ROUTES: [OPEN] }],
    "vary is taken away": [live, without("vary")],
    "cache-control is taken away": [live, without("cache-control")],
    "something in front answers": [live, onUsers(() => new HttpResponse("no", { status: 403 }))],
    "no answer": [live, onUsers(() => HttpResponse.error())],
  };
  const results: [string, Finding[]][] = [];
  for (const [title, [env, change]] of Object.entries(cases)) {
    beginSite({}, VARS);
    login = serveLogin();
    put("users/alice/a.jpg", "made/key.jpg");
    deploy(env, change);
    const isOfSite = ({ about }: Finding) => about.startsWith(`${SITE}/users/`);
    const { findings } = await examine();
    results.push([title, tokenFindings(findings).filter(isOfSite)]);
  }
  await expectFindings("token-site.txt", results);
});

test("a route without a picture that is known is asked for one that no bucket has", async () => {
  const BUCKETS = { media: { ...CONFIGURED.BUCKETS.media, canary: "photos/fig.jpg" } };
  beginSite({}, { ...VARS, BUCKETS });
  serveLogin();
  put("photos/fig.jpg", "made/key.jpg");
  const report = await examine();
  expect(problemsOf(report)).toEqual([]);
  const [{ about, severity } = { about: "", severity: "" }] = tokenFindings(report.findings).slice(
    -1,
  );
  expect([about.replace(/-[\da-f]{8}-[\da-f-]{27}/g, "-…"), severity]).toEqual([
    `${SITE}/users/vitrine-doctor-…/card/vitrine-doctor-…`,
    "ok",
  ]);
});
