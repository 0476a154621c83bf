// The layout shift of a page with 20 pictures that come late, measured in Chromium: with facts, nothing moves.

import { startStrictWorker } from "vitrine:strict-worker";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { findChromium, launch } from "../browser/chromium.ts";
import { facts } from "./facts.ts";
import { serveLatePictures } from "./late-pictures.ts";
import { createClient, type ImgProps } from "./vitrine.ts";

const OBJECTS = {
  "photos/fig.jpg": "photos/fig.jpg",
  "photos/dandelion.jpg": "photos/dandelion.jpg",
  "photos/friends.jpg": "photos/friends.jpg",
  "rotated-gps.jpg": "made/rotated-gps.jpg",
  "transparent.png": "made/transparent.png",
} as const;
type Key = keyof typeof OBJECTS;

const images = createClient({
  baseUrl: "",
  route: { path: "/images/:preset/*", object: "media/*" },
  presets: {
    thumbnail: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
    card: { width: 480, dpr: [1, 2] },
    tall: { height: 300, dpr: [1, 2] },
    hero: { width: 1200, widths: [400, 800, 1200] },
  },
});
const { route, presets } = images.site;
const get = startStrictWorker(OBJECTS, { ROUTES: [route], PRESETS: presets });

type Original = (key: Key) => { readonly original?: (typeof facts)[Key] };

/** The attributes of 20 pictures: each object at each preset. */
function pictures(original: Original): ImgProps[] {
  const keys: Key[] = [
    "photos/fig.jpg",
    "photos/dandelion.jpg",
    "photos/friends.jpg",
    "rotated-gps.jpg",
    "transparent.png",
  ];
  return keys.flatMap((key) => {
    const options = { alt: "", loading: "eager", sizes: "800px", ...original(key) } as const;
    const { imgProps } = images;
    return [
      imgProps(key, "hero", options),
      imgProps(key, "thumbnail", options),
      imgProps(key, "card", options),
      imgProps(key, "tall", options),
    ];
  });
}

/** A page in which text follows each picture. */
function pageOf(all: readonly ImgProps[]): string {
  const escaped = (value: unknown) => `${value}`.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  const figures = all.map((props) => {
    const attributes = Object.entries(props).map(([name, value]) => `${name}="${escaped(value)}"`);
    return `<p><img ${attributes.join(" ")}></p><p>The text below a picture.</p>`;
  });
  return `<!doctype html><title>Pictures</title>
    <style>main { width: 800px } img { max-width: 100%; height: auto }</style>
    <main><p>The text above all.</p>${figures.join("\n")}</main>`;
}

const executable = findChromium();
// In CI a Chromium is required.
if (executable === undefined && process.env["CI"] !== undefined) {
  throw new Error("No Chromium. Install it, or set CHROMIUM to its path.");
}
const title = `layout shift${executable === undefined ? ": NOT TESTED, because there is no Chromium" : ""}`;

describe.skipIf(executable === undefined)(title, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(executable ?? "");
  });
  afterAll(() => browser.close());

  /** Opens a page in a window, and waits until it has painted and asked for all its pictures. None has come. */
  async function openEmpty(html: string, deviceScaleFactor: number) {
    const served = await serveLatePictures(html, (path) =>
      get(`https://images.example.com${path}`),
    );
    onTestFinished(served.close);
    const viewport = { width: 1000, height: 900 };
    const context = await browser.newContext({ viewport, deviceScaleFactor });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(served.address, { waitUntil: "commit" });
    await page.waitForFunction(() => {
      const { length } = document.querySelectorAll("img");
      const [painted] = performance.getEntriesByName("first-contentful-paint");
      return length === 20 && painted !== undefined;
    });
    await expect
      .poll(() => new Set(served.asked).size, { timeout: 60_000 })
      .toBeGreaterThanOrEqual(6);
    return { page, served };
  }

  /**
   * Lets the pictures come.
   * @returns the sum of all layout shifts since the page began, and the pictures that it shows distorted
   */
  async function shiftOf({ page, served }: Awaited<ReturnType<typeof openEmpty>>) {
    const measured = page.evaluate(async () => {
      let shift = 0;
      const add = (entries: PerformanceEntryList) => {
        for (const entry of entries) {
          if ("value" in entry && typeof entry.value === "number") shift += entry.value;
        }
      };
      const observer = new PerformanceObserver((list) => add(list.getEntries()));
      observer.observe({ type: "layout-shift", buffered: true });
      const images = [...document.querySelectorAll("img")];
      await Promise.all(images.map((image) => image.decode())); // rejects if one is broken
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      for (let count = 0; count < 3; count++) await frame();
      await new Promise((resolve) => setTimeout(resolve));
      add(observer.takeRecords());
      const distorted = images.filter(({ width, height, naturalWidth, naturalHeight }) => {
        return Math.abs(width - (height * naturalWidth) / naturalHeight) > 2;
      });
      return { shift, distorted: distorted.map(({ currentSrc }) => currentSrc) };
    });
    served.open();
    return measured;
  }

  test.each([1, 2])("with facts, it is 0 at %d pixels a CSS pixel", async (density) => {
    const all = pictures((key) => ({ original: facts[key] }));
    const opened = await openEmpty(pageOf(all), density);
    expect(await shiftOf(opened)).toEqual({ shift: 0, distorted: [] });
  });

  test("without facts, it is not", async () => {
    const opened = await openEmpty(pageOf(pictures(() => ({}))), 1);
    const { shift } = await shiftOf(opened);
    expect(shift).toBeGreaterThan(0.1);
  });
});
