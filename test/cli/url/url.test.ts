// `vitrine url` and `vitrine sign`: the Worker shows what they print. If they print nothing, they say what
// to do.

import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { pathOf } from "../../../src/cli/urls/public-url.ts";
import { HARD_KEYS } from "../../../src/dev/objects.ts";
import { mistakeText } from "../../../src/worker/base/refusal.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import { HOST, makeFolder } from "../../support/cli/folder.ts";
import { type Ended, vitrine } from "../../support/cli/vitrine.ts";
import { ENV, SECRETS, VARS } from "../../support/env.ts";
import { get, keepNothing, stage } from "../../support/play.ts";

keepNothing(); // each request is to reach the edge

const folder = makeFolder();
const run = (...args: string[]) => vitrine(args, { folder, env: SECRETS });

/** The URLs that a command printed, by variant; a single one by "". */
function urlsIn({ code, out, err }: Ended): [variant: string, url: string][] {
  expect([code, err]).toEqual([0, ""]);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => [/^\S+(?= )/.exec(line)?.[0] ?? "", /\S+$/.exec(line)?.[0] ?? ""]);
}

/** Requests all URLs that a command printed. */
async function shows(ended: Ended, key: string, env: object = ENV): Promise<string[]> {
  const urls = urlsIn(ended);
  for (const [, url] of urls) {
    stage.asked = [];
    expect([url, (await get(url, {}, env)).status]).toEqual([url, 200]);
    const asked = decodeURIComponent(new URL(stage.asked[0]?.request.url ?? "").pathname);
    expect(asked).toBe(`/published/${key}`);
  }
  return urls.map(([, url]) => url);
}

