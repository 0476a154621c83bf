// A simulated clock, and the runtime's globals on it: Date.now, timers and scheduler.wait. Nothing waits for real time, so
// 34 hours take some seconds. WebCrypto answers without threads: so the event loop has to turn only once or twice until all
// that a step leads to is done.

import { installQuickCrypto } from "../../hostile/quick-crypto.ts";
import { createTimers, type Run, type Timer } from "./timers.ts";

export type Clock = {
  /** ms since 1970. */
  now(): number;
  /** Runs something later. @returns what `cancel` takes */
  schedule(delayMs: number, run: Run): Timer;
  /** Returns false if it has fired. */
  cancel(timer: Timer): boolean;
  sleep(ms: number): Promise<void>;
  /** Runs all that is scheduled, and all that follows from it. */
  runAll(): Promise<void>;
};

const { setImmediate } = globalThis;

/** How often the event loop turns after a step. */
const TURNS = 2;

async function drain(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function createClock(start: number): Clock {
  const timers = createTimers();
  const pending = new Set<Timer>();
  let time = start;

  function schedule(delayMs: number, run: Run): Timer {
    const timer = timers.add(time + Math.max(0, delayMs), run);
    pending.add(timer);
    return timer;
  }

  const cancel = (timer: Timer) => pending.delete(timer);

  async function runAll(): Promise<void> {
    await drain();
    let timer = timers.next();
    while (timer) {
      if (pending.delete(timer)) {
        time = timer.at;
        const goesOn = timer.run();
        if (goesOn) await drain();
      }
      timer = timers.next();
    }
  }

  const now = () => Math.floor(time);
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => void schedule(ms, async () => resolve()));
  return { now, schedule, cancel, sleep, runAll };
}

/** Runs a simulation. Afterwards, all globals are as they were. */
export async function withClock<Value>(
  start: number,
  simulate: (clock: Clock) => Promise<Value>,
): Promise<Value> {
  const clock = createClock(start);
  const ids = new Map<number, Timer>();

  function setTimeout(run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): number {
    const timer = clock.schedule(ms, async () => run(...args));
    ids.set(timer.order, timer);
    return timer.order;
  }
  function clearTimeout(id: number): void {
    const timer = ids.get(id);
    if (timer) clock.cancel(timer);
    ids.delete(id);
  }

  const restore = saveGlobals();
  installQuickCrypto();
  const scheduler = { wait: clock.sleep };
  Object.assign(globalThis, { setTimeout, clearTimeout, scheduler });
  Date.now = clock.now;
  for (const level of ["info", "warn", "error"] as const) console[level] = () => {};
  try {
    return await simulate(clock);
  } finally {
    restore();
  }
}

function saveGlobals(): () => void {
  const { setTimeout, clearTimeout } = globalThis;
  const scheduler: unknown = Reflect.get(globalThis, "scheduler");
  const { now } = Date;
  const { info, warn, error } = console;
  const subtle = Object.getOwnPropertyDescriptor(crypto, "subtle");

  return () => {
    Object.assign(globalThis, { setTimeout, clearTimeout, scheduler });
    Date.now = now;
    Object.assign(console, { info, warn, error });
    Reflect.deleteProperty(crypto, "subtle");
    if (subtle) Object.defineProperty(crypto, "subtle", subtle);
  };
}
