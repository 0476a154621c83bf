// The loaders: the route, the key and the query that they read out of a `src`, and how the Worker answers the URLs
// that they return. test/loaders/ has the same in the frameworks themselves.

import { expect, test } from "vitest";
import { angularLoader, angularPreset } from "../../src/client/angular.ts";
import { createClient, signedSrc } from "../../src/client/index.ts";
import { nextLoader, nextSrc } from "../../src/client/next.ts";
import { nuxtPresets, nuxtProvider } from "../../src/client/nuxt.ts";
import { createSigner, expiresWithin } from "../../src/client/sign.ts";
import { unpicTransformer } from "../../src/client/unpic.ts";
import { HARD_KEYS } from "../../src/dev/fixture-objects.ts";
import { file } from "../support/emulators.ts";
import { SECRETS } from "../support/env.ts";
import { get, stage } from "../support/run-worker.ts";

const settings = {
  baseUrl: "https://images.example",
  route: { path: "/private/:preset/*", object: "media/*", signed: true, facts: true },
  presets: {
    card: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
    wide: { width: 1000, widths: [200, 400, 600, 800, 1000] },
  },
} as const;
const images = createClient(settings);
/** The same without signatures. */
const open = createClient({ ...settings, route: { ...settings.route, signed: false } });
const sign = createSigner(images.site, SECRETS.URL_SIGNING_KEYS);
const SIG = "A".repeat(43);
const RIGHT = `?exp=2000000000&kid=k1&sig=${SIG}`;

type Load = (src: string, preset: "card" | "wide") => string;

/** The loaders of some routes, each asked for 400 px. Nuxt puts a slash before each `src` that has none. */
function loadersOf(...sites: Parameters<typeof nextLoader>): Record<string, Load> {
  const [next, { getImage }] = [nextLoader(...sites), nuxtProvider(...sites)];
  const [unpic, angular] = [unpicTransformer(...sites), angularLoader(...sites)];
  return {
    next: (src, preset) => next({ src: `${preset}:${src}`, width: 400 }),
    nuxt: (src, preset) => getImage(`/${src}`, { modifiers: { preset, width: "400" } }).url,
    unpic: (src, preset) => unpic(src, { width: 400 }, { preset }),
    angular: (src, preset) => angular({ src, width: 400, loaderParams: { preset } }),
  };
}
const LOADERS = loadersOf(open.site, images.site);

/** Keys that look like a `src` of another kind. */
const HOSTILE = [
  RIGHT,
  `${RIGHT}&v=1/${RIGHT}`,
  `${RIGHT}/photos/fig.jpg`,
  "?",
  "?a=b&c=d/:e?f#g%2F+h i.jpg",
  ":",
  "wide:a.jpg",
  `card:${RIGHT}/a.jpg`,
  "%2F%2Fa.jpg",
  "https:/images.example/a.jpg",
];

test.each(Object.entries(LOADERS))("%s: a plain key stays itself, whatever it is", (_name, url) => {
  for (const key of [...HARD_KEYS, ...HOSTILE]) {
    expect(nextSrc(open.site, key, "wide")).toBe(`wide:${key}`);
    expect(url(key, "wide")).toBe(open.imageUrl(key, "wide@400w"));
  }
});

const ROUTE = "Vitrine: route /private/:preset/* is signed: ";
const NO_QUERY = `${ROUTE}pass createSigner's query`;
const NO_SRC =
  'Vitrine: each route of the loader is signed: the src of "a" is what signedSrc or nextSrc returns with a query';
const UNSET: string | undefined = undefined;

test("without a query a signed route is a RangeError everywhere: its picture would be a 404", () => {
  const modifiers = { preset: "card", width: 1 };
  for (const [message, attempt] of [
    [NO_QUERY, () => images.imageUrl("a", "card")],
    [NO_QUERY, () => images.imageUrl("a", "card", "")],
    [NO_QUERY, () => images.srcset("a", "card")],
    [NO_QUERY, () => images.imgProps("a", "card", { alt: "", query: UNSET })],
    [NO_QUERY, () => images.urlForWidth("a", "wide", 1)],
    [NO_QUERY, () => images.factsUrl("a", "card")],
    [`${ROUTE}pass { query }`, () => nextSrc(images.site, "a", "card")],
    [NO_SRC, () => nextLoader(images.site)({ src: "card:a", width: 1 })],
    [NO_SRC, () => nuxtProvider(images.site).getImage("/a", { modifiers })],
    [NO_SRC, () => unpicTransformer(images.site)("a", {}, { preset: "card" })],
    [NO_SRC, () => angularLoader(images.site)({ src: "a", loaderParams: modifiers })],
  ] as const) {
    expect(attempt).toThrow(new RangeError(message));
  }
});

