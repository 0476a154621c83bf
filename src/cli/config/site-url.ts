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

/**
 * Creates a function that refuses a URL which the routes of another environment match better.
 * @param isProof for a URL that gets a token: also refuses one that no route of this environment matches, or that
 *   routes of another environment match as well
 */
export function createUrlCheck(
  folder: string,
  config: EnvironmentConfig,
  isProof = false,
): (url: string) => CommandFault | undefined {
  const otherConfigs = readOthers(folder, config);
  return (url) => {
    const { hostname, origin } = new URL(url); // A path may hold a signature.
    const ownRank = matchRank(hostname, config);
    const limit = isProof && ownRank > 0 ? ownRank : ownRank + 1;
    const owners = otherConfigs.filter((otherConfig) => matchRank(hostname, otherConfig) >= limit);
    if (owners.length > 0) {
      const names = owners.map(({ environment }) => environmentText(environment)).join(" and ");
      const options = owners.map(({ environment }) => `--env ${environment ?? '""'}`).join(" or ");
      const remedy = `add ${options}, or give each environment its own host`;
      return { fault: `${origin}: that is a route of ${names}: ${remedy}` };
    }
    if (!isProof || ownRank > 0) return undefined;
    const file = `${configFileText(config)}, which has ${config.patterns.join(", ") || "none"}`;
    return { fault: `${origin}: is no route of ${file}: add ${hostname} to routes there` };
  };
}

const EXACT = Number.POSITIVE_INFINITY;
/** A custom domain: a route for the same host wins, whose rank is the length of its host. */
const CUSTOM = 1;

/** How exactly the routes name a host: the most exact route gets its requests. 0: no route names the host. */
export function matchRank(hostname: string, config: EnvironmentConfig): number {
  const { patterns, customDomains, workersDev, worker } = config;
  if (workersDev && worker !== undefined && hostname.startsWith(`${worker}.`)) {
    if (/^[\w-]+\.workers\.dev$/.test(hostname.slice(worker.length + 1))) return EXACT;
  }
  const ranks = patterns.map((pattern) => {
    const host = asciiHost(pattern);
    // `*/*` names no host at all.
    if (!host.includes(".") || !isHostOf(hostname, host)) return 0;
    if (customDomains.includes(pattern)) return CUSTOM;
    return host.startsWith("*") ? host.length : EXACT;
  });
  return Math.max(0, ...ranks);
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
