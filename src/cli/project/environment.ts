// Which environment a command is about, and how messages name it.

import type { World } from "../command.ts";

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