test.each(Object.entries(LOADERS))("%s: a signed URL opens, whatever the key", async (_, urlOf) => {
  for (const key of [...HARD_KEYS, ...HOSTILE]) {
    stage.s3.objects.set(`published/${key}`, { body: file("made/key.jpg"), type: "image/jpeg" });
    const query = await sign(key, "card", { expires: expiresWithin(3600), version: "1.a-b_c" });
    const src = signedSrc(key, query);
    expect(nextSrc(images.site, key, "card", { query })).toBe(`card:${src}`);
    const url = urlOf(src, "card");
    expect(url).toBe(images.imageUrl(key, "card@2x", query));
    expect([key, (await get(url)).status]).toEqual([key, 200]);
    expect([key, (await get(urlOf(src, "wide"))).status]).toEqual([key, 404]);
  }
});

test("a missing key is a RangeError where the src is written, and not a broken picture", () => {
  // In an app without types, the key of a record without a picture is undefined or null.
  for (const key of [undefined, null, ""]) {
    const missingKey = key as string;
    const fault = new RangeError(`Vitrine: invalid key "${key}": an empty segment`);
    expect(() => nextSrc(open.site, missingKey, "wide")).toThrow(fault);
    expect(() => nextSrc(images.site, missingKey, "wide", { query: RIGHT })).toThrow(fault);
    expect(() => signedSrc(missingKey, RIGHT)).toThrow(fault);
  }
});

/** Queries that no signer returns. */
const INVALID_QUERIES: readonly string[] = [
  ...["", "?", "?v=1", "exp=1&kid=k&sig=s", "[object Promise]", "undefined"],
  RIGHT.slice(1),
  RIGHT.slice(0, -1),
  `${RIGHT}A`,
  `${RIGHT}\n`,
  `${RIGHT}&facts`,
  `${RIGHT}//b`,
  `/${RIGHT}`,
  ` ${RIGHT}`,
  RIGHT.replace("exp=2", "exp=02"),
  RIGHT.replace("exp=2", "exp=2000"),
  RIGHT.replace("k1", ""),
  RIGHT.replace("k1", "k%31"),
  RIGHT.replace("&sig", "&v=&sig"),
  RIGHT.replace("&sig", `&v=${"v".repeat(65)}&sig`),
  RIGHT.replace(/\?(.*)&(kid=\w+)/, "?$2&$1"),
  RIGHT.replaceAll("&", "&amp;"),
  RIGHT.replace(SIG, `${SIG.slice(0, -1)}=`),
];

test("a query or a src that no function of the client returns is a RangeError, which holds no part of it", () => {
  const queryFault = "Vitrine: query must be what the function of createSigner returns";
  for (const query of INVALID_QUERIES) {
    expect(() => signedSrc("a.jpg", query)).toThrow(new RangeError(queryFault));
    const next = () => nextSrc(images.site, "a.jpg", "card", { query });
    expect(next).toThrow(new RangeError(queryFault));
  }
  const srcFault =
    "Vitrine: no key holds //, and this src is not what signedSrc or nextSrc returns";
  for (const src of [
    ...INVALID_QUERIES.map((query) => `${query}//a.jpg`),
    ...["//a.jpg", "a//b.jpg", "a////b.jpg", "https://images.example/private/card/a.jpg"],
    `https://images.example/private/card/a.jpg${RIGHT}`,
    signedSrc("a//b.jpg", RIGHT),
    signedSrc(signedSrc("a.jpg", RIGHT), RIGHT),
  ]) {
    for (const url of Object.values(LOADERS)) {
      expect(() => url(src, "card")).toThrow(new RangeError(srcFault));
    }
  }
});

test("other mistakes about a signed picture name the key, and no part of the signature", () => {
  const src = signedSrc("a.jpg", RIGHT);
  const load = nextLoader(open.site, images.site);
  const transform = unpicTransformer(open.site, images.site);
  const nuxt = nuxtProvider(images.site);
  for (const [attempt, message] of [
    [() => load({ src, width: 1 }), /^Vitrine: no preset for "a.jpg"/],
    [() => load({ src: signedSrc("a:b", RIGHT), width: 1 }), /^Vitrine: no preset for "a:b"/],
    [() => load({ src: `tall:${src}`, width: 1 }), /^Vitrine: unknown preset "tall" for "a.jpg"/],
    [() => nuxt.getImage(src, { modifiers: {} }), /^Vitrine: no preset for "a.jpg"/],
    [() => transform(src, {}), /^Vitrine: no preset for "a.jpg"/],
    [() => angularLoader(images.site)({ src }), /^Vitrine: no preset for "a.jpg"/],
    [() => transform(signedSrc("/b", RIGHT), {}, { preset: "card" }), /: invalid key "\/b"/],
    [() => transform(signedSrc("", RIGHT), {}, { preset: "card" }), /: invalid key ""/],
  ] as const) {
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow(/AAAA|kid=/);
  }
});

