// The properties of what names the bytes of a rendition: of its ETag, of the source that the edge is asked for, and
// of the credentials that open an object. They know nothing of the code that they check.

import assert from "node:assert/strict";
import fc from "fast-check";
import { callsFor, GET, KEEP, sendAt } from "./cache-visits.ts";
import { type Exchange, property } from "./property.ts";
import { browser, healthy, type RenditionKey, rendition } from "./rendition-requests.ts";
import { OTHER_SECRETS } from "./s3-upstream.ts";
import { CONFIG, createIsolate, DIRECT, emptyCache, engineNow } from "./world.ts";

const revision = fc.nat(2);
const nextVisit = fc.record({ revision, isNewVersion: fc.boolean() });

/** Credentials of the bucket `other` alone. */
const OWN_CREDENTIALS = {
  ...{ ...CONFIG, ...OTHER_SECRETS },
  BUCKETS: { ...CONFIG.BUCKETS, other: { ...CONFIG.BUCKETS.other, credentials: "OTHER" } },
  OTHER_ACCESS_KEY_ID_NEXT: "AKIAQYLPMN5HHHFPTYPP",
  OTHER_SECRET_ACCESS_KEY_NEXT: "s3cret".repeat(6),
};

/** Without the fallback of its route, and without facts, which may be the same of other bytes. */
const plain = ({ route, ...one }: RenditionKey): RenditionKey => ({
  ...one,
  route: route === "/images/:preset/*" ? "/öffentlich ✓/:preset/*" : route,
  facts: false,
});

const tagOf = ({ answer }: Exchange) => answer.headers.get("etag") ?? assert.fail("no etag");

const orders = fc.array(rendition, { minLength: 2, maxLength: 4 });

export const ofIdentity = {
  fresh: property(
    "a replaced object is shown at the second visit after keep, and at once under a new version, whatever the edge has cached",
    fc.record({
      ...{ rendition, browser, mood: healthy },
      visits: fc.array(nextVisit, { minLength: 2, maxLength: 4 }),
    }),
    async (suspect, { rendition: any, browser, mood: now, visits }) => {
      const scene = { isolate: createIsolate(), cache: emptyCache() };
      let rendition = plain(any);
      let seconds = 0;
      /** By revision: the bytes and the tag of a visitor, under any version. */
      const responses = new Map<number, readonly [string, string]>();
      for (const [at, { revision: is, isNewVersion }] of visits.entries()) {
        const isNew = isNewVersion && rendition.version !== null;
        if (isNew) rendition = { ...rendition, version: `${any.version}-${at}` };
        else seconds += KEEP + 1;
        const mood = { ...now, revision: is };
        const args = [rendition, GET, browser] as const;
        if (!isNew) await sendAt(suspect, args, mood, scene, seconds);
        const visited = await sendAt(suspect, args, mood, scene, seconds);
        const before = responses.get(is) ?? [visited.body, tagOf(visited)];
        assert.deepEqual([visited.body, tagOf(visited)], before);
        if (isNew) assert.ok(callsFor(visited, rendition).length > 0, "S3 is not asked");
        responses.set(is, before);
      }
      const all = [...responses.values()];
      for (const part of [0, 1])
        assert.equal(new Set(all.map((one) => one[part])).size, all.length);
    },
  ),
  conditions: property(
    "a 304 is for who has these very bytes",
    fc.record({
      ...{ first: rendition, second: rendition, mood: healthy, direct: fc.boolean() },
      ...{ readers: fc.tuple(browser, browser), revisions: fc.tuple(revision, revision) },
      ...{ sameKey: fc.constantFrom(true, true, false), sameVariant: fc.boolean() },
    }),
    async (suspect, { first: any, second, mood: now, direct, readers, revisions, ...same }) => {
      const first = plain(any);
      const otherRendition = plain(second);
      const { variant } = same.sameVariant ? first : otherRendition;
      const rendition = { ...(same.sameKey ? first : otherRendition), variant };
      const isolate = createIsolate(direct ? DIRECT : CONFIG);
      const send = (requested: RenditionKey, at: 0 | 1, headers: Record<string, string> = {}) => {
        const mood = { ...now, revision: revisions[at] };
        const variation = { ...GET, headers: Object.entries(headers) };
        return sendAt(suspect, [requested, variation, readers[at]], mood, {
          isolate,
          cache: emptyCache(),
        });
      };
      const had = await send(first, 0);
      const plainly = await send(rendition, 1);
      const conditional = await send(rendition, 1, { "if-none-match": tagOf(had) });
      const isSame = tagOf(plainly) === tagOf(had);
      assert.equal(conditional.answer.status, isSame ? 304 : 200);
      if (isSame) assert.equal(plainly.body, had.body);
    },
  ),
  slots: property(
    "each bucket is opened by its own credentials alone",
    fc.record({ orders, browser, mood: healthy }),
    async (suspect, { orders, browser, mood: now }) => {
      if (engineNow() === "r2" || engineNow() === "role") return; // they have no slots
      const scene = { isolate: createIsolate(OWN_CREDENTIALS), cache: emptyCache() };
      for (const rendition of orders) {
        const { calls } = await sendAt(suspect, [rendition, GET, browser], now, scene);
        for (const { url, headers } of calls) {
          const isOther = /Credential=AKIAQYLPMN5HHHFPTYP/.test(headers.get("authorization") ?? "");
          assert.equal(isOther, url.startsWith("https://s3.other.example/"), url);
        }
      }
    },
  ),
};
