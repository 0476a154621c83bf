// Mistakes that neither wrangler nor the Worker finds: what does nothing, and what fails only once it is
// deployed.

import type { Mistake } from "../../worker/base/refusal.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { isSecret } from "../../worker/config/read-secrets.ts";
import { hintFor } from "../wrangler/environment.ts";
import { cacheMistakes } from "./cache-settings.ts";
import type { Warning } from "./config-fault.ts";
import { type KnownVars, tableOf } from "./known-vars.ts";
import { wordsOf } from "./local-run.ts";
import { bucketsOf } from "./shown-buckets.ts";
import { varNames } from "./stand-ins.ts";

const VARIABLES = ["BUCKETS", "ROUTES", "PRESETS", "ANSWERS", "COSTS", "OIDC"];

/** What older versions purged the edge with. The Worker ignores it. */
const LEFT_OVER = ["ZONE_ID", "CLOUDFLARE_API_TOKEN"];

/** What wrangler accepts, and what does not work with Vitrine. */
export function* pitfalls(vars: KnownVars): Generator<Mistake> {
  yield* limiterMistakes(vars);
  yield* datasetMistakes(vars);
  yield* imagesMistakes(vars);
  yield* r2Mistakes(vars);
  for (const name of vars.secrets) {
    if (!isSecret(name) || !name.endsWith("_NEXT")) continue;
    const message = "is listed under [secrets]: a deploy would fail while that slot is empty";
    yield { path: name, message };
  }
  yield* varMistakes(vars);
  yield* cacheMistakes(vars.cache);
}

/** Vars that do nothing, perhaps because their names are misspelt, and secrets among the vars. */
export function* varMistakes(vars: KnownVars): Generator<Mistake> {
  for (const name of varNames(vars.deployed)) {
    if (isSecret(name)) {
      const command = hintFor(vars, `npx wrangler secret put ${name}`);
      const message = `is in ${vars.file}, where it is no secret: ${command}`;
      yield { path: name, message };
    } else if (![...VARIABLES, ...LEFT_OVER].includes(name)) {
      yield { path: name, message: `is none of ${VARIABLES.join(", ")}` };
    }
  }
}

/** What may not work, but does no harm then. The Images binding works on any host. */
export function* doubts(
  { workersDev, domains }: Pick<KnownVars, "workersDev" | "domains">,
  { routes, oidc }: Pick<Config, "routes" | "oidc">,
): Generator<Warning> {
  const host = oidc && new URL(oidc.issuer).host;
  const isOwn = host?.endsWith(".workers.dev") || domains.some((domain) => domain.host === host);
  if (host !== undefined && domains.length > 0 && !isOwn) {
    const what = `OIDC.issuer is on ${host}, and routes does not have that host: AWS asks it for the public keys`;
    yield { what, remedy: "use a host of routes, or make sure that it leads to this Worker" };
  }
  if (!workersDev || !hasEdge(routes)) return;
  const what =
    "workers_dev or preview_urls is on: whether the edge transforms images there is not known, and visitors get 502 if not"; // R2
  yield { what, remedy: "set both to false, or check that address with npx vitrine doctor --url" };
}

/** What is left over from older versions. */
export function* leftOvers({
  deployed,
  local,
  secrets,
}: Pick<KnownVars, "deployed" | "local" | "secrets">): Generator<Warning> {
  const known = new Set([...varNames(deployed), ...local, ...secrets]);
  const names = LEFT_OVER.filter((name) => known.has(name)).join(" and ");
  if (names === "") return;
  const what = `the Worker does not use ${names} any more: /purge drops what Workers Cache keeps, and nothing else has to be purged`;
  yield { what, remedy: "take it out, also of the Worker: npx wrangler secret delete" };
}

/** Buckets whose replaced objects have the same URL for the edge as the old ones (A15, C1). */
export function* sourceParameterDoubts({ routes }: Pick<Config, "routes">): Generator<Warning> {
  for (const { name, engine, hasSourceParameter } of bucketsOf(routes)) {
    if (hasSourceParameter || engine !== "cf") continue;
    const what = `BUCKETS.${name}.source_parameter is false: a replaced object shows only when the edge's own time is over, which is an hour, or the object's cache-control if that is longer. Until then, sizes that were not made before are refused`;
    const remedy =
      'leave it so only if S3 refuses x-vitrine: remove it, and npx vitrine doctor asks S3. Or set engine = "binding"';
    yield { what, remedy };
  }
}

