// Reads one environment of the configuration, and .dev.vars, as the local run uses them.

import {
  carrierText,
  type EnvironmentConfig,
  isCarrier,
  readEnvironment,
} from "../cli/config/environment-config.ts";
import type { LocalRun } from "../cli/config/local-run.ts";
import { foundText } from "../cli/config/mistakes.ts";
import { mainMistakes, varMistakes } from "../cli/config/pitfalls.ts";
import { readLocal } from "../cli/config/project.ts";
import type { Config } from "../worker/config/config.ts";

export type Project = LocalRun &
  Pick<
    EnvironmentConfig,
    "file" | "environment" | "devVars" | "started" | "images" | "r2Buckets"
  > & {
    /** The file that a deploy would upload. */
    readonly main: string;
    /** What is wrong in it. A Worker that is deployed with it answers 500. */
    readonly mistakes: readonly string[];
    /** undefined if there are mistakes. */
    readonly config: Config | undefined;
  };

/** What keeps the Worker from running at all. */
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
  const known = readEnvironment(".", environment, quiet);
  if ("fault" in known) return { mistakes: [known.fault] };
  if (isCarrier(known)) return { mistakes: [carrierText(known)] };
  const { run, config, mistakes: found } = readLocal(".", known, endpoint);
  const others = [...mainMistakes(known), ...varMistakes(known)];
  const mistakes = [...found, ...others.map((one) => ({ ...one, environment }))].map(foundText);
  const { file, main, devVars, started, images, r2Buckets } = known;
  if (main === undefined || mainMistakes(known).length > 0) return { mistakes };
  return {
    ...{ ...run, file, environment, devVars, started, images, r2Buckets, main, mistakes },
    config,
  };
}
