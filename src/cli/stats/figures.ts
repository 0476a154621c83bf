// Figures and times as short texts in UTC, for the page of stats and for its script.

import type { StatsReport } from "./report.ts";

export type TimelineStep = StatsReport["timeline"][number];

/** How long a step of the timeline is. */
export type StepLength = "hour" | "day";

/** The steps of a chart, as the page gives them to its script. */
export type ChartData = {
  readonly stepLength: StepLength;
  readonly timeline: readonly TimelineStep[];
};

const HOUR_MS = 3_600_000;
const NO_BREAK = "\u00a0";

/** A step alone counts as a day. */
export function stepLengthOf(timeline: readonly TimelineStep[]): StepLength {
  const [first, second] = timeline;
  if (first === undefined || second === undefined) return "day";

  const length = Date.parse(second.start) - Date.parse(first.start);
  return length > HOUR_MS ? "day" : "hour";
}

/** How many images were shown. */
export function viewsOf({ hit, stale, stored, miss, direct }: TimelineStep): number {
  return hit + stale + stored + miss + direct;
}

function requestsOf(step: TimelineStep): number {
  return viewsOf(step) + step.refused + step.failed;
}

/** From this share of failed requests on, a step is shaded in all charts. */
const OUTAGE_SHARE = 0.005;

/** Returns whether so many requests failed that visitors noticed. */
export function isOutage(step: TimelineStep): boolean {
  return step.failed > 0 && step.failed >= requestsOf(step) * OUTAGE_SHARE;
}

/** `12,345` */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** `89.3 %`. A part that is not nothing is never `0 %`, and one that is not all is never `100 %`. */
export function formatShare(part: number, whole: number): string {
  if (part === 0 || whole === 0) return `0${NO_BREAK}%`;
  if (part === whole) return `100${NO_BREAK}%`;

  const percent = (100 * part) / whole;
  if (percent < 0.01) return `under 0.01${NO_BREAK}%`;
  if (percent > 99.99) return `over 99.99${NO_BREAK}%`;

  const isNearAnEdge = percent < 1 || percent > 99;
  return `${percent.toFixed(isNearAnEdge ? 2 : 1)}${NO_BREAK}%`;
}

/** `340 ms`, `1.2 s` */
export function formatMs(ms: number): string {
  const rounded = Math.round(ms);
  if (rounded < 1000) return `${rounded}${NO_BREAK}ms`;

  const seconds = ms / 1000;
  const text = seconds.toLocaleString("en", { maximumFractionDigits: seconds < 10 ? 1 : 0 });
  return `${text}${NO_BREAK}s`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `3.4 GB` */
export function formatTraffic(bytes: number): string {
  // 999,600 bytes are rounded to 1 MB, and not to 1,000 kB.
  const power = bytes < 1 ? 0 : Math.floor(Math.log10(bytes / 0.9995) / 3);
  const unit = Math.min(power, BYTE_UNITS.length - 1);
  const value = bytes / 1000 ** unit;

  const text = value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });
  return `${text}${NO_BREAK}${BYTE_UNITS[unit]}`;
}

const UTC = { timeZone: "UTC" } as const;
const DAY = new Intl.DateTimeFormat("en-GB", { ...UTC, day: "numeric", month: "short" });
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { ...UTC, weekday: "short" });
const FULL_DAY = new Intl.DateTimeFormat("en-GB", { ...UTC, dateStyle: "long" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { ...UTC, hour: "2-digit", minute: "2-digit" });

/** `Wed 18 Nov`, `Wed 18 Nov, 13:00` */
export function formatStep({ start }: TimelineStep, stepLength: StepLength): string {
  const time = Date.parse(start);
  const day = `${WEEKDAY.format(time)} ${DAY.format(time)}`;
  return stepLength === "day" ? day : `${day}, ${CLOCK.format(time)}`;
}

/** A label below the axis: `18 Nov`, `13:00` */
export function formatTick({ start }: TimelineStep, stepLength: StepLength): string {
  const time = Date.parse(start);
  const isMidnight = time % (24 * HOUR_MS) === 0;
  const isDay = stepLength === "day" || isMidnight;
  return isDay ? DAY.format(time) : CLOCK.format(time);
}

/** `1 November 2026 to 2 December 2026, 14:20`. A midnight at which it ended is the day before. */
export function formatPeriod(from: string, until: string): string {
  const isUntilMidnight = Date.parse(until) % (24 * HOUR_MS) === 0;
  const lastDay = FULL_DAY.format(Date.parse(until) - HOUR_MS);
  const last = isUntilMidnight ? lastDay : formatMoment(until);

  const isFromMidnight = Date.parse(from) % (24 * HOUR_MS) === 0;
  const first = isFromMidnight ? FULL_DAY.format(Date.parse(from)) : formatMoment(from);

  const isOneDay = isFromMidnight && isUntilMidnight && first === last;
  return isOneDay ? first : `${first} to ${last}`;
}

function formatMoment(moment: string): string {
  const time = Date.parse(moment);
  return `${FULL_DAY.format(time)}, ${CLOCK.format(time)}`;
}
