// The properties of cache lifetimes. They know ANSWERS, the replies of the edge and S3, and nothing of the code that
// they check.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  callsFor,
  failing,
  GET,
  KEEP,
  OUTAGES,
  outage,
  sendAt,
  step,
  WEEK,
  working,
} from "./cache-visits.ts";
import { mood } from "./inputs.ts";
import { namesObject, property } from "./property.ts";
import { browser, EQUAL, healthy, rendition, variation } from "./rendition-requests.ts";
import { CONFIG, createIsolate, emptyCache } from "./world.ts";

/** Routes to the same objects, in the order of the policies `first`, `second` and `general`. */
const POLICY_ROUTES = [
  "/images/:preset/*",
  "/öffentlich ✓/:preset/*",
  "/secret/:preset/*",
] as const;

/** The longest time for which the answer to a missing or broken object may be cached: s. */
const SHORT = 60;

/** For so long, S3's word that is not certain takes the place of an older picture: s. */
const WORD = 1;

const failure = fc.record({
  ...{ mood, step, key: fc.constantFrom("b.jpg", "c.jpg") },
  is: fc.oneof(failing, outage, healthy, working),
});
const answers = fc.constantFrom(
  ...[{}, {}, { keep: 60 }, { keep: 60, stale: 0 }, { keep: 60, stale: 0, stale_if_error: 30 }],
  ...[
    { keep: 60, stale: 0, stale_if_error: 0 },
    { keep: 1, stale: 90, stale_if_error: 30 },
  ],
);
const later = fc.constantFrom(
  ...[0, 0.5, 1, 29, 59, 61, 89, 91, 3599, 3601, 86_400, 500_000, 608_399],
);

/** A policy of a route or of ANSWERS. */
const policy = fc.record({
  keep: fc.constantFrom(0, 60, 300, 300, 600),
  ...{ stale: fc.constantFrom(0, 90, WEEK), stale_if_error: fc.constantFrom(0, WEEK) },
  max_age: fc.constantFrom(30, 3600),
});
const routePolicies = fc.record({
  general: policy,
  first: policy.map((one) => ({ ...one, immutable: false })),
  second: fc.record(
    { keep: fc.constantFrom(60, 900), max_age: fc.constantFrom(30, 90), immutable: fc.boolean() },
    { requiredKeys: [] },
  ),
});
const policyVisit = fc.record({
  ...{ variation, route: fc.constantFrom(...POLICY_ROUTES) },
  step: fc.constantFrom(0, 1, 59, 61, 100, 299, 301, 599, 601, 901),
});

