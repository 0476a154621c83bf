// The token of a login: which one opens a route, what its visitor gets, and that no other opens anything.

import {
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from "jose";
import { HttpResponse, http } from "msw";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { ENV, VARS } from "../../support/env.ts";
import { network } from "../../support/network.ts";
import { get, inSeconds, lines, MODERN, put, stage, stopDate } from "../../support/run-worker.ts";

const ISSUER = "https://login.example.com/";
const KEYS = "https://login.example.com/jwks.json";
const BEARER_ONLY = { issuer: ISSUER, audience: "images", keys: KEYS, claims: { sub: ":user" } };
const TOKEN = { ...BEARER_ONLY, cookie: "session" };
const APP = "https://app.example";
const USERS = { path: "/users/:user/:preset/*", object: "media/users/:user/*", token: TOKEN };
const ROUTES = [
  { ...USERS, facts: true, fallback: "media/none.jpg", origins: [APP] },
  { ...USERS, path: "/bearer/:user/:preset/*", token: BEARER_ONLY },
  {
    path: "/teams/:team/:preset/*",
    object: "media/teams/:team/*",
    token: [
      { ...TOKEN, claims: { "https://example.com/team": ":team", role: ["editor", "owner"] } },
      { ...TOKEN, claims: { role: "admin" } },
    ],
  },
];
const PHOTO = "/users/alice/card/fig.jpg";
const PICTURES = ["users/alice/fig.jpg", "users/bob/fig.jpg", "users/auth0|5f/fig.jpg"];

let keys: GenerateKeyPairResult;
beforeAll(async () => {
  keys = await generateKeyPair("ES256");
});

let env: object;
beforeEach(async () => {
  stopDate(Date.UTC(2026, 11, 2, 12));
  env = { ...ENV, ROUTES };
  for (const key of [...PICTURES, "teams/red/fig.jpg", "none.jpg"]) put(key, "made/key.jpg");

  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "k1", use: "sig", alg: "ES256" };
  network.use(http.get(KEYS, () => HttpResponse.json({ keys: [jwk] })));
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

test("a token opens the pictures of its user, by a cookie or as Bearer, and no others", async () => {
  const token = await sign();
  for (const headers of [bearer(token), session(token)]) {
    const answer = await fetchPath(PHOTO, headers);
    expect(answer.status).toBe(200);
    const { headers: got } = answer;
    expect(got.get("cache-control")).toBe("private, max-age=600, must-revalidate");
    expect(got.get("cross-origin-resource-policy")).toBe("same-site");
    expect(got.get("vary")).toMatch(/authorization, cookie, accept$/);

    const other = await fetchPath("/users/bob/card/fig.jpg", headers);
    expect([other.status, other.headers.get("cache-control")]).toEqual([404, "no-store"]);
    expect(other.headers.get("vary")).toMatch(/authorization, cookie, accept$/);
  }
  expect(lines().map(({ event, reason }) => [event, reason])).toEqual([
    ["token-refused", 'the claim sub is not "bob"'],
    ["token-refused", 'the claim sub is not "bob"'],
  ]);
  expect(stage.edgeRequests).toHaveLength(1);
});
