// The clock of a Vitrine under test. It stands still until the test moves it, or until the Worker pauses: then it jumps to
// the end of the pause. So nothing waits for real time.

/** A stretch of time. Its parts are added. */
export type Duration = {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly ms?: number;
};

const UNIT_MS = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
  ms: 1,
} satisfies Record<keyof Duration, number>;

/** @throws {TypeError} if a part is unknown, or is no number from 0 */
export function msOf(duration: Duration): number {
  let total = 0;
  for (const [unit, amount] of Object.entries(duration)) {
    if (!isUnit(unit)) {
      const units = Object.keys(UNIT_MS).join(", ");
      throw new TypeError(`clock.advance: unknown: ${unit}. Known: ${units}`);
    }

    const isAmount = typeof amount === "number" && amount >= 0 && Number.isFinite(amount);
    if (!isAmount) {
      throw new TypeError(`clock.advance: ${unit} is ${amount}: write a number, 0 or more`);
    }
    total += amount * UNIT_MS[unit];
  }
  return total;
}

function isUnit(name: string): name is keyof Duration {
  return Object.hasOwn(UNIT_MS, name);
}

type Timer = { readonly dueAt: number; readonly run: () => void };

export type VirtualClock = ReturnType<typeof createVirtualClock>;

/** @param start ms since 1970 */
export function createVirtualClock(start: number) {
  let now = start;
  let lastId = 0;
  const timers = new Map<number, Timer>();

  const nextTimer = (): [id: number, timer: Timer] | undefined => {
    let next: [id: number, timer: Timer] | undefined;
    for (const entry of timers) {
      if (next === undefined || entry[1].dueAt < next[1].dueAt) next = entry;
    }
    return next;
  };

  /** Moves the time, and runs the timers that are due by then, in their order. It never goes back. */
  const moveTo = (time: number): void => {
    for (let next = nextTimer(); next !== undefined; next = nextTimer()) {
      const [id, timer] = next;
      if (timer.dueAt > time) break;

      now = Math.max(now, timer.dueAt);
      timers.delete(id);
      timer.run();
    }
    now = Math.max(now, time);
  };

  return {
    now: () => now,
    moveTo,
    setTimer(run: () => void, ms: number): number {
      lastId += 1;
      timers.set(lastId, { dueAt: now + Math.max(0, ms), run });
      return lastId;
    },
    clearTimer(id: number): void {
      timers.delete(id);
    },

    /** Waits without waiting: what others have begun goes on, and then the time is that of the end of the pause. */
    async pause(ms: number): Promise<void> {
      const until = now + ms;
      await nextTurn();
      moveTo(until);
    },

    /** Lets the time go on until the first timer ends. */
    moveToNextTimer(): void {
      const next = nextTimer();
      if (next !== undefined) moveTo(next[1].dueAt);
    },
  };
}

/** Lets all work go on that is ready. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