export const ofLifetimes = {
  short: property(
    "no failure is cached, except what is no image, or is missing as S3 says: for a minute at most",
    fc.record({
      ...{
        variant: fc.constantFrom("card", "hero", "plain", "moving"),
        ...{ browser, slots: fc.constantFrom(...EQUAL.slice(2, 4)) },
      },
      visits: fc.array(failure, { minLength: 2, maxLength: 5 }),
    }),
    async (suspect, { variant, browser, slots, visits }) => {
      const scene = { isolate: createIsolate(slots), cache: emptyCache() };
      /** By source: for how long the last answer may be cached, and since when, in seconds. */
      const lifetimes = new Map<string, { readonly max: number; readonly since: number }>();
      let seconds = 0;
      for (const { mood: any, is, key, step: elapsed } of visits) {
        seconds += elapsed;
        if (seconds >= KEEP) return; // an outage then shows an older image: see "outages"
        const rendition = { route: "/app/:preset/*", variant, key, version: null } as const;
        const now = { ...any, replaced: undefined, ...is };
        const visited = await sendAt(suspect, [rendition, GET, browser], now, scene, seconds);
        const { status } = visited.answer;
        const calls = callsFor(visited, rendition);
        if (calls.length === 0) {
          const { max, since } = lifetimes.get(key) ?? { max: 0, since: seconds };
          assert.ok(seconds - since < max, `${status} is shown after ${seconds - since} s`);
          continue;
        }
        const isOutage = OUTAGES.some(({ code }) => code === now.failure?.code);
        if (isOutage) assert.ok(status >= 500, `${status} while all fails`);
        const isShort = status === 404 ? calls.some(namesObject) : status === 415;
        const failureMax = isShort ? SHORT : WORD;
        lifetimes.set(key, { max: status === 200 ? WEEK : failureMax, since: seconds });
      }
    },
  ),
  policies: property(
    "each route's pictures are fresh for as long as it says, whoever comes first by another route",
    fc.record({
      ...{
        variant: fc.constantFrom("card", "plain"),
        key: fc.constantFrom("b.jpg", "icons/b.jpg"),
      },
      ...{ browser, mood: healthy, policies: routePolicies },
      visits: fc.array(policyVisit, { minLength: 2, maxLength: 5 }),
    }),
    async (suspect, { variant, key, browser, mood: any, policies, visits }) => {
      const now = { ...any, spent: false, twist: undefined, meanwhile: undefined };
      const scene = { isolate: createIsolate(varsWith(policies)), cache: emptyCache() };
      const byRoute = policiesOf(policies);

      /** By policy: until when its picture is fresh. Routes with the same lifetimes share it. */
      const freshUntil = new Map<string, number>();
      let seconds = 0;
      for (const { variation, route, step: elapsed } of visits) {
        seconds += elapsed;
        const rendition = { route, variant, key, version: null } as const;
        const { keep, stale, stale_if_error, max_age, immutable } = byRoute[route];
        const visited = await sendAt(suspect, [rendition, variation, browser], now, scene, seconds);
        const { answer } = visited;
        assert.equal(answer.status, 200);

        const name = `${keep} ${stale} ${stale_if_error}`;
        const isFresh = seconds < (freshUntil.get(name) ?? 0);
        const isAsked = callsFor(visited, rendition).length > 0;
        assert.equal(isAsked, !isFresh, `${route} after ${seconds} s, with keep = ${keep}`);

        // What the edge does not name may be of another object: it gets the shorter terms.
        const isNamed = answer.headers.has("etag");
        const longest = isNamed ? keep : Math.min(keep, policies.general.keep);
        if (isAsked) freshUntil.set(name, seconds + longest);

        if (route === "/secret/:preset/*") continue; // its URLs expire
        const isCurrent = isNamed && !/desc=stale/.test(answer.headers.get("server-timing") ?? "");
        const age = isCurrent ? max_age : Math.min(max_age, policies.general.max_age);
        const caching = `public, max-age=${age}${isCurrent && immutable ? ", immutable" : ""}`;
        assert.equal(answer.headers.get("cache-control"), caching);
      }
    },
  ),
  outages: property(
    "what was shown within the week is shown while all fails, and nothing is shown for longer",
    fc.record({
      ...{ rendition, browser, mood: healthy, outage, answers },
      visits: fc.array(fc.record({ variation, step: later }), { minLength: 1, maxLength: 4 }),
    }),
    async (suspect, { rendition, browser, mood: now, outage: is, answers, visits }) => {
      const { keep = KEEP, stale = WEEK, stale_if_error = WEEK }: Answers = answers;
      const isolate = createIsolate({ ...CONFIG, ANSWERS: answers });
      const scene = { isolate, cache: emptyCache() };
      const rendered = await sendAt(suspect, [rendition, GET, browser], now, scene);
      assert.equal(rendered.answer.status, 200);
      let seconds = 0;
      for (const { variation, step: elapsed } of visits) {
        seconds += elapsed;
        const failed = await sendAt(
          suspect,
          [rendition, variation, browser],
          { ...now, ...is },
          scene,
          seconds,
        );
        const { status } = failed.answer;
        const isShown = seconds < keep + Math.max(stale, stale_if_error);
        assert.ok(isShown ? status === 200 : status >= 500, `${status} after ${seconds} s`);
        if (isShown && variation.method === "GET") assert.equal(failed.body, rendered.body);
        const isNeeded = seconds >= keep && isShown;
        if (isNeeded) assert.ok(callsFor(failed, rendition).length > 0, "it is not tried");
      }
    },
  ),
};

/** What ANSWERS or a route says of the pictures that it shows. */
type Policy = {
  readonly keep: number;
  readonly stale: number;
  readonly stale_if_error: number;
  readonly max_age: number;
  readonly immutable?: boolean;
};

type PolicyRoute = (typeof POLICY_ROUTES)[number];

/** The policy of each route, with what is missing in it taken from ANSWERS. */
function policiesOf({ general, first, second }: Policies): Record<PolicyRoute, Policy> {
  const immutable = second.immutable && second.max_age === undefined ? { max_age: YEAR } : {};
  return {
    "/images/:preset/*": { ...general, ...first },
    "/öffentlich ✓/:preset/*": { ...general, ...immutable, ...second },
    "/secret/:preset/*": general,
  };
}

type Policies = {
  readonly general: Policy;
  readonly first: Policy;
  readonly second: Partial<Policy>;
};

const YEAR = 31_536_000;

/** The configuration in which two routes have a policy of their own. */
function varsWith({ general, first, second }: Policies): object {
  const answers: Partial<Record<string, object>> = {
    "/images/:preset/*": first,
    "/öffentlich ✓/:preset/*": second,
  };
  const ROUTES = CONFIG.ROUTES.map((route) => ({
    ...{ ...route, ...(answers[route.path] && { answers: answers[route.path] }) },
  }));
  return { ...CONFIG, ROUTES, ANSWERS: general };
}

type Answers = { keep?: number; stale?: number; stale_if_error?: number };
