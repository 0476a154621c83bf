// A report as text for a terminal of 80 columns.

import { align, page } from "../command.ts";
import { money } from "../config/transformations.ts";
import { counted } from "../terminal/progress.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { formatCount, formatMs, formatShare, formatTraffic } from "./figures.ts";
import { SOURCES, type StatsReport, type Wait } from "./report.ts";
import {
  BUDGET_TEXT,
  costsText,
  emptyText,
  overBudgetText,
  PRICE_TEXT,
  SOURCE_TEXTS,
  WORST_CASE_TEXT,
} from "./wording.ts";

/** @returns the lines, without colours */
export function reportLines(report: StatsReport): string[] {
  if (report.requests === 0) return [titleOf(report), "", emptyText(report)];

  const lines = [
    titleOf(report),
    ...imageLines(report),
    ...errorLines(report),
    ...slowLines(report),
    ...failingLines(report),
    ...costLines(report),
  ];
  return lines.map(plainLine);
}

function plainLine(line: string): string {
  // A name with a line break in it would begin a line of its own.
  const oneLine = line.replaceAll("\n", "\\u000a");
  // A search for `40 ms` has a usual space in it.
  return oneLine.replaceAll("\u00a0", " ").trimEnd();
}

function titleOf({ source, environment, from, until }: StatsReport): string {
  const site = environmentText(environment === "" ? undefined : environment);
  const origin = source === "local" ? "the local run" : "Analytics Engine";
  return `${site}, ${timeText(from)} to ${timeText(until)} UTC, by the data points of ${origin}`;
}

/** `2026-12-02 13:00` */
function timeText(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}

const WAIT_HEADINGS = ["half within", "95 % within"];

function imageLines({ views, waits, requests, bytes }: StatsReport): string[] {
  const images = SOURCES.reduce((sum, source) => sum + views[source], 0);
  const title = `Images shown: ${formatCount(images)} of ${counted(requests, "request")}, ${formatTraffic(bytes)}`;
  if (images === 0) return ["", title];

  const rows = waits.map(({ source, ...wait }) => {
    const share = formatShare(wait.images, images);
    return [
      `  ${source}`,
      formatCount(wait.images),
      share,
      ...waitCells(wait),
      SOURCE_TEXTS[source],
    ];
  });
  return ["", title, ...align([["  from", "images", "share", ...WAIT_HEADINGS, ""], ...rows])];
}

function waitCells({ medianMs, p95Ms }: Wait): string[] {
  return [formatMs(medianMs), formatMs(p95Ms)];
}

const MAX_ERRORS = 10;

function errorLines({ errors, requests, failed, refused }: StatsReport): string[] {
  if (errors.length === 0) return ["", "Requests without an image: none"];

  const rows = errors
    .slice(0, MAX_ERRORS)
    .map((row) => [`  ${row.status}`, formatCount(row.requests), row.event]);
  const more = errors.length - MAX_ERRORS;
  return [
    "",
    `Failed: ${formatCount(failed)} (${formatShare(failed, requests)} of all requests). Refused: ${formatCount(refused)}`,
    ...align(rows),
    ...(more > 0 ? [`  ${formatCount(more)} more with --json`] : []),
    `  What each event says, and what to do: ${page("docs/errors.md")}`,
  ];
}

function slowLines({ presets }: StatsReport): string[] {
  if (presets.length === 0) return [];

  const rows = presets.map(({ preset, ...wait }) => [
    ...waitCells(wait),
    formatCount(wait.images),
    preset || "(no preset)",
  ]);
  const headings = [...WAIT_HEADINGS, "images", "preset"];
  return ["", "Slowest presets", ...nameTable(headings, rows)];
}

function failingLines({ failing }: StatsReport): string[] {
  if (failing.length === 0) return [];

  const rows = failing.map(({ preset, bucket, requests, failed }) => [
    formatCount(failed),
    formatCount(requests),
    formatShare(failed, requests),
    `${preset || "(no preset)"} from ${bucket || "(no bucket)"}`,
  ]);
  const headings = ["failed", "requests", "share", "preset and bucket"];
  return ["", "Presets and buckets that fail most", ...nameTable(headings, rows)];
}

/** The name stands last: a long one moves no other column, and wraps alone. */
function nameTable(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return align([headings, ...rows]).map((line) => `  ${line}`);
}

function costLines(report: StatsReport): string[] {
  const { madeWhileWaiting, costs } = report;
  const title = `Images made while a visitor waited: ${formatCount(madeWhileWaiting)}`;
  const note = `  ${costsText(report)}`;
  if (costs === undefined) return ["", title, note];

  const { dollarsIfEachIsBilled, worstCase, budget } = costs;
  const rows = [[`  ${PRICE_TEXT}`, money(dollarsIfEachIsBilled)]];
  if (budget !== undefined) rows.push([`  ${BUDGET_TEXT}`, money(budget)]);
  if (worstCase !== undefined) {
    const transformations = counted(worstCase.transformations, "transformation");
    rows.push([`  ${WORST_CASE_TEXT}`, `${money(worstCase.dollars)} for ${transformations}`]);
  }

  const overBudget = overBudgetText(costs);
  return ["", title, ...align(rows), ...(overBudget ? [`  ${overBudget}`] : []), note];
}
