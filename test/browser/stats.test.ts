// The page of `vitrine stats --open`, in a real browser: figures, charts, colours, the keyboard, hostile names.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StatsReport } from "../../src/cli/stats/report.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { launch } from "./chromium.ts";
import { barriers, DESKTOP, LONG_WAIT, PHONE } from "./sheet-page.ts";
import { reportMonth, statsPageHtml } from "./stats-page.ts";

const MONTHLY = reportMonth();
let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** Opens the page as a file, as the command does. `complaints` are errors of the browser, and what it wanted to load. */
async function openPage(
  report: StatsReport,
  colorScheme: "light" | "dark" = "light",
  viewport = DESKTOP,
) {
  const file = join(createTemporaryFolder("stats-page-"), "stats.html");
  writeFileSync(file, await statsPageHtml(report));

  const page = await browser.newPage({ colorScheme, viewport });
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  const address = pathToFileURL(file).href;
  page.on("request", (request) => {
    if (request.url() !== address) complaints.push(request.url());
  });
  await page.goto(address);
  return { page, complaints };
}

/** The text of an element, with usual spaces. */
const textOf = async (page: Page, selector: string) =>
  (await page.locator(selector).allInnerTexts()).join().replaceAll(/\s+/g, " ");

const count = (number: number) => number.toLocaleString("en");

test("the page has the figures of the report, as text, and loads nothing", async () => {
  const { page, complaints } = await openPage(MONTHLY);
  const main = await textOf(page, "main");
  const { requests, failed, refused, views, waits, presets, failing, errors } = MONTHLY;

  expect(failed).toBeGreaterThan(0); // there was an outage
  expect(await textOf(page, ".verdict")).toMatch(
    new RegExp(`^${count(failed)} of ${count(requests)} requests failed .* on Wed 18 Nov\\.$`),
  );
  expect(await textOf(page, "header")).toContain(
    "env.production, 1 November 2026 to 30 November 2026 UTC",
  );

  const numbers = [requests, failed, refused, ...Object.values(views), 90_000];
  for (const number of numbers) expect(main).toContain(count(number));
  for (const money of ["$42.50 for 90,000 transformations", "$25.00"]) {
    expect(main).toContain(money);
  }
  expect(main).toContain(
    `${count(views.miss + views.direct)} images were made while a visitor waited`,
  );
  expect(main).toContain("This is not your bill.");

  const images = Object.values(views).reduce((sum, number) => sum + number, 0);
  const cached = (100 * (views.hit + views.stale)) / images;
  expect(main).toContain(`From the cache ${cached.toFixed(1)} %`);

  for (const { source, images } of waits) {
    expect(main).toMatch(new RegExp(`${source} [A-Za-z, ]+ ${count(images)} `));
  }
  for (const { preset, images } of presets) expect(main).toContain(`${preset} ${count(images)} `);
  for (const { preset, bucket, failed: failures } of failing) {
    expect(main).toContain(`${preset} from ${bucket} ${count(failures)} `);
  }
  for (const { event, status, requests: times } of errors) {
    expect(main).toContain(`${event} ${status} ${count(times)}`);
  }
  expect(complaints).toEqual([]);
  await page.close();
});

test("beside each chart is a table of its figures, and a label that says its main fact", async () => {
  const { page } = await openPage(MONTHLY);
  const cells = (chart: string) =>
    page
      .locator(`section:has(> [data-chart=${chart}]) tbody tr`)
      .evaluateAll((rows) =>
        rows.map((row) => [...row.children].slice(1).map(({ textContent }) => textContent)),
      );
  const { timeline } = MONTHLY;

  expect(await cells("views")).toEqual(
    timeline.map(({ hit, stale, stored, miss, direct }) =>
      [hit, stale, stored, miss, direct].map(count),
    ),
  );
  expect(await cells("failed")).toEqual(timeline.map(({ failed }) => [count(failed)]));
  expect(await cells("refused")).toEqual(timeline.map(({ refused }) => [count(refused)]));
  expect(await cells("wait")).toEqual(
    timeline.map(() => [expect.stringMatching(/^[\d.,]+\s(ms|s)$/)]),
  );

  const label = `Bars of the requests that failed each day: ${count(MONTHLY.failed)} in all; most on Wed 18 Nov`;
  expect(await page.getByRole("img", { name: label }).count()).toBe(1);
  await page.close();
});

