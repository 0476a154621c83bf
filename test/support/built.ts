// Builds the Worker once for all tests: as a deploy does, into the folder BUILT, and as the local run does,
// into the folder BUILT_LOCAL.

import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beginToListen } from "./overheard.ts";

const run = promisify(execFile);

export const ROOT = join(import.meta.dirname, "../..");
export const BUILT = join(ROOT, ".wrangler/test/built");
export const BUILT_LOCAL = join(ROOT, ".wrangler/test/built-local");

/** Wrangler's own program, for tests that run it. */
const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");

export const QUIET = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };

/** The deployed entry, and the file beside the bundle in which esbuild lists its modules. */
export const ENTRY = "src/worker/index.ts";
/** The entry of the local run. Its bundle is index.js, too, which is what a harness takes. */
export const LOCAL_ENTRY = "test/support/local-worker/index.ts";
export const METAFILE = "bundle-meta.json";

/** Builds a Worker as a deploy does: the deployed one by default, or the one of a local run. */
export async function buildWorker(entry = ENTRY, outdir = BUILT): Promise<void> {
  rmSync(outdir, { recursive: true, force: true }); // an old bundle must not pass for this one
  const options = ["deploy", entry, "--dry-run", "--outdir", outdir];
  const metafile = ["--metafile", join(outdir, METAFILE)];
  await run(process.execPath, [WRANGLER, ...options, ...metafile], { cwd: ROOT, env: QUIET });
}

export default async function build(): Promise<void> {
  beginToListen();
  await Promise.all([buildWorker(), buildWorker(LOCAL_ENTRY, BUILT_LOCAL)]);
}
