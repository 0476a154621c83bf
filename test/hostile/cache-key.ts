// The properties of the key and the tags of what is kept for all visitors, over sequences of visits with one
// cache. They know nothing of the code that they check.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import fc from "fast-check";
import { createR2 } from "../../src/emulator/r2/r2.ts";
import { CREDENTIALS, NEXT_CREDENTIALS } from "../support/env.ts";
import { callsFor, failing, KEEP, pay, step } from "./cache-visits.ts";
import { FACTS, isFacts } from "./facts.ts";
import { mood } from "./inputs.ts";
import { property, type Visit } from "./property.ts";
import {
  changedDeploys,
  EQUAL,
  healthy,
  MARK,
  type Manner,
  manner,
  type Order,
  order,
  reader,
  sourceOf,
} from "./rendition-requests.ts";
import { OTHER_SECRETS } from "./upstream.ts";
import {
  CONFIG,
  createIsolate,
  DIRECT,
  emptyCache,
  engineNow,
  loopbackOf,
  nameOf,
  PLACES,
} from "./world.ts";

/**
 * All that a visitor gets, except the times that it took, and the length, which is known of what is stored. A refusal
 * may be kept for the rest of its minute.
 */
function seen({ answer, body }: Visit) {
  const whole = (value: string) => value.replace(/max-age=[1-5]?\d\b/, "max-age=60");
  const headers = [...answer.headers]
    .filter(([name]) => name !== "server-timing" && name !== "content-length")
    .map(([name, value]) => [name, answer.ok ? value : whole(value)]);
  return { status: answer.status, headers, body };
}

/** An SVG, which only some routes show. */
const svg = healthy.map((one) => ({ ...one, type: 4 }));

const next = fc.record({
  ...{ again: fc.constantFrom(true, true, false), other: order, twin: fc.nat(8) },
});
const other = fc.record({
  ...{ order: next, manner, reads: fc.option(reader), deploy: fc.nat(255), step },
});
const someone = fc.record({ manner, deploy: fc.nat(EQUAL.length - 1), step, other: mood });
const later = fc.record({ manner, step: fc.constantFrom(0, 61, 3601) });
const single = fc.record({ order, manner, reads: reader, mood: healthy, missing: fc.boolean() });

