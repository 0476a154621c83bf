// `vitrine token`: what it prints opens the route on the Worker of the local run, for the one who is named and for nobody
// else. If it prints nothing, it says what to do.

import { decodeJwt } from "jose";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import {
  LOCAL_ISSUER_PATH,
  localJwks,
  localTokenVars,
} from "../../../src/cli/config/local-issuer.ts";
import { createFolder } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { ENV } from "../../support/env.ts";
import { network } from "../../support/network.ts";
import { get, put } from "../../support/run-worker.ts";

const ORIGIN = "http://localhost:8787";
const LOGIN = {
  issuer: "https://login.example.com/",
  audience: ["images", "others"],
  keys: "https://login.example.com/jwks.json",
  cookie: "session",
  claims: { sub: ":user", org: ["acme", "globex"] },
};
const OTHER = {
  ...LOGIN,
  issuer: "https://other.example.com",
  claims: { "https://example.com/team=": ":team", azp: "app" },
};
const USERS = { path: "/users/:user/:preset/*", object: "media/users/:user/*", token: LOGIN };
const ROUTES = [
  { path: "/icons/:preset/*", object: "media/icons/*" },
  USERS,
  {
    path: "/teams/:team/:album/:preset/*",
    object: "media/teams/:team/:album/*",
    token: [OTHER, { ...LOGIN, claims: { team: ":team", azp: "app" } }],
  },
];
const KEYS = ["users/alice/notes", "users/alice/fig one.jpg", "users/bob/fig.jpg"];

const folder = createFolder({ ROUTES });
const run = (args: readonly string[], env: Record<string, string> = {}) =>
  vitrine(["token", ...args], { folder, env });

let env: object;
beforeEach(async () => {
  for (const key of [...KEYS, "teams/red/2026/fig.jpg"]) put(key, "made/key.jpg");
  env = { ...ENV, ...localTokenVars({ ROUTES }, ORIGIN) };
  const jwks = await localJwks(folder);
  network.use(
    http.get(`${ORIGIN}${LOCAL_ISSUER_PATH}jwks.json`, () => HttpResponse.text(jwks)),
    http.get(`${ORIGIN}/cdn-cgi/local/r2/s3/:bucket/`, ({ request }) => {
      const prefix = new URL(request.url).searchParams.get("prefix") ?? "";
      const keys = KEYS.map((key) => `published/${key}`).filter((key) => key.startsWith(prefix));
      const items = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("");
      const xml = `<ListBucketResult>${items}<IsTruncated>false</IsTruncated></ListBucketResult>`;
      return HttpResponse.xml(xml);
    }),
  );
});

/** The statuses of paths with a token. */
async function statusesOf(token: string, paths: readonly string[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const path of paths) {
    const headers = { authorization: `Bearer ${token}` };
    statuses.push((await get(path, { headers }, env)).status);
  }
  return statuses;
}

const ALICE = "/users/alice/card/fig%20one.jpg";
const BOB = "/users/bob/card/fig.jpg";
const TEAM = "/teams/red/2026/card/fig.jpg";
const ALL = [ALICE, BOB, TEAM];

test.each<[args: string[], statuses: number[]]>([
  [
    ["--sub", "alice"],
    [200, 404, 404],
  ],
  [
    ["--sub", "bob", "--claim", "org=globex"],
    [404, 200, 404],
  ],
  [
    ["--sub", "alice", "--claim", "org=evil", "--claim", "org=acme"],
    [200, 404, 404],
  ],
  [
    ["--sub", "alice", "--claim", "org=evil"],
    [404, 404, 404],
  ],
  [
    ["--route", "/teams/:team/:album/:preset/*", "--claim", "team=red"],
    [404, 404, 200],
  ],
  [
    ["--sub", "Alice"],
    [404, 404, 404],
  ],
])("%j opens what it should, and nothing else", async (args, statuses) => {
  const { code, out } = await run(args);
  expect(code).toBe(0);
  expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  expect(await statusesOf(out.trim(), ALL)).toEqual(statuses);
});

