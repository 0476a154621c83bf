// How fast a service may be asked.

/** So many may begin within so many milliseconds. */
export type Bound = { readonly most: number; readonly ms: number };

export type Pace = {
  /** Waits until one more may begin. It ends at once where the signal is aborted. */
  turn(): Promise<void>;
  /** Lets nothing begin for so many milliseconds. */
  hold(ms: number): void;
};

/**
 * A pace that keeps to all bounds, over any stretch of time.
 * @param now milliseconds since 1970
 */
export function createPace(bounds: readonly Bound[], now: () => number, signal: AbortSignal): Pace {
  const longest = Math.max(...bounds.map(({ most }) => most));
  /** When the last ones began. */
  const begun: number[] = [];
  let held = 0;
  const wait = () => {
    const free = bounds.map(({ most, ms }) => (begun.at(-most) ?? -ms) + ms);
    return Math.max(held, ...free) - now();
  };
  return {
    async turn() {
      // Those who wait all wake up, and one of them is the first to look again.
      for (let ms = wait(); ms > 0 && !signal.aborted; ms = wait()) await sleep(ms, signal);
      begun.push(now());
      if (begun.length > longest) begun.shift();
    },
    hold(ms) {
      held = Math.max(held, now() + ms);
    },
  };
}

/** Waits for so many milliseconds, or until the signal is aborted. */
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
