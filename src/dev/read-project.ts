// Reads one environment of the configuration, and .dev.vars, as the local run uses them.

import {
  carrierText,
  type EnvironmentConfig,
  isCarrier,
  readEnvironment,
} from "../cli/config/environment-config.ts";
import { type LocalRun, localRun, readLocalKeys } from "../cli/config/local-run.ts";
import { foundText, localMistake } from "../cli/config/mistakes.ts";
import { mainMistakes, varMistakes } from "../cli/config/pitfalls.ts";
import { type Config, readConfig } from "../worker/config/config.ts";
import type { Vars } from "../worker/config/schema.ts";
import { localAnswers } from "./local-store.ts";

export type Project = LocalRun &
  Pick<
    EnvironmentConfig,
    "file" | "environment" | "devVars" | "started" | "images" | "r2Buckets"
  > & {
    /** `ANSWERS` as the local run has it. */
    readonly answers: Vars;
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
 */
export function readProject(endpoint: string, environment: string | undefined): Project | Mistakes {
  const known = readEnvironment(".", environment);
  if ("fault" in known) return { mistakes: [known.fault] };
  if (isCarrier(known)) return { mistakes: [carrierText(known)] };
  const { file, main, devVars, started, images, r2Buckets } = known;
  const keys = readLocalKeys(".");
  const run = localRun(known, endpoint, keys);
  const config = readConfig(run.vars);
  const found = "mistakes" in config ? config.mistakes : [];
  const mistakes = [
    ...found.map((mistake) => localMistake(mistake, run.vars, devVars)),
    ...mainMistakes(known),
    ...varMistakes(known),
  ].map((mistake) => foundText({ ...mistake, environment }));
  if (main === undefined || mainMistakes(known).length > 0) return { mistakes };
  return {
    ...{ ...run, file, environment, devVars, started, images, r2Buckets, main, mistakes },
    answers: localAnswers(started, run, keys),
    config: "mistakes" in config ? undefined : config,
  };
}
