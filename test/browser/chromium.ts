// A real browser for tests, and for pictures of pages.

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Where a Chromium is, or undefined. `CHROMIUM` says so, where it is in another place. */
export function findChromium(): string | undefined {
  const { CHROMIUM } = process.env;
  if (CHROMIUM && !existsSync(CHROMIUM)) {
    throw new Error(`CHROMIUM is ${CHROMIUM}, and there is none`);
  }
  return CHROMIUM || PLACES.find((place) => existsSync(place));
}

/** Starts it, without a network but this machine. */
export function launch(executablePath: string): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"];
  return chromium.launch({ executablePath, args });
}
