// Reads when a signed URL shall expire.

import type { Fault } from "../command.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A time of day must have a time zone: that of the machine may not be the user's. */
const DATE = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))?$/;

/** The default, if the route allows it: seconds. */
const USUAL = 3600;

/**
 * @param most the route's `max_age`: seconds
 * @param now milliseconds since 1970
 * @returns seconds since 1970
 */
export function readExpiry(text: string | undefined, most: number, now: number): number | Fault {
  const seconds = Math.floor(now / 1000);
  if (text === undefined) return seconds + Math.min(USUAL, most);
  const fault = (reason: string) => ({ fault: `--expires ${text}: ${reason}` });
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const at = count === undefined ? readDate(text) : seconds + Number(count) * (UNITS[unit] ?? 0);
  const dates = "a date such as 2026-12-31 or 2026-12-31T12:00Z";
  if (at === undefined) return fault(`is neither a time such as 30s, 15m, 12h, 7d, nor ${dates}`);
  if (at <= seconds) return fault("is in the past");
  if (at <= seconds + most) return at;
  return fault(`the route's max_age is ${most} s, and no URL may live longer`);
}

/** Seconds since 1970. A day begins at midnight UTC. */
function readDate(text: string): number | undefined {
  const day = DATE.exec(text)?.[1];
  const at = Date.parse(text);
  if (day === undefined || Number.isNaN(at)) return undefined;
  // Date.parse reads the 30th of February as the 2nd of March.
  const exists = new Date(Date.parse(day)).toISOString().startsWith(day);
  return exists ? at / 1000 : undefined;
}
