// What is wrong with the configuration of this folder, and what is doubtful, as values and as text. Shows no secret.

import { isSecret } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { mistakeText } from "../../worker/http/refusal.ts";
import type { CommandFault, LocatedMistake } from "../command.ts";
import { slotStem } from "../secrets/secrets.ts";
import { type ConfigFile, hintFor, settingsFor } from "../wrangler/config-file.ts";

/** What is right, but probably not what was meant. */
export type Warning = {
  readonly message: string;
  readonly remedy: string;
  readonly environment?: string | undefined;
};

export function configFault(mistakes: readonly LocatedMistake[]): CommandFault {
  const lines = ["The configuration has mistakes:", ...mistakes.map(locatedText)];
  const pages = new Set(mistakes.flatMap(({ path }) => pageFor(path) ?? []));
  if (pages.size > 0) lines.push(`What is allowed: ${[...pages].join(", ")}`);
  return { fault: lines.join("\n  "), mistakes };
}

/** A mistake as the local run reports it: if .dev.vars has half of a key, the other half belongs there, too. */
export function localMistake(mistake: LocatedMistake, vars: Vars, devVars: string): LocatedMistake {
  const { path } = mistake;
  const isHalf = (name: string) => isSecret(name) && slotStem(name) === slotStem(path);
  if (vars[path] || !Object.keys(vars).some((name) => isHalf(name) && vars[name])) return mistake;
  const message = `is missing: write it into ${devVars}, or take the other half out`;
  return { ...mistake, message };
}

/** The variables that the Worker and its commands read. */
export const VARIABLES = [
  "BUCKETS",
  "ROUTES",
  "ROUTES_2",
  "PRESETS",
  "PRESETS_2",
  "ANSWERS",
  "COSTS",
  "OIDC",
];
const PAGE = "docs/configuration.md";

/** The section of the page that says what a setting may be; undefined: the message says all. */
export function pageFor(path: string): string | undefined {
  const variable = VARIABLES.find((name) => name === path.split(/\W/, 1)[0]);
  if (variable === undefined) return isSecret(path) ? `${PAGE}#secrets` : undefined;
  if (/^ROUTES(?:_2)?\[\d+\]\.answers\./.test(path)) return `${PAGE}#answers-of-a-route`;

  // ROUTES_2 and PRESETS_2 are in the sections of ROUTES and PRESETS.
  const section = variable.replace("_2", "").toLowerCase();
  const isNamed = section === "buckets" || section === "presets";
  return `${PAGE}#vars${section}${isNamed ? "name" : ""}`;
}

/** A secret among the vars. If `[secrets]` requires it, too, wrangler says to rename one of the two. */
export function exposedSecret(
  config: Omit<ConfigFile, "devVars">,
  vars: object,
  path: string,
): LocatedMistake {
  const { environment, environments } = config;
  // The secret belongs to the environments if the top level only holds what they inherit.
  const isTopLevelDeployed = environments.length === 0 || Object.hasOwn(vars, "BUCKETS");
  const isDeployed = environment !== undefined || isTopLevelDeployed;
  const owners = isDeployed ? [environment] : environments;

  const commands = owners.map((name) =>
    hintFor({ ...config, environment: name }, `npx wrangler secret put ${path}`),
  );
  const remedy = `remove the line, and run ${commands.join(" or ")}. If it was committed or deployed, use a new secret, and revoke this one`;
  return { path, message: `is in ${config.file}, where it is no secret: ${remedy}` };
}

/** A mistake of an environment, in the words of its file: JSON for a wrangler.jsonc. */
export function locateMistake(
  config: Pick<ConfigFile, "file" | "environment">,
  mistake: LocatedMistake,
): LocatedMistake {
  const { environment } = config;
  return { ...mistake, environment, message: settingsFor(config, mistake.message) };
}

/** A warning of an environment, in the words of its file. */
export function locateWarning(
  config: Pick<ConfigFile, "file" | "environment">,
  { message, remedy }: Warning,
): Warning {
  const { environment } = config;
  return {
    ...{ environment, message: settingsFor(config, message) },
    remedy: settingsFor(config, remedy),
  };
}

/** A mistake as one line: `env.staging: .dev.vars: BUCKETS.media.region: is missing`. */
export function locatedText({ environment, source, path, message }: LocatedMistake): string {
  const prefix = environment === undefined ? "" : `env.${environment}`;
  return [prefix, source, mistakeText({ path, message })].filter(Boolean).join(": ");
}

export function warningText({ environment, message, remedy }: Warning): string {
  return `${environment === undefined ? "" : `env.${environment}: `}${message}: ${remedy}`;
}
