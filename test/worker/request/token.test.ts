// The token of a login: which one opens a route, what its visitor gets, and that no other opens anything.

import { generateKeyPairSync } from "node:crypto";
import {
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from "jose";
import { HttpResponse, http } from "msw";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ENV } from "../../support/env.ts";
import { network } from "../../support/network.ts";
import {
  get,
  inSeconds,
  lines,
  MODERN,
  put,
  settle,
  stage,
  stopDate,
} from "../../support/run-worker.ts";

const ISSUER = "https://login.example.com/";
const KEYS = "https://login.example.com/jwks.json";
const BEARER_ONLY = { issuer: ISSUER, audience: "images", keys: KEYS, claims: { sub: ":user" } };
const TOKEN = { ...BEARER_ONLY, cookie: "session" };
const ACCESS = "https://acme.cloudflareaccess.com";
const APP = "https://app.example";
const TEAM = "https://example.com/team";
const USERS = { path: "/users/:user/:preset/*", object: "media/users/:user/*", token: TOKEN };
const ROUTES = [
  { ...USERS, facts: true, fallback: "media/none.jpg" },
  { ...USERS, path: "/kept/:user/:preset/*", answers: { max_age: 600 } },
  { ...USERS, path: "/app/:user/:preset/*", origins: [APP] },
  { ...USERS, path: "/bearer/:user/:preset/*", token: BEARER_ONLY },
  {
    path: "/teams/:team/:preset/*",
    object: "media/teams/:team/*",
    token: [
      { ...TOKEN, claims: { [TEAM]: ":team", role: ["editor", "owner"] } },
      { ...TOKEN, claims: { role: "admin" }, cookie: "staff" },
    ],
  },
  {
    path: "/mails/:mail/:preset/*",
    object: "media/mails/:mail/*",
    token: { issuer: ACCESS, audience: ["aud-tag-1", "aud-tag-2"], claims: { email: ":mail" } },
  },
  {
    path: "/clients/:user/:preset/*",
    object: "media/users/:user/*",
    token: { issuer: ISSUER, keys: KEYS, claims: { client_id: "app-1", sub: ":user" } },
  },
];
const PHOTO = "/users/alice/card/fig.jpg";
const MAIL_PHOTO = "/mails/a@b.example/card/fig.jpg";
const OBJECTS = [
  "users/alice/fig.jpg",
  "users/bob/fig.jpg",
  "users/auth0|5f/fig.jpg",
  "teams/red/fig.jpg",
  "mails/a@b.example/fig.jpg",
  "none.jpg",
];

let keys: GenerateKeyPairResult;
beforeAll(async () => {
  keys = await generateKeyPair("ES256");
});

let env: object;
beforeEach(async () => {
  stopDate(Date.UTC(2026, 11, 2, 12));
  env = { ...ENV, ROUTES };

  for (const key of OBJECTS) put(key, "made/key.jpg");

  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "k1", use: "sig", alg: "ES256" };
  const answer = () => HttpResponse.json({ keys: [jwk] });
  network.use(http.get(KEYS, answer), http.get(`${ACCESS}/cdn-cgi/access/certs`, answer));
});

/** Signs a token for Alice, with these changes. */
function sign(claims: JWTPayload = {}, header: object = {}): Promise<string> {
  const usual = { iss: ISSUER, aud: "images", sub: "alice", exp: inSeconds(3600) };
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "k1", ...header })
    .sign(keys.privateKey);
}

const fetchPath = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  get(path, { method, headers: { ...MODERN, ...headers } }, env);

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const session = (token: string) => ({ cookie: `theme=dark; session=${token}` });

/** Checks that a request gets the one answer of all refused tokens, that nobody is asked, and why, for the log. */
async function refused(path: string, headers: Record<string, string>, reason: RegExp) {
  const before = stage.edgeRequests.length + stage.s3.requests.length;
  const logged = lines().length;
  const answer = await fetchPath(path, headers);

  expect(answer.status, path).toBe(404);
  expect(await answer.text(), path).toBe("Not found\n");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("vary")).toMatch(/authorization/);
  expect(stage.edgeRequests.length + stage.s3.requests.length).toBe(before);
  expect(lines().slice(logged)).toEqual([
    expect.objectContaining({ event: "token-refused", reason: expect.stringMatching(reason) }),
  ]);
}

