// A page with 20 pictures that come late, in Chromium: with facts, nothing moves, and each place has a background.

import { createServer } from "node:http";
import { startStrictWorker } from "vitrine:strict-worker";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { thumbHash } from "../../src/client/placeholder.ts";
import { launch } from "../browser/chromium.ts";
import { freePort } from "../support/free-port.ts";
import { meanColor } from "../support/mean-color.ts";
import { facts } from "./facts.ts";
import { createClient, type Fact, type ImgOptions, type ImgProps } from "./vitrine.ts";

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

type FactOptions = Pick<ImgOptions<unknown, Fact>, "original" | "placeholder">;

const thumbHashOf = (key: Key) => ({ original: facts[key], placeholder: thumbHash });

/** The attributes of 20 pictures: each object at each preset. */
function pictures(factOptions: (key: Key) => FactOptions): ImgProps[] {
  return (Object.keys(OBJECTS) as Key[]).flatMap((key) => {
    const options = { alt: "", loading: "eager", sizes: "300px", ...factOptions(key) } as const;
    const all = ["hero", "thumbnail", "card", "tall"] as const;
    return all.map((preset) => images.imgProps(key, preset, options));
  });
}

/** The window holds the whole page: a shift outside of it would not count. */
const WINDOW = { width: 1240, height: 2400 };

/** A page in which text follows each picture. */
function pageOf(all: readonly ImgProps[]): string {
  const escaped = (value: unknown) => `${value}`.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  const figures = all.map((props) => {
    const attributes = Object.entries(props).map(([name, value]) => `${name}="${escaped(value)}"`);
    return `<div><img ${attributes.join(" ")}><p>The text below a picture.</p></div>`;
  });
  return `<!doctype html><title>Pictures</title>
    <style>
      main { display: grid; grid-template-columns: repeat(4, 300px) }
      img { max-width: 100%; height: auto }
    </style>
    <main>${figures.join("\n")}</main>`;
}

/** The policy that placeholders need (docs/apps.md). */
const POLICY =
  "default-src 'none'; img-src 'self' data:; style-src-attr 'unsafe-inline'; style-src-elem 'unsafe-inline'";

/**
 * Starts the server of a page whose pictures come late: none before the test opens the gate.
 * @param html the page at `/`
 * @param get asks the Worker for a path
 * @returns `open` lets all pictures through, those that were asked for, and those that will be
 */
async function serveLatePictures(html: string, get: (path: string) => Promise<Response>) {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const requestedUrls: string[] = [];
  const server = createServer(async ({ url = "" }, response) => {
    if (!url.startsWith("/images/")) {
      const headers = { "content-type": "text/html", "content-security-policy": POLICY };
      return void response.writeHead(url === "/" ? 200 : 404, headers).end(html);
    }
    requestedUrls.push(url);
    await opened;
    const answer = await get(url);
    const type = answer.headers.get("content-type") ?? "";
    response.writeHead(answer.status, { "content-type": type });
    response.end(new Uint8Array(await answer.arrayBuffer()));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${port}/`, requestedUrls, open, close };
}

describe("layout shift and placeholders", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  /** Opens a page in a window, and waits until it has painted and asked for all its pictures. None has come. */
  async function openEmpty(html: string, deviceScaleFactor: number) {
    const served = await serveLatePictures(html, (path) =>
      get(`https://images.example.com${path}`),
    );
    onTestFinished(served.close);
    const context = await browser.newContext({ viewport: WINDOW, deviceScaleFactor });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(served.address, { waitUntil: "commit" });
    await page.waitForFunction(() => {
      const { length } = document.querySelectorAll("img");
      const [painted] = performance.getEntriesByName("first-contentful-paint");
      return length === 20 && painted !== undefined;
    });
    await expect
      .poll(() => new Set(served.requestedUrls).size, { timeout: 60_000 })
      .toBeGreaterThanOrEqual(6);
    return { page, served };
  }

  /**
   * Lets the pictures come.
   * @returns the sum of all layout shifts since the page began
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
      return shift;
    });
    served.open();
    return measured;
  }

  test.each([1, 2])("with facts, it is 0 at %d pixels a CSS pixel", async (density) => {
    const all = pictures(thumbHashOf);
    const opened = await openEmpty(pageOf(all), density);
    expect(await shiftOf(opened)).toBe(0);
    // Only what is in the window counts.
    const box = await opened.page.locator("p").last().boundingBox();
    expect((box?.y ?? Infinity) + (box?.height ?? 0)).toBeLessThan(WINDOW.height);
  });

  test("before they come, each has the background of its fact, unless it would shine through", async () => {
    const { page, served } = await openEmpty(pageOf(pictures(thumbHashOf)), 1);
    const backgrounds = await page.locator("img").evaluateAll((images) =>
      images.map((image) => {
        const { backgroundImage, backgroundSize } = getComputedStyle(image);
        const isThere = image instanceof HTMLImageElement && image.naturalWidth > 0;
        return [isThere, backgroundImage.replace(/base64,.*"/, 'base64,"'), backgroundSize];
      }),
    );
    const opaque = [false, 'url("data:image/png;base64,")', "cover"];
    const transparent = [false, "none", "auto"];
    expect(backgrounds).toEqual([...Array(16).fill(opaque), ...Array(4).fill(transparent)]);

    // It is painted, and looks like the picture.
    const first = page.locator("img").first();
    const placeholder = await meanColor(await first.screenshot());
    served.open();
    await first.evaluate(async (image) => {
      if (image instanceof HTMLImageElement) await image.decode();
    });
    const picture = await meanColor(await first.screenshot());
    for (const [channel, mean] of picture.entries()) {
      expect(Math.abs((placeholder[channel] ?? 0) - mean)).toBeLessThan(12);
    }
  });

  test("without facts, it is not", async () => {
    const opened = await openEmpty(pageOf(pictures(() => ({}))), 1);
    expect(await shiftOf(opened)).toBeGreaterThan(0.1);
  });
});
