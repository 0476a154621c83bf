// Hands secrets to wrangler in a file that exists only while it runs.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A closed terminal, a cancelled job and Ctrl-\: without a listener, they end the process at once. */
const ENDINGS = ["SIGHUP", "SIGTERM", "SIGQUIT"] as const;

/**
 * Calls `use` with the path of a file that holds the secrets, and removes it afterwards. It is JSON: in any
 * other file wrangler replaces values by those of its environment and of .env, and expands `$` (S5).
 */
export async function withSecretsFile<T>(
  secrets: Readonly<Record<string, string>>,
  use: (file: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-")); // readable only by this user
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const end = (signal: NodeJS.Signals) => {
    remove();
    process.kill(process.pid, signal); // Nobody listens any more.
  };
  process.once("exit", remove); // a second Ctrl-C ends the process at once
  for (const signal of ENDINGS) process.once(signal, end);
  try {
    const file = join(folder, "secrets.json");
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
    return await use(file);
  } finally {
    remove();
    process.off("exit", remove);
    for (const signal of ENDINGS) process.off(signal, end);
  }
}