test("an outage stands out: one bar in red, and its day is shaded in all charts", async () => {
  const { page } = await openPage(MONTHLY);
  const [barRows, ...shades] = await Promise.all(
    ["failed", "views", "refused", "wait"].map((chart) => reddishColumns(page, chart)),
  );
  const day = MONTHLY.timeline.findIndex(({ failed }) => failed > 0);
  const position = (day + 0.6) / (MONTHLY.timeline.length + 0.2);

  for (const columns of [barRows, ...shades]) {
    const [first = Number.NaN] = columns ?? [];
    const last = columns?.at(-1) ?? Number.NaN;
    expect((first + last) / 2).toBeCloseTo(position, 2);
    expect(last - first).toBeLessThan(1.5 / MONTHLY.timeline.length);
  }
  await page.close();
});

/** Where a chart is more red than green and blue at its upper edge, as parts of the width of its plot. */
function reddishColumns(page: Page, chart: string): Promise<number[]> {
  return page.locator(`[data-chart=${chart}]`).evaluate((element) => {
    const canvas = element.querySelector("canvas");
    const plot = element.querySelector(".u-over");
    const context = canvas?.getContext("2d");
    if (canvas == null || plot === null || context == null) throw new Error("no chart is drawn");

    const left = plot.getBoundingClientRect().left - canvas.getBoundingClientRect().left;
    const top = plot.getBoundingClientRect().top - canvas.getBoundingClientRect().top;
    const { width } = plot.getBoundingClientRect();
    const row = context.getImageData(left, top + 1, width, 1).data;

    const columns: number[] = [];
    for (let column = 0; column < width; column += 1) {
      const [red = 0, green = 0, blue = 0, alpha = 0] = row.subarray(4 * column, 4 * column + 4);
      if (alpha > 0 && red > green + 60 && red > blue + 60) columns.push(column / width);
    }
    return columns;
  });
}

test("the parts of a bar are as high as the images of each source", async () => {
  const { page } = await openPage(MONTHLY);
  const [day] = MONTHLY.timeline;
  if (day === undefined) return expect.unreachable();

  const pixels = await page.locator("[data-chart=views]").evaluate((element, steps) => {
    const canvas = element.querySelector("canvas");
    const plot = element.querySelector(".u-over")?.getBoundingClientRect();
    const context = canvas?.getContext("2d");
    if (canvas == null || plot === undefined || context == null) throw new Error("no chart");

    // The middle of the first bar, from its top to its foot.
    const { left, top } = canvas.getBoundingClientRect();
    const x = plot.left - left + (plot.width * 0.6) / (steps + 0.2);
    const { data } = context.getImageData(x, plot.top - top, 1, plot.height);
    const counts: Record<string, number> = {};
    for (let index = 0; index < data.length; index += 4) {
      const [red, green, blue] = data.subarray(index, index + 3);
      const colour = `rgb(${red}, ${green}, ${blue})`;
      counts[colour] = (counts[colour] ?? 0) + 1;
    }

    const swatches = [...document.querySelectorAll(".legend .swatch")].slice(0, 5);
    return swatches.map((swatch) => counts[getComputedStyle(swatch).color] ?? 0);
  }, MONTHLY.timeline.length);

  const images = [day.hit, day.stale, day.stored, day.miss, day.direct];
  const [hitPixels = 0] = pixels;
  for (const [index, part] of images.entries()) {
    // The lines between two parts take a pixel or two.
    const height = (hitPixels * part) / day.hit;
    expect(Math.abs((pixels[index] ?? 0) - height)).toBeLessThan(3);
  }
  expect(hitPixels).toBeGreaterThan(50);
  await page.close();
});

