// Runs `wrangler deploy` with the secrets in a file that exists only meanwhile, and learns from wrangler on which
// workers.dev address it has put the Worker.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fault, World } from "../command.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { type RunWrangler, showWrangler } from "../wrangler/run-wrangler.ts";
import type { Secrets } from "./prepare-secrets.ts";

/** A closed terminal, a cancelled job and Ctrl-\: without a listener, they end the process at once. */
const ENDINGS = ["SIGHUP", "SIGTERM", "SIGQUIT"] as const;

/**
 * @param secrets all that is deployed of secrets: the others stay as they are
 * @returns the workers.dev address of the Worker, if wrangler says one
 */
export async function wranglerDeploy(
  world: World,
  run: RunWrangler,
  known: EnvironmentConfig,
  secrets: Secrets,
): Promise<{ readonly url: string | undefined } | Fault> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const end = () => process.exit(1); // removes it, too
  process.once("exit", remove);
  for (const signal of ENDINGS) process.once(signal, end);
  try {
    const file = join(folder, "secrets.json");
    // JSON: in any other file wrangler replaces values by those of its environment and of .env, and expands `$` (S5).
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
    const output = join(folder, "output.json");
    const env = {
      ...world.env,
      WRANGLER_OUTPUT_FILE_PATH: output,
      // Else CI, or a file .env that wrangler reads, could name another Worker for these secrets.
      WRANGLER_CI_OVERRIDE_NAME: known.worker,
    };
    const args = ["deploy", "--config", known.file, "--env", known.environment ?? ""];
    const values = Object.values(secrets);
    if (values.length > 0) args.push("--secrets-file", file);
    const given = { place: known, secrets: values };
    const fault = await showWrangler({ ...world, env }, run, args, given);
    return fault ?? { url: workersDevUrl(output, known.worker ?? "") };
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