describe("the Worker shows what is printed", () => {
  test.each(HARD_KEYS)("for the key %s", async (key) => {
    const [url = ""] = await shows(await run("url", "-p", "card@2x", "--", key), key);
    expect(url).toMatch(/^https:\/\/images\.example\/images\/card@2x\/keys\/[\w.~/@%-]+$/);
    const args = ["-p", "card@2x", "--v", "1.0_b-c", "-e", "12h", "--", key];
    const [signed = ""] = await shows(await run("sign", ...args), key);
    expect(signed).toMatch(/\/private\/card@2x\/.*\?exp=\d+&kid=new&v=1\.0_b-c&sig=[\w-]{43}$/);
  });

  test("at every variant of a key, with the signature of its preset", async () => {
    const key = "rotated-gps.jpg";
    const ended = await run("url", key);
    const names = urlsIn(ended).map(([variant]) => variant);
    expect(names).toEqual([
      ...["card", "card@1x", "card@2x", "hero", "hero@640w", "hero@1920w"],
      ...["wide", "wide@200w", "wide@400w", "wide@600w", "wide@800w", "wide@1000w"],
      ...["tall", "moving", "plain"],
    ]);
    const urls = await shows(ended, key);
    expect(urls).toEqual(names.map((name) => `${HOST}/images/${name}/${key}`));
    const signed = await run("sign", key);
    await shows(signed, key);
    const queries = new Map(urlsIn(signed).map(([name, url]) => [name, new URL(url).search]));
    expect([...queries.keys()]).toEqual(names);
    expect(queries.get("card@2x")).toBe(queries.get("card"));
    expect(queries.get("hero")).not.toBe(queries.get("card"));
  });

  test("by the named route, or the first that shows the preset", async () => {
    const key = "users/ada/avatar.png";
    const route = "/avatars/:user/:preset";
    const named = await run("url", key, "--route", route, "--preset", "card");
    expect(await shows(named, key)).toEqual([`${HOST}/avatars/ada/card`]);
    const all = await run("url", key, "-r", route);
    expect(urlsIn(all).map(([variant]) => variant)).toEqual(["card", "card@1x", "card@2x"]);
    const [images, avatars, ...rest] = VARS.ROUTES;
    const ROUTES = [avatars, images, ...rest];
    const other = makeFolder({ ROUTES });
    const ended = await vitrine(["url", key, "-p", "plain"], { folder: other });
    expect(await shows(ended, key, { ...ENV, ROUTES })).toEqual([`${HOST}/images/plain/${key}`]);
  });

  test("without the paths that an earlier route takes", async () => {
    const ROUTES = [
      { path: "/:who/card/:preset", object: "media/users/:who.png" },
      { path: "/img/:preset/*", object: "media/*" },
    ];
    const given = { folder: makeFolder({ ROUTES }) };
    const { code, out, err } = await vitrine(["url", "key.jpg"], given);
    expect(code).toBe(0);
    expect(err).toBe("An earlier route takes the paths of card\n");
    expect(out).not.toMatch(/^card /m);
    await shows({ code, out, err: "" }, "key.jpg", { ...ENV, ROUTES });
    const taken = await vitrine(["url", "key.jpg", "-p", "card"], given);
    expect(taken).toEqual({
      code: 2,
      out: "",
      err: 'no route leads to "key.jpg": an earlier one takes its path\n',
    });
  });

  test("with a note if the key begins with the prefix of its bucket", async () => {
    stage.s3.objects.set("published/published/a.jpg", {
      body: stage.s3.objects.get("published/key.jpg")?.body ?? new Uint8Array(),
      type: "image/jpeg",
    });
    const { code, out, err } = await run("url", "published/a.jpg", "-p", "card");
    expect(err).toMatch(/^A key is what follows .* about published\/published\/a\.jpg\n$/);
    await shows({ code, out, err: "" }, "published/a.jpg");
  });

  test("signed by the first key, until the given time", async () => {
    const now = () => Date.parse("2026-12-30T00:00:00Z");
    const at = async (...args: string[]) => {
      const ended = await vitrine(["sign", "key.jpg", "-p", "card", ...args], {
        folder,
        env: { ...SECRETS, URL_SIGNING_KEYS: '{"b": "'.concat("y".repeat(32), '"}') },
        now,
      });
      const [[, url] = ["", ""]] = urlsIn(ended);
      expect(url).toContain("&kid=b&sig=");
      return Number(/exp=(\d+)/.exec(url)?.[1]) - now() / 1000;
    };
    expect(await at()).toBe(3600);
    expect(await at("-e", "30s")).toBe(30);
    expect(await at("--expires", "2026-12-30T10:00+09:00")).toBe(3600);
  });
});

describe("with several buckets", () => {
  const BUCKETS = { media: VARS.BUCKETS.media, more: { ...VARS.BUCKETS.media, prefix: "more/" } };
  const ROUTES = [
    ...VARS.ROUTES,
    { path: "/more/:preset/*", object: "more/*" },
    { path: "/secret/:preset/*", object: "more/*", signed: true },
  ];
  const given = { folder: makeFolder({ BUCKETS, ROUTES }), env: SECRETS };

  test("the URLs are those of the bucket that is named", async () => {
    for (const [name, path] of [
      ["media/photos/a.jpg", "/images/card/photos/a.jpg"],
      ["more/photos/a.jpg", "/more/card/photos/a.jpg"],
    ] as const) {
      const { code, out } = await vitrine(["url", name, "-p", "card"], given);
      expect([code, out]).toEqual([0, `${HOST}${path}\n`]);
    }
    const { out } = await vitrine(["sign", "more/photos/a.jpg", "-p", "card"], given);
    expect(out).toContain(`${HOST}/secret/card/photos/a.jpg?exp=`);
    const none = await vitrine(["url", "more/a.jpg", "-r", "/images/:preset/*"], given);
    expect(none).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^no route leads to "more\/a/),
    });
  });

  test("a key without the name of its bucket is refused, with commands to paste", async () => {
    const args = ["-p", "card@2x", "--v", "1", "-u", "https://b.example", "--", "it's $1.jpg"];
    const { code, out, err } = await vitrine(["sign", ...args], given);
    expect([code, out]).toEqual([2, ""]);
    const lines = err.split("\n").slice(1, -1);
    expect(lines).toHaveLength(2);
    for (const [at, name] of ["media", "more"].entries()) {
      const line = lines[at]?.replace("npx vitrine", "printf '%s\\0'") ?? "";
      const read = execFileSync("sh", ["-c", line], { encoding: "utf8" }).split("\0").slice(0, -1);
      const ended = await vitrine(read, given);
      const path = name === "media" ? "private" : "secret";
      expect(ended.out).toContain(`https://b.example/${path}/card@2x/it%27s%20%241.jpg?exp=`);
      expect(ended.out).toContain("&v=1&");
    }
  });
});

