// wrangler's configuration file: which one it is, whether it has only keys that wrangler knows, and how messages
// name an environment of it. The settings of Vitrine in it are read elsewhere.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { ErrorObject, ValidateFunction } from "ajv";
import type { Mistake } from "../../worker/base/refusal.ts";
import { type Fault, isFault, type World } from "../command.ts";
import { loadWrangler, packageFolder } from "./packages.ts";

/** In the order in which wrangler looks for them. It reads a program only if a flag asks for that. */
const PROGRAM = "cloudflare.config.ts";
const NAMES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml", PROGRAM] as const;

/** Returns the file's name. Unlike wrangler, it does not look in the folders above. */
export function findConfigFile(folder: string): string | Fault {
  const [file, ...others] = NAMES.filter((name) => existsSync(join(folder, name)));
  if (file === undefined) {
    return {
      fault:
        "there is no wrangler.toml or wrangler.jsonc in this folder: go to the folder of your Worker, or make one with npx vitrine init",
    };
  }
  if (file === PROGRAM) {
    const remedy = "write the configuration as wrangler.toml or wrangler.jsonc instead";
    return { fault: `vitrine cannot read ${PROGRAM}, which is a program: ${remedy}` };
  }
  // wrangler would ignore all but one without a word.
  if (others.length === 0) return file;
  return {
    fault: `wrangler reads ${file} and ignores ${others.join(" and ")}: remove one of them`,
  };
}

/** A mistake in one of wrangler's own keys. The environment that has it; undefined: the top level. */
export type KeyMistake = Mistake & { readonly environment: string | undefined };

let validate: ValidateFunction | undefined;

/** Compiles the JSON schema that wrangler ships. That takes a quarter of a second. */
function loadSchema(): ValidateFunction {
  if (validate) return validate;
  const { Ajv }: typeof import("ajv") = createRequire(import.meta.url)("ajv");
  const schema = readFileSync(join(packageFolder("wrangler"), "config-schema.json"), "utf8");
  validate = new Ajv({ strict: false, allErrors: true, logger: false }).compile(JSON.parse(schema));
  return validate;
}

/**
 * Finds keys that wrangler does not know, of which it only warns, and values of a wrong type. Where wrangler takes
 * one of several forms, it says itself which form is wrong.
 * @returns nothing if the file cannot be read, which `readVars` reports
 */
export function findKeyMistakes(folder: string, file: string): KeyMistake[] {
  const wrangler = loadWrangler();
  if (isFault(wrangler)) return [];
  const isValid = loadSchema();
  try {
    isValid(wrangler.experimental_readRawConfig({ config: join(folder, file) }).rawConfig);
  } catch {
    return [];
  }
  const errors = isValid.errors ?? [];
  const unions = errors.filter(({ keyword }) => keyword === "anyOf").map((one) => one.instancePath);
  const isInUnion = (path: string) =>
    unions.some((union) => path === union || path.startsWith(`${union}/`));
  return errors.filter(({ instancePath }) => !isInUnion(instancePath)).map(keyMistake);
}

function keyMistake({ instancePath, params, message = "" }: ErrorObject): KeyMistake {
  const { additionalProperty, allowedValues } = params;
  if (additionalProperty !== undefined) {
    const place = placeOf(`${instancePath}/${additionalProperty}`);
    return { ...place, message: "is no key that wrangler knows here" };
  }
  const values = Array.isArray(allowedValues) ? `: ${allowedValues.join(", ")}` : "";
  return { ...placeOf(instancePath), message: message + values };
}

/** `/env/staging/ratelimits/0/name` is `ratelimits[0].name` in staging. */
function placeOf(pointer: string): { environment: string | undefined; path: string } {
  const keys = pointer.slice(1).split("/");
  const environment = keys[0] === "env" && keys.length > 2 ? keys[1] : undefined;
  const rest = environment === undefined ? keys : keys.slice(2);
  const path = rest.join(".").replace(/\.(\d+)(?=\.|$)/g, "[$1]");
  return { environment, path: path.replaceAll("~1", "/").replaceAll("~0", "~") };
}

/** The file and the environment that a command is about. */
export type Place = {
  /** The name of wrangler's configuration file: `wrangler.toml`, `wrangler.jsonc` or `wrangler.json`. */
  readonly file: string;
  /** undefined: the top level */
  readonly environment: string | undefined;
  /** All environments that the file has. */
  readonly environments: readonly string[];
  /** The file of the local run's secrets: `.dev.vars`, or `.dev.vars.staging` if there is one. */
  readonly devVars: string;
};

/**
 * `--env` wins over CLOUDFLARE_ENV, as in wrangler; `--env ""` is the top level (S6).
 * @returns undefined: the top level
 */
export function chooseEnvironment(
  { env }: Pick<World, "env">,
  given: string | undefined,
): string | undefined {
  return (given ?? env["CLOUDFLARE_ENV"]) || undefined;
}

/** `the top level`, or `env.staging`. */
export function environmentText(environment: string | undefined): string {
  return environment === undefined ? "the top level" : `env.${environment}`;
}

/** `wrangler.toml`, or `env.staging of wrangler.toml`. */
export function placeText({ file, environment }: Pick<Place, "file" | "environment">): string {
  return environment === undefined ? file : `env.${environment} of ${file}`;
}

/** ` --env staging`, to add to a command. The top level needs ` --env ""` only if there are environments. */
export function envFlag({
  environment,
  environments,
}: Pick<Place, "environment" | "environments">) {
  if (environment !== undefined) return ` --env ${environment}`;
  return environments.length > 0 ? ' --env ""' : "";
}

const COMMANDS =
  /\bnpx (?:wrangler (?:deploy|tail|deployments list|secret (?:put|delete|list))|vitrine [a-z]+)\b/g;

/** Rewrites a hint for the top level of wrangler.toml: for this environment and this file. */
export function hintFor(place: Pick<Place, "file" | "environment" | "environments">, hint: string) {
  const named = hint.replaceAll("wrangler.toml", place.file);
  return named.replace(COMMANDS, (command) => command + envFlag(place));
}
