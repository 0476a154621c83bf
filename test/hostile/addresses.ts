// The properties of public URLs.

import assert from "node:assert/strict";
import fc from "fast-check";
import { SIGNING_KEYS } from "../support/cookie.ts";
import { mood, requestInput } from "./inputs.ts";
import { object } from "./paths.ts";
import { fallbackCalls, get, HOST, isOfVariant, optionsOf, property } from "./property.ts";
import { anyText, isKey, NEAR, respellEncoded, spellPath, split, spots } from "./spelling.ts";
import { NOW, NOW_S, withoutSource } from "./visit-state.ts";
import { type Events, URL_PREFIXES } from "./world.ts";

const DESCRIPTORS = { card: ["", "@1x", "@2x"], hero: ["", "@640w", "@1920w"] } as const;

const flip = (url: string, at: number, how: number) =>
  replace(url, at, String.fromCharCode(url.charCodeAt(at) ^ (1 << (how % 7))));
const pick = (texts: string, how: number) => split(texts)[how % split(texts).length] ?? "";
const LAST = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].join(" ");

const CHANGES: readonly ((url: string, at: number, how: number) => string)[] = [
  flip,
  flip,
  (url, at) => replace(url, at, ""),
  (url, at, how) => replace(url, at, url[at] + pick("= 0 A % & / . - _", how)),
  (url, at, how) => replace(url, at, pick("A 0 + / _ - % z", how)),
  (url, at) => replace(url, at, `%${url.charCodeAt(at).toString(16).padStart(2, "0")}`),
  (url, at) => url.slice(0, at) + url.slice(at).toUpperCase(),
  (url, at) => url.slice(0, at) + url.slice(at).toLowerCase(),
  (url, _at, how) => url + pick("= & %3D &v=1 &sig= # &exp=99999999999 ?", how),
  (url) => url.replace(/(exp=)(\d+)/, (_all, name, time) => name + (Number(time) + 1)),
  (url) => url.replace(/(exp=)/, "$10"),
  (url) => url.replace(/kid=\w+/, (kid) => (kid === "kid=new" ? "kid=old" : "kid=new")),
  (url) => url.replace(/&v=[^&]*/, ""),
  (url) => url.replace("&sig", "&v=7&sig"),
  (url) => url.replace(/card|hero/, (preset) => (preset === "card" ? "hero" : "card")),
  (url, _at, how) => url.slice(0, -1) + pick(LAST, how),
  (url) => url.replace(/sig=.*/, (sig) => sig.replaceAll("-", "+").replaceAll("_", "/")),
  (url) => url.replace(/\?(.*)&(sig=.*)/, "?$2&$1"),
  (url) => url.replace("/private/", "/secret/"),
];

function replace(text: string, at: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + 1);
}

