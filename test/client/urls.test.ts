// The URLs that an app builds, and how the Worker answers them.

import { describe, expect, test } from "vitest";
import {
  createClient,
  factsUrl,
  imageUrl,
  openSite,
  reactProps,
  srcset,
  urlForWidth,
} from "../../src/client/index.ts";
import type { PresetTable, RouteShape } from "../../src/client/types.ts";
import { HARD_KEYS } from "../../src/dev/fixture-objects.ts";
import { createIssuer } from "../../src/emulator/issuer.ts";
import { ENV } from "../support/env.ts";
import { handlersOf, network } from "../support/network.ts";
import { get, put } from "../support/run-worker.ts";

const PRESETS = {
  card: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
  dense: { width: 480, dpr: [2, 1.5] },
  hero: { width: 1920, height: 1080, widths: [1920, 640] },
  late: { width: 800, widths: [400] },
  plain: { width: 200 },
  tall: { height: 300, dpr: [2] },
} as const;
const BASE_URL = "https://images.example";
const ROUTE = { path: "/images/:preset/*", object: "media/*", facts: true } as const;
const AVATARS = {
  path: "/avatars/:user/:preset",
  object: "media/users/:user/avatar.png",
  presets: ["card"],
} as const;
const images = createClient({ baseUrl: BASE_URL, route: ROUTE, presets: PRESETS });
const avatars = createClient({ baseUrl: BASE_URL, route: AVATARS, presets: PRESETS });

/** A site whose presets the compiler does not know, as in JavaScript. */
const untyped = (route: RouteShape, presets: PresetTable = PRESETS) =>
  openSite({ baseUrl: BASE_URL, route, presets });

test("keys that are hard to spell are shown, at every descriptor of a preset (A2, A10)", async () => {
  for (const key of HARD_KEYS) {
    const url = images.imageUrl(key, "card");
    expect([url, (await get(url)).status]).toEqual([url, 200]);
    expect(images.parseUrl(url)).toEqual({ key, preset: "card", variant: "card" });
  }
  for (const candidate of images.srcset(HARD_KEYS[0] ?? "", "card").split(", ")) {
    const [url = ""] = candidate.split(" ");
    expect([url, (await get(url)).status]).toEqual([url, 200]);
  }
  const avatar = await get(avatars.imageUrl("users/ada/avatar.png", "card@2x"));
  expect(avatar.status).toBe(200);
});

test("the token of a login opens each URL of its user, however their name is spelt", async () => {
  const issuer = createIssuer({ algorithms: ["ES256"] });
  network.use(...handlersOf(issuer));
  const users = { path: "/users/:user/:preset/*", object: "media/users/:user/*" } as const;
  const claims = { sub: ":user" };
  const token = { issuer: issuer.issuer, keys: issuer.keys, audience: "images", claims };
  const env = { ...ENV, ROUTES: [{ ...users, token: { ...token, cookie: "session" } }] };
  const client = createClient({ baseUrl: BASE_URL, route: users, presets: PRESETS });

  expect(client.imageUrl("users/auth0|5f/a b.jpg", "card")).toBe(
    `${BASE_URL}/users/auth0%7C5f/card/a%20b.jpg`,
  );
  for (const sub of ["auth0|5f", "a@b.example", "zoë", "zoe\u0308", "a+b %61'(c)!*~", "王"]) {
    const key = `users/${sub}/fig.jpg`;
    put(key, "made/key.jpg");
    const session = await issuer.token({ sub, aud: "images" });
    const { src, srcset } = client.imgProps(key, "card", { alt: "" });
    for (const url of [src, ...srcset.split(/ \dx(?:, |$)/).filter(Boolean)]) {
      const answer = await get(url, { headers: { cookie: `session=${session}` } }, env);
      expect([url, answer.status]).toEqual([url, 200]);
      expect(client.parseUrl(url)).toMatchObject({ key, preset: "card" });
    }
  }
});

