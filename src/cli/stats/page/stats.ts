// Draws the charts of the page of stats, below each other with one axis of time, so that an outage stands in one line. A
// pointer or the slider chooses a step, and the legends say its values. The colours are those of the legends.

import uPlot from "uplot";
import {
  type ChartData,
  formatCount,
  formatMs,
  formatStep,
  formatTick,
  isOutage,
  type TimelineStep,
  viewsOf,
} from "../figures.ts";

/** From the top of a bar to its foot. Each is drawn over the ones before it. */
const STACK = ["direct", "miss", "stored", "stale", "hit"] as const;

type SeriesName = (typeof STACK)[number] | "failed" | "refused" | "wait";

type ChartSize = { readonly width: number; readonly height: number };

const HEIGHTS: Readonly<Record<string, number>> = {
  views: 250,
  failed: 130,
  refused: 110,
  wait: 150,
};

/** So wide that labels such as `1.25M` fit. It is the same in all charts, so that a day is at one place. */
const AXIS_WIDTH = 56;

/** Pixels of a label below the axis, with the space beside it. */
const TICK_WIDTH = 64;

/** From one line of the grid to the next, at least one: there are no half images. */
const GRID_STEPS = Array.from({ length: 13 }, (_, power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
);

const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

const { stepLength, timeline }: ChartData = JSON.parse(
  document.querySelector("#data")?.textContent ?? "",
);
const steps = timeline.map((_step, index) => index);

/** What the page says while no step is chosen. */
const defaultTexts = new Map<Element, string>();

const charts = [...document.querySelectorAll<HTMLElement>("[data-chart]")].map(drawChart);

followSize();
followColours();
offerSlider();

function drawChart(element: HTMLElement): uPlot {
  const size = sizeOf(element);
  switch (element.dataset["chart"]) {
    case "views":
      return new uPlot(
        optionsFor(size, STACK.map(barSeries), COMPACT.format),
        stackedViews(),
        element,
      );
    case "failed":
      return drawBars(element, "failed");
    case "refused":
      return drawBars(element, "refused");
    default: {
      const waits = timeline.map((step) => (viewsOf(step) === 0 ? null : step.p95Ms));
      return new uPlot(optionsFor(size, [waitSeries()], formatMs), [steps, waits], element);
    }
  }
}

function drawBars(element: HTMLElement, name: "failed" | "refused"): uPlot {
  const values = timeline.map((step) => barOf(step[name]));
  const options = optionsFor(sizeOf(element), [barSeries(name)], COMPACT.format);
  return new uPlot(options, [steps, values], element);
}

/** The highest row first: what is below it covers its lower part. */
function stackedViews(): uPlot.AlignedData {
  const rows = STACK.map((_source, index) => {
    const below = STACK.slice(index);
    return timeline.map((step) => barOf(below.reduce((sum, source) => sum + step[source], 0)));
  });
  return [steps, ...rows];
}

/** No bar is drawn for 0: the line around it would cut the axis. */
function barOf(count: number): number | null {
  return count === 0 ? null : count;
}

function sizeOf(element: HTMLElement): ChartSize {
  const height = HEIGHTS[element.dataset["chart"] ?? ""] ?? 130;
  return { width: element.clientWidth, height };
}

function barSeries(name: SeriesName): uPlot.Series {
  const bars = uPlot.paths.bars?.({ size: [0.78, 44] });
  return {
    fill: () => colourOf(`.swatch.${name}`),
    // A line in the colour of the card keeps the parts of a bar apart.
    stroke: () => colourOf(".card"),
    width: STACK.some((source) => source === name) ? 0.5 : 0,
    points: { show: false },
    ...(bars && { paths: bars }),
  };
}

function waitSeries(): uPlot.Series {
  return {
    stroke: () => colourOf(".swatch.wait"),
    width: 2,
    points: { show: true, size: 5, fill: () => colourOf(".swatch.wait") },
  };
}

function optionsFor(
  size: ChartSize,
  series: readonly uPlot.Series[],
  formatValue: (value: number) => string,
): uPlot.Options {
  const font = "12px system-ui, sans-serif";
  const grid = { stroke: () => colourOf(".grid"), width: 1 };

  return {
    ...size,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: false, y: false },
      sync: { key: "stats" },
    },
    scales: {
      x: { time: false, range: [-0.6, timeline.length - 0.4] },
      y: { range: (_chart, _min, max) => uPlot.rangeNum(0, max || 1, 0.1, true) },
    },
    axes: [
      {
        font,
        stroke: () => colourOf(".hint"),
        grid: { show: false },
        ticks: { ...grid, size: 4 },
        size: 30,
        splits: ({ width }) => tickSteps(width),
        values: (_chart, indexes) => indexes.map(tickText),
      },
      {
        font,
        stroke: () => colourOf(".hint"),
        grid,
        ticks: { show: false },
        size: AXIS_WIDTH,
        space: 26,
        incrs: GRID_STEPS.flat(),
        values: (_chart, values) => values.map(formatValue),
      },
    ],
    series: [{}, ...series],
    hooks: { drawClear: [shadeOutages], setCursor: [({ cursor }) => showStep(cursor.idx)] },
  };
}

