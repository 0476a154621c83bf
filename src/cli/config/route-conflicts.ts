// Routes of one environment that take a host of another, and routes on which an environment's own /healthz and /purge
// are not reached. A token for the one Worker would then go to the other. Nothing is sent.

import type { ConfigMistake } from "../../worker/http/refusal.ts";
import { environmentText } from "../wrangler/config-file.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";
import {
  findMatch,
  hostOf,
  isBetter,
  matchPattern,
  OPERATOR_PATHS,
  SOME_PATH,
  sharedPattern,
} from "./site-url.ts";

/** Routes that two environments have, or with which one takes a host of the other. */
export function* routeMistakes(
  config: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<ConfigMistake> {
  const path = "routes";
  const pattern = sharedPattern(config.patterns, otherConfig.patterns);
  const owner = environmentText(otherConfig.environment);
  if (pattern !== undefined) {
    const harm = "The last deploy would take it away from the other: give each its own";
    const message = `${pattern} is a route of ${owner}, too, perhaps inherited. ${harm}`;
    yield { path, message };
    return;
  }

  for (const taken of takenHosts(otherConfig, config)) {
    yield { path, message: takenText(taken, "this environment", owner) };
  }
  for (const taken of takenHosts(config, otherConfig)) {
    yield { path, message: takenText(taken, owner, "this environment") };
  }
}

/** A host whose requests a route of another environment takes, and the paths that it takes. */
type Taken = {
  readonly host: string;
  readonly isCustomDomain: boolean;
  readonly pattern: string;
  readonly paths: string;
};

/** The hosts of an environment that the other one takes, as a whole or the paths of operators. */
function takenHosts(config: EnvironmentConfig, taker: EnvironmentConfig): Taken[] {
  const hosts = new Set(config.patterns.map(hostOf).filter((host) => !host.startsWith("*")));
  return [...hosts].flatMap((host) => {
    const takenPaths = [...OPERATOR_PATHS, SOME_PATH].filter((path) => {
      const match = findMatch(host, config, path);
      return match !== undefined && isBetter(findMatch(host, taker, path), match);
    });
    const pattern = taker.patterns.find((candidate) =>
      takenPaths.some((path) => matchPattern(host, path, candidate, taker)),
    );
    if (pattern === undefined) return [];

    const paths = takenPaths.includes(SOME_PATH) ? "all paths" : takenPaths.join(" and ");
    const isCustomDomain = config.customDomains.some((domain) => hostOf(domain) === host);
    return [{ host, isCustomDomain, pattern, paths }];
  });
}

function takenText(taken: Taken, taker: string, owner: string): string {
  const { host, isCustomDomain, pattern, paths } = taken;
  const harm = `the route ${pattern} of ${taker} takes ${paths} of ${host}, which is of ${owner}`;
  // Also if the route has a wildcard for its host.
  const reason = isCustomDomain
    ? "A route goes before a custom domain"
    : "The more exact of two routes is taken";
  return `${harm}. ${reason}: give each environment its own hosts`;
}

/** What does not reach a Worker without this path. */
const NEEDS = {
  "/healthz": "the doctor and rotate cannot ask how this Worker is",
  "/purge": "purge cannot reach this Worker",
} as const;

/** Hosts whose /healthz and /purge are not those of this environment, or of nobody. */
export function* operatorPathWarnings(
  config: EnvironmentConfig,
  otherConfigs: readonly EnvironmentConfig[],
): Generator<Warning> {
  const hosts = new Set(config.patterns.map(hostOf).filter((host) => !host.startsWith("*")));
  for (const host of hosts) {
    const missing = OPERATOR_PATHS.filter((path) => findMatch(host, config, path) === undefined);
    if (missing.length === 0) continue;

    const patterns = config.patterns.filter((pattern) => hostOf(pattern) === host).join(" and ");
    const message = `${patterns} does not cover ${missing.join(" and ")} of ${host}`;
    const owner = otherConfigs.find((otherConfig) =>
      missing.some((path) => findMatch(host, otherConfig, path)),
    );
    if (owner === undefined) {
      const harm = missing.map((path) => NEEDS[path]).join(", and ");
      const paths = missing.map((path) => host + path).join(" and ");
      yield { message: `${message}: ${harm}`, remedy: `write ${paths} into routes, too` };
    } else {
      const harm = `that is for the Worker of ${environmentText(owner.environment)}, so commands with a token refuse this host`;
      yield { message: `${message}: ${harm}`, remedy: "give this environment a host of its own" };
    }
  }
}
