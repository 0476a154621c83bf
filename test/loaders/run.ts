// Runs the build commands of frameworks in the apps of this folder.

import { execFile } from "node:child_process";
import { join } from "node:path";

const ENV = {
  NODE_ENV: "production",
  NO_COLOR: "1",
  NEXT_TELEMETRY_DISABLED: "1",
  NUXT_TELEMETRY_DISABLED: "1",
  ASTRO_TELEMETRY_DISABLED: "1",
} as const;

/** Runs a framework's own command in one of the apps here. If it fails, it rejects with the whole output. */
export function run(app: string, command: string, ...options: string[]): Promise<void> {
  const { VITEST: _, ...env } = process.env; // with it, frameworks would build for tests
  const file = join(import.meta.dirname, "node_modules/.bin", command);
  const settings = { cwd: join(import.meta.dirname, app), env: { ...env, ...ENV } };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file, ...options], settings, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}${stderr}`));
      else resolve();
    });
  });
}
