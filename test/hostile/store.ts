// The properties of the store: what is stored, when it is shown, and when it is deleted. They know the replies of S3,
// earlier answers, and nothing of the code that they check.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import fc from "fast-check";
import { createR2, type R2 } from "../../src/emulator/r2/r2.ts";
import { aMinuteAgo } from "../support/clock.ts";
import { callsFor, GET, sendAt } from "./cache-visits.ts";
import { METADATA, ORIGINAL, typeOf } from "./files.ts";
import { mood } from "./inputs.ts";
import { type Exchange, property } from "./property.ts";
import { browser, healthy, type RenditionKey, rendition, sourceOf } from "./rendition-requests.ts";
import { OTHER_SECRETS, REPLIES } from "./s3-upstream.ts";
import { type Mood, TWISTS } from "./visit-state.ts";
import { CONFIG, createIsolate, DIRECT, emptyCache, engineNow, nameOf } from "./world.ts";

/** One bucket, opened by the keys of all on an open route, and by its own on a signed one. */
const SHARED = {
  ...{ ...CONFIG, ...OTHER_SECRETS },
  BUCKETS: { ...CONFIG.BUCKETS, mine: { ...CONFIG.BUCKETS.media, credentials: "OTHER" } },
  ROUTES: CONFIG.ROUTES.map((route) => ({
    ...route,
    ...(route.path.startsWith("/secret/") && { object: "mine/*" }),
  })),
};
const SHARED_DIRECT = { ...SHARED, ANSWERS: DIRECT.ANSWERS };

/** A picture that may be stored, on a route without a fallback. */
const picture = rendition.map(({ route, ...one }): RenditionKey => {
  const isSigned = route === "/private/:preset/*";
  const isOther = route === "/images/:preset/*" || route === "/icons/:preset/*";
  const routeWithoutFallback = isSigned ? "/secret/:preset/*" : "/öffentlich ✓/:preset/*";
  return { ...one, facts: false, route: isSigned || isOther ? routeWithoutFallback : route };
});

const FAULTS = ["throws", "throws-get", "throws-put", "busy", "gone", "says-less"] as const;
type Fault = (typeof FAULTS)[number];
const WRITABLE: readonly (Fault | undefined)[] = [undefined, "says-less"];
const PUTS: readonly (Fault | undefined)[] = [...WRITABLE, "throws-put", "busy"];
const READABLE: readonly (Fault | undefined)[] = [undefined, "throws-put", "busy"];

/** The same picture by the other way to its bucket, if there are two. */
const twinOf = ({ route, ...one }: RenditionKey): RenditionKey => ({
  ...one,
  route: route === "/secret/:preset/*" ? "/öffentlich ✓/:preset/*" : route,
  ...(route === "/öffentlich ✓/:preset/*" && { route: "/secret/:preset/*" }),
});

/** What somebody else, or another version, may have put in the place of an entry. */
const SPOILT = ["half", "junk", "original", "other", "metadata"] as const;

/** Spoils all entries of a store. @returns whether there was something to do */
function spoil({ objects }: R2, how: (typeof SPOILT)[number]): boolean {
  const all = [...objects];
  for (const [at, [name, entry]] of all.entries()) {
    const [, neighbour = entry] = all[(at + 1) % all.length] ?? [];
    const { body, customMetadata: metadata = {} } = entry;
    const half = body.length >> 1;
    const spoilt = {
      half: { ...entry, body: body.subarray(0, half) },
      junk: { ...entry, body: Buffer.alloc(body.length, "junk") },
      original: {
        ...entry,
        body: Buffer.alloc(half, ORIGINAL),
        customMetadata: { ...metadata, length: `${half}` },
      },
      other: neighbour,
      metadata: { ...entry, customMetadata: neighbour.customMetadata ?? {} },
    }[how];
    objects.set(name, spoilt);
  }
  return all.length > 1 || (all.length > 0 && how !== "other" && how !== "metadata");
}

/** What comes of a visit: the same for all that are answered out of one rendition. */
const resultOf = ({ answer, body }: Exchange) =>
  [answer.status, answer.headers.get("etag"), body] as const;

/** The formats that the engines were asked for, in order; "none" if they may choose. */
const formatsIn = ({ calls, bound }: Exchange) => [
  ...bound.map(({ output: { format = "" } }) => format.replace("image/", "")),
  ...calls.flatMap(({ cf }) => (cf ? [cf.image?.format?.replace("baseline-", "") ?? "none"] : [])),
];

