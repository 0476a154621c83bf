// Mistakes that neither wrangler nor the Worker finds: what does nothing, and what fails only once it is
// deployed.

import { existsSync } from "node:fs";
import type { Mistake } from "../../worker/base/refusal.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { isSecret } from "../../worker/config/read-secrets.ts";
import { hintFor } from "../wrangler/config-file.ts";
import { bucketsOf } from "./buckets.ts";
import { type CacheSettings, type KnownVars, tableOf, varNames } from "./environment-config.ts";
import { wordsOf } from "./local-run.ts";
import type { Warning } from "./mistakes.ts";
import { hostOf } from "./site-url.ts";

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
  { workersDev, patterns }: Pick<KnownVars, "workersDev" | "patterns">,
  { routes, oidc }: Pick<Config, "routes" | "oidc">,
): Generator<Warning> {
  const host = oidc && new URL(oidc.issuer).host;
  const isOwn =
    host?.endsWith(".workers.dev") || patterns.some((pattern) => hostOf(pattern) === host);
  if (host !== undefined && patterns.length > 0 && !isOwn) {
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

const WANTED = 'write a file with the line: export { default, Renditions } from "vitrine";';

/** A file that is not there. Without `main`, wrangler itself says what is missing. */
export function mainMistakes({ main }: Pick<KnownVars, "main">): Mistake[] {
  if (main === undefined || existsSync(main)) return [];
  return [{ path: "main", message: `is ${main}, which is not there: ${WANTED}` }];
}

const GATEWAY = "default";
const KEPT = "Renditions";

const WHY_NOT =
  "a cache in front of it answers without asking the Worker, so an expired signed URL and an image for some pages only are shown to anybody";

/** What must not be deployed: a cache where visitors are checked, or an entrypoint that is not there. */
export function* cacheMistakes(settings: CacheSettings): Generator<Mistake> {
  for (const { name, type } of settings.entrypoints) {
    const path = `exports.${name}`;
    if (name === GATEWAY || name === KEPT) {
      if (type !== "worker") yield { path: `${path}.type`, message: 'is not "worker"' };
    } else if (type === "worker") {
      const message = `is no entrypoint of the Worker: it has ${GATEWAY} and ${KEPT}`;
      yield { path, message };
    }
  }
  const cached = entrypointOf(settings, GATEWAY)?.cached;
  if (!(cached ?? settings.enabled)) return;
  // W2
  const path = `exports.${GATEWAY}.cache.enabled`;
  const fix = `set it to false, and exports.${GATEWAY}.type to "worker"`;
  const own = "The exports of an environment replace all of the top level";
  const isLost = cached === undefined && settings.isOwn;
  const state = cached === undefined ? "is missing" : "is true";
  yield { path, message: `${state}: ${WHY_NOT}: ${fix}${isLost ? `. ${own}` : ""}` };
}

/**
 * What costs time and money, and harms nobody.
 * @param keep for how long renditions are to be kept, in s; 0: nothing needs the cache
 */
export function* cacheDoubts(settings: CacheSettings, keep: number): Generator<Warning> {
  if (keep === 0) return;
  const { enabled, crossVersion, unreachable } = settings;
  if (!enabled || entrypointOf(settings, KEPT)?.cached === false) {
    const what = `the cache for ${KEPT} is off: each data centre of Cloudflare makes every rendition anew, so more visitors wait, and S3 sends more`;
    const remedy =
      "write [cache] and [exports] as docs/cache.md shows, or keep = 0 in [vars.ANSWERS] if that is meant";
    return yield { what, remedy };
  }
  if (!crossVersion) {
    const what =
      "cache.cross_version_cache is not true: every deploy and every wrangler secret put empties the cache"; // W4
    yield { what, remedy: "set it to true" };
  }
  if (unreachable !== undefined) {
    const what = `${unreachable}: the Worker cannot reach Workers Cache, so nothing is kept`; // W15
    const remedy = 'use a later date, such as "2026-11-01", or keep = 0 in [vars.ANSWERS]';
    yield { what, remedy };
  }
}

function entrypointOf(
  { entrypoints }: CacheSettings,
  wanted: string,
): CacheSettings["entrypoints"][number] | undefined {
  return entrypoints.find(({ name, type }) => name === wanted && type === "worker");
}
