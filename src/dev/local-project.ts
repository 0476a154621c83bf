// The project as the local run has it: one environment of the configuration, .dev.vars, and wrangler's own R2 on
// this machine as a store, also if the configuration names none.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { isMistake } from "../cli/command.ts";
import { bucketNameMistakes } from "../cli/config/bucket-names.ts";
import {
  devVarsOf,
  type EnvironmentConfig,
  isEmptyTopLevel,
  noBucketsText,
  readEnvironment,
} from "../cli/config/environment-config.ts";
import { type LocalRun, localRun, readLocalKeys } from "../cli/config/local-run.ts";
import { localMistake, locatedText, locateMistake } from "../cli/config/mistakes.ts";
import { mainMistakes, varMistakes } from "../cli/config/pitfalls.ts";
import { localLimitMistakes } from "../cli/config/variable-limits.ts";
import { putDevVars } from "../cli/secrets/secrets.ts";
import { type Config, readConfig } from "../worker/config/config.ts";
import type { Vars } from "../worker/config/schema.ts";
import { isRefusal } from "../worker/http/refusal.ts";
import { isPlainObject, parseJson, tableOf } from "../worker/util/json.ts";

/** The binding of the store of a project that has none. */
export const LOCAL_STORE = "LOCAL_RENDITIONS";

export type LocalProject = LocalRun &
  Pick<
    EnvironmentConfig,
    "file" | "environment" | "devVars" | "localVars" | "images" | "r2Buckets"
  > & {
    readonly kind: "project";
    /** `ANSWERS` as the local run has it. */
    readonly answers: Vars;
    /** The file that a deploy would upload. */
    readonly main: string;
    /** The queue whose consumer is the Worker; undefined: no event reaches it. */
    readonly queue: string | undefined;
    /** The command of `[build]`, which wrangler runs before each build. */
    readonly buildCommand: string | undefined;
    /** The mistakes of the configuration. A Worker that is deployed with one answers 500. */
    readonly mistakes: readonly string[];
    /** undefined if there are mistakes. */
    readonly config: Config | undefined;
  };

/** Mistakes with which the Worker cannot run at all. */
export type ProjectMistakes = { readonly kind: "mistakes"; readonly mistakes: readonly string[] };

/** @param endpoint the URL of the local S3 */
export function readLocalProject(
  endpoint: string,
  environment: string | undefined,
): LocalProject | ProjectMistakes {
  const envConfig = readEnvironment(".", environment);
  if (isMistake(envConfig)) return { kind: "mistakes", mistakes: [locatedText(envConfig)] };
  if (isEmptyTopLevel(envConfig)) return { kind: "mistakes", mistakes: [noBucketsText(envConfig)] };

  const { file, main, devVars, localVars, devVarNames, images, r2Buckets, wrangler } = envConfig;
  const run = localRun(envConfig, endpoint, readLocalKeys("."));
  const config = readConfig(run.vars);

  const readMistakes = isRefusal(config) ? config.mistakes : [];
  const nameMistakes = bucketNameMistakes(envConfig, run.vars);
  const limitMistakes = localLimitMistakes(envConfig);
  const configMistakes = [...readMistakes, ...nameMistakes, ...limitMistakes].map((mistake) => {
    const [variable = ""] = mistake.path.split(/[.[]/, 1);
    const explained = localMistake(mistake, run.vars, devVars);
    return devVarNames.has(variable) ? { ...explained, source: devVars } : explained;
  });
  const mistakes = [...configMistakes, ...mainMistakes(envConfig), ...varMistakes(envConfig)].map(
    (mistake) => locatedText(locateMistake(envConfig, mistake)),
  );
  if (main === undefined || mainMistakes(envConfig).length > 0) {
    return { kind: "mistakes", mistakes };
  }

  return {
    kind: "project",
    ...{ ...run, file, environment, devVars, localVars, images, r2Buckets, main, mistakes },
    answers: localAnswers(localVars),
    queue: wrangler.queues.consumers?.[0]?.queue,
    buildCommand: wrangler.build.command,
    config: isRefusal(config) ? undefined : config,
  };
}

/**
 * Creates the .dev.vars of an environment, and in it a key that signs URLs, because a route may become signed during
 * the run. It never changes a line that is there, and does nothing in a folder that is not Vitrine's: a new .dev.vars
 * would hide its .env (S4).
 * @returns what was done, one line each
 */
export function prepareDevVars(environment: string | undefined): string[] {
  const project = readEnvironment(".", environment);
  if (isMistake(project) || project.localVars["BUCKETS"] === undefined) return [];
  const file = devVarsOf(".", environment);
  const example = existsSync(".dev.vars.example") ? ".dev.vars.example" : undefined;
  const done = existsSync(file) ? [] : [`Created .dev.vars${example ? ` from ${example}` : ""}.`];
  if (done.length > 0) {
    const plain = "# The secrets of the local run. Its buckets need no keys here.\n";
    writeFileSync(file, example ? readFileSync(example) : plain, { flag: "wx" }); // through no link
  }
  const config = readEnvironment(".", environment);
  if (isMistake(config) || config.localVars["URL_SIGNING_KEYS"]) return done;
  const keys = JSON.stringify({ local: randomBytes(32).toString("hex") });
  // A file that cannot be written matters only if a route is signed, and then the configuration has a mistake.
  if (putDevVars(".", { URL_SIGNING_KEYS: keys }, file) !== undefined) return done;
  return [...done, `Added URL_SIGNING_KEYS to ${file}. Only a route with signed = true uses it.`];
}

/**
 * `ANSWERS` with the store of the local run, or without one: a simulated fault of the edge must be seen. The switch
 * `store` has the last word.
 * @param started the vars of the local run
 * @returns nothing where nobody can read `ANSWERS`
 */
export function localAnswers(started: Vars): Vars {
  const written = started["ANSWERS"];
  if (written !== undefined && !isPlainObject(parseJson(written))) return {};
  const { store: binding = LOCAL_STORE, ...rest } = tableOf(written);
  const switches = parseJson(started["EDGE"] ?? {});
  if (!isPlainObject(switches)) return { ANSWERS: rest }; // the edge keeps its last ones
  const { store, ...faults } = switches;
  const isStoring = typeof store === "boolean" ? store : Object.keys(faults).length === 0;
  return { ANSWERS: isStoring ? { ...rest, store: binding } : rest };
}