test.each([
  ["light", DESKTOP],
  ["dark", DESKTOP],
  ["dark", PHONE],
] as const)("in %s, %j, the page is so, without a barrier", async (colorScheme, viewport) => {
  const { page, complaints } = await openPage(MONTHLY, colorScheme, viewport);
  for (const details of await page.locator("details").all()) await details.click();

  expect(await barriers(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  const cardColour = await page
    .locator(".charts")
    .evaluate((card) => getComputedStyle(card).backgroundColor);
  expect(brightness(cardColour) > 0.5).toBe(colorScheme === "light");

  // Dollars are compared by their bars, which are long enough for that.
  const bars = await page
    .locator(".money .bar")
    .evaluateAll((elements) => elements.map((element) => element.getBoundingClientRect().width));
  expect(bars).toHaveLength(3);
  for (const width of bars) expect(width).toBeGreaterThan(viewport.width / 3);

  // People with any kind of colour blindness tell the sources apart, and each from the card.
  const colours = await page
    .locator(".legend .swatch")
    .evaluateAll((swatches) => swatches.map((swatch) => getComputedStyle(swatch).color));
  for (const colour of colours) expect(contrast(colour, cardColour)).toBeGreaterThan(3);
  const sources = colours.slice(0, 5);
  for (const [index, colour] of sources.entries()) {
    for (const other of sources.slice(index + 1)) {
      const distances = Object.values(VISIONS).map((vision) => distance(vision, colour, other));
      expect([colour, other, Math.min(...distances)]).toEqual([
        ...[colour, other],
        expect.toSatisfy((smallest: number) => smallest > 0.1),
      ]);
    }
  }
  expect(complaints).toEqual([]);
  await page.close();
});

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** What people see of linear RGB: Machado, Oliveira and Fernandes, 2009. */
const VISIONS = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
} as const satisfies Readonly<Record<string, Matrix>>;

const LUMINANCE = [0.2126, 0.7152, 0.0722] as const;

/** Reads `rgb(18, 69, 118)`. */
function linearOf(colour: string): Triple {
  const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map((digits) => {
    const value = Number(digits) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return [red, green, blue];
}

function times(row: Triple, colour: Triple): number {
  return row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2];
}

function brightness(colour: string): number {
  return times(LUMINANCE, linearOf(colour));
}

function contrast(a: string, b: string): number {
  const [low, high] = [brightness(a), brightness(b)].toSorted((x, y) => x - y);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

/** How far apart two colours are in OKLab, by Ottosson, to such people. */
function distance(vision: Matrix, a: string, b: string): number {
  const [first, second] = [a, b].map((colour) => {
    const linear = linearOf(colour);
    const seen = vision.map((row) => Math.min(1, Math.max(0, times(row, linear))));
    return labOf([seen[0] ?? 0, seen[1] ?? 0, seen[2] ?? 0]);
  });
  return Math.hypot(...(first ?? []).map((value, axis) => value - (second?.[axis] ?? 0)));
}

function labOf(colour: Triple): Triple {
  const l = Math.cbrt(times([0.4122214708, 0.5363325363, 0.0514459929], colour));
  const m = Math.cbrt(times([0.2119034982, 0.6806995451, 0.1073969566], colour));
  const s = Math.cbrt(times([0.0883024619, 0.2817188376, 0.6299787005], colour));
  return [
    times([0.2104542553, 0.793617785, -0.0040720468], [l, m, s]),
    times([1.9779984951, -2.428592205, 0.4505937099], [l, m, s]),
    times([0.0259040371, 0.7827717662, -0.808675766], [l, m, s]),
  ];
}

test("the charts are drawn anew when the system turns dark, and when the window shrinks", async () => {
  const { page } = await openPage(MONTHLY, "light");
  const picture = () =>
    page.locator("[data-chart=views] canvas").evaluate((canvas) => {
      if (!(canvas instanceof HTMLCanvasElement)) throw new Error("not a canvas");
      return canvas.toDataURL();
    });
  const light = await picture();
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(picture, LONG_WAIT).not.toBe(light);

  await page.setViewportSize(PHONE);
  const width = () =>
    page.locator("[data-chart=views] canvas").evaluate((canvas) => canvas.clientWidth);
  await expect.poll(width, LONG_WAIT).toBeLessThan(PHONE.width);
  await page.close();
});

test("by keyboard alone, and by a pointer, each day's figures are read", async () => {
  const { page } = await openPage(MONTHLY);
  const day = MONTHLY.timeline.findIndex(({ failed }) => failed > 0);
  const step = MONTHLY.timeline[day] ?? expect.unreachable();
  const slider = page.getByRole("slider", { name: "Choose a day" });
  const legendText = (series: string) => page.locator(`[data-value=${series}]`).textContent();

  await slider.focus();
  await page.keyboard.press("Home");
  for (let presses = 0; presses < day; presses += 1) await page.keyboard.press("ArrowRight");
  expect([await legendText("hit"), await legendText("failed")]).toEqual([
    count(step.hit),
    count(step.failed),
  ]);
  expect(await slider.getAttribute("aria-valuetext")).toMatch(
    new RegExp(`^Wed 18 Nov: [\\d,]+ images, ${count(step.failed)} requests failed$`),
  );

  // Those of the whole month again.
  await page.keyboard.press("Tab");
  expect(await legendText("hit")).toBe(count(MONTHLY.views.hit));

  const plot = page.locator("[data-chart=refused] .u-over");
  const { width = 0 } = (await plot.boundingBox()) ?? {};
  const x = (width * (day + 0.6)) / (MONTHLY.timeline.length + 0.2);
  await plot.hover({ position: { x, y: 10 } });
  expect([await legendText("hit"), await legendText("refused")]).toEqual([
    count(step.hit),
    count(step.refused),
  ]);
  await page.close();
});

const HOSTILE = [
  "</script><script>document.title = 'run'</script>",
  "<!--<script>",
  "\u202egnp.drac",
  "بطاقة",
  "a".repeat(300),
];

test("names that somebody made up are text, and the page is no wider for them", async () => {
  const report: StatsReport = {
    ...MONTHLY,
    environment: HOSTILE[0] ?? "",
    presets: HOSTILE.map((preset) => ({ preset, images: 1, medianMs: 5, p95Ms: 9 })),
    failing: HOSTILE.map((bucket) => ({ preset: bucket, bucket, requests: 5, failed: 1 })),
    errors: HOSTILE.map((event) => ({ event, status: "502", requests: 1 })),
    timeline: MONTHLY.timeline.map((step) => ({ ...step, note: HOSTILE[0] })),
  };
  const { page, complaints } = await openPage(report, "light", PHONE);

  expect(await page.title()).toBe(`Vitrine: stats of env.${HOSTILE[0]}`);
  const names = await page.locator("main bdi").allTextContents();
  for (const name of HOSTILE) expect(names.filter((text) => text === name)).toHaveLength(4);
  expect(await page.locator("canvas").count()).toBe(4);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  expect(complaints).toEqual([]);

  // What would run in another page does not run in this one.
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'run'";
    document.body.append(script);
  });
  expect(await page.title()).not.toBe("run");
  await page.close();
});

const NOTHING: Omit<StatsReport["timeline"][number], "start"> = {
  ...{ hit: 0, stale: 0, stored: 0, miss: 0, direct: 0 },
  ...{ refused: 0, failed: 0, p95Ms: 0 },
};
const EMPTY: StatsReport = {
  ...MONTHLY,
  ...{ source: "local", environment: "", requests: 0, refused: 0, failed: 0, bytes: 0 },
  ...{ until: "2026-11-02T00:00:00.000Z", views: NOTHING },
  ...{ waits: [], presets: [], failing: [], errors: [] },
  ...{ madeWhileWaiting: 0, costs: undefined },
  timeline: Array.from({ length: 24 }, (_step, hour) => ({
    ...NOTHING,
    start: new Date(Date.parse(MONTHLY.from) + hour * 3_600_000).toISOString(),
  })),
};

test.each<{ title: string; report: StatsReport; texts: readonly string[]; charts: number }>([
  {
    title: "without a request, it says what to do",
    report: EMPTY,
    texts: ["Nobody asked for a picture in this time. Ask the local run"],
    charts: 0,
  },
  {
    title: "a day of a local run without a failure is shown by the hour, and says whose it is",
    report: {
      ...EMPTY,
      ...{ requests: 3, views: { ...NOTHING, miss: 3 }, until: "2026-11-01T02:30:00.000Z" },
      timeline: EMPTY.timeline.slice(0, 3).map((step) => ({ ...step, miss: 1, p95Ms: 1234 })),
    },
    texts: [
      "the top level, 1 November 2026 to 1 November 2026, 02:30 UTC. By the requests of the local run",
      "No request failed.",
      "No request was refused.",
      "The last hour is not over.",
      "95 of 100 waited at most 1.2 s on Sun 1 Nov, 00:00",
      "The local run costs nothing.",
    ],
    charts: 2,
  },
  {
    title: "a day alone, on which every request failed, is drawn",
    report: {
      ...EMPTY,
      ...{ source: "cloudflare", requests: 7, failed: 7 },
      timeline: EMPTY.timeline.slice(0, 1).map((step) => ({ ...step, failed: 7 })),
    },
    texts: [
      "7 of 7 requests failed (100 %), all of them on Sun 1 Nov.",
      "No image was shown.",
      "From the cache – no image was shown",
    ],
    charts: 1,
  },
  {
    title: "a month of one request, which failed, does not speak of many",
    report: {
      ...MONTHLY,
      ...{ requests: 1, failed: 1, refused: 0, views: NOTHING, madeWhileWaiting: 1 },
      ...{ waits: [], presets: [] },
      costs: { dollarsIfEachIsBilled: 26, worstCase: undefined, budget: 25 },
      timeline: MONTHLY.timeline.map((step, day) => ({
        ...step,
        ...NOTHING,
        failed: day === 0 ? 1 : 0,
      })),
    },
    texts: [
      "1 of 1 request failed (100 %), on Sun 1 Nov.",
      "1 image was made while a visitor waited.",
      "If each were billed, this would be more than the budget.",
    ],
    charts: 1,
  },
])("$title", async ({ report, texts, charts }) => {
  const { page, complaints } = await openPage(report);
  const text = await textOf(page, "body");

  for (const expected of texts) expect(text).toContain(expected);
  expect(await page.locator("canvas").count()).toBe(charts);
  if (charts === 0) expect(await barriers(page)).toEqual([]);
  expect(complaints).toEqual([]);
  await page.close();
});
