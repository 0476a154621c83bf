// The properties of the cache key and the cache tags, over sequences of visits with one cache. They know nothing of
// the code that they check.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import fc from "fast-check";
import { createR2 } from "../../src/emulator/r2/r2.ts";
import { aMinuteAgo } from "../support/clock.ts";
import { CREDENTIALS, NEXT_CREDENTIALS } from "../support/env.ts";
import { callsFor, failing, KEEP, sendAt, step } from "./cache-visits.ts";
import { FACTS, isFacts } from "./facts.ts";
import { mood } from "./inputs.ts";
import { type Exchange, property } from "./property.ts";
import {
  browser,
  changedDeploys,
  EQUAL,
  healthy,
  MARK,
  type RenditionKey,
  rendition,
  sourceOf,
  type Variation,
  variation,
} from "./rendition-requests.ts";
import { OTHER_SECRETS } from "./s3-upstream.ts";
import {
  CONFIG,
  createIsolate,
  DIRECT,
  emptyCache,
  engineNow,
  loopbackOf,
  nameOf,
  URL_PREFIXES,
} from "./world.ts";

/**
 * All that a visitor gets, except the times that it took, and the length, which only a stored rendition has. A refusal
 * may be cached for the rest of its minute.
 */
function visibleParts({ answer, body }: Exchange) {
  const whole = (value: string) => value.replace(/max-age=[1-5]?\d\b/, "max-age=60");
  const headers = [...answer.headers]
    .filter(([name]) => name !== "server-timing" && name !== "content-length")
    .map(([name, value]) => [name, answer.ok ? value : whole(value)]);
  return { status: answer.status, headers, body };
}

/** An SVG, which only some routes show. */
const svg = healthy.map((one) => ({ ...one, type: 4 }));

const next = fc.record({
  ...{ again: fc.constantFrom(true, true, false), different: rendition, twin: fc.nat(8) },
});
const laterVisit = fc.record({
  ...{ rendition: next, variation, browser: fc.option(browser), deploy: fc.nat(255), step },
});
const otherVisitor = fc.record({ variation, deploy: fc.nat(EQUAL.length - 1), step, mood });
const later = fc.record({ variation, step: fc.constantFrom(0, 61, 3601) });
const single = fc.record({ rendition, variation, browser, mood: healthy, missing: fc.boolean() });

