// The worlds that are explored: data alone. Each is small enough to be explored wholly within its bounds. Those with a queue
// are the largest, since a message has two passes at least.

import type { Fault, ObjectState } from "./s3-model.ts";

/** What caches and store have of an object when visitors come. */
export type Start =
  /** Nothing. */
  | "empty"
  /** Its rendition, in both tiers and in the store. */
  | "fresh"
  /** The same, and Workers Cache revalidates in the background (W8). */
  | "stale"
  /** The same, and Workers Cache asks before it answers (W18). */
  | "expired"
  /** In the store alone. */
  | "stored";

export type VisitPlan = {
  readonly key: string;
  /** The data centre. */
  readonly dataCenter: string;
  /** By default at any time. `first`: before all else. `late`: once the message that is late can be delivered. */
  readonly comes?: "first" | "late" | undefined;
};

export type Change = { readonly key: string; readonly to: ObjectState };

export type World = {
  readonly name: string;
  readonly start: Start;
  readonly hasStore: boolean;
  readonly visits: readonly VisitPlan[];
  /** What the owner does to KEY. */
  readonly change?: ObjectState | undefined;
  /** How the owner's change is announced: POST /purge with a name, or with an event of S3; or by a message in a queue. */
  readonly by?: "purge" | "event" | "queue" | undefined;
  /** What the owner does next. With a queue, each change has a message of its own. */
  readonly next?: Change | undefined;
  /** Whether the queue has each message twice. */
  readonly isTwice?: boolean | undefined;
  /** Whether a message comes only when no run that began before it can live. */
  readonly isLate?: boolean | undefined;
  /** How often messages were delivered before, and not purged. */
  readonly attempts?: number | undefined;
  /** What goes wrong once in a pass over the queue, at any time: the limit refuses a purge, or the store fails for a while. */
  readonly passFault?: "limit" | "store" | undefined;
  /** It begins, and ends, at any time. */
  readonly fault?: Fault | undefined;
  /** The fault is one of this object alone. */
  readonly faultyKey?: string | undefined;
  /** Whether one isolate dies, anywhere; or one of visitors, or of the queue. */
  readonly mayDie?: boolean | "visitors" | "queue" | undefined;
  /** Whether visitors share one isolate, and so what it remembers. */
  readonly isOneIsolate?: boolean | undefined;
  /** Whether the answers to calls of one isolate arrive in any order. */
  readonly hasAnswerOrders?: boolean | undefined;
  /** Whether a time may be over although an answer could still come. */
  readonly hasEarlyTimers?: boolean | undefined;
  /** How often runs are interrupted at most. By default MAX_INTERRUPTIONS. */
  readonly maxInterruptions?: number | undefined;
  /** Whether it takes so long that no test explores it wholly, but `npm run explore` does. */
  readonly isDeep?: boolean | undefined;
};

/** The object that the owner changes. */
export const KEY = "a.jpg";

/** Another object, of the same bucket. */
export const OTHER_KEY = "b.jpg";

/** The object with the same key in another bucket. */
const TWIN_KEY = "acme-twins/a.jpg";

/** The objects of the worlds, by their keys. That of the other bucket has the bucket before its key. */
export const OBJECTS: readonly string[] = [KEY, OTHER_KEY, TWIN_KEY];

/** Returns which object a URL of S3 is about, or a URL of Workers Cache, which has the former in it. */
export function objectOfUrl(url: string): string {
  const { bucket, key = "" } = OBJECT_URL.exec(url)?.groups ?? {};
  return bucket === "acme" ? key : `${bucket}/${key}`;
}

/** Returns the name of an object's bucket at S3, and its key there. */
export function splitObject(object: string): readonly [bucket: string, key: string] {
  const [key = "", bucket = "acme"] = object.split("/").toReversed();
  return [bucket, key];
}

const OBJECT_URL = /\/(?<bucket>[\w-]+)\.s3\.[^/]+\/(?<key>[^/?]+)/;

const OSLO: VisitPlan = { key: KEY, dataCenter: "Oslo" };
const ROME: VisitPlan = { key: KEY, dataCenter: "Rome" };
const OTHER: VisitPlan = { key: OTHER_KEY, dataCenter: "Oslo" };

/** On its way when the object changes: what it leaves is found at the end. */
const EARLY: VisitPlan = { ...OSLO, comes: "first" };

const STORED = { start: "empty", hasStore: true, visits: [OSLO] } as const;
const REPLACED = { ...STORED, change: "there", by: "purge" } as const;
const DELETED = { ...STORED, change: "missing", by: "event" } as const;
const QUEUED = { ...STORED, change: "there", by: "queue" } as const;
const DENIED = { ...STORED, change: "denied", by: "purge" } as const;

/** `npm test` explores these. */
const FIRST: readonly World[] = [
  { ...REPLACED, name: "a replacement" },
  { ...DELETED, name: "a deletion" },
  { ...DENIED, name: "a denial" },
  { ...REPLACED, name: "a replacement, without a store", hasStore: false },
  {
    ...QUEUED,
    name: "a message, without a store, and an isolate that dies",
    hasStore: false,
    visits: [EARLY],
    mayDie: "visitors",
    maxInterruptions: 1,
  },
];

