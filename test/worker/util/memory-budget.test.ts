// The budget of memory that all requests of an isolate share: it is never exceeded, nothing of it is ever lost, and nobody
// waits for ever.

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  advanceBudget,
  BUDGET_BYTES,
  type BudgetEvent,
  type BudgetState,
  EMPTY_BUDGET,
  heldBytes,
} from "../../../src/worker/util/memory-budget.ts";

const MB = 1_000_000;
const TIMEOUT_MS = 10_000;

/** Plays events, and returns the state, and who holds what was asked for. */
function play(events: readonly BudgetEvent[], start = EMPTY_BUDGET, now = 0) {
  let state = start;
  const holders: number[] = [];

  for (const event of events) {
    const advanced = advanceBudget(state, event, now);
    state = advanced.state;
    if (advanced.isHeld) holders.push(event.id);
  }

  return { state, holders };
}

const looked = (id: number, mb: number, lapsesAt = TIMEOUT_MS): BudgetEvent => {
  return { type: "looked", id, bytes: mb * MB, lapsesAt };
};
const demand = (id: number, mb: number, lapsesAt = TIMEOUT_MS): BudgetEvent => {
  return { type: "asked", id, bytes: mb * MB, lapsesAt };
};
const released = (id: number): BudgetEvent => ({ type: "released", id });
const gaveUp = (id: number): BudgetEvent => ({ type: "gave-up", id });

test.for([
  ["what fits is held", [looked(1, 19), looked(2, 19)], [1, 2]],
  ["what does not fit waits", [looked(1, 19), looked(2, 19), looked(3, 19)], [1, 2]],
  [
    "room that is free again is given",
    [looked(1, 39), looked(2, 9), released(1), looked(2, 9)],
    [1, 2],
  ],
  ["a small one does not pass a large one", [looked(1, 9), looked(2, 38), looked(3, 1)], [1]],
  [
    "one that gives up holds nobody up",
    [looked(1, 9), looked(2, 38), gaveUp(2), looked(3, 1)],
    [1, 3],
  ],
  ["more than the budget is alone", [looked(1, 200), looked(2, 1)], [1]],
  [
    "more than the budget waits",
    [looked(1, 1), looked(2, 200), released(1), looked(2, 200)],
    [1, 2],
  ],
  [
    "who cannot wait leaves the oldest its room",
    [looked(1, 39), looked(2, 38), demand(3, 1), demand(4, 2)],
    [1, 3],
  ],
  [
    "who holds something may grow before others",
    [looked(1, 30), looked(2, 20), demand(1, 39)],
    [1, 1],
  ],
  [
    "who holds something cannot exceed the budget",
    [looked(1, 30), looked(2, 9), demand(1, 35)],
    [1, 2],
  ],
] satisfies [string, BudgetEvent[], number[]][])("%s", ([, events, expected]) => {
  expect(play(events).holders).toEqual(expected);
});

test("a request that the runtime has dropped loses its turn, and later what it holds", () => {
  const { state } = play([looked(1, 39), looked(2, 39), looked(3, 1)]);

  const soon = play([looked(3, 1)], state, 900);
  expect(soon.holders).toEqual([]);

  const afterWaiter = play([looked(3, 1)], soon.state, 1_800);
  expect(afterWaiter.holders).toEqual([3]);
  expect(play([looked(4, 39)], afterWaiter.state, TIMEOUT_MS + 1).holders).toEqual([4]);
});

const id = fc.integer({ min: 0, max: 9 });
const bytes = fc.integer({ min: 0, max: 60 * MB });
const lapsesAt = fc.constant(0); // set when it is played
const eventArbitrary: fc.Arbitrary<BudgetEvent> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant("looked" as const), id, bytes, lapsesAt }),
  },
  fc.record({ type: fc.constant("asked" as const), id, bytes, lapsesAt }),
  fc.record({ type: fc.constant("released" as const), id }),
  fc.record({ type: fc.constant("gave-up" as const), id }),
);
const waitedMs = fc.constantFrom(0, 0, 50, 50, 900, 5_000);

test("whatever comes in whatever order, the budget is not exceeded, and is whole again when all is quiet", () => {
  const sequence = fc.array(fc.tuple(waitedMs, eventArbitrary), { maxLength: 80 });
  fc.assert(
    fc.property(sequence, (events) => {
      let now = 0;
      let state: BudgetState = EMPTY_BUDGET;

      for (const [ms, event] of events) {
        now += ms;
        const hasDemand = event.type === "looked" || event.type === "asked";
        const dated = hasDemand ? { ...event, lapsesAt: now + TIMEOUT_MS } : event;
        ({ state } = advanceBudget(state, dated, now));
        expect(heldBytes(state)).toBeLessThanOrEqual(BUDGET_BYTES);
      }

      // Half of the requests end well. The runtime has dropped the others.
      for (const ended of [0, 2, 4, 6, 8]) {
        state = advanceBudget(state, released(ended), now).state;
      }

      const later = now + TIMEOUT_MS + 1;
      const { holders } = play([looked(99, 40, later + 1)], state, later);
      expect(holders).toEqual([99]);
    }),
    { seed: 20_261_201, numRuns: 500 },
  );
});

test("the oldest that waits is served, however many small ones come and go", () => {
  let { state } = play([looked(1, 20), demand(2, 10), looked(3, 30)]);
  state = play([released(1)], state).state;

  for (let other = 10; other < 200; other++) {
    const events = [demand(other, 8), looked(other + 1_000, 1), released(other - 1)];
    state = play(events, state).state;
  }

  state = play([released(2), looked(3, 30)], state).state;
  expect(state.held.get(3)?.bytes).toBe(30 * MB);
});
