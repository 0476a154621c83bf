// signCookie of vitrine/sign, shown by what the Worker answers to a browser that has the cookie.

import { expect, test } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { nextLoader, nextSrc } from "../../src/client/next.ts";
import { type CookieTerm, expiresWithin, signCookie } from "../../src/client/sign.ts";
import { cookieValue } from "../support/cookie.ts";
import { ENV, SECRETS, VARS } from "../support/env.ts";
import { get } from "../support/run-worker.ts";

const KEYS = SECRETS.URL_SIGNING_KEYS;
const PATH = "/a b;c/é/:preset/*";
const route = { path: PATH, object: "media/*", signed: true, cookie: true, facts: true } as const;
const presets = { card: { width: 160, height: 160, fit: "cover", dpr: [1, 2] } } as const;
const settings = { baseUrl: "https://images.example", route, presets };
const { site, imageUrl, srcset } = createClient(settings);
const env = { ...ENV, ROUTES: [...VARS.ROUTES, route] };

const NOW = Date.UTC(2026, 10, 29, 12);
const HOUR = NOW / 1000 + 3600;
const term = { prefix: "photos/", expires: HOUR };

/** The site of another base URL. */
const at = (baseUrl: string) => createClient({ ...settings, baseUrl }).site;

test("an album opens by the cookie, with URLs that need no query, and by nothing else", async () => {
  const expires = expiresWithin(3600);
  const { header } = await signCookie(site, KEYS, { prefix: "photos/", expires });
  const [cookie = ""] = header.split(";");
  const urls = srcset("photos/fig.jpg", "card").split(", ");
  expect(urls).toHaveLength(2);
  for (const url of [imageUrl("photos/fig.jpg", "card"), ...urls.map((one) => one.split(" ")[0])]) {
    const path = new URL(url ?? "").pathname;
    expect((await get(path, { headers: { cookie } }, env)).status).toBe(200);
    expect((await get(path, {}, env)).status).toBe(404);
  }
});

test("its value is what any other language signs, and libraries get the same attributes", async () => {
  const path = "/a%20b%3Bc/%C3%A9/"; // as browsers compare it with the path that they ask for
  const { name, value, attributes, header } = await signCookie(site, KEYS, term, NOW);
  expect([name, value]).toEqual(["vitrine", cookieValue({ route: PATH, expires: HOUR })]);
  const flags = { secure: true, httpOnly: true, sameSite: "lax" };
  expect(attributes).toEqual({ path, expires: new Date(HOUR * 1000), ...flags });
  const flagText = "Expires=Sun, 29 Nov 2026 13:00:00 GMT; Secure; HttpOnly; SameSite=Lax";
  expect(header).toBe(`vitrine=${value}; Path=${path}; ${flagText}`);
  const wideTerm = { ...term, domain: "app.example" };
  const wide = await signCookie(at("https://images.app.example"), KEYS, wideTerm, NOW);
  expect(wide.attributes).toEqual({ ...attributes, domain: "app.example" });
  expect(wide.header).toBe(`vitrine=${wide.value}; Path=${path}; Domain=app.example; ${flagText}`);
});

test.each<[string, string, string | undefined, string, string]>([
  ["a host", "https://images.example", undefined, "images.example", "/p/"],
  ["a port", "http://localhost:8787", undefined, "localhost:8787", "/p/"],
  ["a folder", "https://a.example/x/y", undefined, "a.example", "/x/y/p/"],
  ["another host", "https://a.example", "b.example", "b.example", "/p/"],
  ["the page's own host", "", "b.example:8443", "b.example:8443", "/p/"],
  ["the page's own host as a path", "/x", "b.example", "b.example", "/x/p/"],
])("with %s it is for the right host and path", async (_what, baseUrl, host, signed, path) => {
  const rootRoute = { ...route, path: "/p/:preset/*" };
  const { site } = createClient({ ...settings, route: rootRoute, baseUrl });
  const { value, attributes } = await signCookie(site, KEYS, { ...term, host }, NOW);
  expect(value).toBe(cookieValue({ route: rootRoute.path, host: signed, expires: HOUR }));
  expect(attributes.path).toBe(path);
});

test("one that has expired can be made: it takes the cookie away", async () => {
  const { header } = await signCookie(site, KEYS, { ...term, expires: 1 }, NOW);
  expect(header).toContain("Expires=Thu, 01 Jan 1970 00:00:01 GMT");
});

