// Keeps requests below the rates that a service allows.

/** At most `most` requests may begin within `ms` milliseconds. */
type Bound = { readonly most: number; readonly ms: number };

export type Pace = ReturnType<typeof createPace>;

/** Keeps to all bounds, within every stretch of time. */
export function createPace(bounds: readonly Bound[], now: () => number, signal: AbortSignal) {
  const longest = Math.max(...bounds.map(({ most }) => most));
  const begun: number[] = [];
  let held = 0;
  const wait = () => {
    const free = bounds.map(({ most, ms }) => (begun.at(-most) ?? -ms) + ms);
    return Math.max(held, ...free) - now();
  };
  return {
    /** Waits until one more request may begin, or the signal is aborted. */
    async turn(): Promise<void> {
      // All that wait wake up together; the first one to look again may begin.
      for (let ms = wait(); ms > 0 && !signal.aborted; ms = wait()) await sleep(ms, signal);
      begun.push(now());
      if (begun.length > longest) begun.shift();
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