export const ofAddresses = {
  spellings: property(
    "the same variant of the same object has one origin URL, and another object has another",
    fc.record({ object, turn: fc.nat(255), first: spots, second: spots, query: anyText, mood }),
    async (suspect, { object: [route, name, key], turn, first, second, query, mood: now }) => {
      if (route.startsWith("/private")) return;
      const prefix = spellPath(route.replace(":preset/*", ""));
      const spell = (key: string, positions: readonly number[]) =>
        `${prefix}${name}/${respellEncoded(encodeURIComponent(key), positions)}`;
      const one = await get(suspect, spell(key, first), now);
      const otherUrl = `${spell(key, second)}?v=${encodeURIComponent(query.toWellFormed())}`;
      const headers = { "user-agent": "another", range: "bytes=0-9" };
      const same = await get(suspect, otherUrl, now, headers);
      const callsOf = ({ calls }: Events) => calls.map(({ url, cf }) => [url, cf && optionsOf(cf)]);
      assert.ok(one.calls.length > 0, "nothing was asked for");
      const source = URL_PREFIXES[route] + spellPath(key).replaceAll("@", "%40");
      const instead = fallbackCalls(one);
      for (const call of one.calls) {
        const { url, cf } = call;
        if (!instead.includes(call)) assert.equal(withoutSource(url), source);
        if (cf === undefined) continue;
        const { metadata, "origin-auth": auth, ...sizes } = optionsOf(cf);
        assert.deepEqual([metadata, auth], ["none", "share-publicly"]);
        assert.ok(isOfVariant(sizes, name), JSON.stringify(sizes));
      }
      assert.deepEqual(callsOf(same), callsOf(one));
      for (const { url, transforms, output } of one.bound) {
        if (url !== source) continue;
        const { quality } = output;
        assert.equal(transforms.length, 1);
        assert.ok(
          isOfVariant({ ...transforms[0], ...(quality && { quality: Number(quality) }) }, name),
        );
      }
      const near = NEAR[turn % NEAR.length]?.(key) ?? assert.fail();
      if (near === key || !isKey(near)) return;
      const nearby = await get(suspect, spell(near, first), now);
      assert.notEqual(nearby.calls[0]?.url, one.calls[0]?.url);
    },
  ),
  signatures: property(
    "a signed URL with any changed bit is refused, except for another descriptor",
    fc.record({
      preset: fc.constantFrom("card", "hero"),
      at: fc.constantFrom("", "@1x", "@2x", "@640w", "@1920w"),
      key: object.map(([, , key]) => key),
      kid: fc.constantFrom("new", "old"),
      v: fc.constantFrom(null, null, "1", "a.b-c_d"),
      position: fc.nat(4095),
      how: fc.nat(4095),
      method: fc.constantFrom("GET", "HEAD"),
      headers: fc.constantFrom({}, { "if-none-match": "*" }, { "if-none-match": '"cf1:x"' }),
      mood,
    }),
    async (suspect, { preset, at, key, kid, v, position, how, method, headers, mood: now }) => {
      const descriptors: readonly string[] = DESCRIPTORS[preset];
      const variant = preset + (descriptors.includes(at) ? at : "");
      const grant = { ...{ route: "/private/:preset/*", preset, key }, version: v ?? undefined };
      const secret = SIGNING_KEYS[kid] ?? assert.fail();
      const query = await suspect.signGrant({ ...grant, expires: NOW_S + 3600 }, { kid, secret });
      const urlOf = (name: string) => spellPath(`/private/${name}/${key}`) + query;
      const url = urlOf(variant);
      const right = await get(suspect, url, now, { ...headers }, method);
      assert.ok(right.calls.length > 0, "a valid URL is refused");
      const change = CHANGES[how % CHANGES.length] ?? assert.fail();
      const changed = change(url, 1 + (position % (url.length - 1)), how);
      if (!URL.canParse(HOST + changed) || !changed.startsWith("/")) return;
      const { origin, pathname, search } = new URL(HOST + changed);
      const same =
        origin === HOST && descriptors.some((name) => urlOf(preset + name) === pathname + search);
      if (same || origin !== HOST || !/^\/(?:private|secret)\//.test(pathname)) return;
      const { answer, calls } = await get(suspect, changed, now, { ...headers }, method);
      assert.deepEqual([answer.status, calls.length], [404, 0], changed);
    },
  ),
  expiry: property(
    "an expired signed URL shows nothing, and no cache keeps its image longer",
    fc.record({ input: requestInput, mood, object, accept: fc.constantFrom("image/avif", "*/*") }),
    async (suspect, { input: { signed }, mood: now, object: [, name, key], accept }) => {
      const ahead = signed ?? 600;
      const grant = { route: "/private/:preset/*", preset: name.replace(/@.*/, ""), key };
      const secret = SIGNING_KEYS["old"] ?? assert.fail();
      const version = now.s3 % 2 === 0 ? undefined : "1";
      const expires = NOW_S + ahead;
      const query = await suspect.signGrant({ ...grant, expires, version }, { kid: "old", secret });
      const url = spellPath(`/private/${name}/${key}`) + query;
      const visited = await get(suspect, url, now, { accept });
      const { answer, calls } = visited;
      const caching =
        answer.headers.get("cache-control") ?? assert.fail("cache-control is missing");
      const seconds = Number(/max-age=(\d+)/.exec(caching)?.[1] ?? 0);
      // The version of a URL makes no other source: each would be another transformation (L2).
      for (const { url } of calls) assert.doesNotMatch(url, /[?&]v=/);
      if (ahead <= 0) {
        assert.deepEqual([answer.status, calls.length, caching], [410, 0, "no-store"]);
      } else if (ahead > 86_400) {
        assert.deepEqual([answer.status, calls.length], [404, 0]);
      } else {
        assert.ok(calls.length > 0 && NOW / 1000 + seconds <= expires, caching);
        assert.equal(caching.includes("immutable"), answer.status === 200 && version !== undefined);
      }
    },
  ),
};
