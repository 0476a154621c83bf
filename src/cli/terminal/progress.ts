// How far a command has come, on stderr: one line that is written over on a terminal, and elsewhere a
// plain line now and then.

import { type Screen, say, type World } from "../command.ts";
import { visible } from "./visible.ts";

export type Progress = {
  /** So many more are done, in whichever way they ended. */
  step(count?: number): void;
  /** Says something beside it, whoever wrote it. */
  say(...lines: readonly string[]): void;
  /** Takes the line away. */
  end(): void;
};

const BAR = 24;
/** How often the line is written over; how long two plain lines are apart at least, and at most. */
const OFTEN_MS = 100;
const SOON_MS = 1_000;
const SELDOM_MS = 30_000;

/**
 * @param noun what is counted: `requests`
 * @param total undefined where nobody knows
 */
export function createProgress(
  world: Pick<World, "stderr" | "now" | "env">,
  noun: string,
  total?: number,
): Progress {
  const { stderr, now, env } = world;
  const live = stderr.isTTY === true && env["TERM"] !== "dumb";
  const began = now();
  let done = 0;
  let shown = began;
  let tenth = 0;

  const line = (): string => {
    const seconds = (now() - began) / 1000;
    const rate = seconds > 0 ? done / seconds : 0;
    const of = total === undefined ? count(done) : `${count(done)}/${count(total)}`;
    const parts = [`${of} ${noun}`];
    if (rate >= 0.5) parts.push(`${count(Math.round(rate))} a second`);
    if (rate > 0 && total !== undefined) parts.push(`${time((total - done) / rate)} left`);
    return parts.join(", ");
  };
  const draw = () => {
    const filled = total ? Math.min(BAR, Math.floor((done / total) * BAR)) : 0;
    const bar = total === undefined ? "" : `[${"#".repeat(filled).padEnd(BAR, "-")}] `;
    stderr.write(`\r${fit(bar + line(), stderr)}\x1b[K`);
  };
  const clear = () => void (live && stderr.write("\r\x1b[K"));
  return {
    step(count = 1) {
      done += count;
      const since = now() - shown;
      const reached = total ? Math.floor((done / total) * 10) : 0;
      const due = live
        ? since >= OFTEN_MS || done === total
        : (reached > tenth && since >= SOON_MS) || since > SELDOM_MS;
      if (!due) return;
      shown = now();
      tenth = reached;
      if (live) draw();
      else say(stderr, line());
    },
    say(...lines) {
      clear();
      say(stderr, ...lines.map(visible));
      if (live) draw();
    },
    end: clear,
  };
}

/** On one line of the screen: what is wrapped cannot be written over. */
function fit(text: string, { columns }: Screen): string {
  return text.slice(0, (columns || 80) - 1); // some terminals say 0
}

export function count(number: number): string {
  return number.toLocaleString("en");
}

/** A stretch of time: `8 s`, `3 min`, `2.5 h`. */
export function time(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** How many of what there are: `1 object`, `2,000 objects`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}
