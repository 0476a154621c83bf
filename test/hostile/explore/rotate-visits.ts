// What the real Worker answers while a key is rotated: to visitors, and at /healthz. Each answer is asked for once for the
// same secrets, the same S3 and the same memory of an isolate. Keys are called `o` (the old one), `1` and `2`.

import { currentConfig } from "../../../src/worker/config/config.ts";
import { isRefusal, type SlotName } from "../../../src/worker/http/refusal.ts";
import { bucketMemoryOf } from "../../../src/worker/origin/memories.ts";
import { type Key, NEW_KEY, OLD_KEY, site, THIRD, URL } from "../../support/cli/rotating-site.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { get, settle, stage } from "../../support/run-worker.ts";

export const KEYS = ["o", "1", "2"] as const;
export type KeyName = (typeof KEYS)[number];

/**
 * The secrets of both slots, as four letters: whose id and whose secret the current slot has, and the next slot. `-` is
 * none: `oo1-` has the old key in its current slot, and the id of key 1 alone in its next one.
 */
export type Slots = string;

/** The keys that S3 accepts, as letters: `o1`. */
export type Accepted = string;

const KEY_OF: Readonly<Record<string, Key>> = { o: OLD_KEY, "1": NEW_KEY, "2": THIRD };

/** The letters of `Slots`. */
export const SECRET_NAMES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID_NEXT",
  "AWS_SECRET_ACCESS_KEY_NEXT",
] as const;

/** The text of a secret; undefined: it is not set. */
function secretOf(slots: Slots, at: number): string | undefined {
  const key = KEY_OF[slots[at] ?? "-"];
  return at % 2 === 0 ? key?.id : key?.secret;
}

/** The letter of what a put writes. */
export function letterOf(text: string | null): string {
  const letter = KEYS.find((name) => KEY_OF[name]?.id === text || KEY_OF[name]?.secret === text);
  return letter ?? "-";
}

/** Makes an isolate, which knows nothing yet. */
function isolateWith(slots: Slots): object {
  const secrets = SECRET_NAMES.map((name, at) => [name, secretOf(slots, at)]);
  return { ...site.vars, HEALTH_TOKEN, ...Object.fromEntries(secrets) };
}

function setAccepted(accepted: Accepted): void {
  stage.s3.keys.clear();
  for (const name of accepted) {
    const key = KEY_OF[name];
    if (key) stage.s3.keys.set(key.id, key.secret);
  }
}

/** What S3 said within the last minute about another object, as an isolate may remember it, by slot. */
const MEMORIES: readonly Memory[] = [
  {},
  { current: "refused" },
  { next: "refused" },
  { current: "refused", next: "refused" },
  { current: "accepted" },
  { current: "refused", next: "accepted" },
  { current: "accepted", next: "refused" },
];

type Memory = { readonly [Name in SlotName]?: "accepted" | "refused" };

const PATHS = [
  ["/images/card/key.jpg", 200],
  ["/images/card/nothing.jpg", 404],
] as const;

export type Visits = ReturnType<typeof createVisits>;

/** Before each test: each request of a visitor is to reach S3. */
export function arrangeVisits(): void {
  stage.s3.faults.add("no-list-bucket"); // the key may not list (A13)
  stage.edge.switches.cache = false;
}

export function createVisits() {
  const healths = new Map<string, string>();
  const failures = new Map<string, string>();
  const counts = { requests: 0 };

  const visit = async (slots: Slots, before: Accepted, after: Accepted): Promise<string> => {
    for (const memory of MEMORIES) {
      for (const [path, status] of PATHS) {
        const isolate = isolateWith(slots);
        remember(isolate, memory);
        setAccepted(before);
        stage.beforeEdgeRequest = () => setAccepted(after);
        const answer = await get(path, {}, isolate);
        stage.beforeEdgeRequest = () => {};
        await settle();
        counts.requests += 1;
        if (answer.status === status) continue;
        return `${path} is ${answer.status}, remembered: ${JSON.stringify(memory)}`;
      }
    }
    return "";
  };

  return {
    counts,
    /** What /healthz of an isolate with these secrets says; undefined: it is not known yet, call `askHealth`. */
    healthOf: (slots: Slots, accepted: Accepted) => healths.get(`${slots} ${accepted}`),
    askHealth: async (slots: Slots, accepted: Accepted): Promise<string> => {
      setAccepted(accepted);
      const headers = { authorization: `Bearer ${HEALTH_TOKEN}` };
      const answer = await get(`${URL}/healthz`, { headers }, isolateWith(slots));
      const text = await answer.text();
      counts.requests += 1;
      healths.set(`${slots} ${accepted}`, text);
      return text;
    },
    /**
     * Why a visitor's request fails in an isolate with these secrets, whatever it remembers; "" if none fails; undefined:
     * it is not known yet, call `visit`.
     * @param before the keys that S3 accepts when the Worker asks it
     * @param after those that it accepts when the edge asks it for the same picture
     */
    failureOf: (slots: Slots, before: Accepted, after: Accepted) =>
      failures.get(alike(slots, before, after)),
    visit: async (slots: Slots, before: Accepted, after: Accepted): Promise<string> => {
      const failure = await visit(slots, before, after);
      failures.set(alike(slots, before, after), failure);
      return failure;
    },
  };
}

/** The name of visits that differ only in the names of their keys, and in keys that no slot has. */
function alike(slots: Slots, ...accepted: readonly Accepted[]): string {
  const names = [...new Set(slots.replaceAll("-", ""))];
  const rename = (text: string) =>
    [...text].map((name) => (name === "-" ? name : `${names.indexOf(name)}`)).join("");
  const acceptedNames = accepted.map((text) =>
    rename([...text].filter((one) => names.includes(one)).join("")),
  );
  return [rename(slots), ...acceptedNames.map((text) => [...text].toSorted().join(""))].join(" ");
}

function remember(isolate: object, memory: Memory): void {
  const config = currentConfig(isolate);
  if (isRefusal(config)) return;

  for (const bucket of config.buckets) {
    const slots = bucket.usable.filter(({ name }) => memory[name] !== undefined);
    const replies = slots.map((slot) => {
      return memory[slot.name] === "refused" ? { slot, s3Code: "InvalidAccessKeyId" } : { slot };
    });
    if (replies.length === 0) continue;
    const event = { type: "slots-tried", key: "another.jpg", replies, now: Date.now() } as const;
    bucketMemoryOf(bucket).learn(event);
  }
}