export const ofKept = {
  same: property(
    "what is kept is what the visitor would get without the cache, as long as nothing changes",
    fc.record({
      ...{ first: order, reads: reader, hasStore: fc.boolean() },
      mood: fc.oneof(healthy, mood, svg),
      visits: fc.array(other, { minLength: 2, maxLength: 3 }),
    }),
    async (suspect, { first, reads, mood: now, hasStore, visits }) => {
      const cache = emptyCache();
      const store = hasStore ? createR2() : undefined;
      const denying = { ...now, denied: OTHER_SECRETS.OTHER_ACCESS_KEY_ID };
      let seconds = 0;
      for (const { order: next, manner: how, deploy, step: more, ...own } of visits) {
        seconds += more;
        const wanted = next.again ? twinOf(first, next.twin) : next.other;
        const what = [wanted, how, own.reads ?? reads] as const;
        const deploys = changedDeploys(engineNow());
        const vars = deploys[Math.max(0, deploy - 127) % deploys.length] ?? CONFIG;
        const scene = { isolate: createIsolate(vars, store), cache };
        const kept = await pay(suspect, what, denying, scene, seconds);
        const direct = createIsolate({ ...vars, ANSWERS: DIRECT.ANSWERS });
        const made = await pay(suspect, what, denying, { isolate: direct, cache }, seconds);
        assert.notEqual(made.answer.status, 500, "the configuration is broken");
        assert.deepEqual(seen(kept), seen(made));
        assert.ok(!kept.logged.some((line) => line.includes("cache-unusable")), "made directly");
        if (kept.answer.ok) assert.ok(kept.loops.length > 0, "the cache is not asked");
      }
    },
  ),
  once: property(
    "what was made for one visitor is not made again for another, however they ask",
    fc.record({
      ...{ order, reads: reader, mood: healthy, first: manner },
      visits: fc.array(someone, { minLength: 1, maxLength: 4 }),
    }),
    async (suspect, { order: wanted, reads, mood: now, first, visits }) => {
      const cache = emptyCache();
      const scene = { isolate: createIsolate(), cache };
      const made = await pay(suspect, [wanted, first, reads], now, scene);
      assert.ok(made.answer.ok && callsFor(made, wanted).length > 0, "nothing is made");
      let seconds = 0;
      for (const { manner: how, deploy, step: more, other } of visits) {
        seconds += more;
        if (seconds >= KEEP) return;
        const isolate = createIsolate(EQUAL[deploy]);
        const what = [sameObject(wanted, how), how, reads] as const;
        const { calls, answer } = await pay(suspect, what, other, { isolate, cache }, seconds);
        if (!other.spent) assert.equal(answer.status, 200);
        assert.deepEqual(calls, [], JSON.stringify(calls));
      }
    },
  ),
  purged: property(
    "after a purge by the hash of its URL, or its bucket's, an object is made anew, and no other is",
    fc.record({
      orders: fc.array(single, { minLength: 1, maxLength: 4 }),
      ...{ which: fc.nat(3), twin: manner },
      by: fc.constantFrom("object", "object", "bucket", "all"),
    }),
    async (suspect, { orders, which, by, twin }) => {
      const scene = { isolate: createIsolate(), cache: emptyCache() };
      const ask = (of: (typeof orders)[number], how = of.manner) => {
        const failure = of.missing ? { code: 9404, status: 404 } : undefined;
        const what = [{ ...of.order, ...UNSPARED[of.order.route] }, how, of.reads] as const;
        return pay(suspect, what, { ...of.mood, failure }, scene);
      };
      for (const one of orders) await ask(one);
      const { order: meant } = orders[which % orders.length] ?? assert.fail();
      const route = UNSPARED[meant.route]?.route ?? meant.route;
      const base = /^https:\/\/[^/]+\/(?:acme-other\/)?/.exec(PLACES[route])?.[0] ?? "";
      const named = by === "object" ? sourceOf({ ...meant, route }) : base;
      const options =
        by === "all" ? { purgeEverything: true } : { tags: [hash("sha256", nameOf(named))] };
      const loopback = loopbackOf(suspect.worker, { ...scene, place: "elsewhere" });
      assert.deepEqual(await loopback.purge(options), { success: true, errors: [] });
      const again = new Set<string>();
      for (const one of orders) {
        const url = sourceOf({ ...one.order, ...UNSPARED[one.order.route] });
        const isMeant = by === "all" || (by === "object" ? url === named : url.startsWith(base));
        const { calls, loops } = await ask(one, { ...twin, kid: one.manner.kid });
        const [{ url: asked } = { url: "" }] = loops;
        assert.equal(calls.length > 0, isMeant && !again.has(asked), `${by}: ${named}, ${url}`);
        again.add(asked);
      }
    },
  ),
  hidden: property(
    "no header of the cache reaches a visitor, and nothing of a visitor reaches what is kept",
    fc.record({
      ...{ order, reads: reader, mood: fc.oneof(healthy, mood), is: fc.option(failing) },
      visits: fc.array(later, { minLength: 1, maxLength: 3 }),
    }),
    async (suspect, { order: wanted, reads, mood: now, is, visits }) => {
      const scene = { isolate: createIsolate(), cache: emptyCache() };
      let seconds = 0;
      for (const { manner: how, step: more } of visits) {
        seconds += more;
        const what = [wanted, how, reads] as const;
        const visited = await pay(suspect, what, { ...now, ...is }, scene, seconds);
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
          for (const word of [MARK, host, sig, ...SECRETS]) assert.ok(!url.includes(word), url);
        }
      }
    },
  ),
};

/** The header that the gateway sends: how long the visitor waits. */
const OF_THE_GATEWAY = /^\[\["vitrine-left","\d+"\]\]$/;

/** The names of the headers that a visitor may get. */
const PUBLIC = new Set([
  ...["content-type", "content-length", "cache-control", "etag", "vary", "allow"],
  ...["x-content-type-options", "content-security-policy", "cross-origin-resource-policy"],
  ...["access-control-allow-origin", "retry-after", "server-timing"],
]);

const SECRETS = [...Object.values(CREDENTIALS), ...Object.values(NEXT_CREDENTIALS)];

/** Routes with a fallback, whose renditions another order may have as its own: others in their place. */
const UNSPARED: Partial<Record<Order["route"], Pick<Order, "route">>> = {
  "/images/:preset/*": { route: "/öffentlich ✓/:preset/*" },
  "/private/:preset/*": { route: "/secret/:preset/*" },
};

/** An order that a careless key would confuse with another one. */
function twinOf(first: Order, how: number): Order {
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

/** The same object by another route. */
function sameObject(wanted: Order, { spelling }: Manner): Order {
  const routes = ["/images/:preset/*", "/öffentlich ✓/:preset/*", "/secret/:preset/*"] as const;
  const isFree =
    wanted.version === null && !wanted.facts && routes.some((route) => route === wanted.route);
  return isFree ? { ...wanted, route: routes[spelling % 3] ?? wanted.route } : wanted;
}
