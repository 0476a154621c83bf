// Which environment a command is about, and how messages name it.

import type { World } from "../command.ts";

/** The files and the environment that a command is about. */
export type Place = {
  /** The name of wrangler's configuration file: `wrangler.toml`, `wrangler.jsonc` or `wrangler.json`. */
  readonly file: string;
  /** The environment; undefined: the top level. */
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

/** `wrangler.toml`, or `env.staging of wrangler.toml`. */
export function placeText({ file, environment }: Pick<Place, "file" | "environment">): string {
  return environment === undefined ? file : `env.${environment} of ${file}`;
}