test("the URL of the curl line is that of a picture that the token opens", async () => {
  const { out, err } = await run(["--sub", "alice"]);
  const [, url = ""] = / '(http:\S+)'\n$/.exec(err) ?? [];
  expect(url).toBe(ORIGIN + ALICE);
  expect(await statusesOf(out.trim(), [url.slice(ORIGIN.length)])).toEqual([200]);
});

test("a token for one issuer of the configuration opens no route of the other", async () => {
  const route = ["--route", "/teams/:team/:album/:preset/*"];
  const named = ["--issuer", OTHER.issuer, "--claim", "https://example.com/team==red"];
  const { code, out, err } = await run([...route, ...named]);
  expect([code, err]).toEqual([0, expect.stringContaining("no picture")]);
  expect(await statusesOf(out.trim(), [ALICE, BOB])).toEqual([404, 404]);
});

test.each<[string, Record<string, string>, iss: string]>([
  ["8787", {}, ORIGIN],
  ["that of PORT", { PORT: "9000" }, "http://localhost:9000"],
])("the issuer has the port %s, and the token ends in time", async (_port, env, origin) => {
  const started = Math.floor(Date.now() / 1000);
  const { out } = await run(["--sub", "a|b", "--expires", "10m"], env);
  const { exp = 0, iat = 0, ...claims } = decodeJwt(out.trim());
  expect(claims).toEqual({
    iss: `${origin}${LOCAL_ISSUER_PATH}login.example.com/`,
    ...{ aud: "images", sub: "a|b", org: "acme" },
  });
  expect([exp - iat, iat - started < 60]).toEqual([600, true]);
});

test("what it says to the developer", async () => {
  const ownRoutes = createFolder(
    { ROUTES },
    { ".dev.vars": `ROUTES='${JSON.stringify([USERS])}'\n` },
  );
  const open = createFolder({ ROUTES: ROUTES.slice(0, 1) });
  const cases: [title: string, args: string[], folder: string][] = [
    ["a picture", ["--sub", "alice", "-e", "10m"], folder],
    ["no picture yet", ["--sub", "carol d"], folder],
    ["a claim that refuses", ["--sub", "alice", "--claim", "org=evil"], folder],
    ["no token route", ["--sub", "alice"], open],
    ["no name of the path", [], folder],
    ["another route", ["--route", "/icons/:preset/*"], folder],
    ["an unknown claim", ["--sub", "alice", "--claim", "role=admin"], folder],
    ["a name of the path", ["--claim", "user=alice"], folder],
    [
      "a name of the path without a claim",
      ["-r", "/teams/:team/:album/:preset/*", "--claim", "album=2026"],
      folder,
    ],
    ["a claim whose name is a URL", ["-r", "/teams/:team/:album/:preset/*"], folder],
    ["no value", ["--claim", "org"], folder],
    ["an empty value", ["--sub", ""], folder],
    ["another issuer", ["--sub", "alice", "--issuer", "https://a.example"], folder],
    ["a deployed Vitrine", ["--sub", "alice", "--url", "https://images.example"], folder],
    ["a time that is none", ["--sub", "alice", "-e", "tomorrow"], folder],
    ["ROUTES of .dev.vars", ["--sub", "alice"], ownRoutes],
  ];
  const results = [];
  for (const [title, args, folder] of cases) {
    const ended = await vitrine(["token", ...args], { folder });
    const out = ended.out.replace(/^[\w-]+\.[\w-]+\.[\w-]+\n$/, "a token\n");
    results.push([`${title}: ${args.join(" ")}`, { ...ended, out }] as const);
  }
  network.use(http.get(`${ORIGIN}/*`, () => HttpResponse.error()));
  const stopped = await run(["--sub", "alice"]);
  results.push(["without a local run", { ...stopped, out: "a token\n" }] as const);
  await expectGolden("said.txt", results);
});
