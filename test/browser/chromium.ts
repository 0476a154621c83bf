// A real browser, for tests and for screenshots.

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The path of a Chromium, or undefined. `CHROMIUM` can name another path. */
export function findChromium(): string | undefined {
  const { CHROMIUM } = process.env;
  if (CHROMIUM && !existsSync(CHROMIUM)) {
    throw new Error(`CHROMIUM is ${CHROMIUM}, but that file does not exist`);
  }
  return CHROMIUM || PLACES.find((place) => existsSync(place));
}

/**
 * The Chromium of tests, and what to call them: without one they are skipped, and their title says so.
 * @throws in CI, where a Chromium is required
 */
export function chromiumFor(title: string) {
  const executable = findChromium();
  if (executable !== undefined) return { executable, title };
  const remedy = "install it, or set CHROMIUM to its path";
  if (process.env["CI"] !== undefined) throw new Error(`No Chromium: ${remedy}`);
  return { title: `${title}: NOT TESTED, because there is no Chromium (${remedy})` };
}

/** Starts it without background traffic. */
export function launch(executablePath: string): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"];
  return chromium.launch({ executablePath, args });
}
