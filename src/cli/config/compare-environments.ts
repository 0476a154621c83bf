// Compares an environment with the others of the same file (S6): what it inherits or repeats belongs to two Workers. Pure.

import { tableOf } from "../../worker/base/json.ts";
import type { Mistake } from "../../worker/base/refusal.ts";
import { environmentText } from "../wrangler/config-file.ts";
import type { EnvironmentConfig, R2Binding } from "./environment-config.ts";
import { isLocalSigningKey } from "./local-run.ts";
import type { Warning } from "./mistakes.ts";
import { sharedPattern, takenRoutesOf } from "./site-url.ts";

/** @param others the environments to compare with, the top level among them */
export function environmentMistakes(
  vars: EnvironmentConfig,
  others: readonly EnvironmentConfig[],
): Mistake[] {
  const { environment, own, worker } = vars;
  const mistakes = [...storeMistakes(vars, others)];
  const add = (path: string, message: string) => mistakes.push({ path, message });
  for (const other of others) {
    const owner = environmentText(other.environment);
    if (worker !== undefined && worker === other.worker) {
      add("name", `is that of ${owner}, too: a deploy would replace that Worker`);
    }
    const remedy = "Give each environment its own host, or its own paths";
    for (const text of overlaps(vars, other)) add("routes", `${text}. ${remedy}`);
    const pattern = sharedPattern(vars.patterns, other.patterns);
    if (pattern === undefined) continue;
    // wrangler ignores `route` if there are `routes`, also inherited ones.
    const inherited = environment !== undefined && !own.has("routes") ? "are inherited: " : "";
    const harm = "The last deploy would take it away from the other: give each its own";
    add("routes", `${inherited}${pattern} is a route of ${owner}, too. ${harm}`);
  }
  return mistakes;
}

/** Requests that one of two environments takes from the other: routes go before custom domains. */
function overlaps(vars: EnvironmentConfig, other: EnvironmentConfig): string[] {
  const owner = ` of ${environmentText(other.environment)}`;
  const text = (by: string, from: string) => `${by} takes requests of ${from}`;
  return [
    ...takenRoutesOf(vars, other).map(({ by, from }) => text(by, from + owner)),
    ...takenRoutesOf(other, vars).map(({ by, from }) => text(by + owner, from)),
  ];
}

/** What two environments share, perhaps unnoticed: who may deploy the one can do something in the other. */
export function* environmentWarnings(
  vars: EnvironmentConfig,
  others: readonly EnvironmentConfig[],
): Generator<Warning> {
  for (const other of others) {
    const owner = environmentText(other.environment);
    if (hasSameSigningKey(vars, other)) {
      const harm = "whoever has it can sign URLs for both";
      const what = `${vars.devVars} has a key in URL_SIGNING_KEYS that ${other.devVars} of ${owner} has, too: ${harm}`;
      yield { what, remedy: "give each environment keys of its own" };
    }
    const otherRoles = rolesOf(other).map(({ role }) => role);
    for (const { bucket, role } of rolesOf(vars)) {
      if (!otherRoles.includes(role)) continue;
      const harm = "who deploys one environment can read the bucket of the other";
      const what = `the role ${role} of BUCKETS.${bucket} is that of ${owner}, too: ${harm}`;
      yield { what, remedy: "make a role for each: docs/keyless.md, “Two environments”" };
    }
  }
}

function rolesOf({ deployed }: EnvironmentConfig): { bucket: string; role: unknown }[] {
  return Object.entries(tableOf(deployed["BUCKETS"])).flatMap(([bucket, settings]) => {
    const { role } = tableOf(settings);
    return role === undefined ? [] : [{ bucket, role }];
  });
}

/** Returns whether the files of two environments have a key in common, as far as that can be seen here. */
function hasSameSigningKey(one: EnvironmentConfig, other: EnvironmentConfig): boolean {
  // Environments without files of their own have one file for the local run, which is never deployed.
  if (one.devVars === other.devVars) return false;
  const others = Object.values(signingKeysOf(other));
  return Object.values(signingKeysOf(one)).some((key) => others.includes(key));
}

/** The keys of .dev.vars that the local run did not make, by their kids. */
function signingKeysOf({ started: { URL_SIGNING_KEYS: keys } }: EnvironmentConfig) {
  return isLocalSigningKey("URL_SIGNING_KEYS", keys) ? {} : tableOf(keys);
}

/** The binding of the store; undefined: there is no store, or no such binding. */
export function storeOf({
  deployed,
  r2Buckets,
}: Pick<EnvironmentConfig, "deployed" | "r2Buckets">): R2Binding | undefined {
  const { store } = tableOf(deployed["ANSWERS"]);
  return r2Buckets.find(({ binding }) => binding === store);
}

/** The name of a bound bucket. `wrangler deploy` gives it one that has none (T9). */
export function bucketName(
  { worker }: Pick<EnvironmentConfig, "worker">,
  { binding, bucket_name: name }: R2Binding,
): string {
  return name ?? `${worker}-${binding.toLowerCase().replaceAll("_", "-")}`;
}

/** Every use of a bucket of R2, by a binding or by S3's API, and the bucket's name. */
function usesOf(
  vars: EnvironmentConfig,
): readonly { readonly by: string; readonly bucket: string }[] {
  const bound = vars.r2Buckets.map((one) => ({ by: one.binding, bucket: bucketName(vars, one) }));
  const origins = Object.entries(tableOf(vars.deployed["BUCKETS"])).flatMap(([name, settings]) => {
    const { endpoint, bucket } = tableOf(settings);
    const isR2 = URL.parse(`${endpoint}`)?.hostname.endsWith(".r2.cloudflarestorage.com");
    return isR2 ? [{ by: `BUCKETS.${name}`, bucket: `${bucket}` }] : [];
  });
  return [...bound, ...origins];
}

/** The store's bucket is nothing else's: its names could be originals there, and two Workers would write into it. */
function* storeMistakes(
  vars: EnvironmentConfig,
  others: readonly EnvironmentConfig[],
): Generator<Mistake> {
  const store = storeOf(vars);
  const bucket = store && bucketName(vars, store);
  const path = "ANSWERS.store";
  if (store?.remote) {
    const harm = "wrangler dev would store in it";
    yield { path, message: `is ${store.binding}, which has remote = true: ${harm}. Remove that` };
  }
  const rest = usesOf(vars).find((one) => one.bucket === bucket && one.by !== store?.binding);
  if (rest) yield { path, message: `has the bucket ${bucket}, as ${rest.by} has: use another one` };
  for (const other of others) {
    const owner = environmentText(other.environment);
    const use = usesOf(other).find((one) => one.bucket === bucket);
    if (use) {
      const message = `has the bucket ${bucket}, as ${use.by} of ${owner} has: use another one`;
      yield { path, message };
    }
    const otherStore = storeOf(other);
    const taken = otherStore && bucketName(other, otherStore);
    const own = usesOf(vars).find((one) => one.bucket === taken && one.bucket !== bucket);
    if (!own) continue;
    const message = `has the bucket that ${owner} has as store: use another one`;
    yield { path: own.by, message };
  }
}