export const ofCacheKey = {
  same: property(
    "a cached answer is what the visitor would get without the cache, as long as nothing changes",
    fc.record({
      ...{ first: rendition, browser, hasStore: fc.boolean() },
      mood: fc.oneof(healthy, mood, svg),
      visits: fc.array(laterVisit, { minLength: 2, maxLength: 3 }),
    }),
    async (suspect, { first, browser, mood: now, hasStore, visits }) => {
      const cache = emptyCache();
      const store = hasStore ? createR2({}, { now: aMinuteAgo }) : undefined;
      const denying = { ...now, denied: OTHER_SECRETS.OTHER_ACCESS_KEY_ID };
      let seconds = 0;
      for (const { rendition: next, variation, deploy, step: elapsed, ...changes } of visits) {
        seconds += elapsed;
        const rendition = next.again ? twinOf(first, next.twin) : next.different;
        const args = [rendition, variation, changes.browser ?? browser] as const;
        const deploys = changedDeploys(engineNow());
        const vars = deploys[Math.max(0, deploy - 127) % deploys.length] ?? CONFIG;
        const scene = { isolate: createIsolate(vars, store), cache };
        const cached = await sendAt(suspect, args, denying, scene, seconds);
        const direct = createIsolate({ ...vars, ANSWERS: DIRECT.ANSWERS });
        const uncached = await sendAt(suspect, args, denying, { isolate: direct, cache }, seconds);
        assert.notEqual(uncached.answer.status, 500, "the configuration is broken");
        assert.deepEqual(visibleParts(cached), visibleParts(uncached));
        assert.ok(
          !cached.logged.some((line) => line.includes("cache-unusable")),
          "rendered directly",
        );
        if (cached.answer.ok) assert.ok(cached.loops.length > 0, "the cache is not asked");
      }
    },
  ),
  once: property(
    "what was rendered for one visitor is not rendered again for another, however they ask",
    fc.record({
      ...{ rendition, browser, mood: healthy, first: variation },
      visits: fc.array(otherVisitor, { minLength: 1, maxLength: 4 }),
    }),
    async (suspect, { rendition, browser, mood: now, first, visits }) => {
      const cache = emptyCache();
      const scene = { isolate: createIsolate(), cache };
      const rendered = await sendAt(suspect, [rendition, first, browser], now, scene);
      assert.ok(
        rendered.answer.ok && callsFor(rendered, rendition).length > 0,
        "nothing is rendered",
      );
      let seconds = 0;
      for (const { variation, deploy, step: elapsed, mood } of visits) {
        seconds += elapsed;
        if (seconds >= KEEP) return;
        const isolate = createIsolate(EQUAL[deploy]);
        const args = [sameObject(rendition, variation), variation, browser] as const;
        const { calls, answer } = await sendAt(suspect, args, mood, { isolate, cache }, seconds);
        if (!mood.spent) assert.equal(answer.status, 200);
        assert.deepEqual(calls, [], JSON.stringify(calls));
      }
    },
  ),
  purged: property(
    "after a purge by the hash of its URL, or its bucket's, an object is rendered again, and no other is",
    fc.record({
      orders: fc.array(single, { minLength: 1, maxLength: 4 }),
      ...{ which: fc.nat(3), twin: variation },
      by: fc.constantFrom("object", "object", "bucket", "all"),
    }),
    async (suspect, { orders, which, by, twin }) => {
      const scene = { isolate: createIsolate(), cache: emptyCache() };
      const send = (entry: (typeof orders)[number], variation = entry.variation) => {
        const failure = entry.missing ? { code: 9404, status: 404 } : undefined;
        const args = [
          { ...entry.rendition, ...UNSPARED[entry.rendition.route] },
          variation,
          entry.browser,
        ] as const;
        return sendAt(suspect, args, { ...entry.mood, failure }, scene);
      };
      for (const one of orders) await send(one);
      const { rendition: meant } = orders[which % orders.length] ?? assert.fail();
      const route = UNSPARED[meant.route]?.route ?? meant.route;
      const bucketUrl = /^https:\/\/[^/]+\/(?:acme-other\/)?/.exec(URL_PREFIXES[route])?.[0] ?? "";
      const named = by === "object" ? sourceOf({ ...meant, route }) : bucketUrl;
      const options =
        by === "all" ? { purgeEverything: true } : { tags: [hash("sha256", nameOf(named))] };
      const loopback = loopbackOf(suspect.worker, { ...scene, dataCentre: "elsewhere" });
      assert.deepEqual(await loopback.purge(options), { success: true, errors: [] });
      const again = new Set<string>();
      for (const one of orders) {
        const url = sourceOf({ ...one.rendition, ...UNSPARED[one.rendition.route] });
        const isMeant =
          by === "all" || (by === "object" ? url === named : url.startsWith(bucketUrl));
        const { calls, loops } = await send(one, { ...twin, kid: one.variation.kid });
        const [{ url: cacheUrl } = { url: "" }] = loops;
        assert.equal(calls.length > 0, isMeant && !again.has(cacheUrl), `${by}: ${named}, ${url}`);
        again.add(cacheUrl);
      }
    },
  ),
  hidden: property(
    "no header of the cache reaches a visitor, and nothing of a visitor reaches the cache",
    fc.record({
      ...{ rendition, browser, mood: fc.oneof(healthy, mood), is: fc.option(failing) },
      visits: fc.array(later, { minLength: 1, maxLength: 3 }),
    }),
    async (suspect, { rendition, browser, mood: now, is, visits }) => {
      const scene = { isolate: createIsolate(), cache: emptyCache() };
      let seconds = 0;
      for (const { variation, step: elapsed } of visits) {
        seconds += elapsed;
        const args = [rendition, variation, browser] as const;
        const visited = await sendAt(suspect, args, { ...now, ...is }, scene, seconds);
        const { answer, body, loops, request } = visited;
        const names = [...answer.headers.keys()].filter((name) => !PUBLIC.has(name));
        assert.deepEqual(names, []);
        const isImage = answer.headers.get("content-type")?.startsWith("image/");
        if (isFacts(answer) && body !== "") assert.match(body, FACTS);
        else if (!isImage) assert.match(body, /^(?:[A-Z][a-z ]+\n)?$/);
        assert.ok(!(JSON.stringify([...answer.headers]) + body).includes(MARK));
        const { host, search } = new URL(request.url);
        const [, sig = MARK] = /&sig=(.*)/.exec(search) ?? [];
        for (const { url, method, headers } of loops) {
          assert.equal(method, "GET");
          assert.match(JSON.stringify([...headers]), OF_THE_GATEWAY);
          for (const secret of [MARK, host, sig, ...SECRETS]) assert.ok(!url.includes(secret), url);
        }
      }
    },
  ),
};

/** The header that the gateway sends: how long the visitor waits. */
const OF_THE_GATEWAY = /^\[\["vitrine-left","\d+"\]\]$/;

const PUBLIC = new Set([
  ...["content-type", "content-length", "cache-control", "etag", "vary", "allow"],
  ...["x-content-type-options", "content-security-policy", "cross-origin-resource-policy"],
  ...["access-control-allow-origin", "retry-after", "server-timing"],
]);

const SECRETS = [...Object.values(CREDENTIALS), ...Object.values(NEXT_CREDENTIALS)];

/** Routes with a fallback, whose renditions another request may share: other routes in their place. */
const UNSPARED: Partial<Record<RenditionKey["route"], Pick<RenditionKey, "route">>> = {
  "/images/:preset/*": { route: "/öffentlich ✓/:preset/*" },
  "/private/:preset/*": { route: "/secret/:preset/*" },
};

/** A rendition that a careless key would confuse with another one. */
function twinOf(first: RenditionKey, how: number): RenditionKey {
  if (how === 0) return { ...first, variant: first.variant === "card" ? "plain" : "card" };
  if (how === 1) return { ...first, version: first.version === null ? null : "2" };
  if (how === 2 && first.route.startsWith("/images/") && first.key.startsWith("icons/")) {
    return { ...first, route: "/icons/:preset/*", key: first.key.slice(6) };
  }
  if (how === 2 && first.route.startsWith("/icons/")) {
    return { ...first, route: "/images/:preset/*", key: `icons/${first.key}` };
  }
  const { key } = first;
  if (how === 3) return { ...first, key: key.normalize(key === key.normalize() ? "NFD" : "NFC") };
  if (how === 4) return { ...first, key: key.toUpperCase() };
  if (how === 5) return { ...first, key: key.replace(/[?#&+ ].*/, "") };
  return first;
}

function sameObject(rendition: RenditionKey, { spelling }: Variation): RenditionKey {
  const routes = ["/images/:preset/*", "/öffentlich ✓/:preset/*", "/secret/:preset/*"] as const;
  const isFree =
    rendition.version === null &&
    !rendition.facts &&
    routes.some((route) => route === rendition.route);
  return isFree ? { ...rendition, route: routes[spelling % 3] ?? rendition.route } : rendition;
}
