// Runs the contact sheet in a real browser, and helps tests to look at it.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import type { SheetAnswer } from "../../src/dev/sheet/data.ts";
import { freePort } from "../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start } from "../support/local-run.ts";
import { launch } from "./chromium.ts";

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** For steps that take longer when other tests run. */
export const PATIENCE = { timeout: 20_000 };

/** Runs a browser and a local run, in a copy of the project, around the tests that are described next. */
export function runSheet() {
  let folder: string;
  let browser: Browser;
  let port: number;
  let address: string;
  let run: Awaited<ReturnType<typeof start>>;
  /** One context with one pixel a CSS pixel, and one with two. The pages of a context share a cache. */
  let contexts: readonly BrowserContext[];

  beforeAll(async () => {
    folder = copyProject();
    port = await freePort();
    address = `http://localhost:${port}`;
    [browser, run] = await Promise.all([launch(), start(folder, port)]);
    contexts = await Promise.all(
      [1, 2].map((deviceScaleFactor) => browser.newContext({ deviceScaleFactor, hasTouch: true })),
    );
  });
  afterAll(async () => {
    await endRuns();
    removeCopies();
    await browser.close();
  });

  /**
   * Opens the sheet. `complaints` collects the errors of the browser, `got` its responses.
   * @param wanted how the keys of the pictures begin: a test should not wait for others. A route of
   *   Playwright is not used for this, because it turns off the cache of the browser.
   */
  async function openSheet(wanted = "", window = DESKTOP, density = 1) {
    const context = contexts[density - 1] ?? expect.unreachable();
    const page = await context.newPage();
    await page.setViewportSize(window);
    const complaints: string[] = [];
    const got = new Map<string, { status: number; type: string }>();
    page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
    page.on("response", (response) => {
      const type = response.headers()["content-type"] ?? "";
      got.set(response.url(), { status: response.status(), type });
    });
    await page.addInitScript((prefix) => {
      const send = globalThis.fetch;
      globalThis.fetch = async (input, init) => {
        const answer = await send(input, init);
        if (!`${input}`.endsWith("/sheet.json")) return answer;
        const data: SheetAnswer = await answer.json();
        if (data.sheet === undefined) return Response.json(data);
        const pictures = data.sheet.pictures.filter(({ key }) => key.startsWith(prefix));
        return Response.json({ ...data, sheet: { ...data.sheet, pictures } });
      };
    }, wanted);
    await page.goto(`${address}/`);
    await page.waitForSelector("main[aria-busy=false]", { state: "attached" }); // it may be empty
    return { page, complaints, got };
  }

  /** Ends the local run, and starts it again after something. */
  async function restart(between: () => Promise<void>): Promise<void> {
    await run.stop();
    await between();
    run = await start(folder, port);
  }

  return {
    folder: () => folder,
    address: () => address,
    output: () => run.output(),
    openSheet,
    restart,
  };
}

/** Scrolls past each figure, as a person who looks at all of them, and waits until all are shown. */
export async function look(page: Page, selector: string): Promise<void> {
  await page.locator(selector).first().waitFor();
  await page.locator(selector).evaluateAll(async (figures) => {
    for (const figure of figures) {
      figure.scrollIntoView();
      await new Promise(requestAnimationFrame);
    }
  });
  for (const figure of await page.locator(selector).all()) {
    await figure.and(page.locator("[data-state=shown]")).waitFor();
  }
}

/** The images of the page as the browser shows them. */
export const shown = (page: Page, selector: string) =>
  page.locator(`${selector} img`).evaluateAll((images) =>
    images.map((image) => {
      if (!(image instanceof HTMLImageElement)) throw new Error("not an image");
      const { alt, currentSrc, naturalWidth, naturalHeight } = image;
      const facts = image.closest("figure")?.querySelector("dl")?.textContent ?? "";
      const [, across, down] = /Pixels(\d+) × (\d+)/.exec(facts) ?? [];
      const pixels = [Number(across), Number(down)];
      return {
        alt,
        path: new URL(currentSrc).pathname,
        naturalWidth,
        naturalHeight,
        pixels,
        facts,
      };
    }),
  );
