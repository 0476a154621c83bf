// Builds the Worker once for all tests, as a deploy would, into the folder that BUILT names; and as
// `npm start` runs it, into that of BUILT_LOCAL.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beginToListen } from "./overheard.ts";

export const ROOT = join(import.meta.dirname, "..");
export const BUILT = join(ROOT, ".wrangler/test/built");
export const BUILT_LOCAL = join(ROOT, ".wrangler/test/built-local");

/** Wrangler's own program, for tests that run it. */
export const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");

export const QUIET = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };

export default function build(): void {
  beginToListen();
  for (const [entry, outdir] of [
    ["src/index.ts", BUILT],
    ["fixtures/local/index.ts", BUILT_LOCAL],
  ] as const) {
    const options = ["deploy", entry, "--dry-run", "--outdir", outdir];
    execFileSync(process.execPath, [WRANGLER, ...options], { cwd: ROOT, env: QUIET });
  }
}
