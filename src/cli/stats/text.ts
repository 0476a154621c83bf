// A report as text for a terminal.

import { align, page } from "../command.ts";
import { money } from "../config/transformations.ts";
import { count, counted } from "../terminal/progress.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { type ImageSource, SOURCES, type StatsReport } from "./report.ts";

const SOURCE_TEXTS = {
  hit: "Cloudflare had it",
  stale: "Cloudflare had an older one",
  stored: "the store had it",
  miss: "it was made for the visitor",
  direct: "it was made for the visitor, without the cache",
} as const satisfies Readonly<Record<ImageSource, string>>;

/** @returns the lines, without colours */
export function reportLines(report: StatsReport): string[] {
  return [
    titleOf(report),
    ...imageLines(report),
    ...errorLines(report),
    ...slowLines(report),
    ...failingLines(report),
    ...costLines(report),
  ];
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

function imageLines({ views, waits, requests, bytes }: StatsReport): string[] {
  const images = SOURCES.reduce((sum, source) => sum + views[source], 0);
  const rows = SOURCES.filter((source) => views[source] > 0).map((source) => {
    const wait = waits.find((item) => item.source === source);
    const waitText = wait === undefined ? "" : waitingText(wait);
    const share = percent(views[source], images);
    return [`  ${source}`, count(views[source]), share, waitText, SOURCE_TEXTS[source]];
  });

  return [
    "",
    `Images shown: ${count(images)} of ${count(requests)} requests, ${megabytes(bytes)}`,
    ...align(rows),
  ];
}

function waitingText({ medianMs, p95Ms }: { readonly medianMs: number; readonly p95Ms: number }) {
  return `half within ${milliseconds(medianMs)}, 95 % within ${milliseconds(p95Ms)}`;
}

const MAX_ERRORS = 10;

function errorLines({ errors, requests, failed, refused }: StatsReport): string[] {
  if (errors.length === 0) return ["", "Requests without an image: none"];

  const rows = errors
    .slice(0, MAX_ERRORS)
    .map(({ event, status, requests }) => [`  ${status}`, count(requests), event || "(no event)"]);
  const more = errors.length - MAX_ERRORS;
  return [
    "",
    `Failed: ${count(failed)} (${percent(failed, requests)} of all requests). Refused: ${count(refused)}`,
    ...align(rows),
    ...(more > 0 ? [`  ${count(more)} more with --json`] : []),
    `  What each event says, and what to do: ${page("docs/errors.md")}`,
  ];
}

function slowLines({ presets }: StatsReport): string[] {
  if (presets.length === 0) return [];

  const rows = presets.map(({ preset, images, ...wait }) => [
    `  ${preset}`,
    counted(images, "image"),
    waitingText(wait),
  ]);
  return ["", "Slowest presets", ...align(rows)];
}

function failingLines({ failing }: StatsReport): string[] {
  if (failing.length === 0) return [];

  const rows = failing.map(({ preset, bucket, requests, failed }) => [
    `  ${preset || "(no preset)"}`,
    bucket || "(no bucket)",
    `${count(failed)} of ${count(requests)} failed (${percent(failed, requests)})`,
  ]);
  return ["", "Presets and buckets that fail most", ...align(rows)];
}

function costLines({ transformations }: StatsReport): string[] {
  const { atLeast, dollarsAtLeast, worstCase, budget } = transformations;

  const rows = [
    ["  made for visitors", count(atLeast), money(dollarsAtLeast)],
    ...(worstCase === undefined
      ? []
      : [["  at most in a month", count(worstCase.transformations), money(worstCase.dollars)]]),
    ...(budget === undefined ? [] : [["  budget of a month (COSTS.most)", "", money(budget)]]),
  ];

  return [
    "",
    "Transformations, and what Cloudflare bills for them after the 5,000 that are free each month",
    ...align(rows),
    "  What is made in the background writes no data point. A variant of an object is billed once a month,",
    `  however often it was made in that month: ${page("docs/costs.md")}`,
  ];
}

function percent(part: number, whole: number): string {
  if (whole === 0) return "0 %";

  const share = (100 * part) / whole;
  const digits = share > 0 && share < 10 ? 2 : 1;
  return `${share.toFixed(digits)} %`;
}

function milliseconds(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function megabytes(bytes: number): string {
  const digits = bytes < 10e6 ? 2 : 0;
  return `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: digits })} MB`;
}
