// `vitrine url` and `vitrine sign`: the Worker shows what they print. If they print nothing, they say what
// to do.

import { describe, expect, test } from "vitest";
import { HARD_KEYS } from "../../../src/dev/fixture-objects.ts";
import { createFolder, HOST } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { USERS } from "../../support/cli/login.ts";
import { type CommandResult, vitrine } from "../../support/cli/vitrine.ts";
import { ENV, SECRETS, VARS } from "../../support/env.ts";
import { disableCacheInEachTest, get, stage } from "../../support/run-worker.ts";

disableCacheInEachTest(); // each request is to reach the edge

const folder = createFolder();
const run = (...args: string[]) => vitrine(args, { folder, env: SECRETS });

/** The URLs that a command printed, by variant; a single one by "". */
function urlsIn({ code, out, err }: CommandResult): [variant: string, url: string][] {
  expect([code, err]).toEqual([0, ""]);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => [/^\S+(?= )/.exec(line)?.[0] ?? "", /\S+$/.exec(line)?.[0] ?? ""]);
}

/** Requests all URLs that a command printed. */
async function shows(ended: CommandResult, key: string, env: object = ENV): Promise<string[]> {
  const urls = urlsIn(ended);
  for (const [, url] of urls) {
    stage.edgeRequests = [];
    expect([url, (await get(url, {}, env)).status]).toEqual([url, 200]);
    const originPath = decodeURIComponent(
      new URL(stage.edgeRequests[0]?.request.url ?? "").pathname,
    );
    expect(originPath).toBe(`/published/${key}`);
  }
  return urls.map(([, url]) => url);
}

describe("the Worker shows what is printed", () => {
  test.each(HARD_KEYS)("for the key %s", async (key) => {
    const [url = ""] = await shows(await run("url", "-p", "card@2x", "--", key), key);
    expect(url).toMatch(/^https:\/\/images\.example\/images\/card@2x\/keys\/[\w.~/@%-]+$/);
    const args = ["-p", "card@2x", "-e", "12h", "--", key];
    const [signed = ""] = await shows(await run("sign", ...args), key);
    expect(signed).toMatch(/\/private\/card@2x\/.*\?exp=\d+&kid=new&sig=[\w-]{43}$/);
  });

  test("at every variant of a key, with the signature of its preset", async () => {
    const key = "rotated-gps.jpg";
    const ended = await run("url", key);
    const names = urlsIn(ended).map(([variant]) => variant);
    expect(names).toEqual(expect.arrayContaining(["card", "card@2x", "hero@640w", "plain"]));
    const urls = await shows(ended, key);
    expect(urls).toEqual(names.map((name) => `${HOST}/images/${name}/${key}`));
    const signed = await run("sign", key);
    await shows(signed, key);
    const queries = new Map(urlsIn(signed).map(([name, url]) => [name, new URL(url).search]));
    expect([...queries.keys()]).toEqual(names);
    expect(queries.get("card@2x")).toBe(queries.get("card"));
    expect(queries.get("hero")).not.toBe(queries.get("card"));
  });

  test("by the first route that shows the preset, or that of a given URL or path", async () => {
    const key = "users/ada/avatar.png";
    const [images, avatars, ...rest] = VARS.ROUTES;
    const ROUTES = [avatars, images, ...rest];
    const options = { folder: createFolder({ ROUTES }), env: SECRETS };
    const env = { ...ENV, ROUTES };
    const all = await vitrine(["url", key], options);
    expect(urlsIn(all).map(([variant]) => variant)).toEqual(["card", "card@1x", "card@2x"]);
    const ended = await vitrine(["url", key, "-p", "plain"], options);
    expect(await shows(ended, key, env)).toEqual([`${HOST}/images/plain/${key}`]);
    for (const name of [`/images/card/${key}`, `${HOST}/images/card/${key}`]) {
      const named = await vitrine(["url", name], options);
      expect(await shows(named, key, env)).toEqual([`${HOST}/images/card/${key}`]);
    }
    const old = `/private/card/${key}?exp=1&kid=new&sig=x`;
    const [again = ""] = await shows(await vitrine(["url", "--sign", old], options), key, env);
    expect(again).toMatch(/\/private\/card\/users.*exp=\d{10}&/);
  });
});

test.each([
  [undefined, 3600],
  ["30s", 30],
  ["15m", 900],
  ["1d", 86_400],
])("it signs by the first key, for %s", async (expires, seconds) => {
  const env = { ...SECRETS, URL_SIGNING_KEYS: `{"b": "${"y".repeat(32)}"}` };
  const now = () => Date.parse("2026-12-30T00:00:00Z");
  const args = ["key.jpg", "-p", "card", ...(expires ? ["-e", expires] : [])];
  const { out } = await vitrine(["sign", ...args], { folder, env, now });
  expect(out).toContain(`?exp=${now() / 1000 + seconds}&kid=b&sig=`);
});

