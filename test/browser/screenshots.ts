// npm run screenshots: the contact sheet of this project, light, dark and on a phone, and stats of a simulated month.
// With --readme it also writes the pictures of README.md, docs/development.md and docs/metrics.md.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { ROOT } from "../support/built.ts";
import { freePort } from "../support/free-port.ts";
import { start } from "../support/local-run.ts";
import { launch } from "./chromium.ts";
import { reportMonth, statsPageHtml } from "./stats-page.ts";

const FOLDER = join(ROOT, ".wrangler/screenshots");
const README = join(ROOT, "docs/pictures");
const DESKTOP = { viewport: { width: 1280, height: 980 }, deviceScaleFactor: 2 };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true };
const PAGES = {
  light: { ...DESKTOP, colorScheme: "light" },
  dark: { ...DESKTOP, colorScheme: "dark" },
  phone: { ...PHONE, colorScheme: "light" },
} as const;

console.log("Starting the local run ...");
const port = await freePort();
const [browser, run] = await Promise.all([launch(), start(ROOT, port, () => {})]);
mkdirSync(FOLDER, { recursive: true });
for (const [name, options] of Object.entries(PAGES)) {
  const page = await browser.newPage(options);
  await page.goto(`http://localhost:${port}/`);
  const { height } = options.viewport;
  // Wait for everything that is visible without scrolling.
  for (const figure of await page.locator("figure").all()) {
    const box = await figure.boundingBox();
    if (box === null || box.y > height) break;
    await figure.and(page.locator("[data-state]")).waitFor();
  }
  const path = join(FOLDER, `${name}.png`);
  const shot = await page.screenshot({ path });
  console.log(path);
  if (process.argv.includes("--readme") && name !== "phone") {
    await toReadme(shot, `sheet-${name}`, 1280);
  }
  await page.close();
}
await shootTry();
for (const colorScheme of ["light", "dark"] as const) await shootStats(colorScheme);
await browser.close();
await run.stop();

/** The dialog of a picture. */
async function shootTry(): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1100 } });
  await page.goto(`http://localhost:${port}/`);
  const button = page.getByRole("button", { name: "Try photos/dandelion.jpg as hero" });
  await page.locator("figure", { has: button }).and(page.locator("[data-state]")).waitFor();
  await button.click();
  const right = page.getByRole("group", { name: "Right" });
  await right.getByLabel("Format").selectOption("JPEG");
  await right.getByLabel("Quality").fill("30");
  await right.getByLabel("Quality").blur();
  await page.locator(".label", { hasText: "JPEG 30" }).waitFor();
  await page.locator(".label", { hasText: "AVIF" }).waitFor();
  const path = join(FOLDER, "try.png");
  const shot = await page.getByRole("dialog").screenshot({ path });
  console.log(path);
  if (process.argv.includes("--readme")) await toReadme(shot, "sheet-try", 960);
  await page.close();
}

/** The charts of `npx vitrine stats --open`. */
async function shootStats(colorScheme: "light" | "dark"): Promise<void> {
  const file = join(FOLDER, "stats.html");
  writeFileSync(file, await statsPageHtml(reportMonth(150)));

  const viewport = { width: 1040, height: 1480 };
  const page = await browser.newPage({ viewport, deviceScaleFactor: 2, colorScheme });
  await page.goto(pathToFileURL(file).href);

  const path = join(FOLDER, `stats-${colorScheme}.png`);
  const shot = await page.screenshot({ path });
  console.log(path);
  if (process.argv.includes("--readme")) await toReadme(shot, `stats-${colorScheme}`, 960);
  await page.close();
}

async function toReadme(shot: Buffer, name: string, width: number): Promise<void> {
  const file = join(README, `${name}.webp`);
  await sharp(shot).resize(width).webp({ quality: 75 }).toFile(file);
}
