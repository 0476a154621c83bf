// The SVG of a bar chart, read as text: positions and colours.

import { describe, expect, test } from "vitest";
import { type Chart, drawBars } from "./chart.ts";

const CHART: Chart = {
  title: "How long it takes",
  subtitle: "milliseconds, the median",
  unit: "ms",
  dark: false,
  rows: [
    { label: "hot URL", value: 50, limit: 100, note: "9 of 10 browsers", highlight: true },
    { label: "cold URL", value: 1234.5 },
    { label: "next to nothing", value: 0.001, text: "0.00" },
    { label: "nothing", value: 0 },
  ],
};

/** Where each bar begins and ends, from the left. */
function bars(svg: string): [number, number][] {
  const drawn = [...svg.matchAll(/<path d="M([\d.]+) [^"]*"[^>]*ecmeta_series_index="0"/g)];
  return drawn.map(([path, from]) => {
    const xs = [...path.matchAll(/[ML]([\d.]+) /g)].map(([, x]) => Number(x));
    const arcs = [...path.matchAll(/A[\d.]+ [\d.]+ \d \d \d ([\d.]+) /g)].map(([, x]) => Number(x));
    return [Number(from), Math.max(...xs, ...arcs)];
  });
}

/** The position and style of a text. */
function textOf(svg: string, text: string) {
  const pattern = /<text[^>]*text-anchor="(\w+)"[^>]*translate\(([\d.]+) ([\d.]+)\)[^>]*>([^<]*)</g;
  const found = [...svg.matchAll(pattern)].find(([, , , , written]) => written === text);
  return found && { anchor: found[1], x: Number(found[2]), y: Number(found[3]) };
}

const svg = drawBars(CHART);

test("the same input gives the same bytes, also after other charts", () => {
  drawBars({ ...CHART, dark: true });
  expect(drawBars(CHART)).toBe(svg);
});

test("it has no script, no external content and no generated ids", () => {
  expect(svg).not.toMatch(/<script|@import|@font-face|url\((?!#)|href="(?!#)|\bzr\d/);
  expect(svg.replaceAll(/xmlns(:xlink)?="[^"]+"/g, "")).not.toContain("http");
});

test("XML characters are escaped", () => {
  const marks = '<b> & "c"';
  const label = { label: marks, note: marks, value: 1, text: marks };
  const drawn = drawBars({ ...CHART, title: marks, subtitle: marks, rows: [label] });
  expect(drawn.match(/&lt;b&gt; &amp; /g)).toHaveLength(6);
  expect(drawn).not.toContain("<b>");
  expect(drawn).toMatch(/^<svg [^>]*><title>&lt;b&gt; /);
});

test("bars begin at the same place, and their lengths are their values", () => {
  const [hot = [0, 0], cold = [0, 0], little = [0, 0], none = [0, 0]] = bars(svg);
  for (const [from] of [cold, little, none]) expect(from).toBe(hot[0]);
  expect((cold[1] - cold[0]) / (hot[1] - hot[0])).toBeCloseTo(1234.5 / 50, 0);
  expect(little[1] - little[0]).toBeCloseTo(2, 0);
  expect(none[1] - none[0]).toBe(0);
});

test("every text is there: labels left of the bars, values right of them", () => {
  const [[start, end] = [0, 0], [, longest] = [0, 0]] = bars(svg);
  for (const label of ["hot URL", "9 of 10 browsers", "cold URL", "nothing"]) {
    const { anchor, x = 999 } = textOf(svg, label) ?? {};
    expect([label, anchor, x < start && x > label.length * 6]).toEqual([label, "end", true]);
  }
  expect(textOf(svg, "1,234.5 ms")?.x).toBeGreaterThan(longest);
  expect(840 - (textOf(svg, "1,234.5 ms")?.x ?? 840)).toBeGreaterThan("1,234.5 ms".length * 7);
  expect(textOf(svg, "0.00")).toBeDefined();
  // Right of the limit, which is beyond the bar.
  expect((textOf(svg, "50 ms")?.x ?? 0) - start).toBeGreaterThan(2 * (end - start));
});

test("a limit is a line across its bar", () => {
  const lines = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"[^>]*#b3261e/g)];
  expect(lines).toHaveLength(1);
  const [x, top, other, bottom] = (lines[0] ?? []).slice(1).map(Number);
  const [[start, end] = [0, 0]] = bars(svg);
  expect(x).toBe(other);
  expect(((x ?? 0) - start) / (end - start)).toBeCloseTo(2, 1);
  const { y = 0 } = textOf(svg, "50 ms") ?? {};
  expect((top ?? 0) < y && y < (bottom ?? 0)).toBe(true);
});

describe("colours", () => {
  /** The contrast of two colours by WCAG. */
  function contrast(one: string, other: string): number {
    const light = (colour: string) => {
      const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
        const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [dim = 0, bright = 0] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dim + 0.05);
  }

  test.each([
    [false, "#ffffff"],
    [true, "#0d1117"],
  ])("dark: %s can be read on %s", (dark, page) => {
    const drawn = drawBars({ ...CHART, dark });
    const texts = [...drawn.matchAll(/<text[^>]*fill="(#\w{6})"/g)].map(([, fill = ""]) => fill);
    expect(texts.length).toBeGreaterThan(9);
    for (const fill of texts) expect([fill, contrast(fill, page) >= 4.5]).toEqual([fill, true]);
    const bars = [...drawn.matchAll(/fill="(#\w{6})" ecmeta_series_index="0"/g)];
    expect(new Set(bars.map(([, fill]) => fill)).size).toBe(2);
    expect(drawn).toMatch(/<rect[^>]*fill="none"/);
  });
});

test.each([
  ["no row", []],
  ["nothing but nothing", [{ label: "none", value: 0 }]],
])("%s is a chart, too", (_title, rows) => {
  expect(drawBars({ ...CHART, rows })).toMatch(/^<svg (?:(?!NaN|Infinity).)*$/s);
});
