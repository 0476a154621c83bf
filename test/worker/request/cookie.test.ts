// The cookie that opens an album: what a visitor gets with a right one, and that no other opens anything.

import { beforeEach, expect, test } from "vitest";
import { changesOf, cookieValue, SIGNING_KEYS } from "../../support/cookie.ts";
import { BUCKET_URL, ENV, VARS } from "../../support/env.ts";
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

const ALBUM = "/album/:preset/*";
const COOKIE = { signed: true, cookie: true, max_age: 43_200 };
const APP = "https://app.example";
/** What decides on a route with `origins`. */
const VARY = "origin, referer, sec-fetch-site, accept";
const ROUTES = [
  ...VARS.ROUTES,
  {
    path: ALBUM,
    object: "media/*",
    facts: true,
    ...COOKIE,
  },
  {
    path: "/other/:preset/*",
    object: "media/*",
    ...COOKIE,
    max_age: 604_800,
  },
  {
    path: "/app-album/:preset/*",
    object: "media/*",
    origins: [APP],
    ...COOKIE,
  },
  {
    path: "/named/:preset/*",
    object: "media/*fig.jpg",
    ...COOKIE,
  },
  {
    path: "/shown/:preset/*",
    object: "media/*",
    fallback: "media/key.jpg",
    ...COOKIE,
  },
];
const PHOTO = "/album/card/photos/fig.jpg";
const HOUR = 3600;

let env: object;
beforeEach(() => {
  stopDate(Date.UTC(2026, 10, 29, 12));
  env = { ...ENV, ROUTES };
});

type Signing = Partial<Parameters<typeof cookieValue>[0]>;
const valueFor = (change: Signing = {}) => cookieValue({ expires: inSeconds(HOUR), ...change });
const cookieFor = (change: Signing = {}) => `vitrine=${valueFor(change)}`;

/** Asks for a path with this header. */
const fetchPath = (
  path: string,
  cookie?: string,
  headers: Record<string, string> = {},
  method = "GET",
) => get(path, { method, headers: { ...MODERN, ...(cookie && { cookie }), ...headers } }, env);

const sources = () => stage.edgeRequests.map(({ request }) => request.url.replace(/\?.*/, ""));

/** Checks that a cookie is as none: the same answer, byte for byte, and nobody is asked. */
async function closed(path: string, cookie: string, reason?: RegExp): Promise<void> {
  await Promise.all(stage.pendingWork);
  const requests = () => stage.edgeRequests.length + stage.s3.requests.length;
  const before = requests();
  const plain = await fetchPath(path);
  const logged = stage.logged.length;

  const answer = await fetchPath(path, cookie);
  const all = async (one: Response) => [one.status, await one.text(), ...one.headers];
  expect([cookie, ...(await all(answer))]).toEqual([cookie, ...(await all(plain))]);
  expect(answer.status).toBe(404);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(requests()).toBe(before);

  const { level, line } = stage.logged[logged] ?? {};
  expect(level).toBe("warn");
  expect(line?.["event"]).toBe("signature-wrong");
  if (reason) expect(line?.["reason"]).toMatch(reason);
}

test("a cookie opens all pictures of an album, at all presets, and nothing without it", async () => {
  await closed(PHOTO, "session=1", /^neither a signature nor a cookie$/);
  await closed(PHOTO, "vitrine=1", /; the cookie is missing or malformed$/);
  await closed(`${PHOTO}?v=7`, "session=1", /; the cookie is missing or malformed$/);

  const cookie = cookieFor();
  for (const variant of ["card", "card@2x", "hero", "hero@640w", "plain"]) {
    const answer = await fetchPath(`/album/${variant}/photos/fig.jpg`, cookie);
    expect(answer.status, variant).toBe(200);
  }

  expect(new Set(sources())).toEqual(new Set([`${BUCKET_URL}published/photos/fig.jpg`]));

  put("photos/2026/summer/a b.jpg", "made/key.jpg");
  expect((await fetchPath("/album/card/photos/2026/summer/a%20b.jpg", cookie)).status).toBe(200);

  await closed(
    "/album/card/key.jpg",
    cookie,
    /; the cookie is for another place, time or key: see text$/,
  );
});