test("a key that begins like the only bucket is refused, with commands to paste", async () => {
  const { code, out, err } = await run("url", "media/a.jpg", "-p", "card");
  expect([code, out, err]).toEqual([
    2,
    "",
    [
      '"media/a.jpg": does it begin with the name of the bucket, or does its key begin with media/? Use one of these:',
      "  npx vitrine url --preset card a.jpg",
      "  npx vitrine url --preset card media/media/a.jpg",
      "",
    ].join("\n"),
  ]);
  const key = await run("url", "media/media/a.jpg", "-p", "card");
  expect(key.out).toBe(`${HOST}/images/card/media/a.jpg\n`);
});

test("URLs of the page's own host are printed without a host", async () => {
  const { out } = await run("url", "key.jpg", "-p", "card", "--url", "");
  expect(out).toBe("/images/card/key.jpg\n");
  const elsewhere = await run("url", "key.jpg", "-p", "card", "-u", "https://other.example/");
  expect(elsewhere.out).toBe("https://other.example/images/card/key.jpg\n");
});

test("a variant that a route does not show has no path", () => {
  const config = readConfig(ENV);
  if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join());
  const avatars = config.routes.filter(({ path }) => path.startsWith("/avatars/"));
  const paths = (variant: string, key: string) =>
    avatars.map((route) => pathOf({ config }, route, variant, key));
  expect(paths("card@2x", "users/ada/avatar.png")).toEqual(["/avatars/ada/card@2x"]);
  expect(paths("hero", "users/ada/avatar.png")).toEqual([undefined]);
  expect(paths("crad", "users/ada/avatar.png")).toEqual([undefined]);
  expect(paths("card", "users/ada/avatar.jpg")).toEqual([undefined]);
});

