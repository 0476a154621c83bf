// vitrine/sign, shown by how the Worker answers the URLs that it signs. loaders.test.ts has keys that are hard to spell.

import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { createSigner, expiresWithin, type Term } from "../../src/client/sign.ts";
import { openSite } from "../../src/client/site.ts";
import type { PresetTable } from "../../src/client/types.ts";
import { signGrant } from "../../src/url/grant.ts";
import { stopClock } from "../support/clock.ts";
import { SECRETS } from "../support/env.ts";
import { get } from "../support/run-worker.ts";

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

test("a signature opens its object at every descriptor of its preset, and nothing else", async () => {
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

test("keys that cannot sign are a RangeError, which holds no part of them", () => {
  const unset = 'is not set: it must be a JSON object such as {"k1": "..."}';
  const weak = "the key of k1 must be at least 32 ASCII characters, without spaces";
  for (const [keys, message] of [
    ["", unset],
    [undefined as unknown as string, unset], // as JavaScript may pass it
    ["[]", 'is not a JSON object such as {"k1": "..."}'],
    [WEAK, weak],
    [`{"k0": "${"x".repeat(32)}", ${WEAK.slice(1)}`, weak],
  ] as const) {
    const attempt = () => createSigner(site, keys);
    expect(attempt).toThrow(RangeError);
    expect(attempt).toThrow(`Vitrine: URL_SIGNING_KEYS: ${message}`);
    expect(attempt).not.toThrow(/too-short|x{3}/);
  }
});

test("arguments that cannot be signed reject with a RangeError", async () => {
  const bound = { path: "/avatars/:user/:preset", object: "media/users/:user/avatar.png" };
  const presets: PresetTable = { card: { width: 10, dpr: [2] } };
  const avatars = createSigner(openSite({ baseUrl: "", presets, route: bound }), KEYS);
  const right = "users/ada/avatar.png";
  const expires = 2_000_000_000;
  const whole = "whole seconds since 1970, not";
  for (const [message, key, preset, term] of [
    ['invalid key "": an empty segment', "", "card", { expires }],
    ['does not lead to "a.png"', "a.png", "card", { expires }],
    [`${whole} 1.5`, right, "card", { expires: 1.5 }],
    [`${whole} 0`, right, "card", { expires: 0 }],
    [`${whole} 3600: for a duration, pass within`, right, "card", { expires: 3600 }],
    [`${whole} 2000000000000`, right, "card", { expires: expires * 1000 }],
    ["a whole number from 2 on, not 1.5", right, "card", { within: 1.5 }],
    ["a whole number from 2 on, not 1", right, "card", { within: 1 }],
    ["a whole number from 2 on, not NaN", right, "card", { within: Number.NaN }],
    ["not Infinity", right, "card", { within: Infinity }],
    [whole, right, "card", { within: 2e12 }],
    ["either within or expires", right, "card", { within: 60, expires } as object as Term],
    [`${whole} undefined`, right, "card", {} as Term],
    ["version must be 1 to 64", right, "card", { expires, version: "a\n" }],
    ["version must be 1 to 64", right, "card", { expires, version: "x".repeat(65) }],
    ['has no preset "hero"', right, "hero", { expires }],
    ['has no preset "constructor"', right, "constructor", { expires }],
  ] as const) {
    const signed = avatars(key, preset, term);
    await expect(signed).rejects.toThrow(RangeError);
    await expect(signed).rejects.toThrow(message);
  }
});

test("what the Worker would refuse for its max_age is a RangeError", async () => {
  const limited = createSigner(openSite({ ...settings, route: { ...route, max_age: 3600 } }), KEYS);
  const now = Math.floor(Date.now() / 1000);
  expect(await limited("key.jpg", "card", { expires: expiresWithin(3600) })).toMatch(/^\?exp=/);
  const late = limited("key.jpg", "card", { expires: now + 3700 });
  await expect(late).rejects.toThrow(RangeError);
  await expect(late).rejects.toThrow(/expires is \d+ s ahead, and must be at most 3600 s ahead/);
});

test("a term of more seconds than max_age is a RangeError in every minute of its steps", async () => {
  const limited = createSigner(openSite({ ...settings, route: { ...route, max_age: 3600 } }), KEYS);
  const stepStart = Date.UTC(2026, 10, 29, 12);
  stopClock();
  for (let minute = 0; minute < 60; minute += 5) {
    const now = stepStart + minute * 60_000;
    vi.setSystemTime(now);
    const right = await limited("key.jpg", "card", { within: 3600 });
    expect(right).toBe(await sign("key.jpg", "card", { expires: expiresWithin(3600, now) }));

    // The expiry of 7198 seconds is less than an hour ahead in the last seconds of its step.
    for (const within of [3601, 5400, 7198, 86_400]) {
      const tooLong = limited("key.jpg", "card", { within });
      await expect(tooLong).rejects.toThrow(RangeError);
      await expect(tooLong).rejects.toThrow(
        `within is ${within} s ahead, and must be at most 3600 s ahead`,
      );
    }
  }
});

test("an expiry is at least half of what was asked for, and does not change within a step", () => {
  const seconds = fc.oneof(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 2, max: 604_800 }));
  const now = fc.integer({ min: 0, max: 4e12 });
  const check = fc.property(seconds, now, (seconds, at) => {
    const expires = expiresWithin(seconds, at);
    expect(Number.isInteger(expires)).toBe(true);
    expect(expires * 1000).toBeGreaterThanOrEqual(at + seconds * 500);
    expect(expires * 1000).toBeLessThanOrEqual(at + seconds * 1000);
    // The expiry changes at the start of a step, and nowhere else.
    const step = Math.floor(seconds / 2) * 1000;
    const start = Math.floor(at / step) * step;
    expect(expiresWithin(seconds, start)).toBe(expires);
    expect(expiresWithin(seconds, start + step - 1)).toBe(expires);
    expect(expiresWithin(seconds, start + step)).toBeGreaterThan(expires);
  });
  fc.assert(check, { numRuns: 1000, seed: 20_261_129 });
  expect(Math.abs(expiresWithin(3600) - expiresWithin(3600, Date.now()))).toBeLessThan(1801);
});
