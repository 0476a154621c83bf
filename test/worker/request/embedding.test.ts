// Which pages may embed the images of a route with `origins`, by the headers that browsers send.

import { expect, test } from "vitest";
import { ENV } from "../../support/env.ts";
import { get, MODERN, stage } from "../../support/run-worker.ts";

const APP = "https://app.example";
const IMAGE = "/app/card/key.jpg";
const NEAR = "https://app.images.example"; // the same site as the Worker's host, images.example

type Sent = Record<string, string>;

/** Pages and programs that get the image, each with the headers that it sends. */
const ALLOWED: [string, Sent][] = [
  ["nothing at all", {}],
  ["a page of the app", { referer: `${APP}/page?x=1`, "sec-fetch-site": "cross-site" }],
  ["the app's script", { origin: APP, referer: `${APP}/`, "sec-fetch-site": "cross-site" }],
  ["the app's script, without a referer", { origin: APP, "sec-fetch-site": "cross-site" }],
  ["the app, with what privacy settings strip", { "sec-fetch-site": "cross-site" }],
  ["a page of the Worker's own host", { referer: "https://images.example/" }],
  ["its script", { origin: "https://images.example", "sec-fetch-site": "same-origin" }],
  ["who sends an empty referer", { referer: "", origin: "" }],
  ["the address bar", { "sec-fetch-site": "none" }],
  ["a neighbour that strips its referer", { "sec-fetch-site": "same-site" }],
  // A referer that is no http(s) URL names no page.
  ["a browser's own page", { referer: "about:client" }],
  ["an app", { referer: "android-app://com.example.mail/", "sec-fetch-site": "cross-site" }],
  ["a host that is none", { referer: "https://[evil/" }],
  ["a script of the app with such a referer", { origin: APP, referer: "about:client" }],
];

const FOREIGN: [string, Sent, RegExp][] = [
  ["a foreign page", { referer: "https://evil.example/" }, /^https:\/\/evil\.example is not/],
  ["another port", { referer: "https://app.example:444/" }, /:444 is not/],
  ["a longer host", { referer: "https://app.example.evil.example/" }, /evil/],
  ["a host that ends so", { referer: "https://evil-app.example/" }, /evil-app/],
  ["a user name", { referer: "https://app.example@evil.example/" }, /evil/],
  ["a path", { referer: "https://evil.example/https://app.example/" }, /evil/],
  ["a foreign script", { origin: "https://evil.example" }, /evil/],
  ["a sandbox", { origin: "null" }, /^null is not/],
  ["a sandbox with a referer of none", { origin: "null", referer: "about:client" }, /^null is not/],
  ["a script in an app", { origin: "https://evil.example", referer: "android-app://x" }, /evil/],
  ["two origins", { origin: `${APP}, https://evil.example` }, /evil/],
  ["a script with the app's referer", { origin: "https://evil.example", referer: APP }, /evil/],
  ["a foreign referer", { origin: APP, referer: "https://evil.example/" }, /evil/],
  ["a lie", { referer: "https://evil.example/", "sec-fetch-site": "same-origin" }, /evil/],
  ["a neighbour", { referer: "https://www.images.example/", "sec-fetch-site": "same-site" }, /www/],
];

test.each(ALLOWED)("%s gets the image", async (_what, headers) => {
  const answer = await get(IMAGE, { headers: { ...MODERN, ...headers } });
  expect(answer.status).toBe(200);

  // Needed without an `origin`, too: otherwise a browser would give a script its cached copy, without CORS
  // headers, and the script could not read it.
  expect(answer.headers.get("vary")).toBe("origin, referer, sec-fetch-site, accept");

  const cors = headers["origin"] === APP ? APP : null;
  expect(answer.headers.get("access-control-allow-origin")).toBe(cors);
});

test.each(FOREIGN)("%s gets nothing, at no cost", async (_what, headers, reason) => {
  for (const path of [IMAGE, "/app/nope/k", "/app/card/none.jpg"]) {
    const answer = await get(path, { headers: { ...MODERN, ...headers } });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toBe("Not for this page\n");
    const head = await get(path, { method: "HEAD", headers });
    expect([head.status, ...head.headers]).toEqual([403, ...answer.headers]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("access-control-allow-origin") ?? "").not.toContain("evil");
  }

  expect(stage.edgeRequests).toEqual([]);

  const line = { event: "foreign-page", reason: expect.stringMatching(reason), answered: 403 };
  expect(stage.logged[0]).toMatchObject({ level: "warn", line });
});

/** What pages, their scripts, and whoever hides send. */
const ORIGINS = ["", "null", APP, NEAR, "https://images.example", "https://evil.example"];
const REFERERS = ["", `${APP}/`, `${NEAR}/page`, "https://evil.example/", "about:client"];
const SITES = ["", "cross-site", "same-site", "same-origin", "none"];
const SENT = ORIGINS.flatMap((origin) =>
  REFERERS.flatMap((referer) => SITES.map((site) => ({ origin, referer, "sec-fetch-site": site }))),
);

