// The page of `vitrine stats --open`: one HTML file with its style, its script and its figures in it. It loads nothing and
// sends nothing. All figures are text; page/stats.ts draws the charts. In a template, `false` and `undefined` print nothing.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CODE_ROOT, page } from "../command.ts";
import { money } from "../config/transformations.ts";
import { type Html, html } from "../files/html.ts";
import { counted } from "../terminal/progress.ts";
import { environmentText } from "../wrangler/config-file.ts";
import type { PageBundle } from "./bundle-page.ts";
import {
  type ChartData,
  formatCount,
  formatMs,
  formatPeriod,
  formatShare,
  formatStep,
  formatTraffic,
  isOutage,
  type StepLength,
  stepLengthOf,
  type TimelineStep,
  viewsOf,
} from "./figures.ts";
import { type Costs, SOURCES, type StatsReport, type Wait } from "./report.ts";
import {
  BUDGET_TEXT,
  costsText,
  emptyText,
  overBudgetText,
  PRICE_TEXT,
  SOURCE_TEXTS,
  WORST_CASE_TEXT,
} from "./wording.ts";

/** @returns the whole document */
export async function statsPageHtml(report: StatsReport): Promise<string> {
  const { script, style } = await readBundle();
  const site = environmentText(report.environment || undefined);

  // A script or a style that is not these two does not run, and nothing is loaded.
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");

  const head = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Vitrine: stats of ${site}</title>`;

  const body = html`</head>
<body>
<a class="skip" href="#main">Skip to the figures</a>
<header>
<h1>Stats</h1>
<p class="hint"><bdi>${site}</bdi>, ${formatPeriod(report.from, report.until)} UTC. ${originText(report)}</p>
</header>
<main id="main" tabindex="-1">
${report.requests === 0 ? emptyHtml(report) : reportHtml(report)}
</main>`;

  // The script is at the end, so that it finds everything.
  return `${head.text}
<style>${style}</style>
${body.text}
<script type="application/json" id="data">${jsonForHtml(chartData(report))}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** Reads the bundle of the package. In the repository it is bundled for each page, so a change shows at once. */
async function readBundle(): Promise<PageBundle> {
  const folder = join(CODE_ROOT, "cli/stats/page");
  const script = join(folder, "stats.js");
  if (existsSync(script)) {
    const style = join(folder, "stats.css");
    return bundleOf(readFileSync(script, "utf8"), readFileSync(style, "utf8"));
  }

  const { bundleStatsPage } = await import("./bundle-page.ts");
  const bundle = await bundleStatsPage();
  return bundleOf(bundle.script, bundle.style);
}

/** A browser reads a line end of two characters as one, and the hash would be another one then. */
function bundleOf(script: string, style: string): PageBundle {
  return { script: script.replaceAll("\r\n", "\n"), style: style.replaceAll("\r\n", "\n") };
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** JSON that no text in it can end: neither `</script>` nor `<!--` is left. */
function jsonForHtml(data: ChartData): string {
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}

function chartData({ timeline }: StatsReport): ChartData {
  return { stepLength: stepLengthOf(timeline), timeline };
}

function originText({ source }: StatsReport): string {
  if (source === "cloudflare") return "By the data points of Cloudflare's Analytics Engine.";
  return "By the requests of the local run on this machine. Visitors of the site wait longer or shorter.";
}

function emptyHtml(report: StatsReport): Html {
  return html`<section class="card">
<h2>No requests</h2>
<p>${emptyText(report)}</p>
</section>`;
}

function reportHtml(report: StatsReport): Html {
  return html`${verdictHtml(report)}
${figuresHtml(report)}
${chartsHtml(report)}
${costsHtml(report)}
<div class="cards">
${waitsHtml(report)}
${presetsHtml(report)}
${failingHtml(report)}
${errorsHtml(report)}
</div>`;
}

/** The fact that an operator must not miss. */
function verdictHtml({ timeline, failed, requests }: StatsReport): Html {
  if (failed === 0) return html`<p class="verdict">No request failed.</p>`;

  const total = `${formatCount(failed)} of ${counted(requests, "request")} failed (${formatShare(failed, requests)})`;
  const worst = topOf(timeline, (step) => step.failed);
  if (worst === undefined) return html`<p class="verdict fault">${total}.</p>`;

  const step = formatStep(worst, stepLengthOf(timeline));
  const part = worst.failed === failed ? "all" : `${formatCount(worst.failed)}`;
  const detail = failed === 1 ? `on ${step}` : `${part} of them on ${step}`;
  return html`<p class="verdict fault">${total}, ${detail}.</p>`;
}

function figuresHtml({ views, requests, refused, failed, bytes, madeWhileWaiting }: StatsReport) {
  const images = SOURCES.reduce((sum, source) => sum + views[source], 0);
  const cached = images === 0 ? "–" : formatShare(views.hit + views.stale, images);

  return html`<dl class="figures">
${figureHtml("Images shown", formatCount(images), `of ${counted(requests, "request")}`)}
${figureHtml("From the cache", cached, images === 0 ? "no image was shown" : "hit and stale")}
${figureHtml("Failed", formatCount(failed), formatShare(failed, requests), failed > 0)}
${figureHtml("Refused", formatCount(refused), formatShare(refused, requests))}
${figureHtml("Sent", formatTraffic(bytes), "images and facts")}
${figureHtml("Made", formatCount(madeWhileWaiting), "while a visitor waited")}
</dl>`;
}

function figureHtml(name: string, value: string, detail: string, isFault = false): Html {
  return html`<div class="card"><dt>${name}</dt><dd class="value${isFault && " fault"}">${value}</dd><dd class="hint">${detail}</dd></div>`;
}

type Chart = {
  readonly id: "views" | "failed" | "refused" | "wait";
  readonly title: string;
  readonly tableTitle: string;
  /** The main fact, for those who do not see the chart. */
  readonly label: string;
  /** What stands in place of the chart if there is nothing to draw. */
  readonly empty: string | undefined;
  readonly legend: readonly Entry[];
  readonly columns: readonly Column[];
};

/** A colour of a chart, and a value that follows the cursor. */
type Entry = {
  readonly series: string;
  readonly name: string;
  readonly value: string;
  readonly hint?: string;
};

/** A column of the table below a chart. */
type Column = {
  readonly name: string;
  readonly figureOf: (step: TimelineStep) => string;
};

function chartsHtml(report: StatsReport): Html {
  const { timeline, until } = report;
  const stepLength = stepLengthOf(timeline);

  const last = timeline.at(-1);
  const lengthMs = stepLength === "day" ? 86_400_000 : 3_600_000;
  const isPartial = last !== undefined && Date.parse(last.start) + lengthMs > Date.parse(until);
  const hasOutage = timeline.some(isOutage);

  const charts = [
    viewsChart(report, stepLength),
    failedChart(report, stepLength),
    refusedChart(report, stepLength),
    waitChart(report, stepLength),
  ];

  return html`<section class="card charts" aria-labelledby="charts">
<h2 id="charts">Each ${stepLength}</h2>
<p class="hint">All times are UTC.${isPartial && ` The last ${stepLength} is not over.`}${hasOutage && ` ${stepLength === "day" ? "A day" : "An hour"} is shaded if 0.5\u00a0% of its requests failed, or more.`}</p>
<label class="slider-row" hidden><span>Choose ${stepLength === "day" ? "a day" : "an hour"}</span><input id="step" type="range" min="0" max="${timeline.length - 1}" value="0"></label>
${charts.map((chart) => chartHtml(chart, timeline, stepLength))}
</section>`;
}

function viewsChart({ views, timeline }: StatsReport, stepLength: StepLength): Chart {
  const images = SOURCES.reduce((sum, source) => sum + views[source], 0);
  const top = topOf(timeline, viewsOf);
  const cached = formatShare(views.hit + views.stale, images);
  const peak = top && `; most on ${formatStep(top, stepLength)}: ${formatCount(viewsOf(top))}`;

  return {
    id: "views",
    title: "Images shown, by where they came from",
    tableTitle: "Images as a table",
    label: `Bars of the images shown each ${stepLength}: ${formatCount(images)} in all, ${cached} of them from the cache${peak ?? ""}.`,
    empty: images === 0 ? "No image was shown." : undefined,
    legend: SOURCES.map((source) => ({
      series: source,
      name: source,
      value: formatCount(views[source]),
      hint: SOURCE_TEXTS[source],
    })),
    columns: SOURCES.map((source) => ({
      name: source,
      figureOf: (step) => formatCount(step[source]),
    })),
  };
}

function failedChart({ failed, timeline }: StatsReport, stepLength: StepLength): Chart {
  const top = topOf(timeline, (step) => step.failed);
  const peak = top && `; most on ${formatStep(top, stepLength)}: ${formatCount(top.failed)}`;

  return {
    id: "failed",
    title: "Failed requests",
    tableTitle: "Failed requests as a table",
    label: `Bars of the requests that failed each ${stepLength}: ${formatCount(failed)} in all${peak ?? ""}.`,
    empty: failed === 0 ? "No request failed." : undefined,
    legend: [
      {
        series: "failed",
        name: "failed",
        value: formatCount(failed),
        hint: "status 500 and above",
      },
    ],
    columns: [{ name: "failed", figureOf: (step) => formatCount(step.failed) }],
  };
}

function refusedChart({ refused, timeline }: StatsReport, stepLength: StepLength): Chart {
  const top = topOf(timeline, (step) => step.refused);
  const peak = top && `; most on ${formatStep(top, stepLength)}: ${formatCount(top.refused)}`;

  return {
    id: "refused",
    title: "Refused requests",
    tableTitle: "Refused requests as a table",
    label: `Bars of the requests that were refused each ${stepLength}: ${formatCount(refused)} in all${peak ?? ""}.`,
    empty: refused === 0 ? "No request was refused." : undefined,
    legend: [
      {
        series: "refused",
        name: "refused",
        value: formatCount(refused),
        hint: "visitors asked for something wrong, or for what is not there",
      },
    ],
    columns: [{ name: "refused", figureOf: (step) => formatCount(step.refused) }],
  };
}

function waitChart({ timeline }: StatsReport, stepLength: StepLength): Chart {
  const steps = timeline.filter((step) => viewsOf(step) > 0);
  const top = topOf(steps, (step) => step.p95Ms);
  const peak = top && `; longest on ${formatStep(top, stepLength)}: ${formatMs(top.p95Ms)}`;

  return {
    id: "wait",
    title: "How long visitors waited for an image",
    tableTitle: "Waiting times as a table",
    label: `A line of the time within which 95 of 100 images came, each ${stepLength}${peak ?? ""}.`,
    empty: steps.length === 0 ? "No image was shown." : undefined,
    legend: [
      {
        series: "wait",
        name: "95 of 100 waited",
        value:
          top === undefined
            ? ""
            : `at most ${formatMs(top.p95Ms)} on ${formatStep(top, stepLength)}`,
      },
    ],
    columns: [{ name: "95 of 100 within", figureOf: waitTextOf }],
  };
}

function waitTextOf(step: TimelineStep): string {
  return viewsOf(step) === 0 ? "no image" : formatMs(step.p95Ms);
}

/** @returns undefined if all are 0 */
function topOf(
  timeline: readonly TimelineStep[],
  figureOf: (step: TimelineStep) => number,
): TimelineStep | undefined {
  const top = timeline.toSorted((a, b) => figureOf(b) - figureOf(a)).at(0);
  return top !== undefined && figureOf(top) > 0 ? top : undefined;
}

function chartHtml(chart: Chart, timeline: readonly TimelineStep[], stepLength: StepLength): Html {
  const { id, title, tableTitle, label, empty, legend, columns } = chart;
  if (empty !== undefined) {
    return html`<section class="chart"><h3>${title}</h3><p class="hint">${empty}</p></section>`;
  }

  const entries = legend.map(
    ({ series, name, value, hint }) =>
      html`<li><i class="swatch ${series}"></i><span>${name} <b data-value="${series}">${value}</b></span>${hint !== undefined && html` <span class="hint">${hint}</span>`}</li>`,
  );
  const rows = timeline.map((step) => [
    html`${formatStep(step, stepLength)}`,
    ...columns.map(({ figureOf }) => html`${figureOf(step)}`),
  ]);
  const table = tableHtml([stepLength, ...columns.map(({ name }) => name)], rows);

  return html`<section class="chart" aria-labelledby="chart-${id}">
<h3 id="chart-${id}">${title} <span class="hint" data-step></span></h3>
<ul class="legend">${entries}</ul>
<div class="plot" data-chart="${id}" role="img" aria-label="${label}"></div>
<details><summary>${tableTitle}</summary>
${table}
</details>
</section>`;
}

/** @param rows the first cell of each is its heading; the others are numbers */
function tableHtml(headings: readonly string[], rows: readonly (readonly Html[])[]): Html {
  const head = headings.map((heading) => html`<th scope="col">${heading}</th>`);
  const lines = rows.map(([first, ...cells]) => {
    const values = cells.map((cell) => html`<td>${cell}</td>`);
    return html`<tr><th scope="row">${first}</th>${values}</tr>\n`;
  });
  return html`<table><thead><tr>${head}</tr></thead><tbody>
${lines}</tbody></table>`;
}

/** A bar in a table, as long as its share of the longest one. The number beside it says the same. */
function barHtml(value: number, longest: number, series: string): Html {
  const share = longest === 0 ? 0 : (100 * value) / longest;
  // What is not nothing is seen.
  const width = value > 0 ? Math.max(share, 0.7) : 0;
  return html`<svg class="bar ${series}" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width="${width.toFixed(2)}" height="1"></rect></svg>`;
}

function costsHtml(report: StatsReport): Html {
  const { madeWhileWaiting, costs } = report;
  return html`<section class="card" aria-labelledby="costs">
<h2 id="costs">What it may cost</h2>
<p>${counted(madeWhileWaiting, "image")} ${madeWhileWaiting === 1 ? "was" : "were"} made while a visitor waited.</p>
${costs !== undefined && moneyHtml(costs)}
<p class="hint">${costsText(report)}</p>
</section>`;
}

function moneyHtml(costs: Costs): Html {
  const { dollarsIfEachIsBilled, worstCase, budget } = costs;
  const longest = Math.max(dollarsIfEachIsBilled, worstCase?.dollars ?? 0, budget ?? 0);
  const overBudget = overBudgetText(costs);

  return html`<dl class="money">
${moneyRow(PRICE_TEXT, dollarsIfEachIsBilled, longest, overBudget === undefined ? "wait" : "failed")}
${budget !== undefined && moneyRow(BUDGET_TEXT, budget, longest, "stored")}
${worstCase && moneyRow(WORST_CASE_TEXT, worstCase.dollars, longest, "refused", ` for ${counted(worstCase.transformations, "transformation")}`)}
</dl>
${overBudget !== undefined && html`<p class="fault">${overBudget}</p>`}`;
}

function moneyRow(name: string, dollars: number, longest: number, series: string, detail = "") {
  return html`<dt>${name}</dt><dd>${barHtml(dollars, longest, series)}</dd><dd><b>${money(dollars)}</b>${detail}</dd>`;
}

function waitsHtml({ waits }: StatsReport): Html | false {
  if (waits.length === 0) return false;

  const longest = Math.max(...waits.map(({ p95Ms }) => p95Ms));
  const rows = waits.map(({ source, ...wait }) => [
    html`<i class="swatch ${source}"></i>${source} <span class="hint">${SOURCE_TEXTS[source]}</span>${barHtml(wait.p95Ms, longest, source)}`,
    ...waitCells(wait),
  ]);
  return cardHtml("Who waited", tableHtml(["from", ...WAIT_HEADINGS], rows));
}

const WAIT_HEADINGS = ["images", "half within", "95 of 100 within"];

function waitCells({ images, medianMs, p95Ms }: Wait): Html[] {
  return [html`${formatCount(images)}`, html`${formatMs(medianMs)}`, html`${formatMs(p95Ms)}`];
}

function presetsHtml({ presets }: StatsReport): Html | false {
  if (presets.length === 0) return false;

  const longest = Math.max(...presets.map(({ p95Ms }) => p95Ms));
  const rows = presets.map(({ preset, ...wait }) => [
    html`${nameHtml(preset, "no preset")}${barHtml(wait.p95Ms, longest, "wait")}`,
    ...waitCells(wait),
  ]);
  return cardHtml("Slowest presets", tableHtml(["preset", ...WAIT_HEADINGS], rows));
}

function failingHtml({ failing }: StatsReport): Html | false {
  if (failing.length === 0) return false;

  const longest = Math.max(...failing.map(({ failed }) => failed));
  const rows = failing.map(({ preset, bucket, requests, failed }) => [
    html`${nameHtml(preset, "no preset")} <span class="hint">from ${nameHtml(bucket, "no bucket")}</span>${barHtml(failed, longest, "failed")}`,
    html`${formatCount(failed)}`,
    html`${formatCount(requests)}`,
    html`${formatShare(failed, requests)}`,
  ]);
  const headings = ["preset and bucket", "failed", "requests", "share"];
  return cardHtml("Presets and buckets that fail most", tableHtml(headings, rows));
}

function errorsHtml({ errors }: StatsReport): Html | false {
  if (errors.length === 0) return false;

  const longest = Math.max(...errors.map(({ requests }) => requests));
  const rows = errors.map(({ event, status, requests }) => {
    const series = Number(status) >= 500 ? "failed" : "refused";
    return [
      html`${nameHtml(event, "no event")}${barHtml(requests, longest, series)}`,
      html`${status}`,
      html`${formatCount(requests)}`,
    ];
  });
  const table = tableHtml(["event", "status", "requests"], rows);

  return cardHtml(
    "What visitors got in place of an image",
    html`${table}<p class="hint">What each event says, and what to do, is under its name in <code>${page("docs/errors.md")}</code></p>`,
  );
}

/** A name from outside. Its direction of writing does not reach the text around it. */
function nameHtml(name: string, fallback: string): Html {
  return name === "" ? html`(${fallback})` : html`<bdi><code>${name}</code></bdi>`;
}

function cardHtml(title: string, content: Html): Html {
  return html`<section class="card"><h2>${title}</h2>${content}</section>`;
}