const PORT = at("https://a.b.example:8443");
const CLOSED = createClient({ ...settings, route: { ...route, cookie: false } }).site;
const HOURLY = createClient({ ...settings, route: { ...route, max_age: 3600 } }).site;
const FOLDER = createClient({ ...settings, route: { ...route, object: "media/photos/*" } }).site;
const TOO_LATE = { expires: HOUR - 3600 + 86_401 };
type TimedTerm = Extract<CookieTerm, { readonly expires: number }>;
const INVALID: [string, typeof site, string, Partial<TimedTerm>, RegExp][] = [
  ["of a route without cookie", CLOSED, KEYS, {}, /^Vitrine: route \/a b;c\/.* has no cookie/],
  ["without a slash", site, KEYS, { prefix: "photos" }, /invalid prefix "photos": no slash/],
  ["for everything", site, KEYS, { prefix: "" }, /invalid prefix "": no slash/],
  ["of a long text", site, KEYS, { prefix: `${"a".repeat(2000)}/` }, /^.{50,250}$/],
  ["in milliseconds", site, KEYS, { expires: NOW }, /seconds since 1970|86400 s/],
  ["for longer than a day", site, KEYS, TOO_LATE, /at most 86400 s ahead/],
  ["for longer than the route allows", HOURLY, KEYS, { expires: HOUR + 1 }, /at most 3600 s ahead/],
  ["by a key, not by the text for *", FOLDER, KEYS, {}, /leave out "photos\/"/],
  ["for another domain", PORT, KEYS, { domain: "evil.example" }, /"evil\.example" is neither/],
  ["for half a label", PORT, KEYS, { domain: "xample" }, /is neither a\.b\.example:8443 nor above/],
  ["for a domain with a dot first", PORT, KEYS, { domain: ".example" }, /no dot first/],
  ["for no domain", PORT, KEYS, { domain: "" }, /is neither/],
  ["with attributes in it", PORT, KEYS, { domain: "example; Path=/" }, /is neither/],
  ["without a host", at(""), KEYS, {}, /baseUrl has no host: pass \{ host \}/],
  ["for a URL", site, KEYS, { host: "https://a.example" }, /is not a host in a URL/],
  ["for a host in capitals", site, KEYS, { host: "A.example" }, /is not a host in a URL/],
  ["for the port of https", site, KEYS, { host: "a.example:443" }, /is not a host in a URL/],
  ["without keys", site, "", {}, /URL_SIGNING_KEYS: is not set/],
];

test.each(INVALID)("a cookie %s is a RangeError", async (_what, site, keys, change, message) => {
  const attempt = signCookie(site, keys, { ...term, ...change }, NOW);
  await expect(attempt).rejects.toThrow(RangeError);
  await expect(attempt).rejects.toThrow(message);
});

test("within is for as long as the route and a day allow, at whatever time", async () => {
  const { prefix } = term;
  for (const minutes of [0, 15, 30, 45]) {
    const now = NOW + minutes * 60_000;
    for (const [longest, limited] of [
      [3600, HOURLY],
      [86_400, site],
    ] as const) {
      const { value } = await signCookie(limited, KEYS, { prefix, within: longest }, now);
      const expires = expiresWithin(longest, now);
      expect(value).toBe((await signCookie(limited, KEYS, { prefix, expires }, now)).value);

      const longer = signCookie(limited, KEYS, { prefix, within: longest + 1 }, now);
      await expect(longer).rejects.toThrow(RangeError);
      await expect(longer).rejects.toThrow(
        `within is ${longest + 1} s ahead, and must be at most ${longest} s ahead`,
      );
    }
  }
});

test("the domain may be the host itself, without its port, or any above", async () => {
  for (const domain of ["a.b.example", "b.example", "example"]) {
    const { attributes } = await signCookie(PORT, KEYS, { ...term, domain }, NOW);
    expect(attributes.domain).toBe(domain);
  }
});

test("loaders need no query where a cookie opens the route", () => {
  const signed = createClient({
    ...settings,
    route: { path: "/s/:preset/*", object: "media/*", signed: true },
  });
  const src = nextSrc(site, "photos/fig.jpg", "card");
  expect(nextLoader(signed.site, site)({ src, width: 320 })).toBe(
    imageUrl("photos/fig.jpg", "card@2x"),
  );
});