test("its answers are for this browser alone, until the cookie expires, and never immutable", async () => {
  const answer = await fetchPath(`${PHOTO}?v=7`, cookieFor());
  expect(answer.headers.get("cache-control")).toBe("private, max-age=600, must-revalidate");
  expect(answer.headers.get("cross-origin-resource-policy")).toBe("same-site");

  const shortCookie = cookieFor({ expires: inSeconds(60) });
  for (const [method, headers, status] of [
    ["GET", {}, 200],
    ["HEAD", {}, 200],
    ["GET", { "if-none-match": "*" }, 304],
  ] as const) {
    const { status: actual, headers: had } = await fetchPath(PHOTO, shortCookie, headers, method);
    expect([method, actual, had.get("cache-control")]).toEqual([
      ...[method, status, "private, max-age=60, must-revalidate"],
    ]);
    expect(had.get("cross-origin-resource-policy")).toBe("same-site");
  }

  wait(60);
  await closed(PHOTO, shortCookie, /is for another place/);
});

test("a refusal behind a cookie, and a fallback, are for this browser alone, too", async () => {
  put("photos/text.jpg", new TextEncoder().encode("no picture"), { type: "text/plain" });
  const paths: [string, number][] = [
    ["/album/card/photos/missing.jpg", 404],
    ["/album/card/photos/text.jpg", 415],
    ["/shown/card/photos/missing.jpg", 404],
    ["/shown/card/photos/text.jpg", 415],
  ];

  for (const [path, status] of paths) {
    const route = `/${path.split("/")[1]}/:preset/*`;
    const answer = await fetchPath(path, cookieFor({ route }));
    const type = path.startsWith("/shown") ? /^image/ : /^text/;

    expect(answer.status, path).toEqual(status);
    expect(answer.headers.get("content-type")).toMatch(type);
    expect(answer.headers.get("cache-control")).toMatch(/^private, max-age=(?:59|60)$/);
    expect(answer.headers.get("cross-origin-resource-policy")).toBe("same-site");
  }
});

test("a signed URL of such a route is answered as on any other, also beside a wrong cookie", async () => {
  const query = await signQuery({ route: ALBUM, key: "photos/fig.jpg", version: "7" });
  const plain = await signQuery({ key: "photos/fig.jpg", version: "7" });

  for (const cookie of [undefined, cookieFor(), "vitrine=1.a.b.c"]) {
    const answer = await fetchPath(PHOTO + query, cookie);
    const usual = await fetchPath(`/private/card/photos/fig.jpg${plain}`);
    expect(answer.headers.get("cache-control")).toMatch(/^public, .*immutable$/);
    const parts = ({ status, headers }: Response) =>
      [...headers, ["status", status]].filter(([name]) => name !== "server-timing");
    expect(parts(answer)).toEqual(parts(usual));
  }
});

test("a cookie opens also a URL whose signature has expired, or is wrong", async () => {
  const query = await signQuery({ route: ALBUM, key: "photos/fig.jpg", expires: inSeconds(-1) });
  expect((await fetchPath(PHOTO + query)).status).toBe(410);
  expect((await fetchPath(PHOTO + query, "vitrine=x")).status).toBe(410);

  for (const search of [query, query.slice(0, -1), "?", "?x=1", "?exp=1&kid=new&sig=a"]) {
    const answer = await fetchPath(PHOTO + search, cookieFor());
    expect(answer.status, search).toBe(200);
    expect(answer.headers.get("cache-control")).toMatch(/^private, /);
  }
});

test("?facts and &facts are answered behind a cookie, too, and refused without", async () => {
  await closed(`${PHOTO}?facts`, "a=b");
  for (const search of ["?facts", "?x=1&facts"]) {
    const answer = await fetchPath(PHOTO + search, cookieFor());
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("cache-control")).toMatch(/^private, /);
    expect(await answer.json()).toMatchObject({ width: 160, height: 160 });
  }

  // Without a query before it, &facts is like any other query: the picture comes.
  const picture = await fetchPath(`${PHOTO}?&facts`, cookieFor());
  expect(picture.headers.get("content-type")).toBe("image/avif");
});

