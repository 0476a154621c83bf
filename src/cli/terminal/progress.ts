// Shows on stderr how far a command is: on a terminal one line that is overwritten, elsewhere a plain line
// now and then.

import { print, type Screen, say, type World } from "../command.ts";
import { visible } from "./shell.ts";

export type Progress = ReturnType<typeof createProgress>;

const BAR = 24;
/** How often the line is overwritten; the least and the most time between two plain lines. */
const OFTEN_MS = 100;
const SOON_MS = 1_000;
const SELDOM_MS = 30_000;

/** @param noun what is counted: `requests` */
export function createProgress(
  world: Pick<World, "stderr" | "now" | "env">,
  noun: string,
  total?: number,
) {
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
    /** Counts what is done, with or without success. */
    step(count = 1): void {
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
    /** Prints other lines; they may have text of strangers in them. */
    say(...lines: readonly string[]): void {
      clear();
      print(stderr, ...lines.map(visible));
      if (live) draw();
    },
    end: clear,
  };
}

/** Cuts a text to one line of the screen: a wrapped line cannot be overwritten. */
function fit(text: string, { columns }: Screen): string {
  return text.slice(0, (columns || 80) - 1); // some terminals report 0
}

export function count(number: number): string {
  return number.toLocaleString("en");
}

/** A duration: `8 s`, `3 min`, `2.5 h`. */
export function time(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** A number with its noun: `1 object`, `2,000 objects`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}
