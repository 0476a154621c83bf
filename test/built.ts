// Builds the Worker once for all tests, as a deploy would, into the folder that BUILT names; and as
// `npm start` runs it, into that of BUILT_LOCAL.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beginToListen } from "./overheard.ts";

const run = promisify(execFile);

export const ROOT = join(import.meta.dirname, "..");
export const BUILT = join(ROOT, ".wrangler/test/built");
export const BUILT_LOCAL = join(ROOT, ".wrangler/test/built-local");

/** Wrangler's own program, for tests that run it. */
export const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");

export const QUIET = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };

export default async function build(): Promise<void> {
  beginToListen();
  const entries = [
    ["src/index.ts", BUILT],
    ["fixtures/local/index.ts", BUILT_LOCAL],
  ] as const;
  await Promise.all(
    entries.map(([entry, outdir]) => {
      const options = ["deploy", entry, "--dry-run", "--outdir", outdir];
      return run(process.execPath, [WRANGLER, ...options], { cwd: ROOT, env: QUIET });
    }),
  );
}