test("what a URL asks for is decoded once, before it is compared", async () => {
  const cookie = cookieFor();
  expect((await fetchPath("/album/card/photos%2Ffig.jpg", cookie)).status).toBe(200);
  expect((await fetchPath("/album/card/%70hotos/fig.jpg", cookie)).status).toBe(200);
  await closed("/album/card/photos%252Ffig.jpg", cookie);
});

/** Texts for `*`, and prefixes that do not open them. */
const CONFUSED: [rest: string, prefix: string][] = [
  ["ab/c.jpg", "a/"],
  ["a/c.jpg", "ab/"],
  ["a.jpg", "a.jpg/"],
  ["a%252Fb/c.jpg", "a/"],
  ["A/c.jpg", "a/"],
  ["%C3%A9/c.jpg", "e\u0301/"],
  ["e%CC%81/c.jpg", "é/"],
  ["%EF%BB%BFa/c.jpg", "a/"],
  ["a/c.jpg", "\ufeffa/"],
  ["%EF%BC%8Fa/c.jpg", "a/"],
  ["a%E2%80%8B/c.jpg", "a/"],
  ["a%20/c.jpg", "a/"],
  ["a+b/c.jpg", "a b/"],
  ["b/a/c.jpg", "a/"],
  ["published/a/c.jpg", "a/"],
  ["a/b", "a/b/"],
];

test.each(CONFUSED)("%j is not opened for the prefix %j", async (rest, prefix) => {
  await closed(`/album/card/${rest}`, cookieFor({ prefix }), /is for another place/);
});

test("a cookie for a folder does not open what has the name of the folder alone", async () => {
  await closed("/named/card/photos/", cookieFor({ route: "/named/:preset/*" }));
});

test.each(["a//c.jpg", "a/../b/c.jpg", "a/%2e%2e/b/c.jpg", "a/..%2Fb/c.jpg", "a/", "a/%00.jpg"])(
  "%j is no object, whatever a cookie says",
  async (rest) => {
    const plain = await fetchPath(`/album/card/${rest}`);
    const answer = await fetchPath(`/album/card/${rest}`, cookieFor({ prefix: "a/" }));
    expect([answer.status, ...answer.headers]).toEqual([404, ...plain.headers]);
    expect(stage.edgeRequests).toEqual([]);
  },
);

/** Cookies for another place, time or key. */
const FOREIGN: [string, Signing, RegExp?][] = [
  ["another host", { host: "images.example.com" }, /is not signed for this text$/],
  ["a host above", { host: "example" }],
  ["the host in capitals", { host: "IMAGES.example" }],
  ["another port", { host: "images.example:8443" }],
  ["the port that is left out", { host: "images.example:443" }],
  ["another route", { route: "/other/:preset/*" }],
  ["a route that needs no cookie", { route: "/private/:preset/*" }],
  ["no prefix", { prefix: "" }],
  ["the root", { prefix: "/" }],
  ["half of a folder", { prefix: "pho" }],
  ["the picture itself", { prefix: "photos/fig.jpg" }],
  ["the past", { expires: inSeconds(0) }],
  ["another kid", { kid: "newest", secret: SIGNING_KEYS["new"] ?? "" }, /is for another place/],
  ["the kid of another key", { kid: "old", secret: SIGNING_KEYS["new"] ?? "" }],
  ["a key of staging", { secret: "the-key-of-another-environment-001" }],
];

test.each(FOREIGN)("a cookie for %s is as none", async (_what, change, reason) => {
  const past = "expires" in change ? { expires: inSeconds(0) } : {};
  await closed(PHOTO, cookieFor({ ...change, ...past }), reason);
});

test("the port is part of the host", async () => {
  const url = `https://images.example:8443${PHOTO}`;
  expect((await fetchPath(url, cookieFor({ host: "images.example:8443" }))).status).toBe(200);
  await closed(url, cookieFor());
});

