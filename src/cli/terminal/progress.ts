// Shows on stderr how far a command is: one line that is overwritten; where that cannot be, a plain line now and then.

import { log, print, type World } from "../command.ts";
import { visible } from "./shell.ts";

/** How often the line is overwritten, and how often there is a plain line. */
const LIVE_MS = 100;
const PLAIN_MS = 30_000;

/** @param noun what is counted: `requests` */
export function createProgress(
  { stderr, now, env }: Pick<World, "stderr" | "now" | "env">,
  noun: string,
  total?: number,
) {
  const isLive = stderr.isTTY === true && env["TERM"] !== "dumb";
  const began = now();
  let drawnAt = began;
  let done = 0;

  const line = (): string => {
    if (total === undefined || done === 0) return `${count(done)} ${noun}`;
    const seconds = ((now() - began) / 1000) * (total / done - 1);
    return `${count(done)}/${count(total)} ${noun}, ${time(seconds)} left`;
  };
  // A wrapped line cannot be overwritten. Some terminals report 0 columns.
  const draw = () => void stderr.write(`\r${line().slice(0, (stderr.columns || 80) - 1)}\x1b[K`);
  const clear = () => void (isLive && stderr.write("\r\x1b[K"));
  return {
    step(count = 1): void {
      done += count;
      const isDue = now() - drawnAt >= (isLive ? LIVE_MS : PLAIN_MS);
      if (!isDue && !(isLive && done === total)) return;
      drawnAt = now();
      if (isLive) draw();
      else log(stderr, line());
    },
    log(...lines: readonly string[]): void {
      clear();
      print(stderr, ...lines.map(visible));
      if (isLive) draw();
    },
    clear,
  };
}

export function count(number: number): string {
  return number.toLocaleString("en");
}

/** A duration: `8 s`, `3 min`, `2.5 h`. */
function time(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** A number with its noun: `1 object`, `2,000 objects`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}
