// A time limit: work that ends in time, work that does not, and no timer that stays behind.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TIMED_OUT, withTimeout } from "../../../src/worker/base/time.ts";

const unhandled = vi.fn();
const turn = () => new Promise((settle) => setImmediate(settle));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  process.on("unhandledRejection", unhandled);
});
afterEach(async () => {
  await turn();
  process.off("unhandledRejection", unhandled);
  expect(unhandled).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test.each([0, 1, 99])("what comes after %d of 100 ms is given", async (ms) => {
  const work = Promise.withResolvers<string>();
  const given = withTimeout(100, work.promise);
  await vi.advanceTimersByTimeAsync(ms);
  work.resolve("a value");
  expect(await given).toBe("a value");
});

test("what fails in time fails", async () => {
  await expect(withTimeout(100, Promise.reject(new Error("no")))).rejects.toThrow("no");
});

test.each<[string, (work: PromiseWithResolvers<string>) => void]>([
  ["comes", ({ resolve }) => resolve("a value")],
  ["fails", ({ reject }) => reject(new Error("no"))],
  ["never ends", () => {}],
])("what %s after that is late, and disturbs nobody", async (_what, end) => {
  const work = Promise.withResolvers<string>();
  const given = withTimeout(100, work.promise);
  await vi.advanceTimersByTimeAsync(100);
  end(work);
  expect(await given).toBe(TIMED_OUT);
});
