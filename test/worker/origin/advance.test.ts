// How events change the state of a bucket, and what the log is told: a table of cases.

import { describe, expect, test } from "vitest";
import type { BucketNotice } from "../../../src/worker/base/notice.ts";
import type { SlotName } from "../../../src/worker/base/slot-name.ts";
import type { Bucket } from "../../../src/worker/config/bucket.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import { advance, type BucketEvent } from "../../../src/worker/origin/advance.ts";
import {
  areAllRefused,
  type BucketState,
  carryOver,
  freshFinding,
  isJustRefused,
  refusedSlots,
  runningProbe,
  slotsInOrder,
  slotToRetry,
  startState,
} from "../../../src/worker/origin/bucket-state.ts";
import type { Verdict } from "../../../src/worker/origin/verdict.ts";
import { ENV, NEXT } from "../../support/env.ts";

const NOW = 1_000_000;
const DENIED = "9408/403";
const URL_ONE = "https://acme-media.s3.eu-west-1.amazonaws.com/published/a.jpg";

function bucketOf(secrets: object): Bucket {
  const config = readConfig({ ...ENV, ...NEXT, ...secrets });
  return ("buckets" in config ? config.buckets[0] : undefined) ?? expect.unreachable();
}

const BOTH = bucketOf({});
const slot = (name: SlotName, bucket = BOTH) =>
  bucket.slots.find((one) => one.name === name) ?? expect.unreachable();

const DEAD: Verdict = { fault: "slot", origin: "InvalidAccessKeyId" };
const WRONG: Verdict = { fault: "slot", origin: "SignatureDoesNotMatch" };
const FINE: Verdict = { fault: "none" };
const MISSING: Verdict = { fault: "object", origin: "NoSuchKey" };
const SILENT: Verdict = { fault: "unknown" };

const said = (name: SlotName, verdict: Verdict, at = NOW): BucketEvent => ({
  type: "probe-ended",
  slot: slot(name),
  finding: { url: URL_ONE, denial: DENIED, verdict, at },
});
const served = (name: SlotName, began: number): BucketEvent => ({
  type: "slot-served",
  slot: slot(name),
  began,
});
const settled: BucketEvent = { type: "settled" };
const allRefused = (now: number): BucketEvent => ({ type: "all-refused", now });
const denied = (now: number): BucketEvent => ({
  type: "object-asked",
  refused: "object-denied",
  now,
});

/** Applies events one after the other. @returns the last state, and all notices */
function play(events: readonly BucketEvent[], start = startState(BOTH)) {
  const told: BucketNotice[] = [];
  let state: BucketState = start;
  for (const event of events) {
    const next = advance(state, event);
    told.push(...next.effects);
    state = next.state;
  }
  return { state, told };
}

const REFUSED = { event: "slot-refused", bucket: "media", slot: "current", access_key: "…MPLE" };
const IN_USE = { event: "slot-in-use", bucket: "media", reason: undefined };
const NEXT_IN_USE = { ...IN_USE, slot: "next", access_key: "…TKEY" };
const CURRENT_IN_USE = { ...IN_USE, slot: "current", access_key: "…MPLE" };

