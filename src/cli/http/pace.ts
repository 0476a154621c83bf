// Keeps requests back for as long as a service asks.

export type Pace = ReturnType<typeof createPace>;

export function createPace(now: () => number, signal: AbortSignal) {
  let held = 0;
  return {
    /** Waits until one more request may begin, or the signal is aborted. */
    async turn(): Promise<void> {
      // It may be held again while it waits.
      for (let ms = held - now(); ms > 0 && !signal.aborted; ms = held - now()) {
        await sleep(ms, signal);
      }
    },
    /** Lets no request begin for so many milliseconds. */
    hold(ms: number): void {
      held = Math.max(held, now() + ms);
    },
  };
}

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((settle) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      settle();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