test("a token opens the pictures of its user, by a cookie or as Bearer, and no others", async () => {
  const token = await sign();
  for (const headers of [bearer(token), session(token)]) {
    const { status, headers: answered } = await fetchPath(PHOTO, headers);
    expect(status).toBe(200);
    expect(answered.get("cache-control")).toBe("private, max-age=0, must-revalidate");
    expect(answered.get("cross-origin-resource-policy")).toBe("same-site");
    expect(answered.get("vary")).toBe("authorization, cookie, accept");

    await refused("/users/bob/card/fig.jpg", headers, /^the claim sub is not "bob"$/);
  }

  // The second visitor got the picture of the first one out of the cache.
  expect(stage.edgeRequests).toHaveLength(1);
});

test("the first of two cookies may be of another login", async () => {
  const token = await sign();
  const other = await sign({ sub: "bob" });
  const answer = await fetchPath(PHOTO, { cookie: `session=${other}; session=${token}` });

  expect(answer.status).toBe(200);

  // A wrong Bearer beside a right cookie does no harm.
  const both = await fetchPath(PHOTO, { ...bearer(other), ...session(token) });
  expect(both.status).toBe(200);
});

test("a token opens by each algorithm whose key is in two halves", async () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ed25519 = generateKeyPairSync("ed25519");
  const ecOf = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });

  const pairs = new Map([
    ["RS256", rsa],
    ["RS384", rsa],
    ["RS512", rsa],
    ["PS256", rsa],
    ["PS384", rsa],
    ["PS512", rsa],
    ["ES256", ecOf("P-256")],
    ["ES384", ecOf("P-384")],
    ["ES512", ecOf("P-521")],
    ["EdDSA", ed25519],
    ["Ed25519", ed25519],
  ]);

  const jwks = [...pairs].map(([kid, { publicKey }]) => ({
    ...publicKey.export({ format: "jwk" }),
    kid,
  }));

  network.use(http.get(KEYS, () => HttpResponse.json({ keys: jwks })));
  for (const [alg, { privateKey }] of pairs) {
    const claims = { iss: ISSUER, aud: "images", sub: "alice", exp: inSeconds(60) };
    const token = new SignJWT(claims).setProtectedHeader({ alg, kid: alg });
    const answer = await fetchPath(PHOTO, bearer(await token.sign(privateKey)));
    expect(answer.status, alg).toBe(200);
  }
});

test("cookies that are no token, and tokens of others, lock nobody out", async () => {
  const token = await sign();
  const others = [await sign({ sub: "bob" }), await sign({ iss: "https://other.example/" })];
  const fifteen = Array.from({ length: 15 }, (_, index) => others[index % 2]);
  const junk = ["x", "a.b", "", "x".repeat(9000), ...fifteen];
  const cookie = [...junk, token].map((value) => `session=${value}`).join("; ");
  const answer = await fetchPath(PHOTO, { cookie });
  expect(answer.status).toBe(200);
});

test("a request costs the check of four wrong signatures at most", async () => {
  const token = await sign();
  const wrong = `${token.slice(0, -8)}AAAAAAAA`;
  const cookie = Array(10).fill(`session=${wrong}`).join("; ");
  const verified = vi.spyOn(crypto.subtle, "verify");

  await refused(PHOTO, { cookie }, /signature verification failed/);
  expect(verified).toHaveBeenCalledTimes(4);

  // What the token says is looked at before.
  verified.mockClear();
  await refused("/users/bob/card/fig.jpg", { cookie }, /sub is not "bob"/);
  expect(verified).not.toHaveBeenCalled();
});

test("a token with an extension is refused, and the log does not have its name", async () => {
  const [, payload, signature] = (await sign()).split(".");
  const header = { alg: "ES256", kid: "k1", crit: ["SECRET"], SECRET: 1 };
  const encoded = Buffer.from(JSON.stringify(header)).toString("base64url");
  await refused(PHOTO, bearer(`${encoded}.${payload}.${signature}`), /has extensions \(crit\)/);
  expect(JSON.stringify(lines())).not.toContain("SECRET");
});

test.each<[string, string, JWTPayload]>([
  ["a user with %7C", "/users/auth0%7C5f/card/fig.jpg", { sub: "auth0|5f" }],
  ["a user with |", "/users/auth0|5f/card/fig.jpg", { sub: "auth0|5f" }],
  ["a list with the audience", PHOTO, { aud: ["other", "images"] }],
  ["a list of claims", "/teams/red/card/fig.jpg", { [TEAM]: ["blue", "red"], role: "owner" }],
  ["the second table", "/teams/red/card/fig.jpg", { role: ["user", "admin"] }],
  ["the name of the app", "/clients/alice/card/fig.jpg", { client_id: "app-1" }],
  ["an exp of a minute ago, by the clock's skew", PHOTO, { exp: 1796212741 }],
])("a token opens: %s", async (_, path, claims) => {
  expect(inSeconds(0)).toBe(1796212800);
  const answer = await fetchPath(path, bearer(await sign(claims)));
  expect(answer.status).toBe(200);
});

