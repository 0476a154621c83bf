// Reads wrangler.toml and .dev.vars as the local run uses them. Reads only: nothing is changed.

import { type LocalRun, localRun } from "../cli/project/local.ts";
import { readVars } from "../cli/project/vars.ts";
import { mistakeText } from "../worker/base/mistake.ts";
import { type Config, readConfig } from "../worker/config/config.ts";
import type { Vars } from "../worker/config/schema.ts";

export type Project = LocalRun & {
  /** The vars as they are written. */
  readonly started: Vars;
  readonly config: Config;
};

export type Mistakes = { readonly mistakes: readonly string[] };

/** @param endpoint the URL of the local S3 */
export function readProject(endpoint: string): Project | Mistakes {
  const known = readVars();
  if ("fault" in known) return { mistakes: [known.fault] };
  const run = localRun(known, endpoint);
  const config = readConfig(run.vars);
  return "mistakes" in config
    ? { mistakes: config.mistakes.map(mistakeText) }
    : { ...run, started: known.started, config };
}
