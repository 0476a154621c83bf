// Signed public URLs: what a visitor gets with a right one, and with a changed one.

import { expect, test, vi } from "vitest";
import { encodePath } from "../../../src/url/encoding.ts";
import { changesOf, SIGNING_KEYS as KEYS } from "../../support/cookie.ts";
import { BUCKET_URL, ENV } from "../../support/env.ts";
import {
  get,
  inSeconds,
  MODERN,
  put,
  signQuery,
  stage,
  stopDate,
  wait,
} from "../../support/run-worker.ts";

const HOUR = 3600;
const DAY = 86_400;

/**
 * Checks that a URL gets the same 404 as every other, and that neither S3 nor the edge is asked. Caches may keep it
 * only if no key and no clock can make the URL right.
 */
async function missing(url: string, reason?: RegExp, env?: object): Promise<void> {
  await Promise.all(stage.pendingWork); // what followed the pictures before: one more request to S3
  const requests = () => stage.edgeRequests.length + stage.s3.requests.length;
  const [before, logged] = [requests(), stage.logged.length];
  const answer = await get(url, {}, env);
  const plainAnswer = await get("/nothing");
  const { level, line } = stage.logged[logged] ?? {};
  const isMalformed = /^the (?:query|path) is not/.test(`${line?.["reason"]}`);
  if (!isMalformed) plainAnswer.headers.set("cache-control", "no-store");

  const actual = [answer.status, await answer.text(), ...answer.headers];
  expect([url, ...actual]).toEqual([url, 404, "Not found\n", ...plainAnswer.headers]);
  expect(requests()).toBe(before);

  if (reason === undefined) return;

  expect(level).toBe("warn");
  expect(line?.["event"]).toBe("signature-wrong");
  expect(line).toMatchObject({ reason: expect.stringMatching(reason), answered: 404 });
}

type Signing = NonNullable<Parameters<typeof signQuery>[0]>;

/** The URL of a signed object: without a change, key.jpg for an hour. */
const urlOf = async ({ key = "key.jpg", ...change }: Signing = {}) =>
  `/private/card/${key}${await signQuery({ key, ...change })}`;

const NOT_A_QUERY = /^the query is not exp, kid, v .* and sig/;

/** What the edge was asked for, without what names the object's bytes. No version is in it. */
const sources = () =>
  stage.edgeRequests.map(({ request }) => request.url.replace(/\?x-vitrine=[0-9a-f]{32}$/, ""));

test("a signed URL shows its object, and none without a signature", async () => {
  const answer = await get(await urlOf(), { headers: MODERN });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/avif");
  expect(sources()).toEqual([`${BUCKET_URL}published/key.jpg`]);
  await missing("/private/card/key.jpg", NOT_A_QUERY);
});

test("a srcset of six candidates opens with one signature, another preset does not", async () => {
  const query = await signQuery({ preset: "wide", key: "photos/fig.jpg" });
  const candidates = ["wide", ...[200, 400, 600, 800, 1000].map((w) => `wide@${w}w`)];

  for (const variant of candidates) {
    const answer = await get(`/private/${variant}/photos/fig.jpg${query}`);
    expect(answer.status, variant).toBe(200);
  }

  for (const variant of ["hero", "hero@640w", "card", "tall"]) {
    await missing(`/private/${variant}/photos/fig.jpg${query}`, /does not match this text/);
  }
});

test("the log says of what a signature must be", async () => {
  await missing(`/private/card@2x/key.jpg${await signQuery({ key: "published/key.jpg" })}`);
  const text = stage.logged[0]?.line["text"];
  expect(text).toMatch(/^vitrine-url-1\nnew\n\d+\n\n\/private\/:preset\/\*\ncard\nkey\.jpg$/);
});

test("a key that is taken away opens nothing any more, and one put shows all others", async () => {
  const signed = await signQuery({ kid: "old" });
  expect((await get(`/private/card/key.jpg${signed}`)).status).toBe(200); // it is known to be right

  const keys = JSON.stringify({ newest: "x".repeat(32), new: KEYS["new"] });
  const env = { ...ENV, URL_SIGNING_KEYS: keys };
  await missing(`/private/card/key.jpg${signed}`, /has no old$/, env);

  for (const kid of ["newest", "new"]) {
    const url = await urlOf({ kid, secret: KEYS[kid] ?? "x".repeat(32) });
    expect((await get(url, {}, env)).status).toBe(200);
  }
});

test("every bit of a signed URL counts, each character of it, and none more", async () => {
  const signed = await urlOf({ version: "7" });
  expect((await get(signed)).status).toBe(200);

  stage.edgeRequests = [];
  let tried = 0;

  for (const url of changesOf(signed, 1)) {
    const { href } = new URL(url, "https://images.example");
    if (href === `https://images.example${signed}`) continue;
    const answer = await get(url);
    expect(answer.status, url).toBe(404);
    tried += 1;
  }

  expect(tried).toBeGreaterThan(800);
  expect(stage.edgeRequests).toEqual([]);
});

