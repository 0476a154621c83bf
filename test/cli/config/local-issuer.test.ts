// The issuer of the local run: it stands for each issuer of the configuration, and its key stays on this machine.

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLocalJWKSet, jwtVerify } from "jose";
import { expect, test } from "vitest";
import {
  LOCAL_ISSUER_KEY_FILE,
  localJwks,
  localTokenVars,
  readLocalToken,
  replacedIssuerOf,
  signLocalToken,
} from "../../../src/cli/config/local-issuer.ts";
import { localRun, replacedVars } from "../../../src/cli/config/local-run.ts";
import { LOCAL_KEYS } from "../../support/env.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const ORIGIN = "http://localhost:8787";
const BASE = `${ORIGIN}/.vitrine/issuer/`;
const KEYS = `${BASE}jwks.json`;
const TOKEN = {
  issuer: "https://login.example.com/",
  audience: "images",
  keys: "https://login.example.com/.well-known/jwks.json",
  cookie: "session",
  claims: { sub: ":user" },
};
const ACCESS = { issuer: "https://acme.cloudflareaccess.com", audience: "a1b2" };

/** The tables of one route, as the local run has them. */
function localTables(token: unknown): unknown {
  const { ROUTES } = localTokenVars({ ROUTES: routeWith(token) }, ORIGIN);
  return ROUTES;
}
const routeWith = (token: unknown) => [{ path: "/users/:user/:preset/*", token }];

test.each<[what: string, token: unknown, local: unknown]>([
  ["one table", TOKEN, { ...TOKEN, issuer: `${BASE}login.example.com/`, keys: KEYS }],
  [
    "two issuers that differ by a slash alone",
    [TOKEN, { ...TOKEN, issuer: "https://login.example.com" }],
    [
      { ...TOKEN, issuer: `${BASE}login.example.com/`, keys: KEYS },
      { ...TOKEN, issuer: `${BASE}login.example.com`, keys: KEYS },
    ],
  ],
  [
    "an issuer with a port, a path and a query",
    { ...TOKEN, issuer: "https://login.example.com:8443/a(b)?c=d" },
    { ...TOKEN, issuer: `${BASE}login.example.com%3A8443/a%28b%29%3Fc%3Dd`, keys: KEYS },
  ],
  [
    "Cloudflare Access, whose keys and cookie are left out",
    ACCESS,
    {
      ...ACCESS,
      issuer: `${BASE}acme.cloudflareaccess.com`,
      keys: KEYS,
      cookie: "CF_Authorization",
    },
  ],
  [
    "Cloudflare Access with another cookie",
    { ...ACCESS, cookie: "own" },
    { ...ACCESS, issuer: `${BASE}acme.cloudflareaccess.com`, keys: KEYS, cookie: "own" },
  ],
  // A mistake stays one.
  ["no URL", { ...TOKEN, issuer: "login" }, { ...TOKEN, issuer: "login" }],
  ["http", { ...TOKEN, issuer: "http://a.example" }, { ...TOKEN, issuer: "http://a.example" }],
  [
    "keys by http",
    { ...TOKEN, keys: "http://a.example/jwks" },
    { ...TOKEN, issuer: `${BASE}login.example.com/`, keys: "http://a.example/jwks" },
  ],
  [
    "no keys",
    { issuer: TOKEN.issuer, audience: "a" },
    { issuer: `${BASE}login.example.com/`, audience: "a" },
  ],
  [
    "no tables",
    [TOKEN, 7, JSON.stringify(TOKEN)],
    [{ ...TOKEN, issuer: `${BASE}login.example.com/`, keys: KEYS }, 7, JSON.stringify(TOKEN)],
  ],
])("the local issuer stands for that of %s", (_what, token, local) => {
  expect(localTables(token)).toEqual(routeWith(local));
  expect(localTables(JSON.stringify(token))).toBeUndefined(); // a text is a mistake
  const asText = localTokenVars({ ROUTES: JSON.stringify(routeWith(token)) }, ORIGIN);
  expect(asText).toEqual({ ROUTES: routeWith(local), LOCAL_ISSUER: BASE });
});

test("the name of the issuer that it stands for can be read from it, and from no other URL", () => {
  for (const issuer of ["https://login.example.com/", "https://a.example:8443/ü(b)?c=d"]) {
    const [route] = [localTokenVars({ ROUTES: routeWith({ ...TOKEN, issuer }) }, ORIGIN)];
    const text = JSON.stringify(route);
    const [, local = ""] = /"issuer":"([^"]+)"/.exec(text) ?? [];
    expect(replacedIssuerOf(local)).toBe(issuer);
  }
  for (const other of [
    TOKEN.issuer,
    "http://localhost:9000/realms/a",
    `https://a.example${BASE}`,
  ]) {
    expect(replacedIssuerOf(other)).toBeUndefined();
  }
});

const S3 = `${ORIGIN}/cdn-cgi/local/r2/s3`;
const OPEN = { path: "/images/:preset/*", object: "media/*" };