/** The routes to which docs/signed-urls.md leads. */
const ROUTES = {
  photos: { path: "/images/:preset/photos/*", object: "media/photos/*", presets: ["card"] },
  avatars: { path: "/avatars/:user/:preset", object: "media/users/:user.png", presets: ["card"] },
  all: { path: "/all/:preset/*", object: "media/photos/*" },
  friends: { path: "/private/:preset/*", object: "media/private/*", signed: true },
  orders: { path: "/orders/:id/:preset", object: "media/orders/:id.jpg", signed: true },
} as const;
const [photos, avatars, all, friends, orders] = [
  createClient({ ...settings, route: ROUTES.photos }),
  createClient({ ...settings, route: ROUTES.avatars }),
  createClient({ ...settings, route: ROUTES.all }),
  createClient({ ...settings, route: ROUTES.friends }),
  createClient({ ...settings, route: ROUTES.orders }),
];
const many = [photos.site, friends.site, avatars.site, orders.site, all.site] as const;
const MANY = Object.entries(loadersOf(...many));

test.each(MANY)("%s takes the first route that leads to the key", (_name, url) => {
  const isRight = (src: string, preset: "card" | "wide", expected: string) =>
    expect([src, url(src, preset)]).toEqual([src, expected]);
  isRight("photos/a.jpg", "card", photos.imageUrl("photos/a.jpg", "card@2x"));
  isRight("users/7.png", "card", avatars.imageUrl("users/7.png", "card@2x"));
  isRight("photos/a.jpg", "wide", all.imageUrl("photos/a.jpg", "wide@400w"));
  const [friend, orderKey] = ["private/a.jpg", "orders/8.jpg"] as const;
  isRight(signedSrc(friend, RIGHT), "card", friends.imageUrl(friend, "card@2x", RIGHT));
  isRight(signedSrc(orderKey, RIGHT), "wide", orders.imageUrl(orderKey, "wide@400w", RIGHT));

  const isNone = (src: string, preset: "card" | "wide", message: string) => {
    const fault = `Vitrine: no route of the loader that shows "${preset}" leads to ${message}`;
    expect(() => url(src, preset)).toThrow(new RangeError(fault));
  };
  const open = "/images/:preset/photos/*, /avatars/:user/:preset, /all/:preset/*";
  isNone(friend, "card", `"${friend}": ${open}`);
  isNone("users/7.png", "wide", '"users/7.png": /all/:preset/*');
  const signed = "/private/:preset/*, /orders/:id/:preset";
  isNone(signedSrc("photos/a.jpg", RIGHT), "card", `"photos/a.jpg": ${signed}`);
});

test("Nuxt Image gets the presets of all routes, with one candidate where it cannot ask for other sizes", () => {
  expect(Object.keys(nuxtPresets(photos.site, all.site))).toEqual(["card", "wide"]);
  const presets = { tall: { height: 300, dpr: [1, 2] }, odd: { width: 200, dpr: [1.5] } } as const;
  expect(nuxtPresets(createClient({ ...settings, presets }).site)).toEqual({
    tall: { modifiers: { preset: "tall" }, densities: "1x" },
    odd: { modifiers: { preset: "odd" }, sizes: "200px", densities: "1x" },
  });
});

test("Angular gets the descriptors of a preset, and shows the preset itself where it names no width", () => {
  expect(angularPreset(open.site, "card").ngSrcset).toBe("1x, 2x");
  const { loaderParams, ngSrcset } = angularPreset(open.site, "wide");
  expect(ngSrcset).toBe("200w, 400w, 600w, 800w, 1000w");
  const urlFor = (width?: number) =>
    angularLoader(open.site)({ src: "a.jpg", width, loaderParams });
  expect([urlFor(), urlFor(30)]).toEqual([
    open.imageUrl("a.jpg", "wide"),
    open.imageUrl("a.jpg", "wide@200w"),
  ]);
});
