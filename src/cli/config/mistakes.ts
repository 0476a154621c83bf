// What is wrong with the configuration of this folder, and what is doubtful, as values and as text. Shows no secret.

import { isSecret } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { mistakeText } from "../../worker/http/refusal.ts";
import { type CommandFault, type LocatedMistake, page } from "../command.ts";
import { slotStem } from "../secrets/secrets.ts";
import { type ConfigFile, commandFor } from "../wrangler/config-file.ts";
import { locatedWorkerText, settingsFor } from "../wrangler/settings.ts";

/** What is right, but probably not what was meant. */
export type Warning = {
  readonly message: string;
  readonly remedy: string;
  readonly environment?: string | undefined;
  /** The setting that it is about: `ANSWERS.keep`. */
  readonly path?: string;
  /** The file that it is about, if that is not the configuration: `package-lock.json`. */
  readonly source?: string;
};

export function configFault(mistakes: readonly LocatedMistake[]): CommandFault {
  const lines = ["The configuration has mistakes:"];
  for (const mistake of mistakes) {
    const { remedy = "" } = mistake;
    const text = locatedText(mistake);
    lines.push(remedy === "" ? text : `${text}. What to do: ${remedy}`);
  }

  const pages = new Set<string>();
  for (const { path } of mistakes) {
    const allowed = pageFor(path);
    if (allowed !== undefined) pages.add(allowed);
  }
  if (pages.size > 0) lines.push(`What is allowed: ${[...pages].join(", ")}`);

  return { fault: lines.join("\n  "), mistakes };
}

/** A mistake as the local run reports it: if .dev.vars has half of a key, the other half belongs there, too. */
export function localMistake(mistake: LocatedMistake, vars: Vars, devVars: string): LocatedMistake {
  const { path } = mistake;
  if (vars[path] || !hasOtherHalf(path, vars)) return mistake;

  const message = `is missing: write it into ${devVars}, or take the other half out`;
  return { ...mistake, message };
}

/** Returns whether the vars have the other secret of the slot. */
function hasOtherHalf(path: string, vars: Vars): boolean {
  const stem = slotStem(path);
  return Object.entries(vars).some(
    ([name, value]) => isSecret(name) && slotStem(name) === stem && Boolean(value),
  );
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
  "DOCS_URL",
];

const pageOfSettings = () => page("docs/configuration.md");

/** The section of the page that says what a setting may be; undefined: the message says all. */
function pageFor(path: string): string | undefined {
  if (isSecret(path)) return `${pageOfSettings()}#secrets`;

  const [variable = ""] = path.split(/\W/, 1);
  if (!VARIABLES.includes(variable)) return undefined;
  if (/^ROUTES(?:_2)?\[\d+\]\.answers\./.test(path))
    return `${pageOfSettings()}#answers-of-a-route`;

  // ROUTES_2 and PRESETS_2 are in the sections of ROUTES and PRESETS.
  const section = variable.replace("_2", "").toLowerCase();
  const isNamed = section === "buckets" || section === "presets";
  return isNamed ? `${pageOfSettings()}#vars${section}name` : `${pageOfSettings()}#vars${section}`;
}

/**
 * What to do about a mistake, for those who see it beside its text.
 * @param holder where the setting is: `env.staging of wrangler.toml`
 */
export function mistakeRemedy({ path, remedy }: LocatedMistake, holder: string): string {
  if (remedy !== undefined) return remedy;

  // wrangler cannot read the file.
  if (path.startsWith(holder)) return `fix ${path}`;

  const pageOfPath = pageFor(path);
  if (pageOfPath === undefined) return `fix ${path} in ${holder}`;
  return `fix ${path} in ${holder}: ${pageOfPath} says what it may be`;
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

  const commands = owners.map(
    (name) => `${commandFor({ ...config, environment: name }, "npx wrangler secret put")} ${path}`,
  );
  return {
    path,
    message: `is in ${config.file}, where it is no secret: remove the line, and run ${commands.join(" or ")}. If it was committed or deployed, use a new secret, and revoke this one`,
  };
}

/**
 * A mistake of an environment, in the words of its file. The Worker writes its mistakes for the top level of a
 * wrangler.toml: it cannot know which file it was deployed from.
 */
export function locateMistake(
  config: Pick<ConfigFile, "file" | "environment">,
  mistake: LocatedMistake,
): LocatedMistake {
  const message = locatedWorkerText(config, mistake.message);
  return { ...mistake, environment: config.environment, message };
}

/** A warning of an environment, in the words of its file, as a mistake is. */
export function locateWarning(
  config: Pick<ConfigFile, "file" | "environment">,
  warning: Warning,
): Warning {
  return {
    ...warning,
    environment: config.environment,
    message: settingsFor(config, warning.message),
    remedy: settingsFor(config, warning.remedy),
  };
}

/** A mistake as one line: `env.staging: .dev.vars: BUCKETS.media.region: is missing`. */
export function locatedText({ environment, source, path, message }: LocatedMistake): string {
  const text = mistakeText({ path, message });
  const sourced = source === undefined ? text : `${source}: ${text}`;
  return environment === undefined ? sourced : `env.${environment}: ${sourced}`;
}

export function warningText({ environment, message, remedy }: Warning): string {
  const text = `${message}: ${remedy}`;
  return environment === undefined ? text : `env.${environment}: ${text}`;
}
