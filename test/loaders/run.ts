// Runs the build commands and the servers of frameworks in the apps of this folder, and reads what they made.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { freePort } from "../support/free-port.ts";

const ENV = {
  NODE_ENV: "production",
  NO_COLOR: "1",
  NEXT_TELEMETRY_DISABLED: "1",
  NUXT_TELEMETRY_DISABLED: "1",
  ASTRO_TELEMETRY_DISABLED: "1",
  NG_CLI_ANALYTICS: "false",
} as const;

/** The command and the settings of a process of a framework. */
function processOf(app: string, script: string, appEnv: Readonly<Record<string, string>>) {
  const { VITEST: _, ...env } = process.env; // with it, frameworks would build for tests
  const cwd = join(import.meta.dirname, app);
  return { file: join(cwd, script), settings: { cwd, env: { ...env, ...ENV, ...appEnv } } };
}

/** Runs a framework's own command in one of the apps here. If it fails, it rejects with the whole output. */
export function run(
  app: string,
  [command = "", ...options]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { file, settings } = processOf(app, `../node_modules/.bin/${command}`, env);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file, ...options], settings, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}${stderr}`));
      else resolve();
    });
  });
}

/**
 * Runs the server of an app that was built, asks it for pages, and ends it.
 * @param script its path in the app, and its options
 * @returns the text of each page
 */
export async function pagesOf(
  app: string,
  [script = "", ...options]: readonly string[],
  paths: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const PORT = `${await freePort()}`;
  const { file, settings } = processOf(app, script, { ...env, PORT });
  const server = spawn(process.execPath, [file, ...options], settings);
  const ended = once(server, "exit");
  try {
    let output = "";
    const ready = new Promise<void>((resolve) => {
      const hear = (chunk: Buffer) => {
        output += chunk;
        if (/ready in|listening on|local: /i.test(stripVTControlCharacters(output))) resolve();
      };
      server.stdout.on("data", hear);
      server.stderr.on("data", hear);
    });
    await Promise.race([ready, ended]);
    if (server.exitCode !== null) throw new Error(`the server of ${app} ended:\n${output}`);
    const pages: string[] = [];
    for (const path of paths) {
      const answer = await fetch(`http://localhost:${PORT}${path}`);
      if (!answer.ok) throw new Error(`${path}: ${answer.status}\n${output}`);
      pages.push(await answer.text());
    }
    return pages;
  } finally {
    server.kill();
    await ended;
  }
}

/** Returns the text of each file below a folder whose name has this ending. */
export function textsIn(folder: string, ending = ""): string {
  const files = readdirSync(join(import.meta.dirname, folder), {
    recursive: true,
    withFileTypes: true,
  }).filter((file) => file.isFile() && file.name.endsWith(ending));
  return files.map((file) => readFileSync(join(file.parentPath, file.name), "utf8")).join("\n");
}
