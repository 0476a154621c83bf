// Names a setting as the operator's own file has it: for its environment, and as JSON in a wrangler.jsonc. The commands do
// so where a message stands. The Worker's messages are the exception: it cannot know from which file and environment it was
// deployed, so it writes for the top level of a wrangler.toml, and for a clone of this repository. Their whole texts are
// rewritten here, and so are the warnings about a configuration, which quote the Worker's tables.

import { page } from "../command.ts";
import { type ConfigFile, commandFor } from "./config-file.ts";

/** A page of the documentation in a text of the Worker, such as `docs/keyless.md`, and not a key such as `a/docs/b.md`. */
const PAGE = /(?<![\w/])docs\/[\w-]+\.md(?!\.?[\w/-])/g;

/**
 * Rewrites a text of the Worker for the project of this folder: its settings, its pages, and the command that puts a secret.
 * @example `run npx wrangler secret put HEALTH_TOKEN --env staging`
 */
export function workerText(config: ConfigFile, text: string): string {
  const putSecret = "npx wrangler secret put";
  const command = commandFor(config, putSecret);
  return locatedWorkerText(config, text).replaceAll(putSecret, () => command);
}

/** Does the same for a mistake of the configuration, which names no command. */
export function locatedWorkerText(
  config: Pick<ConfigFile, "file" | "environment">,
  text: string,
): string {
  const withSettings = settingsFor(config, text);
  return withSettings.replace(PAGE, (path) => page(`docs/${path.slice("docs/".length)}`));
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