/** By what the gateway asks the cached entrypoint for: what is stored. */
type Model = Map<
  string,
  { readonly source: string; readonly result: ReturnType<typeof resultOf>; isSpoilt?: true }
>;

/** Nothing in most cases. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const step = fc.record({
  ...{ renditionIndex: fc.nat(2), browser, revision: fc.nat(1) },
  /** Undefined: S3 is well. */
  reply: rarely(fc.nat(REPLIES.length - 1)),
  fault: rarely(fc.constantFrom(...FAULTS)),
  spoilt: rarely(fc.constantFrom(...SPOILT)),
  /** While a rendition is made, its object is deleted, or replaced; or the engine is off. */
  engine: fc.constantFrom(...(["well", "well", "well", "off", "deleted", "replaced"] as const)),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What S3 means by a reply. R2 has no replies: it throws, and an object is there or not. */
function meaningOf(reply: number | undefined): "well" | "outage" | "gone" | "word" {
  if (reply === undefined) return "well";
  const [status, , meaning] = REPLIES[reply] ?? assert.fail();
  if (engineNow() !== "r2") return meaning;
  return status === 404 ? "gone" : "outage";
}

/** JPEG, PNG and GIF: an engine need not be asked twice. */
const HARMLESS = [0, 1, 0, 3];

const MEANWHILE = {
  deleted: { down: REPLIES.findIndex(([, code]) => code === "NoSuchKey") },
  replaced: { revision: 2 },
} as const;

const failing = fc.tuple(mood, fc.nat(REPLIES.length - 1)).map(([one, down]) => ({ ...one, down }));
const twisted = fc
  .tuple(healthy, fc.constantFrom(...TWISTS))
  .map(([one, twist]) => ({ ...one, twist }));

export const ofStore = {
  stored: property(
    "a rendition is rendered once, shown in an outage as long as nobody changes it, and deleted with its object",
    fc.record({
      orders: fc
        .tuple(picture, picture)
        .map(([first, second]) => [first, second, twinOf(first)] as const),
      mood: healthy,
      steps: fc.array(step, { minLength: 2, maxLength: 6 }),
    }),
    async (suspect, { orders, mood: any, steps }) => {
      const store = createR2({}, { now: aMinuteAgo });
      const model: Model = new Map();
      const now = { ...any, type: HARMLESS[any.type] ?? 0, s3: any.s3 | 1 }; // its renditions have no metadata
      for (const one of steps) {
        const rendition = orders[one.renditionIndex] ?? assert.fail();
        await visitStored(suspect, rendition, now, one, store, model);
        assert.equal(store.objects.size, model.size, "of each rendition there is one");
      }
    },
  ),
  bytes: property(
    "only whole renditions are stored, of a type that the visitor reads, of objects with an ETag",
    fc.record({
      ...{ rendition, browser, direct: fc.boolean() },
      mood: fc.oneof(mood, failing, twisted),
    }),
    async (suspect, { rendition, browser, mood: now, direct }) => {
      const store = createR2({}, { now: aMinuteAgo });
      const isolate = createIsolate(direct ? DIRECT : CONFIG, store);
      const scene = { isolate, cache: emptyCache() };
      const visited = await sendAt(suspect, [rendition, GET, browser], now, scene);
      const formats = formatsIn(visited);
      // The edge may have chosen another format than the requested one (R5).
      const types = [...formats, "jpeg", "png"];
      const tag = hash("sha256", nameOf(sourceOf(rendition)));
      for (const [name, { body, customMetadata = {} }] of store.objects) {
        const { type = "", length } = customMetadata;
        const text = Buffer.from(body).toString();
        assert.ok(!text.includes(ORIGINAL) && !text.includes(METADATA), text);
        const isOfEdge = engineNow() === "cf"; // the bytes of the binding are counted, and R2 has ETags
        assert.ok(now.twist !== "half" && !(now.twist === "short" && isOfEdge), "it is not whole");
        assert.ok(now.twist !== "no-etag" || engineNow() === "r2", "S3 does not name the bytes");
        assert.ok(types.includes(type.replace("image/", "")), `${type} for ${formats}`);
        // An edge that says of anything that it is a picture is believed, until it is read.
        assert.ok(text === "odd" || typeOf(body) === type, text);
        assert.equal(length, `${body.length}`);
        if (name.startsWith(tag))
          assert.ok(visited.answer.ok, `stored of a ${visited.answer.status}`);
      }
    },
  ),
};