test.each<[what: string, routes: unknown, inDevVars: boolean, token: unknown, issuer: unknown]>([
  ["routes of wrangler.toml", routeWith(TOKEN), false, { keys: KEYS }, BASE],
  ["routes without a token", [OPEN], false, undefined, undefined],
  ["no routes", undefined, false, undefined, undefined],
  ["routes that nobody can read", "[{", false, undefined, undefined],
  ["routes of .dev.vars", JSON.stringify(routeWith(TOKEN)), true, undefined, undefined],
  [
    "those of .dev.vars with an issuer on this machine",
    JSON.stringify([OPEN, ...routeWith([TOKEN, { issuer: "http://localhost:8080/realms/a" }])]),
    true,
    undefined,
    "http://localhost:8080/realms/a",
  ],
  [
    "those of .dev.vars with an issuer whose name only begins so",
    JSON.stringify(routeWith({ issuer: "http://localhost.evil.example/" })),
    true,
    undefined,
    undefined,
  ],
])(
  "with %s, the Worker of the local run has its issuer",
  (_what, routes, inDevVars, token, issuer) => {
    const localVars = { BUCKETS: {}, ROUTES: routes };
    const devVarNames = new Set(inDevVars ? ["ROUTES"] : []);
    const run = localRun({ localVars, devVarNames, r2Buckets: [] }, S3, LOCAL_KEYS);
    const { ROUTES, LOCAL_ISSUER } = replacedVars(run);
    expect(LOCAL_ISSUER).toBe(issuer);
    expect(ROUTES).toEqual(
      token && [expect.objectContaining({ token: expect.objectContaining(token) })],
    );
    // What is written is checked as a deploy would have it, unless .dev.vars has it.
    expect(run.vars["ROUTES"]).toBe(routes);
    expect(run.vars["LOCAL_ISSUER"]).toBe(inDevVars ? issuer : undefined);
  },
);

test.each<[where: string, inDevVars: readonly string[], asksOwn: boolean]>([
  ["in wrangler.toml", [], false],
  ["in wrangler.toml, beside a ROUTES of .dev.vars", ["ROUTES"], true],
  ["in .dev.vars", ["ROUTES_2"], true],
])("the issuers of ROUTES_2 %s are those of the whole run (L4)", (_where, inDevVars, asksOwn) => {
  const issuer = "http://localhost:4000";
  const ownRoutes = routeWith({ ...TOKEN, issuer });
  const localVars = {
    BUCKETS: {},
    ROUTES: inDevVars.includes("ROUTES") ? ownRoutes : [OPEN],
    ROUTES_2: inDevVars.includes("ROUTES_2") ? ownRoutes : routeWith(TOKEN),
  };
  const run = localRun(
    { localVars, devVarNames: new Set(inDevVars), r2Buckets: [] },
    S3,
    LOCAL_KEYS,
  );
  const local = { ...TOKEN, issuer: `${BASE}login.example.com/`, keys: KEYS };
  expect(replacedVars(run)).toEqual({
    BUCKETS: {},
    ...(asksOwn
      ? { LOCAL_ISSUER: issuer }
      : { LOCAL_ISSUER: BASE, ROUTES: [OPEN], ROUTES_2: routeWith(local) }),
  });
});

const NOW = Date.parse("2026-12-02T12:00:00Z");
const CLAIMS = {
  iss: `${BASE}login.example.com/`,
  aud: "images",
  sub: "auth0|5f",
  org: ["a", "b"],
};

test("the key is made when it is needed, for its owner alone, and stays; only its public half is shown", async () => {
  const folder = createTemporaryFolder("vitrine-issuer-");
  const token = await signLocalToken(folder, CLAIMS, 60, NOW);
  const file = join(folder, LOCAL_ISSUER_KEY_FILE);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const { d } = JSON.parse(readFileSync(file, "utf8"));
  expect(d).toMatch(/^[\w-]{43}$/);

  const jwks = await localJwks(folder);
  expect(jwks).not.toContain(d);
  const keys = createLocalJWKSet(JSON.parse(jwks));
  const { payload, protectedHeader } = await jwtVerify(token, keys, { currentDate: new Date(NOW) });
  expect(payload).toEqual({ ...CLAIMS, iat: NOW / 1000, exp: NOW / 1000 + 60 });
  expect(protectedHeader).toMatchObject({ alg: "ES256", typ: "JWT" });
  expect(await localJwks(folder)).toBe(jwks);
});

test("it reads its own tokens until they expire, and no others", async () => {
  const [folder, otherFolder] = ["a-", "b-"].map(createTemporaryFolder);
  if (folder === undefined || otherFolder === undefined) return expect.unreachable();
  const token = await signLocalToken(folder, CLAIMS, 60, NOW);
  const other = await signLocalToken(otherFolder, CLAIMS, 60, NOW);
  expect(await readLocalToken(folder, token, NOW)).toMatchObject(CLAIMS);
  expect(await readLocalToken(folder, token, NOW + 61_000)).toBeUndefined();
  for (const foreign of [other, "", "a.b.c", `${token}x`]) {
    expect(await readLocalToken(folder, foreign, NOW)).toBeUndefined();
  }
});

test.each(["", "{}", '{"kty":"EC","crv":"P-256","x":"a","y":"b"}', "["])(
  "where its file is %j, the message names it",
  async (text) => {
    const folder = createTemporaryFolder("vitrine-issuer-");
    const file = join(folder, LOCAL_ISSUER_KEY_FILE);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, text);
    await expect(localJwks(folder)).rejects.toThrow(`${file} is broken. Remove it.`);
  },
);