test("nothing is signed for another time, or for longer than the route allows", async () => {
  for (const expires of ["tomorrow", "1.5h", "-1h", "1w", "10", "", " 1h", "1H", "0s", "86401s"]) {
    const { code, out } = await run("sign", "key.jpg", `--expires=${expires}`);
    expect([expires, code, out]).toEqual([expires, 2, ""]);
  }
});

test("with several buckets, the URLs are those of the bucket that is named", async () => {
  const BUCKETS = { media: VARS.BUCKETS.media, more: { ...VARS.BUCKETS.media, prefix: "more/" } };
  const ROUTES = [
    ...VARS.ROUTES,
    { path: "/more/:preset/*", object: "more/*" },
    { path: "/secret/:preset/*", object: "more/*", signed: true },
  ];
  const options = { folder: createFolder({ BUCKETS, ROUTES }), env: SECRETS };
  for (const [command, name, path] of [
    ["url", "media/a.jpg", "/images/card/a.jpg\n"],
    ["url", "more/a.jpg", "/more/card/a.jpg\n"],
    ["sign", "more/a.jpg", "/secret/card/a.jpg?exp="],
  ] as const) {
    const { code, out } = await vitrine([command, name, "-p", "card"], options);
    expect([code, out]).toEqual([0, expect.stringContaining(HOST + path)]);
  }
});

test("the URL of a route that tokens open is printed as an open one, and a note says so", async () => {
  const users = createFolder({ ROUTES: [USERS] });
  const args = ["url", "users/auth0|5f/a.jpg", "-p", "card"];
  const { code, out, err } = await vitrine(args, { folder: users });
  expect([code, out]).toEqual([0, `${HOST}/users/auth0%7C5f/card/a.jpg\n`]);
  expect(err).toBe("Note: only a visitor's token opens /users/:user/:preset/*.\n");
});

test("where there is no URL, it says why", async () => {
  const results: [string, CommandResult][] = [];
  for (const args of [
    ["url", ""],
    ["url", "/a.jpg"],
    ["url", "a/../b.jpg"],
    ["sign", "a\\b.jpg"],
    ["url", "\u001b[31m"],
    ["url", "x".repeat(1015)],
    ["url", "published/a.jpg"],
    ["url", "a", "-p", "crad"],
    ["sign", "photos/"],
    ["sign", "/images/card/a%20b.jpg", "-e", "1h", "-u", HOST],
    ["url", "/private/card/-1.jpg"],
    ["url", "https://a.example/images/card/a.jpg"],
    ["url", "a", "-u", "a.example"],
    ["url", "a", "-u", "http://a.example"],
    ["url", "a", "-u", "https://a:b@c.example"],
  ]) {
    const ended = await run(...args);
    expect([args, ended.code, ended.out]).toEqual([args, 2, ""]);
    results.push([JSON.stringify(args).slice(0, 60), ended]);
  }
  await expectGolden("refused.txt", results);
});

describe("with --cookie", () => {
  const ALBUM = { path: "/album/:preset/*", object: "media/*", signed: true, cookie: true };
  const ROUTES = [{ path: "/private/:preset/*", object: "media/*", signed: true }, ALBUM];
  const env = { ...ENV, ROUTES };
  const cookies = createFolder({ ROUTES });
  const sign = (...args: string[]) => vitrine(["sign", ...args], { folder: cookies, env: SECRETS });

  const FOLDERS = ["photos/", "/album/hero/photos/", `${HOST}/album/card/photos/`];

  test.each(FOLDERS)("%s: the Worker shows the folder to who has the cookie", async (name) => {
    const { code, out, err } = await sign("--cookie", name, "-e", "1d");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/; Path=\/album\/; Expires=[^;]+ GMT; Secure; HttpOnly; SameSite=Lax\n$/);
    const [cookie = ""] = out.split(";");
    const url = await vitrine(["url", "photos/fig.jpg", "-p", "card"], { folder: cookies });
    const path = new URL(url.out.trim()).pathname;
    expect(path).toBe("/album/card/photos/fig.jpg");
    expect((await get(path, { headers: { cookie } }, env)).status).toBe(200);
    expect((await get("/album/card/key.jpg", { headers: { cookie } }, env)).status).toBe(404);
  });

  test("where there is no cookie, it says why", async () => {
    const results: [string, CommandResult][] = [];
    const cases: [string[], object?][] = [
      [["--cookie", "photos"]],
      [["--cookie", "photos/fig.jpg"]],
      [["--cookie", "/album/card/"]],
      [["--cookie", "/private/card/photos/"]],
      [["--cookie", "a//"]],
      [["--cookie", "photos/", "-e", "2d"]],
      [["--cookie", "photos/", "-u", ""]],
      [["--cookie", "photos/"], { ...SECRETS, URL_SIGNING_KEYS: undefined }],
    ];
    for (const [args, secrets = SECRETS] of cases) {
      const ended = await vitrine(["sign", ...args], { folder: cookies, env: { ...secrets } });
      expect([args, ended.code, ended.out]).toEqual([args, 2, ""]);
      results.push([JSON.stringify(args), ended]);
    }
    await expectGolden("no-cookie.txt", results);
    expect((await sign("--cookie", "photos/", "-p", "card")).code).toBe(3);
  });
});
