// Runs `wrangler deploy` with the secrets in a file that exists only meanwhile, and learns from wrangler on which
// workers.dev address it has put the Worker.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fault, World } from "../command.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { type RunWrangler, showWrangler } from "../wrangler/run-wrangler.ts";

/**
 * @param sent all that is deployed of secrets: the others stay as they are
 * @returns the address of the Worker, if wrangler says one
 */
export async function wranglerDeploy(
  world: World,
  run: RunWrangler,
  known: EnvironmentConfig,
  sent: Readonly<Record<string, string>>,
  dryRun: boolean,
): Promise<{ readonly url: string | undefined } | Fault> {
  return withTemporaryFolder(async (folder) => {
    const secrets = Object.values(sent);
    const file = join(folder, "secrets.json");
    // JSON: in any other file wrangler replaces values by those of its environment and of .env, and expands `$` (S5).
    writeFileSync(file, JSON.stringify(sent), { mode: 0o600 });
    // What CI reads stays where CI wants it, under a name like wrangler's own.
    const { WRANGLER_OUTPUT_FILE_DIRECTORY: place = folder } = world.env;
    const named = join(place, `wrangler-output-vitrine-${process.pid}.json`);
    const output = world.env["WRANGLER_OUTPUT_FILE_PATH"] ?? named;
    const env = {
      ...world.env,
      WRANGLER_OUTPUT_FILE_PATH: output,
      // Else a file .env could name another Worker: wrangler reads it, too.
      WRANGLER_CI_OVERRIDE_NAME: known.worker,
    };
    const args = [
      ...["deploy", "--config", known.file, "--env", known.environment ?? ""],
      ...(dryRun ? ["--dry-run"] : secrets.length > 0 ? ["--secrets-file", file] : []),
    ];
    const fault = await showWrangler({ ...world, env }, run, args, { place: known, secrets });
    return fault ?? { url: workersDevUrl(output, known.worker ?? "") };
  });
}

/** A closed terminal, a cancelled job and Ctrl-\: without a listener, they end the process at once. */
const ENDINGS = ["SIGHUP", "SIGTERM", "SIGQUIT"] as const;

/** Calls `use` with a folder that only this user can read, and removes it however the process ends. */
export async function withTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const end = (signal: NodeJS.Signals) => {
    remove();
    process.kill(process.pid, signal); // Nobody listens any more.
  };
  process.once("exit", remove); // a second Ctrl-C ends the process at once
  for (const signal of ENDINGS) process.once(signal, end);
  try {
    return await use(folder);
  } finally {
    remove();
    process.off("exit", remove);
    for (const signal of ENDINGS) process.off(signal, end);
  }
}

/** The Worker's own address in wrangler's file, which is not there if wrangler was interrupted. */
function workersDevUrl(file: string, worker: string): string | undefined {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const urls = text.match(/(?<=")https:\/\/[\w-]+\.[\w-]+\.workers\.dev(?=")/g) ?? [];
  return urls.findLast((url) => url.startsWith(`https://${worker}.`));
}