/** Keys of S3 that `[secrets]` requires, and no bucket uses, as after a change to R2 or to a role. */
export function* idleKeys({
  secrets,
  deployed,
  file,
}: Pick<KnownVars, "secrets" | "deployed" | "file">): Generator<Warning> {
  const used = new Set(wordsOf(deployed["BUCKETS"]).values());
  const idle = secrets.filter((name) => {
    const word = /^(.+)_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/.exec(name)?.[1];
    return word !== undefined && isSecret(name) && !used.has(word);
  });
  if (idle.length === 0) return;
  const what = `[secrets] requires ${idle.join(", ")}, and no bucket uses a key of that name: a deploy fails while a required secret is not set`;
  yield { what, remedy: `take them out of [secrets] in ${file}` };
}

function* limiterMistakes({ limiters }: KnownVars): Generator<Mistake> {
  for (const [index, { name, namespace_id, simple }] of limiters.entries()) {
    const path = `ratelimits[${index}]`;
    if (name !== "RATE_LIMITER") {
      const message = `is ${name}, which the Worker does not use: call it RATE_LIMITER`;
      yield { path: `${path}.name`, message };
    }
    const first = limiters.findIndex((limiter) => limiter.name === name);
    if (first < index) {
      yield { path: `${path}.name`, message: `is ${name}, the name of ratelimits[${first}]` };
    }
    if (!/^\d+$/.test(`${namespace_id}`)) {
      yield { path: `${path}.namespace_id`, message: "is not an integer in quotes" };
    }
    if (!(Number.isInteger(simple.limit) && simple.limit > 0)) {
      yield { path: `${path}.simple.limit`, message: "is not a whole number above 0" };
    }
    if (simple.period !== 10 && simple.period !== 60) {
      yield { path: `${path}.simple.period`, message: "is neither 10 nor 60 seconds" };
    }
  }
}

function* datasetMistakes({ datasets }: KnownVars): Generator<Mistake> {
  for (const [index, { binding }] of datasets.entries()) {
    const path = `analytics_engine_datasets[${index}].binding`;
    if (binding !== "METRICS") {
      yield { path, message: `is ${binding}, which the Worker does not use: call it METRICS` };
    }
  }
}

function* imagesMistakes({ images }: KnownVars): Generator<Mistake> {
  if (images === undefined || images === "IMAGES") return;
  const message = `is ${images}, which the Worker does not use: call it IMAGES`;
  yield { path: "images.binding", message };
}

/** A bucket's name that is not the one of its binding would be wrong in every message. */
function* r2Mistakes({ r2Buckets, deployed }: KnownVars): Generator<Mistake> {
  for (const [name, settings] of Object.entries(tableOf(deployed["BUCKETS"]))) {
    const { binding, bucket } = tableOf(settings);
    const bound = r2Buckets.find((one) => one.binding === binding)?.bucket_name;
    if (bucket === undefined || bound === undefined || bucket === bound) continue;
    const message = `is ${bucket}, but bucket_name of [[r2_buckets]] is ${bound}: use the same`;
    yield { path: `BUCKETS.${name}.bucket`, message };
  }
}

/** Returns whether the image edge fetches from a bucket, so that the zone has to allow it. */
export function hasEdge(routes: Config["routes"]): boolean {
  return [...bucketsOf(routes)].some(({ engine }) => engine === "cf");
}

/** What works on a developer's machine, and fails once it is deployed. */
export function* deployMistakes({ routes, variants, oidc }: Config): Generator<Mistake> {
  if (oidc?.issuer.startsWith("http:")) {
    yield { path: "OIDC.issuer", message: "http:// is for your own machine only" };
  }
  for (const { preset, image } of variants.values()) {
    for (const [index, { url }] of (image.draw ?? []).entries()) {
      if (!url?.startsWith("http:")) continue;
      const path = `PRESETS.${preset}.draw[${index}].url`;
      yield { path, message: "http:// is for your own machine only" }; // E6
    }
  }
  for (const bucket of bucketsOf(routes)) yield* bucketDeployMistakes(bucket);
}

/** What is wrong with a bucket of a deployed Worker. */
export function* bucketDeployMistakes({
  name,
  base,
  region,
}: Pick<Bucket, "name" | "base" | "region">): Generator<Mistake> {
  const { protocol, hostname } = new URL(base);
  if (protocol === "http:") {
    const message = "http:// is for your own machine only, in .dev.vars"; // E6
    yield { path: `BUCKETS.${name}.endpoint`, message };
  }
  const aws = /(?:^|\.)s3[.-]([a-z0-9-]+)\.amazonaws\.com$/.exec(hostname)?.[1];
  if (aws !== undefined && aws !== region) {
    const message = `is ${region}, but the endpoint is in ${aws}`; // A5
    yield { path: `BUCKETS.${name}.region`, message };
  }
}
