// `vitrine url` and `vitrine sign`: the Worker shows what they print. If they print nothing, they say what
// to do.

import { describe, expect, test } from "vitest";
import { HARD_KEYS } from "../../../src/dev/objects.ts";
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
    const args = ["-p", "card@2x", "-e", "12h", "--", key];
    const [signed = ""] = await shows(await run("sign", ...args), key);
    expect(signed).toMatch(/\/private\/card@2x\/.*\?exp=\d+&kid=new&sig=[\w-]{43}$/);
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

  test("by the first route that shows the preset, or that of a given URL or path", async () => {
    const key = "users/ada/avatar.png";
    const [images, avatars, ...rest] = VARS.ROUTES;
    const ROUTES = [avatars, images, ...rest];
    const given = { folder: makeFolder({ ROUTES }), env: SECRETS };
    const other = { ...ENV, ROUTES };
    const all = await vitrine(["url", key], given);
    expect(urlsIn(all).map(([variant]) => variant)).toEqual(["card", "card@1x", "card@2x"]);
    const ended = await vitrine(["url", key, "-p", "plain"], given);
    expect(await shows(ended, key, other)).toEqual([`${HOST}/images/plain/${key}`]);
    for (const name of [`/images/card/${key}`, `${HOST}/images/card/${key}`]) {
      const named = await vitrine(["url", name], given);
      expect(await shows(named, key, other)).toEqual([`${HOST}/images/card/${key}`]);
    }
    const old = `/private/card/${key}?exp=1&kid=new&sig=x`;
    const [again = ""] = await shows(await vitrine(["url", "--sign", old], given), key, other);
    expect(again).toMatch(/\/private\/card\/users.*exp=\d{10}&/);
  });

  test("without the paths that an earlier route takes", async () => {
    const ROUTES = [
      { path: "/:who/card/:preset", object: "media/users/:who.png" },
      { path: "/img/:preset/*", object: "media/*" },
    ];
    const given = { folder: makeFolder({ ROUTES }) };
    const { code, out, err } = await vitrine(["url", "key.jpg"], given);
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(out).not.toMatch(/^card /m);
    await shows({ code, out, err: "" }, "key.jpg", { ...ENV, ROUTES });
    const taken = await vitrine(["url", "key.jpg", "-p", "card"], given);
    expect(taken).toEqual({
      code: 2,
      out: "",
      err: expect.stringMatching(/does not show "card" of it\. It has (?!card,)/),
    });
  });

  test("for a key that begins with the bucket's prefix twice, by its URL alone", async () => {
    stage.s3.objects.set("published/published/a.jpg", {
      body: stage.s3.objects.get("published/key.jpg")?.body ?? new Uint8Array(),
      type: "image/jpeg",
    });
    const named = await run("url", "published/a.jpg");
    expect(named).toMatchObject({
      code: 2,
      err: expect.stringMatching(/: write "a\.jpg"\. If/),
    });
    await shows(await run("url", "/images/card/published/a.jpg"), "published/a.jpg");
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
    expect(await at("-e", "15m")).toBe(900);
    expect(await at("-e", "1d")).toBe(86_400);
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
  });

  test("a key without the name of its bucket is refused, with both names", async () => {
    const { code, out, err } = await vitrine(["sign", "it's $1.jpg"], given);
    const both = /Write "media\/it's \$1\.jpg" or "more\/it's \$1\.jpg"/;
    expect([code, out, err]).toEqual([2, "", expect.stringMatching(both)]);
  });
});

test("URLs of the page's own host are printed without a host", async () => {
  const { out } = await run("url", "key.jpg", "-p", "card", "--url", "");
  expect(out).toBe("/images/card/key.jpg\n");
  const elsewhere = await run("url", "key.jpg", "-p", "card", "-u", "https://other.example/");
  expect(elsewhere.out).toBe("https://other.example/images/card/key.jpg\n");
});

test.each<[expires: string, err: RegExp]>([
  ...["tomorrow", "1.5h", "-1h", "1w", "10", "", " 1h", "1H", "0s", "2027-01-01"].map(
    (expires): [string, RegExp] => [expires, /is not like 30s, 15m, 12h or 7d/],
  ),
  ["86401s", /--expires 86401s: the route's max_age is 86400 s/],
  ["999999999d", /max_age is 86400 s/],
])("nothing is signed until %j", async (expires, err) => {
  const ended = await run("sign", "key.jpg", `--expires=${expires}`);
  expect([ended.code, ended.out, ended.err]).toEqual([2, "", expect.stringMatching(err)]);
});

describe("if there is no URL it says why:", () => {
  test.each<[what: string, args: string[], err: RegExp]>([
    ["no key", ["url", ""], /^"": empty/],
    ["a slash first", ["url", "/a.jpg"], /^"\/a\.jpg": no route has this path/],
    ["a step up", ["url", "a/../b.jpg"], /: a segment "\.\."/],
    ["a backslash", ["sign", "a\\b.jpg"], /: a backslash/],
    ["an escape sequence", ["url", "\u001b[31m"], /^"\\u001b\[31m": a control/],
    ["too long below its prefix", ["url", "x".repeat(1015)], /: longer than 1,024 bytes/],
    ["no preset", ["url", "a", "-p", "crad"], /does not show "crad" of it\. It has card, /],
    [
      "no such variant",
      ["url", "a", "-p", "card@2.5x"],
      /"card@2\.5x" of it\. It has card, card@1x/,
    ],
    [
      "a route that is not signed",
      ["sign", "/images/card/a%20b.jpg", "-e", "1h", "-u", HOST],
      /^\/images\/:preset\/\*: is not signed\. .*: npx vitrine url --url https:\/\/images\.example '\/images\/card\/a%20b\.jpg'\n/,
    ],
    [
      "a route that is signed",
      ["url", "/private/card/-1.jpg"],
      /^\/private\/:preset\/\*: needs signed URLs: npx vitrine url --sign \/private\/card\/-1\.jpg\n/,
    ],
    [
      "another environment's URL",
      ["url", "https://elsewhere.example/images/card/a.jpg"],
      /is not a URL of this Vitrine, which is at images\.example/,
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

  test("no domain in wrangler.toml", async () => {
    const given = { folder: makeFolder({}, { "wrangler.toml": 'name = "x"\n' }) };
    const { code, err } = await vitrine(["url", "a.jpg"], given);
    expect([code, err]).toEqual([2, expect.stringMatching(/^The config.*\n {2}BUCKETS: is not/)]);
  });
});
