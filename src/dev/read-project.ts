// Reads one environment of the configuration, and .dev.vars, as the local run uses them. Changes nothing.

import { existsSync } from "node:fs";
import { foundText } from "../cli/project/config-fault.ts";
import { carrierText, isCarrier } from "../cli/project/inheritance.ts";
import { type LocalRun, localRun } from "../cli/project/local.ts";
import { readVars } from "../cli/project/vars.ts";
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

/** @param endpoint the URL of the local S3 */
export function readProject(endpoint: string, environment: string | undefined): Project | Mistakes {
  const known = readVars(".", environment);
  if ("fault" in known) return { mistakes: [known.fault] };
  if (isCarrier(known)) return { mistakes: [carrierText(known)] };
  const run = localRun(known, endpoint);
  const config = readConfig(run.vars);
  const { file, main, started } = known;
  if (main !== undefined && existsSync(main) && !("mistakes" in config)) {
    return { ...run, file, environment, main, started, config };
  }
  const mistakes = "mistakes" in config ? config.mistakes : [];
  return {
    mistakes: [
      ...mistakes.map((mistake) => foundText({ ...mistake, environment })),
      ...mainMistakes(file, main),
    ],
  };
}

function mainMistakes(file: string, main: string | undefined): string[] {
  if (main !== undefined && existsSync(main)) return [];
  const wanted = 'a file with the line: export { default, Renditions } from "vitrine";';
  return [`${file}: main: ${main === undefined ? "" : `${main} `}is missing. It is ${wanted}`];
}