test("the log says what had to be signed, and never the cookie", async () => {
  const value = valueFor({ secret: "x".repeat(32) });
  await closed(PHOTO, `vitrine=${value}`);
  const line = stage.logged.at(-1)?.line ?? {};
  const exp = inSeconds(HOUR);

  expect(line["text"]).toBe(
    `vitrine-cookie-1\nnew\n${exp}\nimages.example\n/album/:preset/*\nphotos/`,
  );

  const sig = value.split(".").at(-1) ?? expect.unreachable();
  expect(JSON.stringify(stage.logged)).not.toContain(sig);
});

test("a cookie is for a day at most, and for max_age of its route", async () => {
  const ahead = (route: string, seconds: number) =>
    cookieFor({ route, expires: inSeconds(seconds) });
  expect((await fetchPath(PHOTO, ahead(ALBUM, 43_200))).status).toBe(200);

  await closed(PHOTO, ahead(ALBUM, 43_201), /is for another place/);
  const otherRoute = "/other/:preset/*";
  expect((await fetchPath("/other/card/photos/fig.jpg", ahead(otherRoute, 86_400))).status).toBe(
    200,
  );

  await closed("/other/card/photos/fig.jpg", ahead(otherRoute, 86_401), /is for another place/);
});

test("a route without cookie = true opens by no cookie", async () => {
  const cookie = cookieFor({ route: "/private/:preset/*" });
  const answer = await fetchPath("/private/card/photos/fig.jpg", cookie);
  expect(answer.status).toBe(404);
  expect(answer.headers.get("cache-control")).toBe("public, max-age=60");
  expect(stage.edgeRequests).toEqual([]);
});

test("a signature of a URL is none of a cookie, and the other way round", async () => {
  const expires = inSeconds(HOUR);
  const query = await signQuery({ route: ALBUM, key: "photos/fig.jpg", expires });
  const [, sig] = /sig=(.*)/.exec(query) ?? [];
  const [, , prefix = "", cookieSig] = valueFor({ expires }).split(".");

  await closed(PHOTO, `vitrine=${expires}.new.${prefix}.${sig}`);
  await closed(PHOTO, `vitrine=${query}`);
  expect((await fetchPath(`${PHOTO}?exp=${expires}&kid=new&sig=${cookieSig}`)).status).toBe(404);
});

/** Cookies of other hosts, and this one after them. */
const after = (count: number, value: string) =>
  [...Array(count).keys()]
    .map((at) => `${cookieFor({ host: `other${at}.example` })}; `)
    .concat(`vitrine=${value}`)
    .join("");

test.each<[string, (value: string) => string, boolean]>([
  ["as browsers send it", (value) => `vitrine=${value}`, true],
  ["between others", (value) => `a=b; vitrine=${value}; c=d`, true],
  ["without a space after the one before", (value) => `a=b;vitrine=${value};c=d`, true],
  ["with spaces around it", (value) => `a=b;  vitrine = ${value} ; c=d`, true],
  ["after one of any length", (value) => `a=${"b".repeat(100_000)}; vitrine=${value}`, true],
  ["after any number of others", (value) => `${"a=b; ".repeat(5000)}vitrine=${value}`, true],
  ["after a wrong one", (value) => after(1, value), true],
  ["before a wrong one", (value) => `vitrine=${value}; ${cookieFor({ host: "a.example" })}`, true],
  ["as the tenth", (value) => after(9, value), true],
  ["as the eleventh, which is not tried", (value) => after(10, value), false],
  ["after many of no form", (value) => `${"vitrine=x; ".repeat(50)}vitrine=${value}`, true],
  [
    "after one that is too long",
    (value) => `vitrine=${"a".repeat(60_000)}; vitrine=${value}`,
    true,
  ],
  ["after another album's", (value) => `${cookieFor({ prefix: "b/" })}; vitrine=${value}`, true],
  ["with a longer name", (value) => `vitrine2=${value}`, false],
  ["in quotes", (value) => `vitrine="${value}"`, false],
  ["encoded", (value) => `vitrine=${value.replaceAll(".", "%2E")}`, false],
  ["with another name", (value) => `Vitrine=${value}`, false],
  ["with a prefix of cookies", (value) => `__Host-vitrine=${value}`, false],
  ["without a name", (value) => value, false],
  ["with an empty name", (value) => `=${value}`, false],
  ["twice in one", (value) => `vitrine=vitrine=${value}`, false],
  ["after a comma", (value) => `a=b, vitrine=${value}`, false],
  ["with attributes of its own", (value) => `vitrine=${value},Path=/`, false],
  ["padded", (value) => `vitrine=${value}=`, false],
  ["in capitals", (value) => `vitrine=${value.toUpperCase()}`, false],
])("a right cookie %s: %j", async (_what, spell, opens) => {
  const header = spell(valueFor());
  if (opens) expect((await fetchPath(PHOTO, header)).status).toBe(200);
  else await closed(PHOTO, header);
});

