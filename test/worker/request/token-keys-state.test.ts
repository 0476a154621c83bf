// When the issuer of tokens is asked for its keys: by what happened, and how long ago.

import { expect, test } from "vitest";
import {
  advanceTokenKeys,
  hasUsableKeys,
  isRefusalReported,
  isRenewalDue,
  mayFetchForUnknownKey,
  mustRenewFirst,
  recentFailure,
  runningFetch,
  type TokenKeysEvent,
  type TokenKeysState,
} from "../../../src/worker/request/token-keys-state.ts";

const KEYS = "https://login.example.com/.well-known/jwks.json";
const NOW = Date.parse("2026-12-02T12:00:00Z");
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** An event without its times, and how long ago it happened. */
const ago = {
  started: (ms: number): TokenKeysEvent => ({
    type: "fetch-started",
    fetch: { ended: Promise.resolve(), began: NOW - ms },
  }),
  fetched: (ms: number): TokenKeysEvent => ({ type: "fetched", began: NOW - ms }),
  failed: (ms: number): TokenKeysEvent => ({
    type: "fetch-failed",
    reason: "the issuer answers 500",
    now: NOW - ms,
  }),
  refused: (ms: number): TokenKeysEvent => ({ type: "refusal-reported", now: NOW - ms }),
};

function stateAfter(events: readonly TokenKeysEvent[]): TokenKeysState {
  let state: TokenKeysState = { keysUrl: KEYS };
  for (const event of events) state = advanceTokenKeys(state, event).state;
  return state;
}

const succeeded = (ms: number) => [ago.started(ms), ago.fetched(ms)];
const failed = (ms: number) => [ago.started(ms), ago.failed(ms)];

/** What may happen now: an unknown key asks the issuer, fresh keys are due, the held ones serve, and so on. */
type Expected = {
  readonly serves: boolean;
  readonly isDue: boolean;
  /** Whether a visitor waits for fresh keys. As a rule, where they are due. */
  readonly isAwaited: boolean;
  readonly unknownKeyAsks: boolean;
  readonly isRunning: boolean;
  readonly hasFailed: boolean;
};
const NOTHING: Expected = {
  serves: false,
  isDue: false,
  isAwaited: false,
  unknownKeyAsks: false,
  isRunning: false,
  hasFailed: false,
};