test.each<[string, string, JWTPayload, RegExp]>([
  ["of another user", PHOTO, { sub: "bob" }, /sub is not "alice"/],
  ["of another case", PHOTO, { sub: "Alice" }, /sub is not/],
  ["without the claim", PHOTO, { sub: undefined as never }, /sub is not/],
  ["with a list that has another type", PHOTO, { sub: ["alice", 1] as never }, /sub is not/],
  ["with a nested list", PHOTO, { sub: [["alice"]] as never }, /sub is not/],
  ["with an empty list", PHOTO, { sub: [] as never }, /sub is not/],
  ["whose claim is a table", PHOTO, { sub: { alice: true } as never }, /sub is not/],
  ["of a user with a slash", "/users/a%2Fb/card/fig.jpg", { sub: "a/b" }, /sub is not possible/],
  ["for an empty name", "/users//card/fig.jpg", { sub: "" }, /sub is not possible/],
  ["whose letters are escaped", "/users/%61lice/card/fig.jpg", {}, /an escape that it does not/],
  ["for another app", PHOTO, { aud: "other" }, /unexpected "aud"/],
  ["for no app", PHOTO, { aud: undefined as never }, /missing required "aud"/],
  ["of another app by its id", "/clients/alice/card/fig.jpg", { client_id: "app-2" }, /client_id/],
  [
    "of another issuer",
    PHOTO,
    { iss: "https://login.example.com" },
    /issuer https:\/\/login.example.com, and not of/,
  ],
  ["that has expired", PHOTO, { exp: 1796212740 }, /"exp"/],
  ["that never expires", PHOTO, { exp: undefined as never }, /missing required "exp"/],
  ["that is not valid yet", PHOTO, { nbf: 1796212861 }, /"nbf"/],
  ["with one of two claims", "/teams/red/card/fig.jpg", { [TEAM]: "red" }, /role is not "admin"/],
  [
    "of Access at another issuer",
    MAIL_PHOTO,
    { iss: ISSUER, email: "a@b.example" },
    /of the issuer/,
  ],
])("a token opens nothing: one %s", async (_, path, claims, reason) => {
  const noPicture = path === "/users//card/fig.jpg" || path.includes("%2F");
  if (noPicture)
    return expect((await fetchPath(path, bearer(await sign(claims)))).status).toBe(404);
  await refused(path, bearer(await sign(claims)), reason);
});

test("what is no token opens nothing", async () => {
  await refused(PHOTO, {}, /^no token$/);
  await refused(PHOTO, { cookie: "session=" }, /no signed JWT/);
  await refused(PHOTO, bearer("x.y.z"), /no signed JWT/);
  await refused(PHOTO, bearer("x".repeat(100_000)), /no signed JWT/);
  await refused(PHOTO, { authorization: `Basic ${await sign()}` }, /^no token$/);
  await refused(PHOTO, { cookie: `other=${await sign()}` }, /^no token$/);
  await refused(PHOTO, { cookie: `xsession=${await sign()}` }, /^no token$/);
  await refused(PHOTO, { "cf-access-jwt-assertion": await sign() }, /^no token$/);
  await refused("/bearer/alice/card/fig.jpg", session(await sign()), /^no token$/);
});

test.each<[string, { alg?: string; kid?: string; typ?: string }]>([
  ["alg none", { alg: "none" }],
  ["an unknown kid", { kid: "k2" }],
  ["a type for another end", { typ: "logout+jwt" }],
  ["a type that is no text", { typ: 1 as never }],
])("the header of a token may not have %s", async (_, header) => {
  const [, payload, signature] = (await sign()).split(".");
  const encoded = Buffer.from(JSON.stringify({ alg: "ES256", kid: "k1", ...header }));
  await refused(PHOTO, bearer(`${encoded.toString("base64url")}.${payload}.${signature}`), /./);
  if (header.typ !== undefined) {
    await refused(PHOTO, bearer(await sign({}, header)), /type/);
  }
});

test("Access sends its token in a header, and browsers in its cookie", async () => {
  const claims = { iss: ACCESS, aud: ["aud-tag-2"], email: "a@b.example" };
  const token = await sign(claims);

  for (const headers of [
    { "cf-access-jwt-assertion": token },
    { cookie: `CF_Authorization=${token}` },
  ]) {
    const answer = await fetchPath(MAIL_PHOTO, headers);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("vary")).toBe("authorization, cookie, accept");
  }
});

