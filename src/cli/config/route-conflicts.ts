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
  const owner = environmentText(otherConfig.environment);
  const pattern = sharedPattern(config.patterns, otherConfig.patterns);
  if (pattern !== undefined) {
    const message = `${pattern} is a route of ${owner}, too, perhaps inherited. The last deploy would take it away from the other: give each its own`;
    yield { path: "routes", message };
    return;
  }

  for (const taken of takenHosts(otherConfig, config)) {
    yield { path: "routes", message: takenText(taken, "this environment", owner) };
  }
  for (const taken of takenHosts(config, otherConfig)) {
    yield { path: "routes", message: takenText(taken, owner, "this environment") };
  }
}

/** A host whose requests a route of another environment takes, and the paths that it takes. */
type TakenHost = {
  readonly host: string;
  readonly isCustomDomain: boolean;
  /** The route that takes them. */
  readonly pattern: string;
  readonly paths: string;
};

/** The hosts of an environment that the other one takes, as a whole or the paths of operators. */
function takenHosts(config: EnvironmentConfig, taker: EnvironmentConfig): TakenHost[] {
  const takenList: TakenHost[] = [];

  for (const host of exactHostsOf(config)) {
    const takenPaths = [...OPERATOR_PATHS, SOME_PATH].filter((path) => {
      const match = findMatch(host, config, path);
      return match !== undefined && isBetter(findMatch(host, taker, path), match);
    });
    const pattern = taker.patterns.find((candidate) =>
      takenPaths.some((path) => matchPattern(host, path, candidate, taker)),
    );
    if (pattern === undefined) continue;

    const isCustomDomain = config.customDomains.some((domain) => hostOf(domain) === host);
    const paths = takenPaths.includes(SOME_PATH) ? "all paths" : takenPaths.join(" and ");
    takenList.push({ host, isCustomDomain, pattern, paths });
  }
  return takenList;
}

/** The hosts of the routes, but those with a wildcard. */
function exactHostsOf({ patterns }: EnvironmentConfig): ReadonlySet<string> {
  const hosts = patterns.map(hostOf);
  return new Set(hosts.filter((host) => !host.startsWith("*")));
}

function takenText(taken: TakenHost, taker: string, owner: string): string {
  const { host, isCustomDomain, pattern, paths } = taken;
  // Also if the route has a wildcard for its host.
  const reason = isCustomDomain
    ? "A route goes before a custom domain"
    : "The more exact of two routes is taken";
  return `the route ${pattern} of ${taker} takes ${paths} of ${host}, which is of ${owner}. ${reason}: give each environment its own hosts`;
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
  for (const host of exactHostsOf(config)) {
    const missing = OPERATOR_PATHS.filter((path) => findMatch(host, config, path) === undefined);
    if (missing.length === 0) continue;

    const patterns = config.patterns.filter((pattern) => hostOf(pattern) === host);
    const routes = patterns.join(" and ");
    const paths = missing.join(" and ");

    const owner = otherConfigs.find((otherConfig) =>
      missing.some((path) => findMatch(host, otherConfig, path)),
    );
    if (owner !== undefined) {
      yield {
        path: "routes",
        message: `${routes} does not cover ${paths} of ${host}: that is for the Worker of ${environmentText(owner.environment)}, so commands with a token refuse this host`,
        remedy: "give this environment a host of its own",
      };
      continue;
    }

    const harm = missing.map((path) => NEEDS[path]).join(", and ");
    const newRoutes = missing.map((path) => host + path).join(" and ");
    yield {
      path: "routes",
      message: `${routes} does not cover ${paths} of ${host}: ${harm}`,
      remedy: `write ${newRoutes} into routes, too`,
    };
  }
}