test.each<[string, BucketEvent[], SlotName[], object[]]>([
  ["nothing happens", [settled], ["current", "next"], []],
  ["S3 gives an object", [said("current", FINE), settled], ["current", "next"], []],
  ["an object is missing", [said("current", MISSING), settled], ["current", "next"], []],
  ["S3 says nothing", [said("current", SILENT), settled], ["current", "next"], []],
  [
    "S3 refuses the current slot",
    [said("current", DEAD), settled],
    ["next", "current"],
    [{ ...REFUSED, origin: "InvalidAccessKeyId" }, NEXT_IN_USE],
  ],
  [
    "it refuses it again",
    [said("current", DEAD), settled, said("current", DEAD, NOW + 1), settled],
    ["next", "current"],
    [{ ...REFUSED, origin: "InvalidAccessKeyId" }, NEXT_IN_USE],
  ],
  [
    "it refuses it with another code",
    [said("current", DEAD), settled, said("current", WRONG), settled],
    ["next", "current"],
    [
      { ...REFUSED, origin: "InvalidAccessKeyId" },
      NEXT_IN_USE,
      { ...REFUSED, origin: "SignatureDoesNotMatch" },
    ],
  ],
  [
    "S3 is silent after a refusal, which stays",
    [said("current", DEAD), settled, said("current", SILENT), settled],
    ["next", "current"],
    [{ ...REFUSED, origin: "InvalidAccessKeyId" }, NEXT_IN_USE],
  ],
  [
    "the refused slot is known again",
    [said("current", DEAD), settled, said("current", MISSING), settled],
    ["current", "next"],
    [{ ...REFUSED, origin: "InvalidAccessKeyId" }, NEXT_IN_USE, CURRENT_IN_USE],
  ],
  [
    "the edge serves with a slot that was refused before",
    [said("current", DEAD, NOW), settled, served("current", NOW + 1), settled],
    ["current", "next"],
    [{ ...REFUSED, origin: "InvalidAccessKeyId" }, NEXT_IN_USE, CURRENT_IN_USE],
  ],
  [
    "it serves with one that was refused since",
    [said("current", DEAD, NOW), settled, served("current", NOW), settled],
    ["next", "current"],
    [{ ...REFUSED, origin: "InvalidAccessKeyId" }, NEXT_IN_USE],
  ],
  [
    "both slots are refused, which the refusal of the request tells",
    [said("current", DEAD), said("next", DEAD), settled],
    ["current", "next"],
    [],
  ],
  [
    "both are refused, and one is back",
    [said("current", DEAD), said("next", DEAD), settled, said("next", FINE), settled],
    ["next", "current"],
    [NEXT_IN_USE],
  ],
  [
    "the configuration was read again, and nothing more is told",
    [{ type: "replaced" }, said("current", DEAD), settled],
    ["next", "current"],
    [],
  ],
])("%s", (_what, events, order, told) => {
  const played = play(events);
  expect(slotsInOrder(played.state).map(({ name }) => name)).toEqual(order);
  expect(played.told).toEqual(told);
});

test("a state is never changed, only replaced", () => {
  const start = Object.freeze(startState(BOTH));
  const before = structuredClone(start);
  play([said("current", DEAD), said("next", WRONG), settled, denied(NOW), allRefused(NOW)], start);
  expect(start).toEqual(before);
});

test("a probe is known while it runs, until its time is over", () => {
  const probe = { ended: Promise.resolve(), began: NOW };
  const { state } = play([{ type: "probe-started", probe }]);
  expect(state.probe).toBe(probe);
  expect(play([said("next", FINE)], state).state.probe).toBeUndefined();
});

test.each([
  [NOW, true],
  [NOW + 4_999, true],
  [NOW + 5_000, false],
  [NOW - 4_999, true],
  [NOW - 5_000, false],
])("a probe that began at NOW is waited for at %d: %s", (now, waits) => {
  const probe = { ended: new Promise(() => {}), began: NOW };
  const { state } = play([{ type: "probe-started", probe }]);
  expect(runningProbe(state, now) === probe).toBe(waits);
});

test.each([
  [NOW, true],
  [NOW + 2_999, true],
  [NOW + 3_000, false],
  [NOW - 2_999, true],
  [NOW - 3_000, false],
])(
  "S3's word of %d holds for three seconds, and not where the clock was set back",
  (now, holds) => {
    const { state } = play([said("current", DEAD, NOW)]);
    expect(freshFinding(state, slot("current"), DENIED, now) !== undefined).toBe(holds);
    expect(freshFinding(state, slot("current"), "9519/502", now)).toBeUndefined();
    expect(isJustRefused(state, slot("current"), now)).toBe(holds);
  },
);

test.each([
  [NOW + 59_999, undefined],
  [NOW + 60_000, "current"],
  [NOW - 60_000, "current"],
])("a refused slot is tried again after a minute: at %d %s", (now, name) => {
  const { state } = play([said("current", DEAD, NOW)]);
  expect(slotToRetry(state, now)?.name).toBe(name);
  expect(slotToRetry(startState(BOTH), now)).toBeUndefined();
});

test("what S3 says of a slot that is tried again explains no denial", () => {
  const tried = { url: URL_ONE, verdict: MISSING, at: NOW };
  const again: BucketEvent = { type: "probe-ended", slot: slot("current"), finding: tried };
  const { state } = play([said("current", DEAD, NOW - 60_000), again]);
  expect(slotsInOrder(state).map(({ name }) => name)).toEqual(["current", "next"]);
  expect(freshFinding(state, slot("current"), DENIED, NOW)).toBeUndefined();
});