// Queries made from the parts of a right one, and whether each is right.
const QUERIES: [string, (parts: Record<"exp" | "kid" | "v" | "sig", string>) => string, boolean][] =
  [
    ["as it is", (q) => `exp=${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}`, true],
    ["in another order", (q) => `v=${q.v}&sig=${q.sig}&kid=${q.kid}&exp=${q.exp}`, false],
    ["without v", (q) => `exp=${q.exp}&kid=${q.kid}&sig=${q.sig}`, false],
    ["without kid", (q) => `exp=${q.exp}&v=${q.v}&sig=${q.sig}`, false],
    ["without exp", (q) => `kid=${q.kid}&v=${q.v}&sig=${q.sig}`, false],
    ["without sig", (q) => `exp=${q.exp}&kid=${q.kid}&v=${q.v}`, false],
    ["sig twice", (q) => `exp=${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}&sig=${q.sig}`, false],
    ["exp twice", (q) => `exp=9${q.exp}&exp=${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}`, false],
    ["v twice", (q) => `exp=${q.exp}&kid=${q.kid}&v=8&v=${q.v}&sig=${q.sig}`, false],
    ["more", (q) => `exp=${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}&width=9000`, false],
    ["an empty part", (q) => `exp=${q.exp}&&kid=${q.kid}&v=${q.v}&sig=${q.sig}`, false],
    ["a longer exp", (q) => `exp=0${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}`, false],
    ["a signed exp", (q) => `exp=+${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}`, false],
    ["exp of a kind", (q) => `exp=${q.exp}.0&kid=${q.kid}&v=${q.v}&sig=${q.sig}`, false],
    ["names in capitals", (q) => `EXP=${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}`, false],
    ["names encoded", (q) => `%65xp=${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}`, false],
    ["values encoded", (q) => `exp=${q.exp}&kid=%6eew&v=${q.v}&sig=${q.sig}`, false],
    ["sig padded", (q) => `exp=${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}=`, false],
    ["sig padded, encoded", (q) => `exp=${q.exp}&kid=${q.kid}&v=${q.v}&sig=${q.sig}%3D`, false],
    ["no kid's key", (q) => `exp=${q.exp}&kid=constructor&v=${q.v}&sig=${q.sig}`, false],
    ["a kid of nobody", (q) => `exp=${q.exp}&kid=__proto__&v=${q.v}&sig=${q.sig}`, false],
    ["semicolons", (q) => `exp=${q.exp};kid=${q.kid};v=${q.v};sig=${q.sig}`, false],
  ];

test.each(QUERIES)("a query %s", async (_what, build, right) => {
  const query = new URLSearchParams(await signQuery({ version: "7" }));
  const part = (name: string) => query.get(name) ?? expect.unreachable();
  const parts = { exp: part("exp"), kid: part("kid"), v: part("v"), sig: part("sig") };
  const url = `/private/card/key.jpg?${build(parts)}`;
  if (right) expect((await get(url)).status).toBe(200);
  else await missing(url, /^the query is not exp|has no |^sig does not match/);
});

test("a signature has one right spelling, though base64 has more", async () => {
  const signed = await urlOf();
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(signed.slice(-1));

  expect(last % 4).toBe(0);

  for (const unused of [1, 2, 3]) {
    await missing(signed.slice(0, -1) + alphabet[last + unused], NOT_A_QUERY);
  }
});

test("a path has one spelling where it is signed", async () => {
  const key = "keys/(parentheses) [brackets] {braces}.jpg";
  const [path, query] = [encodePath(`/private/card/${key}`), await signQuery({ key })];
  expect((await get(path + query)).status).toBe(200);

  const spellings = [
    ...[path.replace("%28", "("), path.replace("%5B", "%5b"), path.replace("keys/", "keys%2F")],
    ...[path.replace("card", "%63ard"), path.replace("private", "%70rivate")],
  ];

  for (const spelling of spellings) {
    expect(spelling).not.toBe(path);
    await missing(spelling + query, /not encoded as/);
  }
});