function tickSteps(width: number): number[] {
  const room = Math.max(1, Math.floor((width - AXIS_WIDTH) / TICK_WIDTH));
  const distances = stepLength === "day" ? [1, 2, 7, 14, 28] : [1, 2, 3, 6, 12, 24, 48];
  const distance = distances.find((length) => timeline.length / length <= room) ?? 48;

  // Hours are labelled from midnight on.
  const hour = new Date(timeline[0]?.start ?? "").getUTCHours();
  const first = stepLength === "hour" ? (distance - (hour % distance)) % distance : 0;
  return steps.filter((index) => index >= first && (index - first) % distance === 0);
}

function tickText(index: number): string {
  const step = timeline[index];
  return step === undefined ? "" : formatTick(step, stepLength);
}

/** Shades what failed, behind the bars. */
function shadeOutages(chart: uPlot): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = colourOf(".swatch.failed");
  ctx.globalAlpha = 0.16;

  for (const [index, step] of timeline.entries()) {
    if (!isOutage(step)) continue;

    const left = chart.valToPos(index - 0.5, "x", true);
    const right = chart.valToPos(index + 0.5, "x", true);
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

/** The colour of the text of an element, or of the card itself. A custom property would not be resolved. */
function colourOf(selector: ".card" | ".grid" | ".hint" | `.swatch.${SeriesName}`): string {
  const element = document.querySelector(selector === ".grid" ? ".card" : selector);
  if (element === null) return "";

  const style = getComputedStyle(element);
  if (selector === ".grid") return style.borderTopColor;
  return selector === ".card" ? style.backgroundColor : style.color;
}

/** Writes the values of a step into the legends, or those of the whole time again. */
function showStep(index: number | null | undefined): void {
  const step = typeof index === "number" ? timeline[index] : undefined;

  for (const element of document.querySelectorAll<HTMLElement>("[data-value]")) {
    const text = step && valueText(step, element.dataset["value"] ?? "");
    setText(element, text);
  }
  for (const element of document.querySelectorAll("[data-step]")) {
    setText(element, step && formatStep(step, stepLength));
  }
}

/** @param text undefined: what the page had there at first */
function setText(element: Element, text: string | undefined): void {
  const defaultText = defaultTexts.get(element) ?? element.textContent ?? "";
  defaultTexts.set(element, defaultText);
  element.textContent = text ?? defaultText;
}

function valueText(step: TimelineStep, name: string): string {
  switch (name) {
    case "hit":
    case "stale":
    case "stored":
    case "miss":
    case "direct":
    case "failed":
    case "refused":
      return formatCount(step[name]);
    default:
      return viewsOf(step) === 0 ? "no image" : `at most ${formatMs(step.p95Ms)}`;
  }
}

function followSize(): void {
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = charts.find(({ root }) => root.parentElement === target);
      if (target instanceof HTMLElement) chart?.setSize(sizeOf(target));
    }
  });
  for (const { root } of charts) {
    if (root.parentElement !== null) observer.observe(root.parentElement);
  }
}

function followColours(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const chart of charts) chart.redraw(false);
  });
}

/** The slider does for keyboards and fingers what a pointer does. */
function offerSlider(): void {
  const slider = document.querySelector<HTMLInputElement>("#step");
  const row = slider?.closest("label");
  if (slider == null || row == null || charts.length === 0 || timeline.length < 2) return;

  row.hidden = false;
  slider.value = slider.max;
  describeStep(slider);

  slider.addEventListener("input", () => {
    const index = Number(slider.value);
    describeStep(slider);
    for (const chart of charts) {
      const left = chart.valToPos(index, "x");
      chart.setCursor({ left, top: 0 }, false);
    }
    showStep(index);
  });
  slider.addEventListener("blur", () => {
    for (const chart of charts) chart.setCursor({ left: -10, top: -10 }, false);
    showStep(undefined);
  });
}

function describeStep(slider: HTMLInputElement): void {
  const step = timeline[Number(slider.value)];
  if (step === undefined) return;

  const failures = step.failed > 0 ? `, ${formatCount(step.failed)} requests failed` : "";
  slider.ariaValueText = `${formatStep(step, stepLength)}: ${formatCount(viewsOf(step))} images${failures}`;
}