test.each<{ title: string; events: TokenKeysEvent[]; expected: Partial<Expected> }>([
  { title: "nothing was fetched yet", events: [], expected: { isDue: true, unknownKeyAsks: true } },
  { title: "keys of a second ago", events: succeeded(SECOND), expected: { serves: true } },
  { title: "keys of 29 s ago", events: succeeded(29 * SECOND), expected: { serves: true } },
  {
    title: "keys of 30 s ago",
    events: succeeded(30 * SECOND),
    expected: { serves: true, unknownKeyAsks: true },
  },
  {
    title: "keys of 9 minutes ago",
    events: succeeded(9 * MINUTE),
    expected: { serves: true, unknownKeyAsks: true },
  },
  {
    title: "keys of 10 minutes ago",
    events: succeeded(10 * MINUTE),
    expected: { serves: true, isDue: true, isAwaited: false, unknownKeyAsks: true },
  },
  {
    title: "keys of a moment less than 20 minutes ago",
    events: succeeded(20 * MINUTE - 1),
    expected: { serves: true, isDue: true, isAwaited: false, unknownKeyAsks: true },
  },
  {
    title: "keys of 20 minutes ago",
    events: succeeded(20 * MINUTE),
    expected: { serves: true, isDue: true, unknownKeyAsks: true },
  },
  {
    title: "keys of just 24 hours ago",
    events: succeeded(24 * HOUR),
    expected: { isDue: true, unknownKeyAsks: true },
  },
  {
    title: "keys of a moment less than 24 hours ago",
    events: succeeded(24 * HOUR - 1),
    expected: { serves: true, isDue: true, unknownKeyAsks: true },
  },
  {
    title: "a failure a second ago",
    events: failed(SECOND),
    expected: { isDue: false, hasFailed: true },
  },
  { title: "a failure 29 s ago", events: failed(29 * SECOND), expected: { hasFailed: true } },
  {
    title: "a failure 30 s ago",
    events: failed(30 * SECOND),
    expected: { isDue: true, unknownKeyAsks: true },
  },
  {
    title: "old keys, and a failure 29 s ago",
    events: [...succeeded(HOUR), ...failed(29 * SECOND)],
    expected: { serves: true, hasFailed: true },
  },
  {
    title: "old keys, and a failure 30 s ago",
    events: [...succeeded(HOUR), ...failed(30 * SECOND)],
    expected: { serves: true, isDue: true, unknownKeyAsks: true },
  },
  {
    title: "a failure, and then keys",
    events: [...failed(9 * SECOND), ...succeeded(SECOND)],
    expected: { serves: true },
  },
  {
    title: "a fetch that runs",
    events: [ago.started(SECOND)],
    expected: { isDue: true, isRunning: true },
  },
  {
    title: "a fetch that was cancelled: whoever needs keys begins another, an unknown key does not",
    events: [...succeeded(HOUR), ago.started(3 * SECOND)],
    expected: { serves: true, isDue: true },
  },
  {
    title: "a clock that was set back by an hour, after keys",
    events: succeeded(-HOUR),
    expected: { serves: true, isDue: true, unknownKeyAsks: true },
  },
  {
    title: "a clock that was set back by an hour, after a failure",
    events: failed(-HOUR),
    expected: { isDue: true, unknownKeyAsks: true },
  },
  {
    title: "a clock that was set back by an hour, while a fetch runs",
    events: [ago.started(-HOUR)],
    expected: { isDue: true, unknownKeyAsks: true },
  },
  {
    title: "a clock that was set back by two days, after keys",
    events: succeeded(-48 * HOUR),
    expected: { isDue: true, unknownKeyAsks: true },
  },
])("$title", ({ events, expected }) => {
  const state = stateAfter(events);
  const actual: Expected = {
    serves: hasUsableKeys(state, NOW),
    isDue: isRenewalDue(state, NOW),
    isAwaited: mustRenewFirst(state, NOW),
    unknownKeyAsks: mayFetchForUnknownKey(state, NOW),
    isRunning: runningFetch(state, NOW) !== undefined,
    hasFailed: recentFailure(state, NOW) !== undefined,
  };

  const { isDue: isAwaited = false } = expected;
  expect(actual).toEqual({ ...NOTHING, isAwaited, ...expected });
});

test("a fetch that was cancelled does not run any more; if another one runs by then, that goes on", () => {
  const first = { ended: Promise.resolve(), began: NOW };
  const second = { ended: Promise.resolve(), began: NOW };
  const running = stateAfter([{ type: "fetch-started", fetch: first }]);

  const cancelled = advanceTokenKeys(running, { type: "fetch-cancelled", fetch: first }).state;
  expect(runningFetch(cancelled, NOW)).toBeUndefined();
  expect(mayFetchForUnknownKey(cancelled, NOW)).toBe(false);

  const next = advanceTokenKeys(cancelled, { type: "fetch-started", fetch: second }).state;
  const after = advanceTokenKeys(next, { type: "fetch-cancelled", fetch: first }).state;
  expect(runningFetch(after, NOW)).toBe(second);
});

test.each([
  [59 * SECOND, true],
  [60 * SECOND, false],
  [-59 * SECOND, true],
  [-HOUR, false],
])("a refusal that was logged %d ms ago is logged again: not %s", (ms, isReported) => {
  expect(isRefusalReported(stateAfter([ago.refused(ms)]), NOW)).toBe(isReported);
});

test("failed fetches are logged once a minute while old keys serve, and not where there are none", () => {
  let state = stateAfter(succeeded(2 * HOUR));
  const lines: unknown[] = [];

  for (let seconds = 0; seconds < 150; seconds += 30) {
    const now = NOW + seconds * SECOND;
    const event = { type: "fetch-failed", reason: "the issuer answers 500", now } as const;
    const { effects, state: next } = advanceTokenKeys(state, event);
    state = next;
    lines.push(...effects.map(({ times }) => [seconds, times]));
  }

  expect(lines).toEqual([
    [0, 1],
    [60, 2],
    [120, 2],
  ]);

  const none = stateAfter(succeeded(25 * HOUR));
  expect(advanceTokenKeys(none, ago.failed(0)).effects).toEqual([]);
});
