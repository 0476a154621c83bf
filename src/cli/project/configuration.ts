import { mistakeText } from "../../worker/base/mistake.ts";
import { type Config, readConfig } from "../../worker/config/config.ts";
import { readHealthToken } from "../../worker/config/read-secrets.ts";
import { bucketsOf } from "../../worker/config/routes.ts";
import { isSecret } from "../../worker/config/secret-names.ts";
import { readBounds, tellCosts } from "./costs.ts";
import { keep, readDeployed } from "./deployed.ts";
import { unsignedDoors } from "./doors.ts";
import type { KnownVars } from "./vars.ts";

const VARIABLES = ["BUCKETS", "ROUTES", "PRESETS", "ANSWERS", "COSTS"];

/** What there is to say of a configuration. */
export type Report = {
  /** How it stands, where it is right. */
  readonly told: readonly string[];
  readonly warned: readonly string[];
  /** All mistakes, each once: those of wrangler.toml, then those that .dev.vars adds. */
  readonly mistakes: readonly string[];
};

/** Looks whether the configuration is right, as it would be deployed and as it would be started here. */
export function checkConfiguration(vars: KnownVars): Report {
  const { deployed, started, local, secrets, stored, patterns } = vars;
  const there = readDeployed(vars);
  // As `npm start` does, which opens its own buckets with keys of its own.
  const played = secrets.filter((name) => {
    if (name === "URL_SIGNING_KEYS") return !local.has(name);
    return !local.has("BUCKETS") && !isBegun(name, local);
  });
  const here = local.size > 0 ? readConfig({ ...keep([...stored, ...played]), ...started }) : there;
  const found = new Set([
    ...pitfalls(vars),
    ...("mistakes" in there ? there.mistakes.map(mistakeText) : []),
  ]);
  for (const mistake of "mistakes" in here ? here.mistakes.map(mistakeText) : []) {
    if (!found.has(mistake)) found.add(`.dev.vars: ${mistake}`);
  }
  const bounds = readBounds(deployed, (path, message) => found.add(`${path}: ${message}`));
  if ("mistakes" in there) return mistaken(found);
  for (const mistake of deployFaults(there)) found.add(mistake);
  if (started["HEALTH_TOKEN"] && readHealthToken(started) === undefined) {
    found.add(
      ".dev.vars: HEALTH_TOKEN: is not 16 or more ASCII characters, so that it opens nothing",
    );
  }
  if (found.size > 0) return mistaken(found);

  const hosts = new Set([...bucketsOf(there.routes)].map(({ base }) => new URL(base).host));
  const costs = tellCosts(there, bounds);
  const told = [
    "The configuration is right. Hosts to list under Sources of your zone:",
    ...[...hosts].map((host) => `  ${host}`),
    ...costs.lines,
  ];
  if (patterns.length === 0) {
    told.push("Before a deploy, uncomment routes and put your own domain there.");
  }
  const warned = [...unsignedDoors(there), costs.warning].filter((line) => line !== undefined);
  return { told, warned, mistakes: [] };
}

function mistaken(found: ReadonlySet<string>): Report {
  return { told: [], warned: [], mistakes: [...found] };
}

/** True if .dev.vars has one of the two secrets of a slot. */
function isBegun(name: string, local: ReadonlySet<string>): boolean {
  const id = name.replace("_SECRET_ACCESS_KEY", "_ACCESS_KEY_ID");
  return local.has(id) || local.has(id.replace("_ACCESS_KEY_ID", "_SECRET_ACCESS_KEY"));
}

/** What wrangler takes, and Vitrine has no use for. */
function* pitfalls(vars: KnownVars): Generator<string> {
  const { deployed, secrets, workersDev, cached, limiters } = vars;
  for (const [index, { name, namespace_id, simple }] of limiters.entries()) {
    const at = `ratelimits[${index}]`;
    if (name !== "RATE_LIMITER") {
      yield `${at}.name: is ${name}, and nothing asks it: call it RATE_LIMITER`;
    }
    const first = limiters.findIndex((limiter) => limiter.name === name);
    if (first < index) yield `${at}.name: is ${name}, as ratelimits[${first}] is`;
    if (!/^\d+$/.test(`${namespace_id}`)) yield `${at}.namespace_id: is no integer in quotes`;
    if (!(Number.isInteger(simple.limit) && simple.limit > 0)) {
      yield `${at}.simple.limit: is no whole number above 0`;
    }
    if (simple.period !== 10 && simple.period !== 60) {
      yield `${at}.simple.period: is neither 10 nor 60 seconds`;
    }
  }
  for (const name of secrets) {
    if (isSecret(name) && name.endsWith("_NEXT")) {
      yield `${name}: stands under [secrets], so that a deploy fails once that slot is empty`;
    }
  }
  for (const name of Object.keys(deployed)) {
    if (isSecret(name)) {
      yield `${name}: stands in wrangler.toml, where it is no secret: npx wrangler secret put ${name}`;
    } else if (!VARIABLES.includes(name)) {
      yield `${name}: is none of ${VARIABLES.join(", ")}`;
    }
  }
  if (workersDev) {
    yield "workers_dev, preview_urls: are not false, and there nothing is transformed"; // R2
  }
  if (cached) {
    yield "cache.enabled: is on, and keeps one format for all, whatever their browsers read"; // C5
  }
}

/** What is right on one's own machine, and wrong once deployed. */
function* deployFaults({ routes, variants }: Config): Generator<string> {
  for (const { preset, image } of variants.values()) {
    for (const [index, { url }] of (image.draw ?? []).entries()) {
      if (url.startsWith("http:")) {
        yield `PRESETS.${preset}.draw[${index}].url: http:// is for one's own machine`; // E6
      }
    }
  }
  for (const { name, base, region } of bucketsOf(routes)) {
    const { protocol, hostname } = new URL(base);
    if (protocol === "http:") {
      yield `BUCKETS.${name}.endpoint: http:// is for .dev.vars, on one's own machine`; // E6
    }
    const aws = /(?:^|\.)s3[.-]([a-z0-9-]+)\.amazonaws\.com$/.exec(hostname)?.[1];
    if (aws !== undefined && aws !== region) {
      yield `BUCKETS.${name}.region: is ${region}, and the endpoint's is ${aws}`; // A5
    }
  }
}
