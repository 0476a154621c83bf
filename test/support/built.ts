// Builds the Worker once for all tests, as a deploy would, into the folder that BUILT names; and as
// `npm start` runs it, into that of BUILT_LOCAL.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beginToListen } from "./overheard.ts";

const run = promisify(execFile);

export const ROOT = join(import.meta.dirname, "../..");
export const BUILT = join(ROOT, ".wrangler/test/built");
export const BUILT_LOCAL = join(ROOT, ".wrangler/test/built-local");

/** Wrangler's own program, for tests that run it. */
export const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");

export const QUIET = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };

/** What is deployed, and the file in its folder where esbuild tells what it is made of. */
export const ENTRY = "src/worker/index.ts";
export const METAFILE = "bundle-meta.json";

/** Builds a Worker as a deploy would: the one that is deployed, or that of a local run. */
export async function buildWorker(entry = ENTRY, outdir = BUILT): Promise<void> {
  const options = ["deploy", entry, "--dry-run", "--outdir", outdir];
  const metafile = ["--metafile", join(outdir, METAFILE)];
  await run(process.execPath, [WRANGLER, ...options, ...metafile], { cwd: ROOT, env: QUIET });
}

export default async function build(): Promise<void> {
  beginToListen();
  await Promise.all([buildWorker(), buildWorker("src/dev/index.ts", BUILT_LOCAL)]);
}
