// What `vitrine explain` says of a route that tokens open, and whether it agrees with the Worker. No token is printed.

import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import { createFolder, HOST } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { ISSUER, type Login, serveLogin, TOKEN, USERS } from "../../support/cli/login.ts";
import { type CommandResult, vitrine, type WorldOptions } from "../../support/cli/vitrine.ts";
import { ENV, SECRETS } from "../../support/env.ts";
import { network } from "../../support/network.ts";
import { get, inSeconds, lines, put, stopDate } from "../../support/run-worker.ts";

const TEAMS = {
  path: "/teams/:team/:preset/*",
  object: "media/teams/:team/*",
  token: [
    { ...TOKEN, claims: { "https://example.com/team": ":team", role: ["editor", "owner"] } },
    { issuer: TOKEN.issuer, keys: TOKEN.keys, claims: { azp: "admin" } },
  ],
};
const ACCESS = {
  path: "/staff/:preset/*",
  object: "media/staff/*",
  token: { issuer: "https://acme.cloudflareaccess.com", audience: "4714c1358e65fe4b" },
};
const DOWN = "https://down.example.com/jwks.json";
const UNKNOWN = {
  ...{ path: "/down/:user/:preset/*", object: "media/users/:user/*" },
  token: { ...TOKEN, keys: DOWN },
};
const ROUTES = [USERS, TEAMS, ACCESS, UNKNOWN];
const env = { ...ENV, ROUTES };
const folder = createFolder({ ROUTES });
const ALICE = `${HOST}/users/alice/card/a.jpg`;
/** A folder of Alice, a folder of `auth0|5f…` and one of a team. */
const PICTURES = ["users/alice/a.jpg", "users/auth0|5f/a.jpg", "teams/red/a.jpg"];

let login: Login;
beforeEach(() => {
  stopDate(Date.UTC(2026, 11, 2, 12));
  login = serveLogin();
  for (const key of PICTURES) put(key, "made/key.jpg");
});

async function explain(url: string, options: WorldOptions = {}, args: string[] = []) {
  const result = await vitrine(["explain", url, ...args], { folder, env: SECRETS, ...options });
  const row = (name: string) => new RegExp(`^ *${name} +(.*)$`, "m").exec(result.out)?.[1];
  return { ...result, row };
}

/** Explains a URL with a token, which must not be printed. */
async function explainWith(url: string, token: string) {
  const result = await explain(url, { env: { ...SECRETS, VITRINE_TOKEN: token } });
  const [, payload = "", signature = ""] = token.split(".");
  for (const part of [payload, signature]) {
    if (part !== "") expect(result.out + result.err).not.toContain(part);
  }
  return result;
}

test("it says what a token needs for this very URL, and whether one opens it", async () => {
  const results: [string, CommandResult][] = [];
  const cases: Readonly<Record<string, readonly [url: string, token?: string]>> = {
    "no token": ["/users/auth0%7C5f/card/a.jpg"],
    "a token of its user": [ALICE, await login.sign()],
    "a token of another user": [ALICE, await login.sign({ sub: "bob" })],
    "several tables, and none is obeyed": [
      "/teams/red/card/a.jpg",
      await login.sign({ role: "viewer", "https://example.com/team": "red", azp: "app" }),
    ],
    "Cloudflare Access": ["/staff/card/a.jpg"],
    "an empty user": ["/users//card/a.jpg"],
    "an escape that nobody needs": ["/users/%61lice/card/a.jpg"],
  };
  for (const [title, [url, token]] of Object.entries(cases)) {
    const { row: _row, ...result } = await (token === undefined
      ? explain(url)
      : explainWith(url, token));
    results.push([title, result]);
  }
  await expectGolden("token.txt", results);
});

/** What is wrong with a token: the changes of its claims and its header. */
const REFUSED: readonly [title: string, claims: Record<string, unknown>, header?: object][] = [
  ["the issuer lacks its last slash", { iss: ISSUER.slice(0, -1) }],
  ["it is for another app", { aud: "shop" }],
  ["it has expired", { exp: 1_700_000_000 }],
  ["it has no expiry", { exp: undefined }],
  ["its user has a slash in the name", { sub: "alice/a" }],
  ["it is not valid yet", { nbf: 4_000_000_000 }],
  ["the issuer has no such key", {}, { kid: "k2" }],
  ["it is for a logout", {}, { typ: "logout+jwt" }],
  ["it has a list of numbers for a user", { sub: [1] }],
];

test.each(REFUSED)(
  "why a token is refused is what the Worker logs: %s",
  async (_title, claims, header) => {
    const token = await login.sign(claims, header);
    const { code, row, out } = await explainWith(ALICE, token);
    await get(ALICE, { headers: { authorization: `Bearer ${token}` } }, env);
    const [line = {}] = lines();
    expect([code, line["event"]]).toEqual([2, "token-refused"]);
    expect(row("Answer")).toBe("no image: token-refused (docs/errors.md#token-refused)");
    expect(out).toMatch(/^ {2}reason +/m);
    expect(/^ {2}reason +(.*)$/m.exec(out)?.[1]).toBe(line["reason"]);
  },
);

test("what a token opens, it opens at the Worker, too, and until then", async () => {
  for (const [user, sub] of [
    ["alice", "alice"],
    ["auth0%7C5f", "auth0|5f"],
  ] as const) {
    const token = await login.sign({ sub, exp: inSeconds(120) });
    const url = `${HOST}/users/${user}/card/a.jpg`;
    const { code, row } = await explainWith(url, token);
    expect([code, row("opens it")]).toEqual([0, "until 2026-12-02T12:02:00.000Z"]);
    const answer = await get(url, { headers: { cookie: `session=${token}` } }, env);
    expect(answer.status).toBe(200);
  }
});

