// How stats writes its figures, in the terminal and on its page.

import { expect, test } from "vitest";
import {
  formatCount,
  formatMs,
  formatPeriod,
  formatShare,
  formatTick,
  formatTraffic,
  isOutage,
  stepLengthOf,
} from "../../../src/cli/stats/figures.ts";

const withSpaces = (text: string) => text.replaceAll("\u00a0", " ");

test.each([
  { ms: 0, text: "0 ms" },
  { ms: 39.6, text: "40 ms" },
  { ms: 999.4, text: "999 ms" },
  { ms: 999.5, text: "1 s" },
  { ms: 1_249, text: "1.2 s" },
  { ms: 9_940, text: "9.9 s" },
  { ms: 10_440, text: "10 s" },
  { ms: 61_500, text: "62 s" },
])("a wait of $ms ms reads $text", ({ ms, text }) => {
  expect(withSpaces(formatMs(ms))).toBe(text);
});

test.each([
  { part: 0, whole: 9, text: "0 %" },
  { part: 0, whole: 0, text: "0 %" },
  { part: 9, whole: 9, text: "100 %" },
  { part: 1, whole: 1e6, text: "under 0.01 %" },
  { part: 1, whole: 1e4, text: "0.01 %" },
  { part: 1, whole: 128, text: "0.78 %" },
  { part: 1, whole: 100, text: "1.0 %" },
  { part: 1, whole: 3, text: "33.3 %" },
  { part: 99, whole: 100, text: "99.0 %" },
  { part: 127, whole: 128, text: "99.22 %" },
  { part: 9999, whole: 1e4, text: "99.99 %" },
  { part: 1e6 - 1, whole: 1e6, text: "over 99.99 %" },
])(
  "$part of $whole reads $text: neither nothing nor all is rounded to",
  ({ part, whole, text }) => {
    expect(withSpaces(formatShare(part, whole))).toBe(text);
  },
);

test.each([
  { bytes: 0, text: "0 B" },
  { bytes: 0.4, text: "0.4 B" },
  { bytes: 999, text: "999 B" },
  { bytes: 1_000, text: "1 kB" },
  { bytes: 9_940, text: "9.9 kB" },
  { bytes: 12_300, text: "12 kB" },
  { bytes: 999_499, text: "999 kB" },
  { bytes: 999_600, text: "1 MB" },
  { bytes: 1.589e9, text: "1.6 GB" },
  { bytes: 5e18, text: "5,000 PB" },
])("$bytes bytes read $text", ({ bytes, text }) => {
  expect(withSpaces(formatTraffic(bytes))).toBe(text);
});

test("a count that sampling made a fraction is a whole number", () => {
  expect(formatCount(12_344.6)).toBe("12,345");
});

test.each([
  {
    title: "a whole month ends on its last day",
    ...{ from: "2026-11-01T00:00:00Z", until: "2026-12-01T00:00:00Z" },
    text: "1 November 2026 to 30 November 2026",
  },
  {
    title: "a month that is not over ends now",
    ...{ from: "2026-12-01T00:00:00Z", until: "2026-12-02T14:20:01Z" },
    text: "1 December 2026 to 2 December 2026, 14:20",
  },
  {
    title: "one day is named once",
    ...{ from: "2026-11-18T00:00:00Z", until: "2026-11-19T00:00:00Z" },
    text: "18 November 2026",
  },
  {
    title: "hours of one day have both times",
    ...{ from: "2026-11-18T10:05:00Z", until: "2026-11-18T12:05:01Z" },
    text: "18 November 2026, 10:05 to 18 November 2026, 12:05",
  },
])("$title", ({ from, until, text }) => {
  expect(formatPeriod(from, until)).toBe(text);
});

const stepAt = (start: string, counts: object = {}) => ({
  ...{ start, hit: 0, stale: 0, stored: 0, miss: 0, direct: 0, refused: 0, failed: 0, p95Ms: 0 },
  ...counts,
});

test.each([
  { start: "2026-11-18T00:00:00Z", length: "day", text: "18 Nov" },
  { start: "2026-11-18T00:00:00Z", length: "hour", text: "18 Nov" },
  { start: "2026-11-18T13:00:00Z", length: "hour", text: "13:00" },
] as const)("below a chart, the $length of $start is labelled $text", ({ start, length, text }) => {
  expect(formatTick(stepAt(start), length)).toBe(text);
});

test.each([
  { starts: ["2026-11-18T00:00:00Z"], length: "day" },
  { starts: ["2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z"], length: "day" },
  { starts: ["2026-11-18T00:00:00Z", "2026-11-18T01:00:00Z"], length: "hour" },
])("a chart of $starts is one of each $length", ({ starts, length }) => {
  expect(stepLengthOf(starts.map((start) => stepAt(start)))).toBe(length);
});

test.each([
  { counts: { hit: 1000, failed: 0 }, outage: false },
  { counts: { hit: 996, failed: 4 }, outage: false },
  { counts: { hit: 995, failed: 5 }, outage: true },
  { counts: { hit: 895, refused: 100, failed: 5 }, outage: true },
  { counts: { hit: 895, refused: 200, failed: 5 }, outage: false },
  { counts: { failed: 1 }, outage: true },
  { counts: {}, outage: false },
])(
  "with $counts requests, it is $outage that a day is shaded as an outage",
  ({ counts, outage }) => {
    expect(isOutage(stepAt("2026-11-18T00:00:00Z", counts))).toBe(outage);
  },
);