test.each<[keyof typeof PRESETS, string]>([
  ["card", "card 1x, card@2x 2x"],
  ["dense", "dense 1x, dense@1.5x 1.5x, dense@2x 2x"],
  ["hero", "hero@640w 640w, hero 1920w"],
  ["late", "late@400w 400w"],
  ["plain", "plain 1x"],
  ["tall", "tall 1x, tall@2x 2x"],
])("the srcset of %s is %s: each size once", (preset, expected) => {
  const text = images.srcset("a b.jpg", preset).replaceAll(`${BASE_URL}/images/`, "");
  expect(text.replaceAll("/a%20b.jpg", "")).toBe(expected);
  expect(srcset(images.site, "a b.jpg", preset)).toBe(images.srcset("a b.jpg", preset));
});

test("no key breaks a srcset or a quoted attribute", () => {
  for (const key of [...HARD_KEYS, "a, b 2x.jpg", 'a"><script>.jpg', "a&amp;.jpg"]) {
    const text = images.srcset(key, "card");
    expect(text).toMatch(/^[^\s,"'<>&]+ 1x, [^\s,"'<>&]+ 2x$/);
  }
});

test("every URL ends with the query", () => {
  const query = "?exp=1&kid=k&sig=s";
  expect(images.imageUrl("a", "card", query)).toBe(`${BASE_URL}/images/card/a${query}`);
  expect(images.urlForWidth("a", "hero", 1, query)).toBe(`${BASE_URL}/images/hero@640w/a${query}`);
  expect(images.factsUrl("a", "card", query)).toBe(`${BASE_URL}/images/card/a${query}&facts`);
  expect(images.factsUrl("a b", "hero")).toBe(`${BASE_URL}/images/hero/a%20b?facts`);
  const { src, srcset } = images.imgProps("a", "card", { alt: "", query });
  expect([src, ...srcset.split(/ \dx(?:, )?/)].filter((url) => url.endsWith(query))).toHaveLength(
    3,
  );
});

test("the attributes come in the order in which they must be set", () => {
  const props = images.imgProps("a.jpg", "hero", { alt: "A", sizes: "50vw" });
  expect(Object.entries(props)).toEqual([
    ["alt", "A"],
    ["loading", "lazy"],
    ["decoding", "async"],
    ["sizes", "50vw"],
    ["srcset", images.srcset("a.jpg", "hero")],
    ["src", `${BASE_URL}/images/hero/a.jpg`],
  ]);
  const original = { width: 4000, height: 3000 };
  const exact = images.imgProps("a.jpg", "hero", { alt: "", sizes: "50vw", original });
  expect(Object.keys(exact).join()).toBe("alt,loading,decoding,width,height,sizes,srcset,src");
  expect(exact).toMatchObject({ width: 1440, height: 1080 });
  // Without widths there is nothing that sizes could choose from.
  const card = images.imgProps("a.jpg", "card", { alt: "", sizes: "50vw", loading: "eager" });
  expect(Object.keys(card).join()).toBe("alt,loading,decoding,width,height,srcset,src");
  expect(card).toMatchObject({ loading: "eager", width: 160, height: 160 });
  const { srcset, ...rest } = card;
  expect(reactProps(card)).toEqual({ srcSet: srcset, ...rest });
});

test.each<[keyof typeof PRESETS, number, string]>([
  ["hero", 640, "hero@640w"],
  ["hero", 641, "hero"],
  ["hero", Number.NaN, "hero"],
  ["late", 500, "late@400w"],
  ["dense", 480, "dense"],
  ["dense", 480.5, "dense@1.5x"],
  ["dense", 721, "dense@2x"],
])("for %s and a width of %d px the variant is %s", (preset, width, expected) => {
  const url = images.urlForWidth("a.jpg", preset, width);
  expect(url).toBe(`${BASE_URL}/images/${expected}/a.jpg`);
  expect(urlForWidth(images.site, "a.jpg", preset, width)).toBe(url);
});

/** `baseUrl` as JavaScript may pass it. */
const create = (baseUrl: unknown, route: RouteShape = ROUTE) =>
  createClient({ baseUrl: baseUrl as string, route, presets: PRESETS });

test.each([
  ["", ""],
  ["/", ""],
  ["/img//", "/img"],
  ["http://[::1]:8/a", "http://[::1]:8/a"],
])("createClient takes the base URL %j, without its last slashes", (baseUrl, beginning) => {
  expect(create(baseUrl).imageUrl("a", "card")).toBe(`${beginning}/images/card/a`);
});

test("createClient refuses a base URL or a path that cannot be, and says what it can be", () => {
  for (const baseUrl of [
    ...["images.example.com", "images.example.com/img", "img/", "ftp://images.example.com"],
    ...["https:/images.example.com", "https://", "https:///img", "https://images.example.com?v=1"],
    ...["https://images.example.com/#a", " https://images.example.com", "javascript:alert(1)//"],
    ...[undefined, null],
  ]) {
    const it = `baseUrl is ${baseUrl ? `"${baseUrl}"` : "not set"}`;
    const advice = 'it must be like "https://images.example.com" or "/"';
    expect(() => create(baseUrl)).toThrow(new RangeError(`Vitrine: ${it}: ${advice}`));
  }
  for (const path of ["/images/*", "/images/:presets/*", "/images/preset/*", ""]) {
    const fault = `route ${path} has no :preset: write a path like "/images/:preset/*"`;
    const attempt = () => create("", { ...ROUTE, path });
    expect(attempt).toThrow(new RangeError(`Vitrine: ${fault}`));
  }
});

describe("what cannot exist is a RangeError", () => {
  const any = untyped(ROUTE);
  const one = untyped(AVATARS);
  test.each<[string, () => unknown]>([
    ['invalid key "/a": an empty segment', () => imageUrl(any, "/a", "card")],
    ['invalid key "a/../b": a segment ".."', () => imageUrl(any, "a/../b", "card")],
    ['invalid key "\ud83d": an unpaired surrogate', () => imageUrl(any, "\ud83d", "card")],
    // What a record without a picture has, in an app without types.
    [
      'invalid key "undefined": an empty segment',
      () => Reflect.apply(imageUrl, null, [any, undefined, "card"]),
    ],
    [
      'invalid key "null": an empty segment',
      () => Reflect.apply(imageUrl, null, [any, null, "card"]),
    ],
    ['route /images/:preset/* has no variant "crad"', () => imageUrl(any, "a", "crad")],
    ['route /images/:preset/* has no variant "hero@0640w"', () => imageUrl(any, "a", "hero@0640w")],
    ['route /images/:preset/* has no variant "toString"', () => imageUrl(any, "a", "toString")],
    ['route /images/:preset/* has no preset "card@2x"', () => srcset(any, "a", "card@2x")],
    ['route /avatars/:user/:preset has no variant "hero"', () => imageUrl(one, "a", "hero")],
    ['route /avatars/:user/:preset does not lead to "a.jpg"', () => imageUrl(one, "a.jpg", "card")],
    ['invalid key "": an empty segment', () => factsUrl(any, "", "card")],
    [
      "route /avatars/:user/:preset has no facts: set facts = true in wrangler.toml",
      () => factsUrl(one, "users/ada/avatar.png", "card"),
    ],
    ['presets has no preset "crad"', () => untyped({ ...ROUTE, presets: ["crad"] })],
    ['presets has no preset "constructor"', () => untyped({ ...ROUTE, presets: ["constructor"] })],
  ])("%j", (message, attempt) => {
    expect(attempt).toThrow(new RangeError(`Vitrine: ${message}`));
  });
});

const PARSED = { key: "a b.jpg", preset: "card", variant: "card@2x" };
const PATH = "/images/card@2x/a%20b.jpg";

test.each<[string, string, object | undefined]>([
  [BASE_URL, `${BASE_URL}${PATH}`, PARSED],
  [BASE_URL, `${BASE_URL}${PATH}?exp=1&kid=k&sig=s`, PARSED],
  [BASE_URL, `${BASE_URL}${PATH}#top`, PARSED],
  [BASE_URL, PATH, undefined],
  [BASE_URL, `https://images.example.evil${PATH}`, undefined],
  [BASE_URL, `https://images.example@evil${PATH}`, undefined],
  [BASE_URL, `http://images.example${PATH}`, undefined],
  [`${BASE_URL}/img/`, `${BASE_URL}/img${PATH}`, PARSED],
  [`${BASE_URL}/img`, `${BASE_URL}${PATH}`, undefined],
  ["", PATH, PARSED],
  ["", `${BASE_URL}${PATH}`, undefined],
])("with the base URL %j, parseUrl reads %j", (baseUrl, url, expected) => {
  const { parseUrl } = createClient({ baseUrl, route: ROUTE, presets: PRESETS });
  expect(parseUrl(url)).toEqual(expected);
});