test.each<{ title: string; change: Parameters<typeof signQuery>[0]; reason: RegExp }>([
  {
    title: "of another route",
    change: { route: "/images/:preset/*" },
    reason: /does not match this text/,
  },
  { title: "of another key", change: { key: "key.jp" }, reason: /does not match this text/ },
  {
    title: "of the whole key in the bucket",
    change: { key: "published/key.jpg" },
    reason: /does not match this text/,
  },
  { title: "of a variant", change: { preset: "card@2x" }, reason: /does not match this text/ },
  {
    title: "by another secret",
    change: { secret: "y".repeat(32) },
    reason: /does not match this text/,
  },
  {
    title: "by another kid's secret",
    change: { kid: "old", secret: KEYS["new"] ?? "" },
    reason: /does not match this/,
  },
  {
    title: "by a kid that is too long",
    change: { kid: "k".repeat(33), secret: "y".repeat(32) },
    reason: /^the query is/,
  },
  {
    title: "for longer than can be said",
    change: { expires: 1_000_000_000_000 },
    reason: /^the query is not/,
  },
  {
    title: "by a kid that is not there",
    change: { kid: "gone", secret: "y".repeat(32) },
    reason: /has no gone$/,
  },
  {
    title: "for longer than max_age",
    change: { expires: inSeconds(DAY + 60) },
    reason: /max_age \(86400 s\) ahead$/,
  },
  { title: "for ever", change: { expires: 999_999_999_999 }, reason: /max_age/ },
])("a signature $title is worth nothing", async ({ change, reason }) => {
  await missing(`/private/card/key.jpg${await signQuery(change)}`, reason);
});

test.each([0, 1, 999])(
  "%d ms into a second, a URL that expires a second after max_age is wrong",
  async (ms) => {
    stopDate(inSeconds(0) * 1000 + ms);
    const open = async (seconds: number) =>
      (await get(await urlOf({ expires: inSeconds(seconds) }))).status;
    expect(await open(DAY)).toBe(200);
    expect(await open(DAY + 1)).toBe(404);
  },
);

test("a URL that has expired is a 410, if it was right", async () => {
  stopDate(inSeconds(0) * 1000);
  const url = await urlOf({ expires: inSeconds(HOUR) });
  wait(HOUR - 1);

  const last = await get(url);
  expect(last.status).toBe(200);
  expect(last.headers.get("cache-control")).toBe("public, max-age=1, must-revalidate");

  const headers = { "if-none-match": last.headers.get("etag") ?? "" };
  expect((await get(url, { headers })).status).toBe(304);

  vi.setSystemTime(inSeconds(1) * 1000);
  stage.edgeRequests = [];

  for (const method of ["GET", "HEAD"]) {
    const answer = await get(url, { method, headers });
    expect(answer.status).toBe(410);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.text()).toBe(method === "HEAD" ? "" : "Expired\n");
  }

  const expired = new Date(Date.now()).toISOString();
  expect(stage.logged[0]?.line).toMatchObject({ event: "url-expired", expired, answered: 410 });

  await missing(url.replace("card", "hero"), /does not match this text/);
  expect(stage.edgeRequests).toEqual([]);
});

test("a signature that got into the path does not get into the log", async () => {
  const query = await signQuery();
  stopDate();

  for (const mark of ["%3F", "/", "%253F"]) {
    wait(60); // a minute has ten lines of one event
    await get(`/private/card/key.jpg${mark}${query.slice(1)}`);
    await get(`/private/card/key.jpg${mark}${query.slice(1).replace("sig=", "SIG=")}`);
    await get(`/private/card/key.jpg${mark}${query.slice(1).replace("sig=", "X-Signature%3d")}`);
    await get(`/private/card/key.jpg${mark}${query.slice(1).replaceAll("=", "%253D")}`);
    await get(`/private/card/key.jpg${mark}${query.slice(1).replaceAll("=", "%252525253D")}`);
    await get(`/nothing${mark}${query.slice(1)}`);
  }

  expect(stage.logged).toHaveLength(18);

  const sig = query.slice(-43);
  for (const { line } of stage.logged) expect(JSON.stringify(line)).not.toContain(sig);
});

test("with a version a replaced object shows at once, and is immutable (C1)", async () => {
  const getVersion = async (version: string) =>
    get(await urlOf({ version, expires: inSeconds(HOUR) }));
  const first = await getVersion("a.1");
  await stage.cache.settled();
  put("key.jpg", "photos/fig.jpg");

  expect((await getVersion("a.1")).headers.get("etag")).toBe(first.headers.get("etag"));

  const second = await getVersion("a.2");
  expect(second.status).toBe(200);
  expect(second.headers.get("etag")).not.toBe(first.headers.get("etag"));
  expect(second.headers.get("cache-control")).toMatch(
    /^public, max-age=3(?:600|59\d), must-revalidate, immutable$/,
  );
  expect(sources()).toEqual([`${BUCKET_URL}published/key.jpg`, `${BUCKET_URL}published/key.jpg`]);
});

test("a version is 1 to 64 usual characters", async () => {
  for (const version of ["", "a b", "a/b", "ä", "x".repeat(65), "a&b", "%61"]) {
    await missing(await urlOf({ version }), NOT_A_QUERY);
  }
});
