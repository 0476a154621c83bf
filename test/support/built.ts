// Builds the Worker once for all tests: as a deploy does, into the folder BUILT, and as the local run does,
// into the folder BUILT_LOCAL.

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { clearRecords } from "./overheard.ts";

const run = promisify(execFile);

export const ROOT = join(import.meta.dirname, "../..");
export const BUILT = join(ROOT, ".wrangler/test/built");
export const BUILT_LOCAL = join(ROOT, ".wrangler/test/built-local");

const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");

export const QUIET = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };

/** The deployed entry, and the file beside the bundle in which esbuild lists its modules. */
export const ENTRY = "src/worker/index.ts";
/** The entry of the local run. Its bundle is index.js, too, which is what a harness takes. */
export const LOCAL_ENTRY = "test/support/local-worker/index.ts";
export const METAFILE = "bundle-meta.json";

/**
 * Builds a Worker as a deploy does: the deployed one by default, or the one of a local run. Several suites that run
 * at the same time build the same one: each file takes the place of another suite's in one step, and is never missing.
 */
export async function buildWorker(entry = ENTRY, outdir = BUILT): Promise<void> {
  const fresh = `${outdir}-${process.pid}`;
  const options = ["deploy", entry, "--dry-run", "--outdir", fresh];
  const metafile = ["--metafile", join(fresh, METAFILE)];
  await run(process.execPath, [WRANGLER, ...options, ...metafile], { cwd: ROOT, env: QUIET });
  mkdirSync(outdir, { recursive: true });

  for (const name of readdirSync(fresh)) renameSync(join(fresh, name), join(outdir, name));

  rmSync(fresh, { recursive: true });
}

export default async function build(): Promise<void> {
  clearRecords();
  await Promise.all([buildWorker(), buildWorker(LOCAL_ENTRY, BUILT_LOCAL)]);
}