const NEITHER = /is neither a time such as .*, nor a date such as/;
test.each<[args: string[], err: RegExp]>([
  [["-e", "tomorrow"], NEITHER],
  [["-e", "1.5h"], NEITHER],
  [["-e", "-1h"], NEITHER],
  [["-e", "1w"], NEITHER],
  [["-e", "10"], NEITHER],
  [["-e", ""], NEITHER],
  [["-e", " 1h"], NEITHER],
  [["-e", "1H"], NEITHER],
  [["-e", "2027-02-30"], NEITHER],
  [["-e", "2027-13-01"], NEITHER],
  [["-e", "2027-01-01 12:00"], NEITHER],
  [["-e", "2027-01-01T12:00"], NEITHER],
  [["-e", "2027-01-01T25:00Z"], NEITHER],
  [["-e", "0s"], /is in the past/],
  [["-e", "2020-01-01"], /is in the past/],
  [["-e", "86401s"], /--expires 86401s: the route's max_age is 86400 s/],
  [["-e", "999999999d"], /max_age is 86400 s/],
  [["-e", "9999-12-31"], /max_age is 86400 s/],
  [["--v", ""], /--v : is not 1 to 64/],
  [["--v", "a b"], /--v a b: is not 1 to 64/],
  [["--v", "x".repeat(65)], /is not 1 to 64/],
  [["--v", "a&exp=1"], /is not 1 to 64/],
])("nothing is signed with %j", async (args, err) => {
  const ended = await run("sign", "key.jpg", ...args);
  expect([ended.code, ended.out]).toEqual([2, ""]);
  expect(ended.err).toMatch(err);
});

const NO_DENSITY =
  /"card@2\.5x": the edge makes no density over 2\. It has card, card@1x, card@2x\n/;

describe("if there is no URL it says why:", () => {
  test.each<[what: string, args: string[], err: RegExp]>([
    ["no key", ["url", ""], /^"" is not a key: an empty segment/],
    ["a slash first", ["url", "/a.jpg"], /is not a key: an empty segment/],
    ["a step up", ["url", "a/../b.jpg"], /is not a key: a segment "\.\."/],
    ["a backslash", ["sign", "a\\b.jpg"], /is not a key: a backslash/],
    ["an escape sequence", ["url", "\u001b[31m"], /^"\\u001b\[31m" is not a key: a control/],
    ["too long", ["url", "x".repeat(1025)], /is not a key: longer than 1,024 bytes/],
    [
      "too long below its prefix",
      ["url", "x".repeat(1015)],
      /"published\/x+" is not a key: longer/,
    ],
    [
      "no route",
      ["url", "a", "-r", "/img/*"],
      /^there is no route \/img\/\*: there are \/images\//,
    ],
    [
      "a route elsewhere",
      ["url", "a.jpg", "-r", "/icons/:preset/*"],
      /^no route leads to "a\.jpg": compare/,
    ],
    [
      "no preset",
      ["url", "a", "-p", "crad"],
      /does not show "crad": it has card, hero, wide, tall, mov/,
    ],
    ["no descriptor", ["url", "a", "-p", "card@2.5x"], NO_DENSITY],
    ["no such density", ["url", "a", "-p", "card@1.5x"], /"card@1\.5x": it has card, card@1x/],
    [
      "a preset that is not the route's",
      ["url", "users/a/avatar.png", "-r", "/avatars/:user/:preset", "-p", "hero"],
      /^\/avatars\/:user\/:preset does not show "hero": it has card\n/,
    ],
    [
      "a route that is not signed",
      ["sign", "a b.jpg", "-r", "/images/:preset/*", "-e", "1h", "--v", "1", "-u", HOST],
      /^\/images\/:preset\/\*: is not signed\. .*: npx vitrine url --route '\/images\/:preset\/\*' --url https:\/\/images\.example 'a b\.jpg'\n/,
    ],
    [
      "a route that is signed",
      ["url", "-r", "/private/:preset/*", "-p", "card", "--", "-1.jpg"],
      /^\/private\/:preset\/\*: needs signed URLs: npx vitrine sign --route '\/private\/:preset\/\*' --preset card -- -1\.jpg\n/,
    ],
    [
      "no URL",
      ["url", "a", "-u", "images.example"],
      /^--url images\.example: is not a URL such as/,
    ],
    ["http", ["url", "a", "-u", "http://a.example"], /http:\/\/ is for your own machine only/],
    ["a password", ["url", "a", "-u", "https://a:b@c.example"], /has a name or a password/],
  ])("%s", async (_what, args, err) => {
    const ended = await run(...args);
    expect([ended.code, ended.out]).toEqual([2, ""]);
    expect(ended.err).toMatch(err);
  });

  test("a key that begins with the prefix, by a route that leads to some keys only", async () => {
    const ROUTES = [{ path: "/images/:preset/*", object: "media/photos/*" }];
    const given = { folder: makeFolder({ ROUTES }) };
    const { code, err } = await vitrine(["url", "published/photos/a.jpg"], given);
    expect([code, err]).toEqual([
      2,
      'no route leads to "published/photos/a.jpg": a key is what follows the bucket\'s prefix, published/\n',
    ]);
  });

  test("no domain in wrangler.toml", async () => {
    const given = { folder: makeFolder({}, { "wrangler.toml": 'name = "x"\n' }) };
    const { code, err } = await vitrine(["url", "a.jpg"], given);
    expect([code, err]).toEqual([2, expect.stringMatching(/^The config.*\n {2}BUCKETS: is not/)]);
  });
});
