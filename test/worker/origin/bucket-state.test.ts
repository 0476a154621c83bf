// How events change the state of a bucket, and what the log is told: tables of cases.

import { expect, test } from "vitest";
import type { BucketNotice } from "../../../src/worker/base/notice.ts";
import type { SlotName } from "../../../src/worker/base/refusal.ts";
import {
  advance,
  type BucketEvent,
  type BucketState,
  isAllRefusedReported,
  refusedSlots,
  slotsInOrder,
  startState,
} from "../../../src/worker/origin/bucket-state.ts";
import { bucketOf } from "../../support/config-of.ts";
import { NEXT } from "../../support/env.ts";

const NOW = 1_000_000;

const BOTH = bucketOf(NEXT);
const slot = (name: SlotName) =>
  BOTH.slots.find((one) => one.name === name) ?? expect.unreachable();

const DEAD = "InvalidAccessKeyId";
const WRONG = "SignatureDoesNotMatch";

/** What S3 says of slots, in this order: its code if it refuses one. */
const asked = (
  replies: Readonly<Partial<Record<SlotName, string | undefined>>>,
  now = NOW,
): BucketEvent => ({
  type: "slots-asked",
  replies: (["current", "next"] as const).flatMap((name) =>
    name in replies ? [{ slot: slot(name), origin: replies[name] }] : [],
  ),
  now,
});
const allRefused = (now: number): BucketEvent => ({ type: "all-refused", now });

/** Applies events one after the other. @returns the last state, and all notices */
function play(events: readonly BucketEvent[], start = startState(BOTH)) {
  const logged: BucketNotice[] = [];
  let state: BucketState = start;
  for (const event of events) {
    const next = advance(state, event);
    logged.push(...next.effects);
    state = next.state;
  }
  return { state, logged };
}

const orderAt = (state: BucketState, now: number) =>
  slotsInOrder(state, now).map(({ name }) => name);

const REFUSED = { event: "slot-refused", bucket: "media", slot: "current", access_key: "…MPLE" };
const IN_USE = { event: "slot-in-use", bucket: "media", reason: undefined };
const NEXT_IN_USE = { ...IN_USE, slot: "next", access_key: "…TKEY" };
const CURRENT_IN_USE = { ...IN_USE, slot: "current", access_key: "…MPLE" };
const CHANGE = [{ ...REFUSED, origin: DEAD }, NEXT_IN_USE];

const refusal = asked({ current: DEAD, next: undefined });
const bothRefused = asked({ current: DEAD, next: WRONG });

test.each<[string, BucketEvent[], SlotName[], object[]]>([
  ["nothing is known of any", [asked({})], ["current", "next"], []],
  ["S3 knows the current one", [asked({ current: undefined })], ["current", "next"], []],
  ["S3 refuses the current one", [refusal], ["next", "current"], CHANGE],
  ["it refuses it again", [refusal, refusal], ["next", "current"], CHANGE],
  [
    "it refuses it with another code",
    [refusal, asked({ current: WRONG, next: undefined })],
    ["next", "current"],
    [...CHANGE, { ...REFUSED, origin: WRONG }],
  ],
  ["S3 is silent after a refusal, which stays", [refusal, asked({})], ["next", "current"], CHANGE],
  [
    "the refused one is known again",
    [refusal, asked({ current: undefined })],
    ["current", "next"],
    [...CHANGE, CURRENT_IN_USE],
  ],
  ["both are refused: the request's own refusal says so", [bothRefused], ["current", "next"], []],
  [
    "both are refused, and one is back",
    [bothRefused, asked({ next: undefined })],
    ["next", "current"],
    [NEXT_IN_USE],
  ],
])("of two slots, %s", (_what, events, order, logged) => {
  const played = play(events);
  expect(orderAt(played.state, NOW)).toEqual(order);
  expect(played.logged).toEqual(logged);
});

test.each<[number, SlotName[]]>([
  [59_999, ["next", "current"]],
  [60_000, ["current", "next"]],
  [-59_999, ["next", "current"]],
  [-60_000, ["current", "next"]], // the clock was set back
])("%d ms after a refusal the slots are tried in this order: %s", (ms, order) => {
  const { state } = play([refusal]);
  expect(orderAt(state, NOW + ms)).toEqual(order);
});

test("a state is never changed, only replaced", () => {
  const start = Object.freeze(startState(BOTH));
  const before = structuredClone(start);
  play([bothRefused, allRefused(NOW)], start);
  expect(start).toEqual(before);
});

test("where S3 refuses all slots, that is reported once a minute, and again after one was known", () => {
  const { state } = play([bothRefused, allRefused(NOW), allRefused(NOW + 59_999)]);
  expect(isAllRefusedReported(state, NOW + 59_999)).toBe(true);
  expect(isAllRefusedReported(state, NOW + 60_000)).toBe(false);
  const back = play([asked({ next: undefined })], state).state;
  expect(isAllRefusedReported(back, NOW + 1)).toBe(false);
  expect(refusedSlots(state)).toEqual([
    { slot: "current", origin: DEAD, access_key: "…MPLE" },
    { slot: "next", origin: WRONG, access_key: "…TKEY" },
  ]);
});
