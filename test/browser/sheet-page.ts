// Runs the contact sheet in a real browser, and helps tests to look at it.

import axe, { type AxeResults } from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start } from "../support/local-run.ts";
import { launch } from "./chromium.ts";

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** For steps that take longer when other tests run. */
export const LONG_WAIT = { timeout: 60_000 };

/**
 * Runs a browser and a local run, in a copy of the project, around the tests of a file.
 * @param prepare changes the copy before the local run starts
 */
export function runSheet(prepare: (folder: string) => void = () => {}) {
  let folder: string;
  let browser: Browser;
  let port: number;
  let run: Awaited<ReturnType<typeof start>>;
  /** One context with one pixel a CSS pixel, and one with two. The pages of a context share a cache. */
  let contexts: readonly BrowserContext[];
  vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 }); // beside other tests
  const address = () => `http://localhost:${port}`;

  beforeAll(async () => {
    folder = copyProject();
    prepare(folder);
    port = await freePort();
    [browser, run] = await Promise.all([launch(), start(folder, port)]);
    contexts = await Promise.all(
      [1, 2].map((deviceScaleFactor) => browser.newContext({ deviceScaleFactor, hasTouch: true })),
    );
  });
  afterAll(async () => {
    await endRuns();
    removeCopies();
    await browser.close();
    vi.resetConfig();
  });

  /**
   * Opens the sheet with the pictures whose keys have a text in them. `complaints` collects the errors of the browser,
   * `got` its answers.
   */
  async function openSheet(filter = "", window = DESKTOP, density = 1) {
    const page = await (contexts[density - 1] ?? expect.unreachable()).newPage();
    await page.setViewportSize(window);
    page.setDefaultTimeout(LONG_WAIT.timeout);
    const complaints: string[] = [];
    const got = new Map<string, { status: number; type: string }>();
    page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("response", (response) => {
      const type = response.headers()["content-type"] ?? "";
      got.set(response.url(), { status: response.status(), type });
    });
    await page.addInitScript((text) => sessionStorage.setItem("filter", text), filter);
    await page.goto(`${address()}/`);
    return { page, complaints, got };
  }

  /** Ends the local run, and starts it again after something. */
  async function restart(between: () => Promise<void>): Promise<void> {
    await run.stop();
    await between();
    run = await start(folder, port);
  }
  return { folder: () => folder, address, openSheet, restart };
}

/** The figure of an object at a preset. */
export const figureOf = (page: Page, key: string, preset: string) =>
  page.locator(`article[data-key=${JSON.stringify(key)}] figure`).filter({
    has: page.locator(`h4:text-is("${preset}")`),
  });

/** How long one figure may take, before all of them are looked at again. */
const STEP = { timeout: 10_000 };

/**
 * Scrolls past each figure that the filter leaves, as a person does, and waits until all are measured. Begins again
 * where the page loads again meanwhile: it shows all figures then, until its filter is set.
 */
export async function look(page: Page): Promise<void> {
  const figures = page.locator("figure:visible");
  await vi.waitFor(async () => {
    await figures.first().waitFor(STEP);
    for (const figure of await figures.all()) {
      await figure.scrollIntoViewIfNeeded(STEP);
      await figure.and(page.locator("[data-state=shown]")).waitFor(STEP);
    }
  }, LONG_WAIT);
}

/** The images that the filter leaves, as the browser shows them, and what the page says of them. */
export const loadedImages = (page: Page) =>
  page.locator("figure:visible img").evaluateAll((images) =>
    images.map((image) => {
      if (!(image instanceof HTMLImageElement)) throw new Error("not an image");
      const facts = [...(image.closest("figure")?.querySelectorAll("[data-fact]") ?? [])];
      const [format, pixels, bytes, saved] = facts.map((one) => one.textContent);
      const link = image.closest("figure")?.querySelector("[aria-current=true]");
      const { variant } = link?.closest("li")?.dataset ?? {};
      const chosen = link?.textContent;
      const path = new URL(image.currentSrc).pathname;
      return { alt: image.alt, path, format, pixels, bytes, saved, variant, chosen };
    }),
  );

/** Finds barriers: rules of WCAG that the page breaks, and where. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source); // the policy of the page does not hold for this
  const { violations } = await page.evaluate<AxeResults>("axe.run()");
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** What is copied. */
export const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

/** What has the focus: its label or text. */
export const focused = (page: Page) =>
  page.evaluate(() => {
    const { activeElement: element } = document;
    const label = element?.getAttribute("aria-label") ?? element?.closest("label")?.textContent;
    return label ?? element?.textContent ?? "";
  });

/** Presses Tab until something has the focus. */
export async function tabTo(page: Page, label: string): Promise<void> {
  for (let tabs = 0; tabs < 20 && !(await focused(page)).startsWith(label); tabs++) {
    await page.keyboard.press("Tab");
  }
  expect(await focused(page)).toMatch(new RegExp(`^${RegExp.escape(label)}`));
}
