// What Cloudflare takes of variables and secrets (L4). wrangler takes longer ones and more, in its dry run and on this
// machine, too: only the deploy fails, when the code is uploaded. A message has the name of a secret, and nothing else of
// it. Nothing is sent.

import { isSecret } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import type { ConfigMistake } from "../../worker/http/refusal.ts";
import { count } from "../terminal/progress.ts";
import type { EnvironmentConfig } from "./environment-config.ts";

/** The longest variable: bytes of UTF-8, its name and its value together. Cloudflare's documentation says 5 KB. */
const MAX_BYTES = 5_000;

/** The most variables and secrets of a Worker on the free plan. */
const MAX_VARIABLES = 64;

/** What to do with a variable that is too long. */
const REMEDIES: Readonly<Record<string, string>> = {
  BUCKETS: "leave out options that have their default, or give some buckets a Worker of their own",
  ROUTES: "move its last routes to [[vars.ROUTES_2]], which stand behind those of ROUTES",
  ROUTES_2: "move its first routes to the end of ROUTES, or write fewer routes",
  PRESETS: "move some to PRESETS_2, such as [vars.PRESETS_2.card]",
  PRESETS_2: "move some to PRESETS, or write fewer presets",
  HEALTH_TOKEN: "make a shorter one",
  PURGE_TOKEN: "make a shorter one",
  URL_SIGNING_KEYS: "remove the oldest keys: their URLs have expired, or are to be signed anew",
};

/** Returns a mistake for each variable or secret that is too long, by its value as wrangler reads it. */
export function sizeMistakes(vars: Vars): ConfigMistake[] {
  const mistakes: ConfigMistake[] = [];

  for (const [path, value] of Object.entries(vars)) {
    const bytes = bytesOf(path, value);
    if (bytes <= MAX_BYTES) continue;

    mistakes.push({
      path,
      message: `has ${count(bytes)} bytes with its name, and Cloudflare takes ${count(MAX_BYTES)}: ${remedyFor(path)}`,
    });
  }
  return mistakes;
}

function remedyFor(path: string): string {
  const remedy = REMEDIES[path];
  if (remedy !== undefined) return remedy;
  if (!isSecret(path)) return "make it shorter";
  return "it is probably another text: set it anew, as its issuer gave it";
}

/** The bytes that count: wrangler sends a text as it is, and any other value as JSON. */
function bytesOf(name: string, value: unknown): number {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return Buffer.byteLength(name) + Buffer.byteLength(text);
}

/** Returns a mistake if a Worker has too many variables and secrets. @param names a name may be there twice */
export function countMistakes(names: Iterable<string>): ConfigMistake[] {
  const { size } = new Set(names);
  if (size <= MAX_VARIABLES) return [];

  const message = `are ${size} with the secrets, and Cloudflare takes ${MAX_VARIABLES} of a Worker (on a paid plan more, which nothing here can know): let buckets share credentials or a role, or give some buckets a Worker of their own`;
  return [{ path: "vars", message }];
}

/** Finds what is too long or too much in the vars of a deploy. Of the secrets that it requires, only the names are known. */
export function deployedLimitMistakes(config: EnvironmentConfig): ConfigMistake[] {
  const { wrangler, requiredSecrets } = config;
  const names = [...Object.keys(wrangler.vars), ...requiredSecrets];
  return [...sizeMistakes(wrangler.vars), ...countMistakes(names)];
}

/** The switches of the local edge, which no Worker has when it is deployed. */
const LOCAL_SWITCHES = "EDGE";

/**
 * Finds what is too long or too much in the local run: there, .dev.vars replaces vars, and adds secrets. The Worker would
 * run on this machine, and could not be deployed.
 */
export function localLimitMistakes(config: EnvironmentConfig): ConfigMistake[] {
  const { wrangler, localVars, devVarNames, requiredSecrets } = config;
  const names = new Set([...Object.keys(wrangler.vars), ...devVarNames]);
  names.delete(LOCAL_SWITCHES);

  const values = [...names].map((name) => [name, localVars[name]]);
  const vars: Vars = Object.fromEntries(values);
  return [...sizeMistakes(vars), ...countMistakes([...names, ...requiredSecrets])];
}
