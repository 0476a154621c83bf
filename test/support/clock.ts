// Clocks that tests move by hand, so that no test waits for real time or depends on how busy the machine is.

import { onTestFinished, vi } from "vitest";

/** Stops the clock and all timers until the test ends. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Waits until something waits for a timer, and fires that timer, with the clock stopped. */
export async function fireTimer(): Promise<void> {
  await vi.waitUntil(() => vi.getTimerCount() > 0, { interval: 1, timeout: 30_000 });
  await vi.advanceTimersToNextTimerAsync();
}

/**
 * Watches what the Worker has other threads do: signatures and hashes.
 * @returns waits until nothing but timers, and promises of the test, are left to wait for
 */
export function watchWork(): () => Promise<void> {
  let running = 0;
  const subtle = new Proxy(crypto.subtle, {
    get:
      (webCrypto, name) =>
      async (...args: unknown[]): Promise<unknown> => {
        running++;
        try {
          return await Reflect.apply(Reflect.get(webCrypto, name), webCrypto, args);
        } finally {
          running--;
        }
      },
  });

  vi.spyOn(crypto, "subtle", "get").mockReturnValue(subtle);
  return async () => {
    for (let calm = 0; calm < 16; calm++) {
      await new Promise((settle) => setImmediate(settle));
      if (running > 0) calm = 0;
    }
  };
}

/**
 * Stops the clock and all timers until the test ends.
 * @returns fires one timer after the other until some work is done: what that gives, and how long it took, in ms
 */
export function stopTimers() {
  stopClock();
  const settleWork = watchWork();

  return async <Value>(work: Promise<Value>) => {
    const began = Date.now();
    const settled = vi.fn();
    work.then(settled, settled);
    await settleWork();

    while (settled.mock.calls.length === 0) {
      await vi.advanceTimersToNextTimerAsync();
      await settleWork();
    }

    return { value: await work, took: Date.now() - began };
  };
}

/**
 * Lets time run fast until the test ends: a second takes some milliseconds.
 * @param speed that much faster than real time; too fast, and work that takes long seems to take minutes
 */
export function runFast(speed = 500): void {
  const tick = setInterval(() => vi.advanceTimersByTime(speed), 1);
  onTestFinished(() => clearInterval(tick));
  stopClock();
}

/**
 * How much longer work takes for four times the size: about 4 if it is linear, 16 if it is quadratic. The least of
 * five tries, each of both sizes in turn, so neither a slow machine nor a busy one matters.
 */
export function growthOf(work: (size: number) => void, size: number): number {
  const timeOf = (one: number): number => {
    const began = performance.now();
    let runs = 0;
    let took = 0;

    while (took < 5) {
      work(one);
      runs += 1;
      took = performance.now() - began;
    }

    return took / runs;
  };

  return Math.min(...Array.from({ length: 5 }, () => timeOf(4 * size) / timeOf(size)));
}

/** The clock of a store: what it has was written a minute ago, so its writers have confirmed it. */
export const aMinuteAgo = (): number => Date.now() - 60_000;
