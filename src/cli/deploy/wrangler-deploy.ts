// Runs `wrangler deploy` with the secrets in a temporary file, which is removed however the process ends.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { CommandFault, World } from "../command.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import type { SecretValues } from "../secrets/secrets.ts";
import { isAtTerminal, type RunWrangler, showWrangler } from "../wrangler/run-wrangler.ts";

export type Deployed = {
  /** The workers.dev address of the Worker, if wrangler says one. */
  readonly url: string | undefined;
};

/** A closed terminal, a cancelled job and Ctrl-\: without a listener, they end the process at once. */
const ENDING_SIGNALS = ["SIGHUP", "SIGTERM", "SIGQUIT"] as const;

/** Deploys. All other secrets of the Worker stay as they are. */
export async function wranglerDeploy(
  world: World,
  run: RunWrangler,
  config: EnvironmentConfig,
  secrets: SecretValues,
): Promise<Deployed | CommandFault> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });

  // A signal ends the process by its exit, whose listener removes the folder.
  const exit = () => process.exit(1);
  process.once("exit", removeFolder);
  for (const signal of ENDING_SIGNALS) process.once(signal, exit);

  try {
    return await deployFrom(folder, world, run, config, secrets);
  } finally {
    removeFolder();
    process.off("exit", removeFolder);
    for (const signal of ENDING_SIGNALS) process.off(signal, exit);
  }
}

/** @param folder the temporary one, for what wrangler reads and writes */
async function deployFrom(
  folder: string,
  world: World,
  run: RunWrangler,
  config: EnvironmentConfig,
  secrets: SecretValues,
): Promise<Deployed | CommandFault> {
  const args = ["deploy", "--config", config.file, "--env", config.environment ?? ""];
  const values = Object.values(secrets);
  if (values.length > 0) {
    // JSON: in any other file wrangler replaces values by those of its environment and of .env, and expands `$` (S5).
    const secretsFile = join(folder, "secrets.json");
    writeFileSync(secretsFile, JSON.stringify(secrets), { mode: 0o600 });
    args.push("--secrets-file", secretsFile);
  }

  const outputFile = join(folder, "output.json");
  const env = {
    ...world.env,
    WRANGLER_OUTPUT_FILE_PATH: outputFile,
    // Without this name, CI, or a file .env that wrangler reads, could name another Worker for these secrets.
    WRANGLER_CI_OVERRIDE_NAME: config.worker,
  };

  let output = "";
  const runAndListen: RunWrangler = (wranglerWorld, wranglerArgs, input, hear) =>
    run(wranglerWorld, wranglerArgs, input, (text) => {
      output += text;
      hear(text);
    });

  const fault = await showWrangler({ ...world, env }, runAndListen, args, {
    config,
    secrets: values,
  });
  if (fault !== undefined) return { fault: fault.fault + halfwayText(world, output) };

  return { url: workersDevUrl(outputFile, config.worker ?? "") };
}

/** Says that wrangler failed after the upload: the domains, the queue's consumer and the like come behind it. */
function halfwayText(world: World, output: string): string {
  const isUploaded = /^Uploaded \S+ \(/m.test(stripVTControlCharacters(output));
  if (isUploaded) {
    return ". The Worker is uploaded: its new version may be live, without what comes after. Correct it, and deploy again";
  }

  // At a terminal, wrangler writes to it directly, so this process does not hear whether it says so.
  if (!isAtTerminal(world)) return "";
  return ". If wrangler says “Uploaded” above, the Worker is uploaded: its new version may be live, without what comes after. Correct it, and deploy again";
}

/** The Worker's own address in wrangler's file, which is not there if wrangler was interrupted. */
function workersDevUrl(file: string, worker: string): string | undefined {
  if (!existsSync(file)) return undefined;

  const text = readFileSync(file, "utf8");
  const urls = text.match(/(?<=")https:\/\/[\w-]+\.[\w-]+\.workers\.dev(?=")/g) ?? [];
  return urls.findLast((url) => url.startsWith(`https://${worker}.`));
}
