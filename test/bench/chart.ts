// Draws horizontal bars as an SVG: the same bytes for the same input, no script, only system fonts.

import type { EChartsOption } from "echarts";
import { BarChart, CustomChart } from "echarts/charts";
import { GridComponent, TitleComponent } from "echarts/components";
import { format, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, CustomChart, GridComponent, TitleComponent, SVGRenderer]);

/** No text may contain braces, because the library uses them for styles. */
export type Row = {
  readonly label: string;
  /** At least 0. */
  readonly value: number;
  /** The text at the end of the bar. Left out: the number and the unit. */
  readonly text?: string;
  /** A smaller text below the label. */
  readonly note?: string;
  /** A line across the bar. */
  readonly limit?: number;
  /** Whether this is the main bar of the chart. */
  readonly highlight?: boolean;
};

export type Chart = {
  readonly title: string;
  readonly subtitle: string;
  /** Comes after each number: `ms`, or "". */
  readonly unit: string;
  readonly rows: readonly Row[];
  /** Whether the page is dark. */
  readonly dark: boolean;
};

/** In px. A README is 830 to 1,010 wide. */
const WIDTH = 840;
const HEAD = 78;
const ROW = 50;
const FOOT = 14;
const PADDING = 20;
const BAR = 18;
/** The least length of a bar with a value above 0. */
const SHORTEST_BAR = 2;
const GAP = 12;
/** Font sizes in px, and the greatest average width of a character in any common font. */
const TITLE_PX = 18;
const TEXT_PX = 13;
const NOTE_PX = 12;
const CHARACTER = 0.6;

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";

/** The background is transparent. */
const LIGHT = {
  ink: "#1f2328",
  faint: "#59636e",
  bar: "#9aa4af",
  chosen: "#0a7a53",
  limit: "#b3261e",
};
const DARK = {
  ink: "#f0f6fc",
  faint: "#9198a1",
  bar: "#6b7580",
  chosen: "#3fb983",
  limit: "#ff8a80",
};

/** Draws the rows from top to bottom. The length of a bar is its value, from 0. */
export function drawBars({ title, subtitle, unit, rows, dark }: Chart): string {
  const colours = dark ? DARK : LIGHT;
  const height = HEAD + rows.length * ROW + FOOT;
  const names = rows.map(({ label }) => widest(label, TEXT_PX));
  const notes = rows.map(({ note = "" }) => widest(note, NOTE_PX));
  const left = PADDING + Math.max(...names, ...notes) + GAP;
  const texts = rows.map(({ text, value }) => text ?? written(value, unit));
  const right = PADDING + Math.max(...texts.map((text) => widest(text, TEXT_PX))) + GAP;
  const longest = Math.max(...rows.map(({ value, limit = 0 }) => Math.max(value, limit)));
  const least = (longest * SHORTEST_BAR) / (WIDTH - left - right);

  const option: EChartsOption = {
    animation: false,
    textStyle: { fontFamily: FONT },
    title: {
      text: title,
      subtext: subtitle,
      left: PADDING,
      top: 14,
      padding: 0,
      itemGap: 8,
      textStyle: { color: colours.ink, fontSize: TITLE_PX, fontWeight: 600 },
      subtextStyle: { color: colours.faint, fontSize: NOTE_PX },
    },
    grid: { left, right, top: HEAD, bottom: FOOT, outerBoundsMode: "none" },
    xAxis: { type: "value", min: 0, max: longest || 1, show: false },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map(({ label }) => label),
      axisLine: { lineStyle: { color: colours.faint } },
      axisTick: { show: false },
      axisLabel: {
        margin: 10,
        interval: 0,
        formatter: (label, at) => {
          const note = rows[at]?.note;
          return note === undefined ? `{label|${label}}` : `{label|${label}}\n{note|${note}}`;
        },
        rich: {
          label: { color: colours.ink, fontSize: TEXT_PX, lineHeight: 18 },
          note: { color: colours.faint, fontSize: NOTE_PX, lineHeight: 16 },
        },
      },
    },
    series: [
      {
        type: "bar",
        silent: true,
        barWidth: BAR,
        itemStyle: { borderRadius: [0, 3, 3, 0] },
        data: rows.map(({ value, highlight = false }) => ({
          value: value > 0 ? Math.max(value, least) : 0,
          itemStyle: { color: highlight ? colours.chosen : colours.bar },
        })),
      },
      {
        // Invisible: it carries the text right of the bar and its limit.
        type: "bar",
        silent: true,
        barWidth: BAR,
        barGap: "-100%",
        itemStyle: { color: "transparent" },
        data: rows.map(({ value, limit = 0 }, at) => ({
          value: Math.max(value, limit),
          label: { formatter: () => texts[at] ?? "" },
        })),
        label: {
          show: true,
          position: "right",
          distance: 8,
          color: colours.ink,
          fontSize: TEXT_PX,
          fontWeight: 600,
        },
      },
      {
        type: "custom",
        silent: true,
        data: rows.flatMap(({ limit }, at) => (limit === undefined ? [] : [[limit, at]])),
        renderItem: (_parameters, at) => {
          const [x = 0, y = 0] = at.coord([at.value(0), at.value(1)]);
          const shape = { x1: x, x2: x, y1: y - BAR / 2 - 5, y2: y + BAR / 2 + 5 };
          return { type: "line", shape, style: { stroke: colours.limit, lineWidth: 2 } };
        },
      },
    ],
  };
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg
    .replace(">", `><title>${format.encodeHTML(title)}</title>`)
    // Only for a mouse. The library numbers them across all charts, so the bytes would differ.
    .replace(/<style.*?<\/style>\n?/s, "")
    .replace(/ class="[^"]*"/g, "")}\n`;
}

function written(value: number, unit: string): string {
  return `${value.toLocaleString("en")}${unit && ` ${unit}`}`;
}

/** The greatest width of a text in a font size, in px. */
function widest(text: string, size: number): number {
  return Math.ceil(text.length * size * CHARACTER);
}
