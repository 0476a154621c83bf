// Finds the URL of a deployed Vitrine by its routes, and refuses a URL of another environment. It sends no request, and
// never prints a password that is in a URL.

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

  const host = patterns.map(hostOf).find(isPlainHost);
  if (host !== undefined) return new URL(`https://${host}`).origin;

  // URLs in an app need no host.
  const isForApp = option === "--base-url";
  return {
    fault: isForApp
      ? `${file} names no domain under routes: put yours there, or say where Vitrine is: --base-url https://images.example.com, or --base-url "" for the page's own host`
      : `${file} names no domain under routes: put yours there, or say where Vitrine is: ${option} https://images.example.com`,
  };
}

/** Returns whether a host of a route has no wildcard and no port. */
function isPlainHost(host: string): boolean {
  return /^[^*:@?#\s]+$/.test(host) && URL.canParse(`https://${host}`);
}

function readBaseUrl(url: string, option: string): string | CommandFault {
  // The part before @ may be secret.
  const redacted = url.replace(/(?<=\/\/).*@/s, "…@");
  const fault = (reason: string): CommandFault => ({ fault: `${option} ${redacted}: ${reason}` });
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    return fault("is not a URL such as https://images.example.com");
  }

  const { protocol, origin, pathname, username, password } = new URL(url);
  if (/[?#]/.test(url)) return fault("has a query or a fragment");
  if (username !== "" || password !== "") return fault("has a name or a password in it");
  if (protocol === "http:" && !isHere(url)) return fault("http:// is for your own machine only");

  const path = pathname.replace(/\/+$/, "");
  return origin + path;
}

export function hostOf(pattern: string): string {
  const [host = ""] = pattern.replace(/^https?:\/\//, "").split("/");
  return host.toLowerCase();
}

/** Returns whether a URL names this machine. */
export function isHere(url: string): boolean {
  const hostname = URL.parse(url)?.hostname;
  if (hostname === undefined) return false;
  return /^(?:(?:.+\.)?localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
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
    const owners = otherConfigs.filter((otherConfig) => isOwner(otherConfig, config, parsed, use));
    if (owners.length > 0) return foreignUrlFault(parsed, owners, config, use);

    return use === "token" ? tokenUrlFault(parsed, config) : undefined;
  };
}

/** The URL is that of another environment. No message has its path, which may hold a signature. */
function foreignUrlFault(
  { hostname, origin }: URL,
  owners: readonly EnvironmentConfig[],
  config: EnvironmentConfig,
  use: UrlUse,
): CommandFault {
  const names = owners.map(({ environment }) => environmentText(environment)).join(" and ");

  // A route of this environment for the pictures alone, beside another one for the whole host.
  const isPartlyOurs = findMatch(hostname, config) !== undefined;
  if (use === "token" && isPartlyOurs && !coversOperators(hostname, config)) {
    const environment = environmentText(config.environment);
    return {
      fault: `${origin}: /healthz and /purge there are those of ${names}, and would get a token of ${environment}: give each environment its own host`,
    };
  }

  const options = owners.map(({ environment }) => `--env ${environment ?? '""'}`).join(" or ");
  return {
    fault: `${origin}: that is a route of ${names}: add ${options}, or give each environment its own host`,
  };
}

/** Another app may get the token, unless a route leads the paths of operators to the Worker. */
function tokenUrlFault(
  { hostname, origin }: URL,
  config: EnvironmentConfig,
): CommandFault | undefined {
  const configText = configFileText(config);
  if (findMatch(hostname, config) === undefined) {
    const routes = config.patterns.join(", ") || "none";
    return {
      fault: `${origin}: is no route of ${configText}, which has ${routes}: use one of these. Only if ${hostname} is a new domain of this Worker, add it to routes there`,
    };
  }

  if (coversOperators(hostname, config)) return undefined;
  const paths = OPERATOR_PATHS.join(" or ");
  return {
    fault: `${origin}: no route of ${configText} leads ${paths} of that host to the Worker, so another app may get the token: add such a route, and deploy`,
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
    case "token":
      // Where no route of this environment is for these paths, nothing proves whose they are.
      if (!coversOperators(hostname, config) && otherMatch.host >= ownMatch.host) return true;
      return hasOperatorPath(otherConfig, config, hostname);
    default:
      return use satisfies never;
  }
}

/** Returns whether another environment gets the requests for a path of operators. */
function hasOperatorPath(
  otherConfig: EnvironmentConfig,
  config: EnvironmentConfig,
  hostname: string,
): boolean {
  return OPERATOR_PATHS.some((path) => {
    const otherMatch = findMatch(hostname, otherConfig, path);
    if (otherMatch === undefined) return false;
    return !isBetter(findMatch(hostname, config, path), otherMatch);
  });
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
  if (isOnWorkersDev(hostname, config)) return { host: EXACT, path: 0 };

  let best: Match | undefined;
  for (const pattern of config.patterns) {
    const match = matchPattern(hostname, path, pattern, config);
    if (isBetter(match, best)) best = match;
  }
  return best;
}

/** Returns whether a host is `images.acme.workers.dev` of the Worker `images`. */
function isOnWorkersDev(hostname: string, { workersDev, worker }: EnvironmentConfig): boolean {
  if (!workersDev || worker === undefined || !hostname.startsWith(`${worker}.`)) return false;
  const domain = hostname.slice(worker.length + 1);
  return /^[\w-]+\.workers\.dev$/.test(domain);
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
  if (host === undefined || !host.includes(".") || !isHostOf(hostname, host)) return undefined;
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

/** The host of a pattern as a URL has it: `xn--…` for other scripts. Undefined: it is none. */
function asciiHost(pattern: string): string | undefined {
  return URL.parse(`https://${hostOf(pattern)}`)?.hostname;
}

/** The first pattern that both lists have: two Workers cannot serve it. */
export function sharedPattern(
  patterns: readonly string[],
  otherPatterns: readonly string[],
): string | undefined {
  const taken = otherPatterns.map(normalised);
  return patterns.find((pattern) => taken.includes(normalised(pattern)));
}

/** The host and the path of a pattern. The path of a custom domain is `*`. */
function normalised(pattern: string): string {
  const host = asciiHost(pattern) ?? "";
  const [, ...segments] = pattern.replace(/^https?:\/\//, "").split("/");
  if (segments.length === 0) return `${host}/*`;
  return [host, ...segments].join("/");
}