test.each([
  ["an hour", 3600, 600],
  ["less than max_age", 100, 100],
  ["nothing any more, within the skew", -10, 0],
])("a browser keeps a picture no longer than its token is valid: %s", async (_, validS, maxAge) => {
  const path = "/kept/alice/card/fig.jpg";
  const { headers } = await fetchPath(path, bearer(await sign({ exp: inSeconds(validS) })));
  expect(headers.get("cache-control")).toBe(`private, max-age=${maxAge}, must-revalidate`);
});

test("the token is checked before a condition, a HEAD and the facts", async () => {
  const token = await sign();
  const etag = (await fetchPath(PHOTO, bearer(token))).headers.get("etag") ?? "";
  await settle();

  const other = await sign({ sub: "bob" });
  const condition = { "if-none-match": etag };

  await refused(PHOTO, { ...bearer(other), ...condition }, /sub/);
  await refused(PHOTO, { ...bearer(other), "if-none-match": "*" }, /sub/);
  await refused(`${PHOTO}?facts`, bearer(other), /sub/);

  expect((await fetchPath(PHOTO, bearer(other), "HEAD")).status).toBe(404);

  const unchanged = await fetchPath(PHOTO, { ...bearer(token), ...condition });
  expect(unchanged.status).toBe(304);
  expect(unchanged.headers.get("vary")).toBe("authorization, cookie, accept");
  expect(unchanged.headers.get("cross-origin-resource-policy")).toBe("same-site");
  expect((await fetchPath(PHOTO, bearer(token), "HEAD")).status).toBe(200);

  const facts = await fetchPath(`${PHOTO}?facts`, bearer(token));
  expect(facts.headers.get("cache-control")).toBe("private, max-age=0, must-revalidate");
});

test("a missing picture gets its fallback only behind the token", async () => {
  const missing = "/users/alice/card/missing.jpg";
  await refused(missing, bearer(await sign({ sub: "bob" })), /sub/);

  const { status, headers } = await fetchPath(missing, bearer(await sign()));
  expect(status).toBe(404);
  expect(headers.get("content-type")).toBe("image/avif");
  expect(headers.get("cache-control")).toBe("private, max-age=60");
  expect(headers.get("vary")).toBe("authorization, cookie, accept");
});

test("every answer of the route varies by what opens it", async () => {
  const answers = await Promise.all([
    fetchPath("/users/alice/no-such-preset/fig.jpg"),
    fetchPath(PHOTO, {}, "POST"),
    fetchPath("/app/alice/card/fig.jpg", { origin: "https://other.example" }),
    get(PHOTO, {}, { ...env, RATE_LIMITER: { limit: async () => ({ success: false }) } }),
  ]);

  expect(answers.map(({ status }) => status)).toEqual([404, 405, 403, 404]);
  for (const { headers } of answers) {
    expect(headers.get("vary")).toMatch(/authorization, cookie/);
    expect(headers.get("cross-origin-resource-policy")).toBe("same-site");
  }
});

test("pages of named origins may send a cookie or Bearer, and no others", async () => {
  const path = "/app/alice/card/fig.jpg";
  const preflight = { origin: APP, "access-control-request-method": "GET" };
  const allowed = await fetchPath(path, preflight, "OPTIONS");

  expect(allowed.status).toBe(204);
  expect(allowed.headers.get("access-control-allow-headers")).toBe("authorization");
  expect(allowed.headers.get("access-control-allow-credentials")).toBe("true");

  const answer = await fetchPath(path, { ...bearer(await sign()), origin: APP });
  expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
  expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
  expect(answer.headers.get("vary")).toBe(
    "origin, referer, sec-fetch-site, authorization, cookie, accept",
  );

  expect((await fetchPath(PHOTO, preflight, "OPTIONS")).status).toBe(405);
});

test("without the issuer's keys, the visitor gets a 502, and the operator the reason", async () => {
  network.use(http.get(KEYS, () => new HttpResponse(null, { status: 500 })));
  const answer = await fetchPath(PHOTO, bearer(await sign()));
  expect(answer.status).toBe(502);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("vary")).toMatch(/authorization, cookie/);
  expect(lines()).toEqual([
    expect.objectContaining({ event: "token-keys-failed", issuer: ISSUER }),
  ]);

  // Without a token, and with one of another issuer, nobody needs the keys.
  await refused(PHOTO, {}, /^no token$/);
  await refused(PHOTO, bearer(await sign({ iss: "https://other.example/" })), /issuer/);
});
