// wrangler's configuration file: which one it is, and how messages name an environment of it. It is not read here.

import { existsSync, statSync } from "node:fs";
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
  if (otherFiles.length > 0) {
    const ignored = otherFiles.join(" and ");
    return { fault: `wrangler reads ${file} and ignores ${ignored}: remove one of them` };
  }

  // wrangler would wait for the end of a pipe, which may never come.
  if (!statSync(join(folder, file)).isFile()) {
    return { fault: `${file} is a folder, a pipe or a device: write a file in its place` };
  }
  return file;
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
