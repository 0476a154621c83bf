// The worlds that are explored: data alone. Each is small enough to be explored wholly within its bounds.

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
};

export type World = {
  readonly name: string;
  readonly start: Start;
  readonly hasStore: boolean;
  readonly visits: readonly VisitPlan[];
  /** What the owner does to KEY. */
  readonly change?: ObjectState | undefined;
  /** How the owner's change is announced: POST /purge with a name, or with an event of S3. */
  readonly by?: "purge" | "event" | undefined;
  /** It begins, and ends, at any time. */
  readonly fault?: Fault | undefined;
  /** The fault is one of this object alone. */
  readonly faultyKey?: string | undefined;
  /** Whether one isolate dies, anywhere. */
  readonly mayDie?: boolean | undefined;
  /** Whether visitors share one isolate, and so what it remembers. */
  readonly isOneIsolate?: boolean | undefined;
  /** Whether the answers to calls of one isolate arrive in any order. */
  readonly hasAnswerOrders?: boolean | undefined;
  /** Whether a time may be over although an answer could still come. */
  readonly hasEarlyTimers?: boolean | undefined;
  /** How often runs are interrupted at most. By default MAX_INTERRUPTIONS. */
  readonly maxInterruptions?: number | undefined;
};

/** The object that the owner changes. */
export const KEY = "a.jpg";

/** Another object, of the same bucket. */
export const OTHER_KEY = "b.jpg";

const OSLO: VisitPlan = { key: KEY, dataCenter: "Oslo" };
const ROME: VisitPlan = { key: KEY, dataCenter: "Rome" };
const OTHER: VisitPlan = { key: OTHER_KEY, dataCenter: "Oslo" };

const STORED = { start: "empty", hasStore: true, visits: [OSLO] } as const;
const REPLACED = { ...STORED, change: "there", by: "purge" } as const;
const DELETED = { ...STORED, change: "missing", by: "event" } as const;
const DENIED = { ...STORED, change: "denied", by: "purge" } as const;

/** `npm test` explores these. */
const FIRST: readonly World[] = [
  { ...REPLACED, name: "a replacement" },
  { ...DELETED, name: "a deletion" },
  { ...DENIED, name: "a denial" },
  { ...REPLACED, name: "a replacement, without a store", hasStore: false },
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
  {
    ...STORED,
    name: "two objects, one in trouble",
    visits: [OSLO, OTHER],
    fault: "busy",
    faultyKey: OTHER_KEY,
  },
];

export const SHORT_WORLDS: readonly string[] = FIRST.map(({ name }) => name);

export const WORLDS: readonly World[] = [...FIRST, ...OTHERS];

export function worldOf(name: string): World {
  const world = WORLDS.find((candidate) => candidate.name === name);
  if (!world) throw new Error(`no world is called "${name}"`);
  return world;
}