/** The long tests explore these, too. */
const OTHERS: readonly World[] = [
  { ...STORED, name: "a replacement, and no purge", change: "there" },
  { ...REPLACED, name: "a replacement, by an event", by: "event" },
  { ...DELETED, name: "a deletion, by name", by: "purge" },
  { ...REPLACED, name: "a replacement of what is stored", start: "stored" },
  { ...REPLACED, name: "a replacement of what is fresh", start: "fresh" },
  { ...REPLACED, name: "a replacement of what is stale", start: "stale" },
  { ...REPLACED, name: "a replacement of what is expired", start: "expired" },
  { ...DELETED, name: "a deletion of what is stale", start: "stale" },
  { ...DELETED, name: "a deletion of what is stored", start: "stored" },
  { ...DENIED, name: "a denial of what is expired", start: "expired" },
  { ...REPLACED, name: "a replacement, and an outage", fault: "refused" },
  {
    ...REPLACED,
    name: "a replacement of what is stored, and an outage",
    start: "stored",
    fault: "refused",
  },
  { ...DELETED, name: "a deletion, and a dead key", fault: "dead" },
  {
    ...DENIED,
    name: "a denial of what is stored, and a dead key",
    start: "stored",
    fault: "dead",
  },
  { ...REPLACED, name: "a replacement, and an isolate that dies", mayDie: true },
  { ...DELETED, name: "a deletion, and an isolate that dies", mayDie: true },
  { ...REPLACED, name: "a replacement, answers in any order", hasAnswerOrders: true },
  { ...REPLACED, name: "two visitors, a replacement", visits: [OSLO, OSLO], maxInterruptions: 1 },
  {
    ...REPLACED,
    name: "two data centres, a replacement",
    visits: [OSLO, ROME],
    maxInterruptions: 0,
  },
  {
    ...REPLACED,
    name: "two visitors, a replacement, without a store",
    visits: [OSLO, OSLO],
    hasStore: false,
  },
  {
    ...DENIED,
    name: "two data centres, a denial, without a store",
    visits: [OSLO, ROME],
    hasStore: false,
  },
  {
    ...DELETED,
    name: "two visitors, a deletion of what is stored",
    start: "stored",
    visits: [OSLO, OSLO],
    maxInterruptions: 1,
  },
  { ...QUEUED, name: "a message", maxInterruptions: 1 },
  {
    ...QUEUED,
    name: "a message, and a visitor's isolate that dies",
    isDeep: true,
    visits: [EARLY],
    mayDie: "visitors",
    maxInterruptions: 1,
  },
  {
    ...QUEUED,
    name: "a message, and a pass that dies",
    isDeep: true,
    start: "stored",
    visits: [EARLY],
    mayDie: "queue",
    maxInterruptions: 0,
  },
  {
    ...QUEUED,
    name: "a message of a deletion of what is stored, and an outage",
    isDeep: true,
    start: "stored",
    change: "missing",
    fault: "refused",
    maxInterruptions: 0,
  },
  {
    ...QUEUED,
    name: "a message that is late, an outage, and an isolate that dies",
    isDeep: true,
    start: "stored",
    visits: [{ ...OSLO, comes: "late" }],
    isLate: true,
    fault: "refused",
    mayDie: "visitors",
    maxInterruptions: 1,
  },
  {
    ...QUEUED,
    name: "a message that was often not purged, and an isolate that dies",
    hasStore: false,
    visits: [EARLY],
    attempts: 11,
    mayDie: "visitors",
    maxInterruptions: 1,
  },
  {
    ...QUEUED,
    name: "a message that comes twice",
    isDeep: true,
    visits: [EARLY],
    hasStore: false,
    isTwice: true,
    maxInterruptions: 1,
  },
  {
    ...QUEUED,
    name: "a message, and the limit of purges",
    start: "fresh",
    passFault: "limit",
    maxInterruptions: 0,
  },
  {
    ...QUEUED,
    name: "a message, and a store that fails",
    isDeep: true,
    start: "stored",
    visits: [EARLY],
    passFault: "store",
    maxInterruptions: 0,
  },
  {
    ...QUEUED,
    name: "a message, and the next one of the same object",
    isDeep: true,
    hasStore: false,
    visits: [EARLY],
    next: { key: KEY, to: "missing" },
    maxInterruptions: 1,
  },
  {
    ...QUEUED,
    name: "a message, one of another object, and a store that fails",
    isDeep: true,
    start: "stored",
    visits: [EARLY],
    next: { key: OTHER_KEY, to: "missing" },
    passFault: "store",
    maxInterruptions: 0,
  },
  {
    ...QUEUED,
    name: "a message, and one of the same key in another bucket",
    isDeep: true,
    start: "fresh",
    hasStore: false,
    visits: [EARLY, { ...EARLY, key: TWIN_KEY }],
    next: { key: TWIN_KEY, to: "there" },
    maxInterruptions: 0,
  },
  {
    ...STORED,
    name: "two objects, one in trouble",
    visits: [OSLO, OTHER],
    fault: "busy",
    faultyKey: OTHER_KEY,
  },
];

export const SHORT_WORLDS: readonly string[] = FIRST.map(({ name }) => name);

/** `npm run explore` explores all of these. */
export const WORLDS: readonly World[] = [...FIRST, ...OTHERS];

export function worldOf(name: string): World {
  const world = WORLDS.find((candidate) => candidate.name === name);
  if (!world) throw new Error(`no world is called "${name}"`);
  return world;
}
