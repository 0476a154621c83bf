// Shows on stderr how far a command is: one line that is overwritten; where that cannot be, a plain line now and then.

import { log, type World } from "../command.ts";

/** How often the line is overwritten: ms. */
const LIVE_MS = 100;

/** How often there is a plain line: ms. */
const PLAIN_MS = 30_000;

/** Some terminals report 0 columns. */
const DEFAULT_COLUMNS = 80;

export type Progress = {
  readonly step: (steps?: number) => void;
  /** Prints lines, which stay above the progress. */
  readonly log: (...lines: readonly string[]) => void;
  /** Removes the line. */
  readonly clear: () => void;
};

/** @param noun what is counted: `requests` */
export function createProgress(
  { stderr, now, env }: Pick<World, "stderr" | "now" | "env">,
  noun: string,
  total?: number,
): Progress {
  const isLive = stderr.isTTY === true && env["TERM"] !== "dumb";
  const period = isLive ? LIVE_MS : PLAIN_MS;
  const began = now();
  let drawnAt = began;
  let done = 0;

  const line = () => lineOf(done, total, noun, now() - began);

  const draw = (): void => {
    // A wrapped line cannot be overwritten.
    const columns = stderr.columns || DEFAULT_COLUMNS;
    stderr.write(`\r${line().slice(0, columns - 1)}\x1b[K`);
  };

  const clear = (): void => {
    if (isLive) stderr.write("\r\x1b[K");
  };

  return {
    step(steps = 1) {
      done += steps;

      const isDue = now() - drawnAt >= period;
      const isLastLive = isLive && done === total;
      if (!isDue && !isLastLive) return;

      drawnAt = now();
      if (isLive) draw();
      else log(stderr, line());
    },

    log(...lines) {
      clear();
      log(stderr, ...lines);
      if (isLive) draw();
    },

    clear,
  };
}

/** `1,200/9,000 requests, 3 min left`. @param elapsed ms */
function lineOf(done: number, total: number | undefined, noun: string, elapsed: number): string {
  if (total === undefined || done === 0) return `${count(done)} ${noun}`;

  const secondsPerStep = elapsed / 1000 / done;
  const secondsLeft = secondsPerStep * (total - done);
  return `${count(done)}/${count(total)} ${noun}, ${durationText(secondsLeft)} left`;
}

export function count(number: number): string {
  return number.toLocaleString("en");
}

/** A duration: `8 s`, `3 min`, `2.5 h`. */
function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** A number with its noun: `1 object`, `2,000 objects`. */
export function counted(number: number, noun: string): string {
  const nouns = number === 1 ? noun : `${noun}s`;
  return `${count(number)} ${nouns}`;
}