describe("where S3 refuses all slots", () => {
  const dead = [said("current", DEAD), said("next", WRONG), settled];

  test("the log is told once a minute, and again once a slot served in between", () => {
    const { state } = play([...dead, allRefused(NOW)]);
    expect(areAllRefused(state)).toBe(true);
    expect(state.told.allRefusedAt).toBe(NOW);
    expect(play([allRefused(NOW + 59_999)], state).state.told.allRefusedAt).toBe(NOW);
    expect(play([allRefused(NOW + 60_000)], state).state.told.allRefusedAt).toBe(NOW + 60_000);
    const back = play([said("next", FINE), settled], state).state;
    expect(back.told.allRefusedAt).toBeUndefined();
  });

  test("the codes of all are known", () => {
    expect(refusedSlots(play(dead).state)).toEqual([
      { slot: "current", origin: "InvalidAccessKeyId", access_key: "…MPLE" },
      { slot: "next", origin: "SignatureDoesNotMatch", access_key: "…TKEY" },
    ]);
  });
});

describe("a bucket that denies every object", () => {
  const often = (times: number, from = NOW) => Array.from({ length: times }, () => denied(from));
  const ALARM = { event: "bucket-denied", bucket: "media", reason: expect.any(String) };

  test.each<[string, BucketEvent[], object[]]>([
    ["for less than a minute", [...often(50), denied(NOW + 59_999)], []],
    ["for a minute", [...often(9), denied(NOW + 60_000)], [{ ...ALARM, times: 10 }]],
    ["too seldom", [...often(8), denied(NOW + 60_000)], []],
    [
      "for an hour: once",
      [...often(9), denied(NOW + 60_000), ...often(100, NOW + 3_600_000)],
      [{ ...ALARM, times: 10 }],
    ],
  ])("%s", (_what, events, told) => expect(play(events).told).toEqual(told));

  test.each<[BucketEvent & { type: "object-asked" }, boolean]>([
    [{ type: "object-asked", refused: undefined, now: NOW }, true],
    [{ type: "object-asked", refused: "object-missing", now: NOW }, true],
    [{ type: "object-asked", refused: "source-unreadable", now: NOW }, true],
    [{ type: "object-asked", refused: "edge-failed", now: NOW }, false],
    [{ type: "object-asked", refused: "slots-refused", now: NOW }, false],
  ])("%j ends it: %s", (event, ends) => {
    const { told } = play([...often(9), event, denied(NOW + 60_000)]);
    expect(told.length === 0).toBe(ends);
  });
});

describe("a configuration that is read again", () => {
  const before = play([said("current", DEAD), said("next", MISSING), settled, denied(NOW)]).state;

  test("keeps what is known of keys that stay", () => {
    const after = carryOver(before, bucketOf({}));
    expect(after.slots).toEqual(before.slots);
    expect(after.told).toEqual(before.told);
    expect(after.denials).toEqual(before.denials);
    expect(play([settled], after).told).toEqual([]);
  });

  test("knows nothing of a new key, and tells that it serves", () => {
    const secrets = { AWS_ACCESS_KEY_ID: "AKIATHIRDEXAMPLE0003" };
    const after = carryOver(before, bucketOf(secrets));
    expect(after.slots).toEqual({ current: {}, next: before.slots.next });
    expect(after.told.refused).toEqual([]);
    expect(play([settled], after).told).toEqual([{ ...CURRENT_IN_USE, access_key: "…0003" }]);
  });

  test("knows nothing of a key that is in another slot now", () => {
    const secrets = {
      AWS_ACCESS_KEY_ID: NEXT.AWS_ACCESS_KEY_ID_NEXT,
      AWS_SECRET_ACCESS_KEY: NEXT.AWS_SECRET_ACCESS_KEY_NEXT,
      AWS_ACCESS_KEY_ID_NEXT: "",
      AWS_SECRET_ACCESS_KEY_NEXT: "",
    };
    expect(carryOver(before, bucketOf(secrets)).slots).toEqual({ current: {}, next: {} });
  });
});
