// The contact sheet follows changes of the project and of its buckets, while it is open in a real browser.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterEach, beforeAll, expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { editFile } from "../support/local-run.ts";
import { figureOf, LONG_WAIT, look, PHONE, runSheet } from "./sheet-page.ts";

/** It has few pixels, so it is made fast. */
const KEY = "transparent.png";
const { folder, address, openSheet, restart } = runSheet();
const toml = () => join(folder(), "wrangler.toml");
const edit = (text: string, newText: string) =>
  editFile(toml(), (file) => file.replace(text, newText));
const original = readFileSync(join(ROOT, "test/support/wrangler.toml"), "utf8");
const tag = async () => (await fetch(`${address()}/.vitrine/tag`)).text();
let first: string;

beforeAll(async () => {
  first = await tag();
});
afterEach(async () => {
  // wrangler takes up each write, also of the same text.
  if (readFileSync(toml(), "utf8") !== original) writeFileSync(toml(), original);
});

/** Waits until a preset of an object has this many pixels. */
const becomes = (page: Page, key: string, preset: string, pixels: string) =>
  figureOf(page, key, preset).getByText(pixels, { exact: true }).waitFor();

test("a changed preset shows its new picture, also in a page that is opened then", async () => {
  const { page, complaints } = await openSheet(KEY, { width: 1280, height: 500 });
  await look(page);
  await becomes(page, KEY, "card", "300 × 300");
  await page.evaluate(() => scrollTo(0, 700));
  const top = await page.evaluate(() => scrollY);
  expect(top).toBeGreaterThan(300);
  edit("width = 480", "width = 100");
  await becomes(page, KEY, "card", "100 × 100");
  expect(await page.inputValue("#filter")).toBe(KEY);
  const moved = async () => Math.abs((await page.evaluate(() => scrollY)) - top);
  await expect.poll(moved, LONG_WAIT).toBeLessThan(300);
  edit("width = 100", "width = 90");
  const second = await openSheet(KEY);
  await becomes(second.page, KEY, "card", "90 × 90");
  await becomes(page, KEY, "card", "90 × 90");
  expect([...complaints, ...second.complaints]).toEqual([]);
  await second.page.close();
  edit('"/images/:preset/*"', '"/pictures/:preset/*"'); // an image that is asked for meanwhile is 404
  await figureOf(page, KEY, "card").locator('img[src^="/pictures/card/"]').waitFor();
  await page.close();
});

test("mistakes are listed over the last good sheet until they are corrected; its pictures may fail", async () => {
  const { page } = await openSheet(KEY, PHONE);
  await look(page);
  const panel = page.getByRole("alert", { name: "The configuration has mistakes" });
  const mistakes = () => panel.locator("li").allInnerTexts();
  edit("width = 480", "width = = 480");
  await panel.waitFor();
  await expect
    .poll(mistakes, LONG_WAIT)
    .toEqual([expect.stringMatching(/^wrangler\.toml:\d+:\d+: /)]);
  writeFileSync(toml(), original.replace("quality = 80", "quality = 800\nfit = 'nose'"));
  await expect
    .poll(mistakes, LONG_WAIT)
    .toEqual([
      expect.stringMatching(/^PRESETS\.hero\.fit: "nose" is not one of /),
      expect.stringMatching(/^PRESETS\.hero\.quality: 800 is not a whole number/),
    ]);
  // The last good sheet is still there. The panel fits the phone.
  await becomes(page, KEY, "thumbnail", "160 × 160");
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await expect.poll(overflow, LONG_WAIT).toBe(0);
  writeFileSync(toml(), original);
  await panel.waitFor({ state: "detached" });
  await look(page);
  await page.close();
});

test("while a picture is tried the page stays; after that it is up to date", async () => {
  const { page } = await openSheet(KEY);
  await look(page);
  await page.getByRole("button", { name: `Try ${KEY} as card` }).click();
  const before = await tag();
  edit("width = 480", "width = 70");
  await expect.poll(tag, LONG_WAIT).not.toBe(before);
  expect(await page.getByRole("dialog").isVisible()).toBe(true);
  await page.keyboard.press("Escape");
  await becomes(page, KEY, "card", "70 × 70");
  await page.close();
});

/** Opens the sheet as soon as somebody listens. Returns the first answer's status. */
async function openEarly(page: Page): Promise<number | undefined> {
  const open = async () => (await page.goto(`${address()}/`).catch(() => null))?.status();
  let first: number | undefined;
  await expect.poll(async () => (first = await open()), LONG_WAIT).toBeDefined();
  return first;
}

test("a local run that ends and starts again", async () => {
  const { page } = await openSheet(KEY);
  await look(page);
  const { page: earlyPage } = await openSheet(KEY);
  let opening: Promise<number | undefined> | undefined;
  await restart(async () => {
    await page
      .getByText("The local run does not answer. This page goes on when it does.")
      .waitFor();
    edit("width = 480", "width = 60");
    opening = openEarly(earlyPage);
  });
  await becomes(page, KEY, "card", "60 × 60");
  // A page that is opened while it starts loads again by itself.
  expect(await opening).toBe(503);
  await becomes(earlyPage, KEY, "card", "60 × 60");
  await earlyPage.close();
  await expect.poll(() => page.textContent("#message"), LONG_WAIT).toBe("");
  expect(await tag()).not.toBe(first); // a new run has tags of its own
  await page.close();
});
