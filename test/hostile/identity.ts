// The properties of what names the bytes of a rendition: of its ETag, of the source that the edge is asked for, and
// of the credentials that open an object. They know nothing of the code that they check.

import assert from "node:assert/strict";
import fc from "fast-check";
import { callsFor, GET, KEEP, pay } from "./cache-visits.ts";
import { property, type Visit } from "./property.ts";
import { healthy, type Order, order, reader } from "./rendition-requests.ts";
import { OTHER_SECRETS } from "./upstream.ts";
import { CONFIG, createIsolate, DIRECT, emptyCache, engineNow } from "./world.ts";

const revision = fc.nat(2);
const another = fc.record({ revision, isNewVersion: fc.boolean() });

/** Credentials of the bucket `other` alone. */
const OWN = {
  ...{ ...CONFIG, ...OTHER_SECRETS },
  BUCKETS: { ...CONFIG.BUCKETS, other: { ...CONFIG.BUCKETS.other, credentials: "OTHER" } },
  OTHER_ACCESS_KEY_ID_NEXT: "AKIAQYLPMN5HHHFPTYPP",
  OTHER_SECRET_ACCESS_KEY_NEXT: "s3cret".repeat(6),
};

/** Without the fallback of its route, and without facts, which may be the same of other bytes. */
const plain = ({ route, ...one }: Order): Order => ({
  ...one,
  route: route === "/images/:preset/*" ? "/öffentlich ✓/:preset/*" : route,
  facts: false,
});

const tagOf = ({ answer }: Visit) => answer.headers.get("etag") ?? assert.fail("no etag");

const orders = fc.array(order, { minLength: 2, maxLength: 4 });

export const ofIdentity = {
  fresh: property(
    "a replaced object is shown at the second visit after keep, and at once under a new version, whatever the edge keeps",
    fc.record({
      ...{ order, reads: reader, mood: healthy },
      visits: fc.array(another, { minLength: 2, maxLength: 4 }),
    }),
    async (suspect, { order: any, reads, mood: now, visits }) => {
      const scene = { isolate: createIsolate(), cache: emptyCache() };
      let wanted = plain(any);
      let seconds = 0;
      /** By revision: the bytes and the tag of a visitor, under any version. */
      const shown = new Map<number, readonly [string, string]>();
      for (const [at, { revision: is, isNewVersion }] of visits.entries()) {
        const isNew = isNewVersion && wanted.version !== null;
        if (isNew) wanted = { ...wanted, version: `${any.version}-${at}` };
        else seconds += KEEP + 1;
        const mood = { ...now, revision: is };
        const what = [wanted, GET, reads] as const;
        if (!isNew) await pay(suspect, what, mood, scene, seconds);
        const visited = await pay(suspect, what, mood, scene, seconds);
        const before = shown.get(is) ?? [visited.body, tagOf(visited)];
        assert.deepEqual([visited.body, tagOf(visited)], before);
        if (isNew) assert.ok(callsFor(visited, wanted).length > 0, "S3 is not asked");
        shown.set(is, before);
      }
      const all = [...shown.values()];
      for (const part of [0, 1])
        assert.equal(new Set(all.map((one) => one[part])).size, all.length);
    },
  ),
  conditions: property(
    "a 304 is for who has these very bytes",
    fc.record({
      ...{ first: order, second: order, mood: healthy, direct: fc.boolean() },
      ...{ readers: fc.tuple(reader, reader), revisions: fc.tuple(revision, revision) },
      ...{ sameKey: fc.constantFrom(true, true, false), sameVariant: fc.boolean() },
    }),
    async (suspect, { first: any, second, mood: now, direct, readers, revisions, ...same }) => {
      const first = plain(any);
      const other = plain(second);
      const { variant } = same.sameVariant ? first : other;
      const wanted = { ...(same.sameKey ? first : other), variant };
      const isolate = createIsolate(direct ? DIRECT : CONFIG);
      const ask = (what: Order, at: 0 | 1, headers: Record<string, string> = {}) => {
        const mood = { ...now, revision: revisions[at] };
        const how = { ...GET, headers: Object.entries(headers) };
        return pay(suspect, [what, how, readers[at]], mood, { isolate, cache: emptyCache() });
      };
      const had = await ask(first, 0);
      const plainly = await ask(wanted, 1);
      const asked = await ask(wanted, 1, { "if-none-match": tagOf(had) });
      const isSame = tagOf(plainly) === tagOf(had);
      assert.equal(asked.answer.status, isSame ? 304 : 200);
      if (isSame) assert.equal(plainly.body, had.body);
    },
  ),
  slots: property(
    "each bucket is opened by its own credentials alone",
    fc.record({ orders, reads: reader, mood: healthy }),
    async (suspect, { orders, reads, mood: now }) => {
      if (engineNow() === "r2" || engineNow() === "role") return; // they have no slots
      const scene = { isolate: createIsolate(OWN), cache: emptyCache() };
      for (const wanted of orders) {
        const { calls } = await pay(suspect, [wanted, GET, reads], now, scene);
        for (const { url, headers } of calls) {
          const isOther = /Credential=AKIAQYLPMN5HHHFPTYP/.test(headers.get("authorization") ?? "");
          assert.equal(isOther, url.startsWith("https://s3.other.example/"), url);
        }
      }
    },
  ),
};
