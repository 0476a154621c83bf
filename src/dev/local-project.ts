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
import { type ConfigMistake, isRefusal } from "../worker/http/refusal.ts";
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

  const { file, main, devVars, localVars, images, r2Buckets, wrangler } = envConfig;
  const run = localRun(envConfig, endpoint, readLocalKeys("."));
  const config = readConfig(run.vars);

  const readMistakes = isRefusal(config) ? config.mistakes : [];
  const configMistakes = [
    ...readMistakes,
    ...bucketNameMistakes(envConfig, run.vars),
    ...localLimitMistakes(envConfig),
  ];
  const allMistakes = [
    ...configMistakes.map((mistake) => explainMistake(envConfig, run, mistake)),
    ...mainMistakes(envConfig),
    ...varMistakes(envConfig),
  ];
  const mistakes = allMistakes.map((mistake) => locatedText(locateMistake(envConfig, mistake)));

  if (main === undefined || mainMistakes(envConfig).length > 0) {
    return { kind: "mistakes", mistakes };
  }

  return {
    ...run,
    kind: "project",
    file,
    environment,
    devVars,
    localVars,
    images,
    r2Buckets,
    main,
    mistakes,
    answers: localAnswers(localVars),
    queue: wrangler.queues.consumers?.[0]?.queue,
    buildCommand: wrangler.build.command,
    config: isRefusal(config) ? undefined : config,
  };
}

/** Says what a mistake means in the local run, and in which file it is. */
function explainMistake(
  { devVarNames, devVars }: EnvironmentConfig,
  { vars }: LocalRun,
  mistake: ConfigMistake,
): ReturnType<typeof localMistake> & { readonly source?: string } {
  const explained = localMistake(mistake, vars, devVars);

  // `BUCKETS` of `BUCKETS.media.endpoint`, and `ROUTES` of `ROUTES[0].path`.
  const [variable = ""] = mistake.path.split(/[.[]/, 1);
  if (!devVarNames.has(variable)) return explained;
  return { ...explained, source: devVars };
}

/**
 * Creates the .dev.vars of an environment, and in it a key that signs URLs, because a route may become signed during
 * the run. It never changes a line that is there, and does nothing in a folder that is not Vitrine's: a new .dev.vars
 * would hide its .env (S4).
 * @returns what was done, one line each
 */
export function prepareDevVars(environment: string | undefined): string[] {
  const before = readEnvironment(".", environment);
  if (isMistake(before) || before.localVars["BUCKETS"] === undefined) return [];

  const file = devVarsOf(".", environment);
  const lines: string[] = [];
  if (!existsSync(file)) lines.push(createDevVars(file));

  const config = readEnvironment(".", environment);
  if (isMistake(config) || config.localVars["URL_SIGNING_KEYS"]) return lines;

  // A file that cannot be written matters only if a route is signed, and then the configuration has a mistake.
  const keys = JSON.stringify({ local: randomBytes(32).toString("hex") });
  const fault = putDevVars(".", { URL_SIGNING_KEYS: keys }, file);
  if (fault !== undefined) return lines;

  lines.push(`Added URL_SIGNING_KEYS to ${file}. Only a route with signed = true uses it.`);
  return lines;
}

const EXAMPLE = ".dev.vars.example";
const EMPTY_DEV_VARS = "# The secrets of the local run. Its buckets need no keys here.\n";

/** Creates a file, and writes through no link. @returns what was done */
function createDevVars(file: string): string {
  if (existsSync(EXAMPLE)) {
    writeFileSync(file, readFileSync(EXAMPLE), { flag: "wx" });
    return `Created .dev.vars from ${EXAMPLE}.`;
  }

  writeFileSync(file, EMPTY_DEV_VARS, { flag: "wx" });
  return "Created .dev.vars.";
}

/**
 * `ANSWERS` with the store of the local run, or without one: a simulated fault of the edge must be seen. The switch
 * `store` has the last word.
 * @param localVars the vars of the local run
 * @returns nothing where nobody can read `ANSWERS`
 */
export function localAnswers(localVars: Vars): Vars {
  const answers = localVars["ANSWERS"];
  if (answers !== undefined && !isPlainObject(parseJson(answers))) return {};

  const { store: binding = LOCAL_STORE, ...rest } = tableOf(answers);
  const withStore = { ANSWERS: { ...rest, store: binding } };
  const withoutStore = { ANSWERS: rest };

  // If the switches cannot be read, the edge keeps its last ones, which may be faults.
  const switches = parseJson(localVars["EDGE"] ?? {});
  if (!isPlainObject(switches)) return withoutStore;

  const { store, ...faults } = switches;
  if (typeof store === "boolean") return store ? withStore : withoutStore;

  const hasFaults = Object.keys(faults).length > 0;
  return hasFaults ? withoutStore : withStore;
}
