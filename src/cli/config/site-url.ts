// Where a deployed Vitrine is, by its routes, and whether a URL is that of another environment. Sends nothing,
// and never prints a password in a URL.

import type { CommandFault } from "../command.ts";
import { configFileText, environmentText } from "../wrangler/config-file.ts";
import { type EnvironmentConfig, readOthers } from "./environment-config.ts";

/**
 * The beginning of all URLs, without a slash at the end; `""` is the page's own host.
 * @param patterns the routes of the configuration. Only their hosts matter: Vitrine sees the whole path
 */
export function findBaseUrl(
  url: string | undefined,
  patterns: readonly string[],
  option = "--base-url",
  file = "wrangler.toml",
): string | CommandFault {
  if (url === "") return "";
  if (url !== undefined) return readBaseUrl(url, option);
  const hosts = patterns.map(hostOf);
  const host = hosts.find((name) => /^[^*:@?#\s]+$/.test(name) && URL.canParse(`https://${name}`));
  if (host !== undefined) return new URL(`https://${host}`).origin;
  // URLs in an app need no host.
  const alternative = option === "--base-url" ? `, or ${option} "" for the page's own host` : "";
  const remedy = `say where Vitrine is: ${option} https://images.example.com${alternative}`;
  return { fault: `${file} names no domain under routes: put yours there, or ${remedy}` };
}

function readBaseUrl(url: string, option: string): string | CommandFault {
  const redacted = url.replace(/(?<=\/\/).*@/s, "…@"); // the part before @ may be secret
  const fault = (reason: string) => ({ fault: `${option} ${redacted}: ${reason}` });
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    return fault("is not a URL such as https://images.example.com");
  }
  const { protocol, origin, pathname, username, password } = new URL(url);
  if (/[?#]/.test(url)) return fault("has a query or a fragment");
  if (username !== "" || password !== "") return fault("has a name or a password in it");
  if (protocol === "http:" && !isHere(url)) return fault("http:// is for your own machine only");
  return origin + pathname.replace(/\/+$/, "");
}

export function hostOf(pattern: string): string {
  const [host = ""] = pattern.replace(/^https?:\/\//, "").split("/");
  return host.toLowerCase();
}

export function isHere(url: string): boolean {
  return /^(?:(?:.+\.)?localhost|127\.0\.0\.1|\[::1\])$/.test(URL.parse(url)?.hostname ?? "");
}

/** The paths of a Worker that take a token. */
export const OPERATOR_PATHS = ["/healthz", "/purge"] as const;

/** A path for which nobody writes a route of its own. */
export const SOME_PATH = "/vitrine-sample/picture.jpg";

/**
 * What a URL is for. `object`: the URL of a picture, whose path counts. `base`: the beginning of such URLs. `token`: the
 * beginning of URLs that get a token, so the routes must prove that the Worker of this environment answers there.
 */
type UrlUse = "object" | "base" | "token";

/** Creates a function that refuses a URL of another environment, and for a token also one that is of nobody. */
export function createUrlCheck(
  folder: string,
  config: EnvironmentConfig,
  use: UrlUse,
): (url: string) => CommandFault | undefined {
  const otherConfigs = readOthers(folder, config);
  return (url) => {
    const parsed = new URL(url);
    const { hostname, origin } = parsed; // A path may hold a signature.
    const owners = otherConfigs.filter((otherConfig) => isOwner(otherConfig, config, parsed, use));
    const ownMatch = findMatch(hostname, config);
    if (owners.length > 0) {
      const names = owners.map(({ environment }) => environmentText(environment)).join(" and ");
      const options = owners.map(({ environment }) => `--env ${environment ?? '""'}`).join(" or ");
      // A route of this environment for the pictures alone, beside another one for the whole host.
      const isShared =
        use === "token" && ownMatch !== undefined && !coversOperators(hostname, config);
      if (isShared) {
        const reason = `/healthz and /purge there are those of ${names}, and would get a token of ${environmentText(config.environment)}`;
        return { fault: `${origin}: ${reason}: give each environment its own host` };
      }
      const remedy = `add ${options}, or give each environment its own host`;
      return { fault: `${origin}: that is a route of ${names}: ${remedy}` };
    }

    // A route for the pictures alone: another app may answer at /healthz and /purge.
    if (use === "token" && ownMatch !== undefined && !coversOperators(hostname, config)) {
      const reason = `no route of ${configFileText(config)} leads ${OPERATOR_PATHS.join(" or ")} of that host to the Worker, so another app may get the token`;
      return { fault: `${origin}: ${reason}: add such a route, and deploy` };
    }
    if (use !== "token" || ownMatch !== undefined) return undefined;
    const file = `${configFileText(config)}, which has ${config.patterns.join(", ") || "none"}`;
    const remedy = `use one of these. Only if ${hostname} is a new domain of this Worker, add it to routes there`;
    return { fault: `${origin}: is no route of ${file}: ${remedy}` };
  };
}

/** Returns whether the requests for a URL go to another environment, or may go there. */
function isOwner(
  otherConfig: EnvironmentConfig,
  config: EnvironmentConfig,
  { hostname, pathname }: URL,
  use: UrlUse,
): boolean {
  const ownMatch = findMatch(hostname, config);
  const otherMatch = findMatch(hostname, otherConfig);
  if (otherMatch === undefined) return false;
  if (ownMatch === undefined) return true;

  switch (use) {
    case "object": {
      const otherAtPath = findMatch(hostname, otherConfig, pathname);
      return isBetter(otherAtPath, findMatch(hostname, config, pathname));
    }
    case "base": {
      const otherAtSomePath = findMatch(hostname, otherConfig, SOME_PATH);
      return otherAtSomePath !== undefined && otherAtSomePath.host > ownMatch.host;
    }
    case "token": {
      // Where no route of this environment is for these paths, nothing proves whose they are.
      if (!coversOperators(hostname, config) && otherMatch.host >= ownMatch.host) return true;
      return OPERATOR_PATHS.some((path) => {
        const otherAtPath = findMatch(hostname, otherConfig, path);
        if (otherAtPath === undefined) return false;
        return !isBetter(findMatch(hostname, config, path), otherAtPath);
      });
    }
  }
}

function coversOperators(hostname: string, config: EnvironmentConfig): boolean {
  return OPERATOR_PATHS.some((path) => findMatch(hostname, config, path) !== undefined);
}

/** How exactly a pattern names a URL: first its host counts, then its path. */
type Match = { readonly host: number; readonly path: number };

const EXACT = Number.POSITIVE_INFINITY;
/** A custom domain: a route for the same host wins, whose number is the length of its host. */
const CUSTOM = 1;

/** Returns whether the requests go to the first of two. */
export function isBetter(match: Match | undefined, otherMatch: Match | undefined): boolean {
  if (match === undefined) return false;
  if (otherMatch === undefined) return true;
  if (match.host !== otherMatch.host) return match.host > otherMatch.host;
  return match.path > otherMatch.path;
}

/**
 * How the routes name a URL: the most exact one gets its requests.
 * @param path undefined: any
 * @returns undefined if no route names it
 */
export function findMatch(
  hostname: string,
  config: EnvironmentConfig,
  path?: string,
): Match | undefined {
  const { patterns, workersDev, worker } = config;
  if (workersDev && worker !== undefined && hostname.startsWith(`${worker}.`)) {
    const isOfWorker = /^[\w-]+\.workers\.dev$/.test(hostname.slice(worker.length + 1));
    if (isOfWorker) return { host: EXACT, path: 0 };
  }

  let best: Match | undefined;
  for (const pattern of patterns) {
    const match = matchPattern(hostname, path, pattern, config);
    if (isBetter(match, best)) best = match;
  }
  return best;
}

/** @returns undefined if the pattern does not name the URL */
export function matchPattern(
  hostname: string,
  path: string | undefined,
  pattern: string,
  { customDomains }: EnvironmentConfig,
): Match | undefined {
  const host = asciiHost(pattern);
  // `*/*` names no host at all.
  if (!host.includes(".") || !isHostOf(hostname, host)) return undefined;
  if (customDomains.includes(pattern)) return { host: CUSTOM, path: 0 };

  const pathMatch = matchPath(path, pathOf(pattern));
  if (pathMatch === undefined) return undefined;
  return { host: host.startsWith("*") ? host.length : EXACT, path: pathMatch };
}

/** How exactly a pattern names a path. Without a `*` at its end, it names this path alone. */
function matchPath(path: string | undefined, patternPath: string): number | undefined {
  if (path === undefined) return 0;
  if (!patternPath.endsWith("*")) return path === patternPath ? EXACT : undefined;

  const start = patternPath.slice(0, -1);
  return path.startsWith(start) ? start.length : undefined;
}

/** The path of a route. A route without a path is for the path `/` alone. */
function pathOf(pattern: string): string {
  const [, ...segments] = pattern.replace(/^https?:\/\//, "").split("/");
  return `/${segments.join("/")}`;
}

/** Returns whether a pattern, such as `images.example.com` or `*.example.com`, matches a host. */
export function isHostOf(host: string, pattern: string): boolean {
  return pattern.startsWith("*") ? host.endsWith(pattern.slice(1)) : host === pattern;
}

/** The host of a pattern as a URL has it: `xn--…` for other scripts. */
function asciiHost(pattern: string): string {
  return URL.parse(`https://${hostOf(pattern)}`)?.hostname ?? "";
}

/** The first pattern that both lists have: two Workers cannot serve it. */
export function sharedPattern(patterns: readonly string[], otherPatterns: readonly string[]) {
  const taken = otherPatterns.map(normalised);
  return patterns.find((pattern) => taken.includes(normalised(pattern)));
}

/** The host and the path of a pattern. The path of a custom domain is `*`. */
function normalised(pattern: string): string {
  const [, ...path] = pattern.replace(/^https?:\/\//, "").split("/");
  return [asciiHost(pattern), ...(path.length === 0 ? ["*"] : path)].join("/");
}
