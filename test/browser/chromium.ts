// A real browser, for tests and for screenshots.

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CHROMIUM_PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/**
 * The path of a Chromium. `CHROMIUM` can name another one.
 * @throws if there is none: a test that needs a browser must not pass without one
 */
function findChromium(): string {
  const { CHROMIUM } = process.env;
  const executable = CHROMIUM || CHROMIUM_PATHS.find((path) => existsSync(path));
  if (executable !== undefined && existsSync(executable)) return executable;
  throw new Error(`No Chromium ${CHROMIUM ?? ""}: install it, or set CHROMIUM to its path`);
}

/** Starts a Chromium without background traffic. */
export function launch(): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"];
  return chromium.launch({ executablePath: findChromium(), args });
}
