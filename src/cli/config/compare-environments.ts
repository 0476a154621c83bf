// Mistakes that only a project with several environments can have (S6), or only one with a store. Pure.

import type { Mistake } from "../../worker/base/refusal.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { type KnownVars, type R2Binding, tableOf } from "./environment-config.ts";
import { isLocalSigningKey, wordsOf } from "./local-run.ts";
import type { Warning } from "./mistakes.ts";
import { isWhole, sharedPattern, takingsOf } from "./site-url.ts";

/** @param others the environments to compare with, the top level among them */
export function* environmentMistakes(
  vars: KnownVars,
  others: readonly KnownVars[],
): Generator<Mistake> {
  const { environment, own, worker } = vars;
  if (environment !== undefined && !own.has("vars")) {
    yield { path: "vars", message: "is missing: an environment does not inherit vars" };
  }
  if (environment !== undefined && !own.has("secrets") && !isKeyless(vars)) {
    const message =
      "is missing: an environment does not inherit secrets, so a deploy asks for none";
    yield { path: "secrets", message };
  }
  for (const other of others) {
    const whose = environmentText(other.environment);
    if (worker !== undefined && worker === other.worker) {
      yield {
        path: "name",
        message: `is that of ${whose}, too: a deploy would replace that Worker`,
      };
    }
    for (const { what, isAll } of takings(vars, other)) {
      if (isAll) yield { path: "routes", message: `${what}. Give it no route over that` };
    }
    const pattern = sharedPattern(vars.patterns, other.patterns);
    if (pattern === undefined) continue;
    // wrangler ignores `route` if there are `routes`, also inherited ones.
    const inherits = environment !== undefined && !own.has("routes");
    const what = `${inherits ? "are inherited: " : ""}${pattern} is a route of ${whose}, too`;
    const remedy = "The last deploy would take it away from the other: give each its own";
    yield { path: "routes", message: `${what}. ${remedy}` };
  }
}

/** Returns whether all buckets are bound, so that no secret opens them. */
function isKeyless({ deployed }: KnownVars): boolean {
  const has = Object.keys(tableOf(deployed["BUCKETS"])).length > 0;
  return has && wordsOf(deployed["BUCKETS"]).size === 0 && deployed["OIDC"] === undefined;
}

/** What one of two environments takes from the other: routes go before custom domains, longer ones first. */
function* takings(vars: KnownVars, other: KnownVars) {
  const whose = ` of ${environmentText(other.environment)}`;
  const sides = [
    ...takingsOf(vars, other).map((taking) => ({ ...taking, taker: "", loser: whose })),
    ...takingsOf(other, vars).map((taking) => ({ ...taking, taker: whose, loser: "" })),
  ];
  for (const { by, from, isCustom, taker, loser } of sides) {
    const isAll = isWhole(by);
    const kind = isCustom ? "a custom domain" : "a route";
    const what = `${by}${taker} takes ${isAll ? "all " : ""}requests of ${from}, ${kind}${loser}`;
    yield { what, isAll };
  }
}

/** Warns about what an environment lacks, or takes from another one, perhaps unnoticed. */
export function* environmentDoubts(
  vars: KnownVars,
  others: readonly KnownVars[],
): Generator<Warning> {
  for (const { what, isAll } of others.flatMap((other) => [...takings(vars, other)])) {
    if (!isAll) yield { what, remedy: "give each environment its own host, if that is not meant" };
  }
  yield* datasetDoubts(vars, others);
  yield* signingKeyDoubts(vars, others);
  yield* roleDoubts(vars, others);
  const top = others.find((other) => other.environment === undefined);
  if (vars.environment === undefined || !top) return;
  if (top.limiters.length > 0 && vars.limiters.length === 0) {
    const what = "ratelimits are not inherited, so this environment limits nobody";
    yield { what, remedy: "give it ratelimits of its own, with another namespace_id" };
  }
  if (top.datasets.length > 0 && vars.datasets.length === 0) {
    const what = "analytics_engine_datasets are not inherited, so this environment records nothing";
    yield { what, remedy: "give it analytics_engine_datasets of its own, with another dataset" };
  }
}

/** A data point does not say which environment wrote it. */
function* datasetDoubts(vars: KnownVars, others: readonly KnownVars[]): Generator<Warning> {
  const names = ({ datasets }: KnownVars) => datasets.map((one) => one.dataset ?? one.binding);
  for (const other of others) {
    const shared = names(vars).find((name) => names(other).includes(name));
    if (shared === undefined) continue;
    const what = `the dataset ${shared} is that of ${environmentText(other.environment)}, too`;
    yield { what, remedy: "give each its own, or their requests are counted together" };
  }
}