/** Visits once, and checks what is shown, what was asked, and what is stored then. */
async function visitStored(
  suspect: Parameters<typeof sendAt>[0],
  rendition: RenditionKey,
  now: Mood,
  { browser, revision, reply, fault, spoilt, engine }: Step,
  store: R2,
  model: Model,
): Promise<void> {
  const args = [rendition, GET, browser] as const;
  const send = (more: Partial<Mood>, isolate: object) =>
    sendAt(suspect, args, { ...now, revision, ...more }, { isolate, cache: emptyCache() });
  const right = resultOf(await send({}, createIsolate(SHARED_DIRECT)));
  const isWell = [...model.values()].every(({ isSpoilt }) => !isSpoilt); // else it could be put right again
  if (spoilt && isWell && spoil(store, spoilt)) {
    for (const entry of model.values()) entry.isSpoilt = true;
  }
  store.faults.clear();
  if (fault) store.faults.add(fault);

  const meaning = meaningOf(reply);
  const isChanged = engine === "deleted" || engine === "replaced";
  const change = isChanged && { meanwhile: MEANWHILE[engine] };
  const more = { down: reply, ...change, ...(engine === "off" && { outcome: 1 }) };
  const visited = await send(more, createIsolate(SHARED, store));
  const formats = formatsIn(visited);
  const { status, headers } = visited.answer;
  const [{ url } = assert.fail("the cache is not asked")] = visited.loops;
  const name = url.replace(/&v=.*/, "");
  const source = sourceOf(rendition);
  const entry = model.get(name);
  const usable = READABLE.includes(fault) && !entry?.isSpoilt ? entry?.result : undefined;
  const replies = visited.calls.map(({ reply }) => reply);
  const when = `${status}, ${JSON.stringify({ meaning, fault, spoilt, engine, replies })}`;

  if (meaning === "outage") {
    if (!usable) return assert.ok(status >= 500, when);
    const [code, , bytes] = usable;
    assert.deepEqual(resultOf(visited), [code, null, bytes], when); // no 304 makes it last
    const caching = headers.get("cache-control") ?? "";
    assert.match(caching, /^public, max-age=(?:[1-5]?\d|60)\b(?!.*immu)/);
    assert.match(headers.get("server-timing") ?? "", /^cache;desc=stored/);
    return assert.deepEqual(formats, []);
  }
  if (meaning !== "well") {
    assert.ok(status >= 400, when);
    if (meaning !== "gone" || fault === "throws" || fault === "gone") return;
    for (const [name, entry] of model) if (entry.source === source) model.delete(name);
    return;
  }
  const isKnown = JSON.stringify(usable) === JSON.stringify(right);
  assert.equal(formats.length > 0, !isKnown, when);
  if (engine === "off" && !isKnown) return assert.ok(status >= 400, when);
  assert.deepEqual(resultOf(visited), right, when);
  // First bytes; each time that an engine is asked, the object; and after that its first bytes once more. No time passes
  // here, so a visitor may seem to read slowly: then they are asked for again after the last byte.
  if (engine !== "off") {
    const times = callsFor(visited, rendition).length;
    const usual = isKnown ? 1 : formats.length + 2;
    const isSlow = !isKnown && times === usual + 1;
    if (!isSlow) assert.equal(times, usual, when);
  }
  const type = headers.get("content-type");
  const isInPlace = /avif|webp/.test(formats[0] ?? "") && type !== `image/${formats[0]}`;
  if (isKnown || isInPlace) return;
  // Where the put failed, an entry may be there that somebody has spoilt. With the ETag of this rendition, it counts as the
  // Worker's own, and is deleted when the object turns out to be replaced. Somebody may have spoilt the ETag, too.
  const [, ownEtag] = right;
  const isOwnSpoilt = entry?.isSpoilt === true && entry.result[1] === ownEtag;
  const mayDeleteSpoilt = engine === "replaced" && PUTS.includes(fault) && isOwnSpoilt;
  if (mayDeleteSpoilt && store.objects.size < model.size) {
    model.delete(name);
    return;
  }

  // A put that failed may have been written.
  const isDeleted = engine === "deleted" && PUTS.includes(fault);
  if (isDeleted || (engine === "replaced" && WRITABLE.includes(fault))) model.delete(name);
  else if (WRITABLE.includes(fault)) model.set(name, { source, result: right });
}
