// wrangler's configuration file: which one it is, and how messages name an environment of it. It is not read here.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CommandFault, World } from "../command.ts";

/** In the order in which wrangler looks for them. It reads the program only if a flag asks for that. */
const PROGRAM = "cloudflare.config.ts";

const NAMES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml", PROGRAM] as const;

/** Returns the file's name. Unlike wrangler, it does not look in the folders above. */
export function findConfigFile(folder: string): string | CommandFault {
  const [file, ...otherFiles] = NAMES.filter((name) => existsSync(join(folder, name)));
  if (file === undefined) {
    return {
      fault:
        "there is no wrangler.toml or wrangler.jsonc in this folder: go to the folder of your Worker, or make one with vitrine init",
    };
  }
  if (file === PROGRAM) {
    return { fault: `vitrine cannot read ${PROGRAM}, a program: write wrangler.toml instead` };
  }
  if (otherFiles.length === 0) return file;

  const ignored = otherFiles.join(" and ");
  return { fault: `wrangler reads ${file} and ignores ${ignored}: remove one of them` };
}

/** The file and the environment that a command is about. */
export type ConfigFile = {
  readonly file: string;
  readonly environment: string | undefined;
  readonly environments: readonly string[];
  /** The file of the local run's secrets: `.dev.vars`, or `.dev.vars.staging` if there is one. */
  readonly devVars: string;
};

/** `--env` wins over CLOUDFLARE_ENV, as in wrangler; `--env ""` is the top level, undefined (S6). */
export function chooseEnvironment({ env }: Pick<World, "env">, option: string | undefined) {
  const environment = option ?? env["CLOUDFLARE_ENV"];
  return environment === "" ? undefined : environment;
}

export function environmentText(environment: string | undefined): string {
  return environment === undefined ? "the top level" : `env.${environment}`;
}

/** `wrangler.toml`, or `env.staging of wrangler.toml`. */
export function configFileText({ file, environment }: Omit<ConfigFile, "devVars">): string {
  return environment === undefined ? file : `env.${environment} of ${file}`;
}

/** ` --env staging`, to add to a command. The top level needs ` --env ""` only if there are environments. */
export function envFlag({ environment, environments }: Omit<ConfigFile, "devVars">): string {
  if (environment !== undefined) return ` --env ${environment}`;
  return environments.length > 0 ? ' --env ""' : "";
}

/**
 * Returns a command of this program or of wrangler, for a message: with `--env`, if it needs that.
 * @example `npx wrangler secret put HEALTH_TOKEN --env staging`
 */
export function commandFor(config: Omit<ConfigFile, "devVars">, command: string): string {
  return command + envFlag(config);
}

/** The tables of which an environment has its own: it does not inherit them. */
const OWN_TABLES = "analytics_engine_datasets|images|queues|r2_buckets|ratelimits|secrets|vars";

/** A table of TOML, such as `[vars.ANSWERS]`, and the setting that may follow it: `[images] binding = "IMAGES"`. */
const TABLE =
  /(?<start>\[{1,2})(?<path>(?:analytics_engine_datasets|cache|exports|images|queues|r2_buckets|ratelimits|secrets|vars)(?:\.\w+)*)(?<end>\]{1,2})(?: (?<key>\w+) = (?<value>"[^"]*"))?/g;

/** A setting of TOML: `keep = 0`, `engine = "binding"`. */
const SETTING = /(?<![\w"])(?<key>[a-z][a-z_]*) = (?<value>"[^"]*"|true|false|\d+)/g;

/**
 * Rewrites the tables and settings that a text has for the top level of a wrangler.toml: for this environment, and as
 * JSON for a file of JSON. Text that was rewritten stays as it is.
 * @example `[env.staging.vars.ANSWERS]` for `[vars.ANSWERS]`; in JSON `"vars": { "ANSWERS": … } in env.staging`
 */
export function settingsFor(
  { file, environment }: Pick<ConfigFile, "file" | "environment">,
  text: string,
): string {
  if (file.endsWith(".toml")) return tablesOf(environment, text);

  const tables = text.replace(
    TABLE,
    (_table, _start: string, path: string, _end: string, key?: string, value?: string) => {
      const names = path.split(".");
      const inner = key === undefined ? undefined : `{ "${key}": ${value} }`;
      const isOwn = environment !== undefined && isOwnTable(path);
      return isOwn ? `${jsonOf(names, inner)} in env.${environment}` : jsonOf(names, inner);
    },
  );
  return tables.replace(SETTING, '"$<key>": $<value>');
}

function isOwnTable(path: string): boolean {
  return new RegExp(`^(?:${OWN_TABLES})\\b`).test(path);
}

/** `[env.staging.vars.ANSWERS]` for `[vars.ANSWERS]`. */
function tablesOf(environment: string | undefined, text: string): string {
  if (environment === undefined) return text;
  const ownTable = new RegExp(`(?<=\\[)(?=(?:${OWN_TABLES})\\b)`, "g");
  return text.replace(ownTable, `env.${environment}.`);
}

/** `"vars": { "ANSWERS": … }`. A single name stands for its table: `"secrets"`. */
function jsonOf(names: readonly string[], inner: string | undefined): string {
  const [last, ...outer] = names.toReversed();
  if (inner === undefined && outer.length === 0) return `"${last}"`;
  const start = `"${last}": ${inner ?? "…"}`;
  return outer.reduce((json, name) => `"${name}": { ${json} }`, start);
}