test("where the keys cannot be had, nobody says that the token is wrong", async () => {
  network.use(http.get(DOWN, () => new HttpResponse("busy", { status: 503 })));
  const { code, row } = await explainWith("/down/alice/card/a.jpg", await login.sign());
  expect(code).toBe(2);
  expect(row("Answer")).toContain("token-keys-failed");
  expect(row("issuer")).toBe(ISSUER);
});

test("a token comes from stdin or a file, and never from the command itself", async () => {
  const token = await login.sign();
  const files = createFolder({ ROUTES }, { "token.txt": `${token}\n` });
  const fromStdin = await explain(ALICE, { stdin: `${token}\n` }, ["--token", "-"]);
  const fromFile = await explain(ALICE, { folder: files }, ["--token", "token.txt"]);
  expect([fromStdin.code, fromFile.code]).toEqual([0, 0]);

  const results: [string, CommandResult][] = [];
  for (const [title, args, stdin] of [
    ["as an argument", ["--token", token], ""],
    ["with its scheme", ["--token", "-"], `Bearer ${token}`],
    ["nothing", ["--token", "-"], "\n"],
    ["too long", ["--token", "-"], "x".repeat(9_000)],
  ] as const) {
    const { code, out, err } = await explain(ALICE, { stdin }, [...args]);
    expect([title, code, out]).toEqual([title, 2, ""]);
    expect(err).not.toContain(token.slice(20));
    results.push([title, { code, out, err }]);
  }
  await expectGolden("token-refused.txt", results);
});

test("what may be a token is never repeated as the name of a missing file", async () => {
  const token = await login.sign();
  const encode = (text: string) => Buffer.from(text).toString("base64url");
  const [, payload = "", signature = ""] = token.split(".");
  const hidden = [payload, signature, "0123456789"];
  const messages = new Set<string>();
  for (const [title, file] of [
    ["with its scheme", `Bearer ${token}`],
    ["with its scheme in small letters", `bearer ${token}`],
    ["as a cookie", `pictures=${token}`],
    ["with a letter before it", `x${token}`],
    ["in quotes", `"${token}"`],
    ["with a space in its header", `${encode('{ "alg": "ES256" }')}.${payload}.${signature}`],
    ["with a line in its header", `${encode('{\n"alg":"ES256"}')}.${payload}.${signature}`],
    ["encrypted", `${encode('{ "alg":"dir" }')}..${payload}.${payload}.${signature}`],
    ["without its header", `${payload}.${signature}`],
    ["a text without dots", "0123456789abcdefghij".repeat(6)],
    ["the scheme alone", "Bearer"],
    ["a short one", "Bearer 0123456789abcdef"],
  ] as const) {
    const { code, out, err } = await explain(ALICE, {}, ["--token", file]);
    expect([title, code, out]).toEqual([title, 2, ""]);
    for (const part of hidden) expect(err).not.toContain(part);
    messages.add(err);
  }
  expect([...messages]).toEqual([
    expect.stringMatching(/^--token: no file of that name can be read\. If it is a token: write/),
  ]);

  const files = createFolder({ ROUTES });
  for (const [name, reason] of [
    ["token.txt", "ENOENT: "],
    ["../secrets/token.txt", "ENOENT: "],
    ["src", "EISDIR: "],
  ] as const) {
    const { code, err } = await explain(ALICE, { folder: files }, ["--token", name]);
    expect([code, err]).toEqual([2, expect.stringContaining(`--token ${name}: ${reason}`)]);
  }
});

test("a token behind its scheme, without quotes, is an argument of its own, and not repeated either", async () => {
  const [header = "", payload = "", signature = ""] = (await login.sign()).split(".");
  const spaced = Buffer.from('{ "alg": "ES256" }').toString("base64url");
  const several = createFolder({
    ...{ ROUTES: [USERS, { path: "/o/:preset/*", object: "other/*" }] },
    BUCKETS: { media: ENV.BUCKETS.media, other: { ...ENV.BUCKETS.media, bucket: "acme-other" } },
  });
  for (const beginning of [header, spaced]) {
    const token = [beginning, payload, signature].join(".");
    for (const args of [
      ["explain", ALICE, "--token", "Bearer", token],
      ["explain", "--token", "Bearer", token],
      ["warm", "--token", "Bearer", token],
      ["doctor", "users/a.jpg", "--token", "Bearer", token],
      ["doctor", `--tokn=${token}`],
    ]) {
      const { code, out, err } = await vitrine(args, { folder: several, env: SECRETS });
      expect([args, code]).toEqual([args, expect.toBeOneOf([2, 3])]);
      for (const part of [payload, signature]) expect(out + err).not.toContain(part);
    }
  }
});

test("a file is read, whatever its name looks like; and no more of a name is told than 100 letters", async () => {
  const names = ["token.of.alice", "Bearer", `${"n".repeat(150)}.txt`];
  const texts = [await login.sign(), await login.sign(), ""];
  const entries = names.map((name, index) => [name, texts[index] ?? ""] as const);
  const files = createFolder({ ROUTES }, Object.fromEntries(entries));
  const [dotted, scheme, long] = await Promise.all(
    names.map((name) => explain(ALICE, { folder: files }, ["--token", name])),
  );
  expect([dotted?.code, scheme?.code, long?.code]).toEqual([0, 0, 2]);
  expect(long?.err).toBe(`--token ${"n".repeat(100)}… has no token\n`);
});
