// vitrine/sign, shown by how the Worker answers the URLs that it signs.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { createSigner, expiresWithin } from "../../src/client/sign.ts";
import { openSite } from "../../src/client/site.ts";
import type { PresetTable } from "../../src/client/types.ts";
import { HARD_KEYS } from "../../src/dev/objects.ts";
import { signGrant } from "../../src/url/grant.ts";
import { SECRETS } from "../support/env.ts";
import { get } from "../support/play.ts";

const KEYS = SECRETS.URL_SIGNING_KEYS;
const PRESETS = {
  card: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
  wide: { width: 1000, widths: [200, 400, 600, 800, 1000] },
} as const;
const route = { path: "/private/:preset/*", object: "media/*", signed: true } as const;
const settings = { baseUrl: "https://images.example", route, presets: PRESETS };
const { site, imageUrl, srcset, imgProps } = createClient(settings);
const sign = createSigner(site, KEYS);
const soon = () => expiresWithin(3600, Date.now());

const status = async (url: string) => [url, (await get(url)).status];

test("a signature opens its object, whatever the key, at every descriptor and at no other preset", async () => {
  for (const key of HARD_KEYS) {
    const url = imageUrl(key, "card", await sign(key, "card", { expires: soon() }));
    expect(await status(url)).toEqual([url, 200]);
  }
  const term = { expires: soon(), version: "1.a-b_c" };
  const query = await sign("key.jpg", "wide", term);
  const { src } = imgProps("key.jpg", "wide", { alt: "", sizes: "100vw", query });
  const urls = srcset("key.jpg", "wide", query)
    .split(", ")
    .map((candidate) => candidate.replace(/ \w+$/, ""));
  expect(urls).toHaveLength(5);
  for (const url of [src, ...urls]) expect(await status(url)).toEqual([url, 200]);
  for (const url of [
    imageUrl("key.jpg", "card", query),
    imageUrl("friends.jpg", "wide", query),
    imageUrl("key.jpg", "wide", "?"),
  ]) {
    expect(await status(url)).toEqual([url, 404]);
  }
});

test("it signs with the code that the Worker checks with, and with the first key", async () => {
  const all: Record<string, string> = JSON.parse(KEYS);
  const [kid = "", secret = ""] = Object.entries(all)[0] ?? [];
  for (const version of [undefined, "7"]) {
    const term = { expires: 2_000_000_000, ...(version && { version }) };
    const grant = { ...term, route: route.path, preset: "card", key: "a b.jpg" };
    const expected = await signGrant(grant, { kid, secret });
    expect(await sign("a b.jpg", "card", term)).toBe(expected);
  }
});

const WEAK = '{"k1": "too-short"}';

test.each<[string, string]>([
  ["", 'URL_SIGNING_KEYS: is not set: it must be a JSON object such as {"k1": "..."}'],
  [" \n", 'URL_SIGNING_KEYS: is not set: it must be a JSON object such as {"k1": "..."}'],
  ["[]", 'URL_SIGNING_KEYS: is not a JSON object such as {"k1": "..."}'],
  ["{}", "URL_SIGNING_KEYS: has no keys"],
  ['{"1": "x", "k": "y"}', "URL_SIGNING_KEYS: a kid must be a letter, then at most 31 letters"],
  [WEAK, "URL_SIGNING_KEYS: the key of k1 must be at least 32 ASCII characters, without spaces"],
  [
    `{"k0": "${"x".repeat(32)}", ${WEAK.slice(1)}`,
    "URL_SIGNING_KEYS: the key of k1 must be at least 32",
  ],
])("the keys %j are a RangeError", (keys, message) => {
  const attempt = () => createSigner(site, keys);
  expect(attempt).toThrow(RangeError);
  expect(attempt).toThrow(`Vitrine: ${message}`);
  expect(attempt).not.toThrow(/too-short|x{3}/);
});

test("in JavaScript, keys that are undefined are not set, too", () => {
  const keys: Record<string, string> = {};
  expect(() => createSigner(site, keys["URL_SIGNING_KEYS"] as string)).toThrow(
    new RangeError(
      'Vitrine: URL_SIGNING_KEYS: is not set: it must be a JSON object such as {"k1": "..."}',
    ),
  );
});

describe("arguments that cannot be signed reject with a RangeError", () => {
  const bound = { path: "/avatars/:user/:preset", object: "media/users/:user/avatar.png" };
  const any = { baseUrl: "", presets: { card: { width: 10, dpr: [2] } } };
  const avatars = createSigner(openSite({ ...any, route: bound }), KEYS);
  const right = "users/ada/avatar.png";
  const expires = 2_000_000_000;
  test.each<[string, Parameters<typeof avatars>]>([
    ['invalid key "": an empty segment', ["", "card", { expires }]],
    ['invalid key "a/../b": a segment ".."', ["a/../b", "card", { expires }]],
    ['invalid key "a\nb": a control character', ["a\nb", "card", { expires }]],
    ['does not lead to "a.png"', ["a.png", "card", { expires }]],
    ["whole seconds since 1970, not 1.5", [right, "card", { expires: 1.5 }]],
    ["whole seconds since 1970, not 0", [right, "card", { expires: 0 }]],
    ["whole seconds since 1970, not NaN", [right, "card", { expires: Number.NaN }]],
    ["whole seconds since 1970, not 2000000000000", [right, "card", { expires: expires * 1000 }]],
    ["version must be 1 to 64", [right, "card", { expires, version: "" }]],
    ["version must be 1 to 64", [right, "card", { expires, version: "a b" }]],
    ["version must be 1 to 64", [right, "card", { expires, version: "a\n" }]],
    ["version must be 1 to 64", [right, "card", { expires, version: "x".repeat(65) }]],
  ])("%j", async (message, asked) => {
    await expect(avatars(...asked)).rejects.toThrow(RangeError);
    await expect(avatars(...asked)).rejects.toThrow(message);
  });

  test.each(["hero", "card@2x", "constructor"])("the preset %j", async (name) => {
    const presets: PresetTable = any.presets;
    const untyped = createSigner(openSite({ ...any, route: bound, presets }), KEYS);
    await expect(untyped(right, name, { expires })).rejects.toThrow(`has no preset "${name}"`);
  });
});

test("an expiry is at least half of what was asked for, and does not change within a step", () => {
  const seconds = fc.oneof(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 2, max: 604_800 }));
  const now = fc.integer({ min: 0, max: 4e12 });
  const check = fc.property(seconds, now, (most, at) => {
    const expires = expiresWithin(most, at);
    expect(Number.isInteger(expires)).toBe(true);
    expect(expires * 1000).toBeGreaterThanOrEqual(at + most * 500);
    expect(expires * 1000).toBeLessThanOrEqual(at + most * 1000);
    // The expiry changes at the start of a step, and nowhere else.
    const step = Math.floor(most / 2) * 1000;
    const start = Math.floor(at / step) * step;
    expect(expiresWithin(most, start)).toBe(expires);
    expect(expiresWithin(most, start + step - 1)).toBe(expires);
    expect(expiresWithin(most, start + step)).toBeGreaterThan(expires);
  });
  fc.assert(check, { numRuns: 1000, seed: 20_261_129 });
  expect(Math.abs(expiresWithin(3600) - expiresWithin(3600, Date.now()))).toBeLessThan(1801);
});
