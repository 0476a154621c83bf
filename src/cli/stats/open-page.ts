// Writes the page of stats into a file that only its user may read, and opens it in their browser.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { World } from "../command.ts";
import { replaceFile } from "../files/write-file.ts";
import { withoutSecrets } from "../secrets/environment.ts";
import { statsPageHtml } from "./page-html.ts";
import type { StatsReport } from "./report.ts";

/**
 * Without a browser, as on a server, it only writes the file.
 * @returns the file, below the project's folder
 */
export async function openStatsPage(world: World, report: StatsReport): Promise<string> {
  const { environment } = report;
  const name = environment === "" ? "stats.html" : `stats.${environment}.html`;
  const file = join(".wrangler/vitrine", name);
  const path = resolve(world.folder, file);
  const document = await statsPageHtml(report);

  // An older file would give the new one its mode, and a link its place.
  rmSync(path, { force: true });
  replaceFile(path, document, 0o600);

  openInBrowser(world, path);
  return file;
}

/** A program of each system that opens a file, without a shell that would read its name. */
const OPENERS: Readonly<Record<string, string>> = { darwin: "open", win32: "explorer.exe" };

function openInBrowser({ env }: World, path: string): void {
  const { PATH, DISPLAY, WAYLAND_DISPLAY } = env;
  if (PATH === undefined) return;

  // Without a screen, xdg-open would start a browser in the terminal.
  const opener = OPENERS[process.platform];
  if (opener === undefined && !DISPLAY && !WAYLAND_DISPLAY) return;

  const options = { detached: true, stdio: "ignore", env: withoutSecrets(env) } as const;
  const child = spawn(opener ?? "xdg-open", [path], options);
  // Where no such program is installed, the user opens the file whose name is printed.
  child.on("error", () => {});
  child.unref();
}