test("every character of a cookie counts, each bit of it, and none more", async () => {
  const changed = changesOf(valueFor(), 0);
  for (const value of changed) {
    // One with a `;`, a line break and so on is cut, or cannot be sent.
    if (!/^[\x21-\x3a\x3c-\x7e]+$/.test(value)) continue;
    const answer = await fetchPath(PHOTO, `vitrine=${value}`);
    expect(answer.status, value).toBe(404);
  }

  expect(stage.edgeRequests).toEqual([]);
});

test("pages of origins may have cookies sent: no answer names all pages", async () => {
  const path = "/app-album/card/photos/fig.jpg";
  const cookie = cookieFor({ route: "/app-album/:preset/*" });
  const allowed = {
    "access-control-allow-origin": APP,
    "access-control-allow-credentials": "true",
  };
  const corsOf = ({ headers }: Response) =>
    Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));

  const right = await fetchPath(path, cookie, { origin: APP });
  expect(right.status).toBe(200);
  expect(right.headers.get("vary")).toEqual(VARY);
  expect(corsOf(right)).toEqual(allowed);

  const refused = await fetchPath(path, undefined, { origin: APP });
  expect(refused.status).toBe(404);
  expect(refused.headers.get("vary")).toEqual(VARY);
  expect(corsOf(refused)).toEqual(allowed);

  const plain = await fetchPath(path, cookie);
  expect([plain.status, plain.headers.get("vary"), corsOf(plain)]).toEqual([...[200, VARY, {}]]);

  const foreign = await fetchPath(path, cookie, { origin: "https://evil.example" });
  expect(foreign.status).toBe(403);
  expect(corsOf(foreign)).toEqual({});

  const preflight = await fetchPath(path, undefined, { origin: APP }, "OPTIONS");
  expect(preflight.status).toBe(204);
  expect(corsOf(preflight)).toMatchObject(allowed);
  expect(Object.values(corsOf(preflight))).not.toContain("*");
});

test("no header of a cookie goes any further (E1)", async () => {
  const loops: Headers[] = [];
  stage.exported = (cookieSig) => ({
    ...cookieSig,
    fetch: (url, init) => {
      loops.push(new Headers(init?.headers));
      return cookieSig.fetch(url, init);
    },
    purge: (options) => cookieSig.purge(options),
  });

  const cookie = `session=1; ${cookieFor()}`;
  const query = await signQuery({ route: ALBUM, key: "photos/fig.jpg" });

  for (const path of [PHOTO, `${PHOTO}?facts`, PHOTO + query, "/album/card/photos/none.jpg"]) {
    await fetchPath(path, cookie);
  }

  await Promise.all(stage.pendingWork);
  const sent = [
    ...loops,
    ...stage.edgeRequests.map(({ request }) => request.headers),
    ...stage.s3.requests.map(({ headers }) => new Headers(headers)),
  ];

  expect(loops.length).toBeGreaterThan(2);
  expect(stage.edgeRequests.length).toBeGreaterThan(1);
  expect(stage.s3.requests.length).toBeGreaterThan(2);
  expect(sent.filter((headers) => headers.has("cookie"))).toEqual([]);
});