/** Whoever deploys an environment can read what its role reads. */
function* roleDoubts(vars: KnownVars, others: readonly KnownVars[]): Generator<Warning> {
  for (const other of others) {
    const otherRoles = new Set(rolesOf(other).values());
    for (const [bucket, role] of rolesOf(vars)) {
      if (!otherRoles.has(role)) continue;
      const what = `the role ${role} of BUCKETS.${bucket} is that of ${environmentText(other.environment)}, too: who deploys one environment can read the bucket of the other`;
      yield { what, remedy: "make a role for each: docs/keyless.md, “Two environments”" };
    }
  }
}

/** The role of each bucket that has one. */
function rolesOf({ deployed }: KnownVars): Map<string, unknown> {
  const buckets = Object.entries(tableOf(deployed["BUCKETS"]));
  const roles = buckets.map(([name, settings]) => [name, tableOf(settings)["role"]] as const);
  return new Map(roles.filter(([, role]) => role !== undefined));
}

/** A signature names its kid and not its host: where two environments have both, it opens both. */
function* signingKeyDoubts(vars: KnownVars, others: readonly KnownVars[]): Generator<Warning> {
  for (const other of others) {
    const where = sharedSigningKeys(vars, other);
    if (where === undefined) continue;
    const whose = environmentText(other.environment);
    yield {
      what: `URL_SIGNING_KEYS may have a key of ${whose}, too: ${where}`,
      remedy: "give each environment keys of its own",
    };
  }
}

const OPENS_BOTH = "A signed URL of the one would open the other";

/** Where two environments seem to have one key, and the harm; undefined: nowhere that can be seen from here. */
function sharedSigningKeys(one: KnownVars, other: KnownVars): string | undefined {
  // Environments without files of their own have one file for the local run, which is never deployed.
  if (one.devVars === other.devVars) return undefined;
  const others = ownSigningKeys(other);
  const shared = Object.entries(ownSigningKeys(one)).filter(([, key]) =>
    Object.values(others).includes(key),
  );
  if (shared.length === 0) return undefined;
  const hasSameKid = shared.some(([kid, key]) => others[kid] === key);
  const harm = hasSameKid ? OPENS_BOTH : "Whoever has that key can sign for both";
  return `${one.devVars} has one of ${other.devVars}. ${harm}`;
}

/** The keys of .dev.vars that the local run did not make, by their kids. */
function ownSigningKeys({ started: { URL_SIGNING_KEYS: keys } }: KnownVars) {
  return isLocalSigningKey("URL_SIGNING_KEYS", keys) ? {} : tableOf(keys);
}

/** The binding of the store; undefined: there is no store, or no such binding. */
export function storeOf({
  deployed,
  r2Buckets,
}: Pick<KnownVars, "deployed" | "r2Buckets">): R2Binding | undefined {
  const { store } = tableOf(deployed["ANSWERS"]);
  return r2Buckets.find(({ binding }) => binding === store);
}

/** The name of a bound bucket. `wrangler deploy` gives it one that has none (T9). */
export function bucketName(
  { worker }: Pick<KnownVars, "worker">,
  { binding, bucket_name: name }: R2Binding,
): string {
  return name ?? `${worker}-${binding.toLowerCase().replaceAll("_", "-")}`;
}

/** Every use of a bucket of R2, by a binding or by S3's API, and the bucket's name. */
function usesOf(vars: KnownVars): readonly { readonly by: string; readonly bucket: string }[] {
  const bound = vars.r2Buckets.map((one) => ({ by: one.binding, bucket: bucketName(vars, one) }));
  const origins = Object.entries(tableOf(vars.deployed["BUCKETS"])).flatMap(([name, settings]) => {
    const { endpoint, bucket } = tableOf(settings);
    const isR2 = URL.parse(`${endpoint}`)?.hostname.endsWith(".r2.cloudflarestorage.com");
    return isR2 ? [{ by: `BUCKETS.${name}`, bucket: `${bucket}` }] : [];
  });
  return [...bound, ...origins];
}

/** @param others the environments to compare with */
export function* storeMistakes(vars: KnownVars, others: readonly KnownVars[]): Generator<Mistake> {
  const store = storeOf(vars);
  if (store?.remote) {
    const message = `is ${store.binding}, which has remote = true: wrangler dev would store in it. Remove that`;
    yield { path: "ANSWERS.store", message };
  }
  for (const other of [vars, ...others]) {
    const isOwn = other === vars;
    const owner = environmentText(other.environment);
    const bucket = store && bucketName(vars, store);
    const use = usesOf(other).find(
      (one) => one.bucket === bucket && !(isOwn && one.by === store?.binding),
    );
    if (use) {
      const message = `has the bucket ${bucket}, as ${use.by}${isOwn ? "" : ` of ${owner}`} has: use another one`;
      yield { path: "ANSWERS.store", message };
    }
    const theirs = isOwn ? undefined : storeOf(other);
    const taken = theirs && bucketName(other, theirs);
    const taking = usesOf(vars).find((one) => one.bucket === taken && one.bucket !== bucket);
    if (!taking) continue;
    yield {
      path: taking.by,
      message: `has the bucket that ${owner} has as store: use another one`,
    };
  }
}
