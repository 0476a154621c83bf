// The files in .wrangler/local/ that `wrangler dev` reads: the entry of the Worker, and the
// configuration of the second Worker, which owns the local buckets.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { LOCAL_KEYS } from "../cli/project/local-run.ts";
import type { Doors } from "./local-worker.ts";

// In the package these files are compiled, as this one is.
const EXTENSION = extname(import.meta.filename);
const LOCAL_WORKER = join(import.meta.dirname, `local-worker${EXTENSION}`);
const BUCKET_OWNER = join(import.meta.dirname, `bucket-owner${EXTENSION}`);

/** Creates the folder. Only its owner may read it, because the files in it hold secret URLs. */
export function makeLocalFolder(): void {
  mkdirSync(".wrangler/local", { recursive: true });
  chmodSync(".wrangler", 0o700);
}

/** Writes the configuration of the second Worker. @returns its path */
export function writeOwnerConfig(
  port: number,
  buckets: readonly string[],
  environment: string | undefined,
): string {
  const file = resolve(`.wrangler/local/${port}.json`);
  writeFileSync(file, JSON.stringify(ownerConfig(buckets, environment)));
  return file;
}

/**
 * Writes the entry of the Worker.
 * @param main the file that a deploy would upload
 * @returns its path
 */
export function writeEntry(port: number, doors: Doors, main: string): string {
  const file = resolve(`.wrangler/local/${port}.js`);
  // The URLs are not given as --var: every user of this machine can see the arguments of a process.
  writeFileSync(
    file,
    `import * as project from ${JSON.stringify(main)};
import { localGateway, localRenditions } from ${JSON.stringify(LOCAL_WORKER)};
const doors = ${JSON.stringify(doors)};
const gateway = localGateway(project.default);
export class Renditions extends localRenditions(project["Renditions"]) {
  constructor(context, env) {
    super(context, { ...env, ...doors });
  }
}
export default {
  fetch: (request, env, context) => gateway.fetch(request, { ...env, ...doors }, context),
};
`,
  );
  return file;
}

/**
 * The wrangler configuration of the Worker that owns the local buckets.
 * @param environment that of the main Worker: wrangler looks for it in all configurations (S6)
 */
export function ownerConfig(buckets: readonly string[], environment?: string): object {
  const bindings = {
    r2_buckets: [...new Set(buckets)].map((bucket, index) => ({
      binding: `BUCKET_${index}`,
      bucket_name: bucket,
      local_dev: { experimental_s3_credentials: LOCAL_KEYS },
    })),
  };
  return {
    ...{ name: "local-s3", main: BUCKET_OWNER, compatibility_date: "2026-11-01" },
    ...(environment === undefined ? bindings : { env: { [environment]: bindings } }),
  };
}
