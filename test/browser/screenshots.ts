// npm run screenshots: the contact sheet of this project, light, dark and on a phone.
// With --readme it also writes the pictures of README.md.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { ROOT } from "../support/built.ts";
import { freePort } from "../support/free-port.ts";
import { start } from "../support/local-run.ts";
import { findChromium, launch } from "./chromium.ts";

const FOLDER = join(ROOT, ".wrangler/screenshots");
const README = join(ROOT, "docs/pictures");
const DESKTOP = { viewport: { width: 1280, height: 980 }, deviceScaleFactor: 2 };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true };
const PAGES = {
  light: { ...DESKTOP, colorScheme: "light" },
  dark: { ...DESKTOP, colorScheme: "dark" },
  phone: { ...PHONE, colorScheme: "light" },
} as const;

const executable = findChromium();
if (executable === undefined) {
  console.error("No Chromium. Install it, or set CHROMIUM to its path.");
  process.exit(1);
}
console.log("Starting the local run ...");
const port = await freePort();
const [browser, run] = await Promise.all([launch(executable), start(ROOT, port, () => {})]);
mkdirSync(FOLDER, { recursive: true });
for (const [name, options] of Object.entries(PAGES)) {
  const page = await browser.newPage(options);
  await page.goto(`http://localhost:${port}/`);
  await page.waitForSelector("main[aria-busy=false]");
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
    await sharp(shot)
      .resize(1280)
      .webp({ quality: 75 })
      .toFile(join(README, `sheet-${name}.webp`));
  }
  await page.close();
}
await browser.close();
await run.stop();