test.each([
  { title: "pages of two sites", method: "GET", origins: [APP, NEAR] },
  { title: "pages of the Worker's site", method: "GET", origins: [NEAR] },
  { title: "pages of another site", method: "HEAD", origins: [APP] },
  { title: "preflights", method: "OPTIONS", origins: [APP, NEAR] },
  { title: "requests with a wrong method", method: "POST", origins: [APP] },
])("a cache in front that heeds vary mixes up no $title", async ({ method, origins }) => {
  const env = { ...ENV, ROUTES: [{ path: "/app/:preset/*", object: "media/*", origins }] };

  for (const path of [IMAGE, "/app/nope/key.jpg"]) {
    const visits: { headers: Headers; names: string[]; seen: string }[] = [];
    for (const sent of SENT) {
      const nonEmpty = Object.entries(sent).filter(([, value]) => value !== "");
      const headers = new Headers({ ...MODERN, ...Object.fromEntries(nonEmpty) });
      const answer = await get(path, { method, headers }, env);
      const names = answer.headers.get("vary")?.split(", ") ?? [];
      const seen = `${answer.status} ${answer.headers.get("access-control-allow-origin")}`;
      visits.push({ headers, names, seen });
    }

    // What the cache has of one visit is the answer to each other one that it does not tell apart.
    for (const { headers, names, seen } of visits) {
      const alike = visits.filter((other) =>
        names.every((name) => other.headers.get(name) === headers.get(name)),
      );
      expect([...new Set(alike.map((other) => other.seen))]).toEqual([seen]);
    }
  }
});

