// Reads one environment of the configuration, and .dev.vars, as the local run uses them. Changes nothing.

import { foundText } from "../cli/project/config-fault.ts";
import { carrierText, isCarrier } from "../cli/project/inheritance.ts";
import { type LocalRun, localRun } from "../cli/project/local-run.ts";
import { mainMistakes } from "../cli/project/main-file.ts";
import { readVars } from "../cli/project/read-vars.ts";
import { type Config, readConfig } from "../worker/config/config.ts";
import type { Vars } from "../worker/config/schema.ts";

export type Project = LocalRun & {
  /** The configuration file, and the environment in it. */
  readonly file: string;
  readonly environment: string | undefined;
  /** The file that a deploy would upload. */
  readonly main: string;
  /** The vars as they are written. */
  readonly started: Vars;
  readonly config: Config;
};

export type Mistakes = { readonly mistakes: readonly string[] };

/**
 * @param endpoint the URL of the local S3
 * @param quiet hides wrangler's warnings, where another call shows them
 */
export function readProject(
  endpoint: string,
  environment: string | undefined,
  quiet?: "quiet",
): Project | Mistakes {
  const known = readVars(".", environment, quiet);
  if ("fault" in known) return { mistakes: [known.fault] };
  if (isCarrier(known)) return { mistakes: [carrierText(known)] };
  const run = localRun(known, endpoint);
  const config = readConfig(run.vars);
  const { file, main, started } = known;
  const mistakes = [...("mistakes" in config ? config.mistakes : []), ...mainMistakes(known)];
  if ("mistakes" in config || main === undefined || mistakes.length > 0) {
    return { mistakes: mistakes.map((mistake) => foundText({ ...mistake, environment })) };
  }
  return { ...run, file, environment, main, started, config };
}
