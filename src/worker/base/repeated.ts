// How often something happened since the log was last told of it. Pure.

import { isWithin } from "./is-within.ts";

/** When the log was last told (ms since 1970), and how often it has happened since. */
export type Repeated = { readonly at: number; readonly since: number };

/** How often the log is told of something that lasts: ms. */
export const WHILE_MS = 60_000;

/** Counts one more. The log is told again if it was not within the last minute. */
export function countRepeated(last: Repeated | undefined, now: number) {
  const times = (last?.since ?? 0) + 1;
  const isTold = last !== undefined && isWithin(WHILE_MS, last.at, now);
  const next: Repeated = isTold ? { at: last.at, since: times } : { at: now, since: 0 };
  return { times, isTold, next };
}