test("elsewhere everybody may embed", async () => {
  const headers = { origin: "https://evil.example", referer: "https://evil.example/" };
  const answer = await get("/images/card/key.jpg", { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
  expect(answer.headers.has("access-control-allow-origin")).toBe(false);
});

// If all allowed pages are on the Worker's own site, `cross-site` is enough to refuse a page.
test.each<[string[], string, number]>([
  [[NEAR], "images.example", 403],
  [[NEAR, "http://localhost:3000", "http://127.0.0.1:3000"], "images.example", 403],
  [[NEAR, "https://localhost", "http://[::1]:3000", "http://app.localhost"], "images.example", 403],
  [[NEAR, "http://localhost.evil.example"], "images.example", 200],
  [[NEAR, "http://evillocalhost"], "images.example", 200],
  [[NEAR, "http://127.0.0.1.evil.example"], "images.example", 200],
  [["https://app.usual.com"], "images.usual.com", 403],
  [["https://app.other.govt.nz"], "images.acme.govt.nz", 200],
  [[NEAR, "https://app.example"], "images.example", 200],
  [["https://partner.uk.com"], "shop.uk.com", 200],
  [["https://192.0.1.5"], "10.0.1.5", 200],
  [["https://[2001:db8::1]"], "[2001:db8::2]", 200],
  [["https://shop.co.uk"], "mine.co.uk", 200],
  [["https://www.mine.co.uk"], "mine.co.uk", 403],
  [["https://www.mine.com"], "images.mine.com", 403],
  [["https://mine.com"], "mine.org", 200],
  [["http://app.mine.com"], "images.mine.com", 200],
  // The customers of one company are sites of their own.
  [["https://partner.github.io"], "mine.github.io", 200],
  [["https://www.mine.github.io"], "images.mine.github.io", 403],
  [["https://vitrine.partner.workers.dev"], "vitrine.mine.workers.dev", 200],
  [["https://app.mine.workers.dev"], "vitrine.mine.workers.dev", 403],
  [["https://partner.pages.dev"], "mine.pages.dev", 200],
  [["https://main.mine.pages.dev"], "mine.pages.dev", 403],
  [["https://mine.pages.dev"], "vitrine.mine.workers.dev", 200],
  // Suffixes of one, three and four labels, a whole level of them, and an exception of it.
  [["https://app.mine.internal"], "images.mine.internal", 403],
  [["https://partner.pvt.k12.ma.us"], "mine.pvt.k12.ma.us", 200],
  [["https://www.mine.pvt.k12.ma.us"], "mine.pvt.k12.ma.us", 403],
  [["https://partner.s3.eu-west-1.amazonaws.com"], "mine.s3.eu-west-1.amazonaws.com", 200],
  [["https://partner.any.kawasaki.jp"], "mine.any.kawasaki.jp", 200],
  [["https://www.city.kawasaki.jp"], "images.city.kawasaki.jp", 403],
  // A host that is a suffix itself has no site, so it is nobody's neighbour.
  [["https://co.uk"], "mine.co.uk", 200],
  [["https://mine.github.io"], "github.io", 200],
  [["https://wiki"], "images", 200],
  // Ports are of one host, and so of one site, whatever that host is.
  [["https://app.mine.com:8443"], "images.mine.com:9443", 403],
  [["https://10.0.1.5:8443"], "10.0.1.5", 403],
  [["https://[2001:db8::1]:8443"], "[2001:db8::1]", 403],
  [["https://images:8443"], "images", 403],
  [["https://github.io:8443"], "github.io", 403],
  // The last dot of a name counts for browsers.
  [["https://app.mine.com."], "images.mine.com", 200],
  [["https://app.mine.com"], "images.mine.com.", 200],
  [["https://app.mine.com."], "images.mine.com.", 403],
  [["https://mine.com."], "mine.com", 200],
  // Letters that are not ASCII, and capital letters.
  [["https://app.xn--mnchen-3ya.de"], "images.m\u00fcnchen.de", 403],
  [["https://xn--mnchen-3ya.de"], "xn--mnchn-kva.de", 200],
  [["https://partner.xn--55qx5d.cn"], "mine.\u516c\u53f8.cn", 200],
  [["https://www.mine.xn--55qx5d.cn"], "mine.\u516c\u53f8.cn", 403],
  [["https://www.mine.co.uk"], "IMAGES.MINE.CO.UK", 403],
  [["https://a_b.mine.com"], "-.mine.com", 403],
])("to a page that hides, of %j, %s answers %d", async (origins, host, status) => {
  const env = { ...ENV, ROUTES: [{ path: "/app/:preset/*", object: "media/*", origins }] };
  const headers = { ...MODERN, "sec-fetch-site": "cross-site" };
  expect((await get(`https://${host}${IMAGE}`, { headers }, env)).status).toBe(status);
});

// What names no page hides it, where all pages may be told apart.
const HIDING = { "sec-fetch-site": "cross-site" };

test.each<[Sent, number]>([
  ...["", "about:client", "android-app://com.example.mail/", "garbage"].map(
    (referer): [Sent, number] => [{ ...HIDING, referer }, 403],
  ),
  [{}, 200],
  [{ "sec-fetch-site": "none" }, 200],
  [{ "sec-fetch-site": "same-site" }, 200],
  [{ "sec-fetch-site": "same-origin" }, 200],
  // The two hosts could be different sites after all, so a header that names the page counts more.
  [{ ...HIDING, origin: NEAR }, 200],
  [{ ...HIDING, referer: `${NEAR}/` }, 200],
])("to %j, a route for a page of the same site answers %d", async (headers, status) => {
  const ROUTES = [{ path: "/app/:preset/*", object: "media/*", origins: [NEAR] }];
  expect((await get(IMAGE, { headers }, { ...ENV, ROUTES })).status).toBe(status);
});

test("a preflight is answered, by GET's rules", async () => {
  const requestHeaders = {
    "access-control-request-method": "GET",
    "access-control-request-headers": "x-a",
  };

  const answer = await get(IMAGE, {
    method: "OPTIONS",
    headers: { origin: APP, ...requestHeaders },
  });

  expect([answer.status, answer.body, ...answer.headers]).toEqual([
    204,
    null,
    ["access-control-allow-headers", "*"],
    ["access-control-allow-methods", "GET, HEAD, OPTIONS"],
    ["access-control-allow-origin", APP],
    ["access-control-max-age", "86400"],
    ["allow", "GET, HEAD, OPTIONS"],
    ["content-security-policy", "default-src 'none'; sandbox"],
    ["cross-origin-resource-policy", "cross-origin"],
    ["vary", "origin, referer, sec-fetch-site"],
    ["x-content-type-options", "nosniff"],
  ]);

  const headers = { origin: "https://evil.example", ...requestHeaders };
  expect((await get(IMAGE, { method: "OPTIONS", headers })).status).toBe(403);
  expect(stage.edgeRequests).toEqual([]);
});

test.each<{ method: string; path: string; allow: string }>([
  { method: "POST", path: IMAGE, allow: "GET, HEAD, OPTIONS" },
  { method: "OPTIONS", path: "/images/card/key.jpg", allow: "GET, HEAD" },
  { method: "OPTIONS", path: "/nothing", allow: "GET, HEAD" },
  { method: "OPTIONS", path: "/%ff", allow: "GET, HEAD" },
  { method: "OPTIONS", path: "/healthz", allow: "GET, HEAD" },
  { method: "DELETE", path: "/healthz", allow: "GET, HEAD" },
])("$method $path is a 405 that allows $allow", async ({ method, path, allow }) => {
  const answer = await get(path, { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toEqual(allow);
});

test("a page that may embed can read why there is no image", async () => {
  for (const [path, status] of [
    ["/app/card/none.jpg", 404],
    ["/app/nope/k", 404],
    ["/app/card/broken/page.jpg", 415],
  ] as const) {
    const answer = await get(path, { headers: { origin: APP } });
    expect(answer.status, path).toEqual(status);
    expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
    expect(answer.headers.get("vary")).toBe("origin, referer, sec-fetch-site, accept");
  }
});
