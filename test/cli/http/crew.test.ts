import { beforeEach, expect, test, vi } from "vitest";
import { shareOut } from "../../../src/cli/http/crew.ts";
import { createPace, sleep } from "../../../src/cli/http/retrying.ts";
import { runFast } from "../../support/clock.ts";

beforeEach(runFast);

const never = new AbortController().signal;

test("each item is done once, a few at a time, and taken only when it is needed", async () => {
  let taken = 0;
  let running = 0;
  let most = 0;
  const done: number[] = [];
  async function* supply() {
    while (taken < 100) yield taken++;
  }
  await shareOut(supply(), 6, never, async (item) => {
    running += 1;
    most = Math.max(most, running);
    expect(taken - done.length).toBeLessThanOrEqual(6);
    await sleep((item % 7) * 100, never);
    running -= 1;
    done.push(item);
  });
  expect(most).toBe(6);
  expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, at) => at));
});

test("after a stop no more items are taken, and those under way end", async () => {
  const stop = new AbortController();
  const done: number[] = [];
  let closed = false;
  function* supply() {
    try {
      for (let at = 0; ; at += 1) yield at;
    } finally {
      closed = true;
    }
  }
  await shareOut(supply(), 3, stop.signal, async (item) => {
    await sleep(100, never);
    done.push(item);
    if (item === 10) stop.abort();
  });
  expect(done.length).toBeLessThanOrEqual(13);
  expect(closed).toBe(true);
});

test("a bug is thrown", async () => {
  const work = async () => Promise.reject(new Error("a bug"));
  await expect(shareOut([1, 2], 2, never, work)).rejects.toThrow("a bug");
});

test("a pace holds for as long as it is told to", async () => {
  const pace = createPace(Date.now, never);
  const began = Date.now();
  const times: number[] = [];
  await shareOut(Array.from({ length: 6 }), 2, never, async () => {
    await pace.turn();
    times.push(Date.now() - began);
    if (times.length === 4) pace.hold(20_000);
  });
  expect(times.map((time) => time >= 20_000)).toEqual([false, false, false, false, true, true]);
});

test("a stop ends all waiting", async () => {
  const stop = new AbortController();
  const pace = createPace(Date.now, stop.signal);
  pace.hold(1e9);
  const began = Date.now();
  const letGo = vi.fn();
  const waiting = pace.turn().then(letGo);
  await sleep(60_000, never);
  expect(letGo).not.toHaveBeenCalled();
  stop.abort();
  await waiting;
  expect(Date.now() - began).toBeLessThan(1e9);
  expect(vi.getTimerCount()).toBe(0);
});
