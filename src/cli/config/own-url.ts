// Refuses the URL of another environment: a command would look at one Worker and change another. Sends
// nothing: only the routes of the configuration are proof.

import { type Fault, isFault } from "../command.ts";
import { environmentText, placeText } from "../wrangler/environment.ts";
import { hostOf } from "./base-url.ts";
import type { KnownVars } from "./known-vars.ts";
import type { Project } from "./project.ts";
import { readOthers } from "./read-vars.ts";
import { asciiHost, isHostOf, sharedPattern } from "./route-pattern.ts";

type Routes = Pick<KnownVars, "patterns" | "customDomains" | "workersDev" | "worker">;

/**
 * Makes a function that refuses a URL which the routes of another environment match better. An unknown host is
 * accepted.
 */
export function refuserOfOthersUrls(
  folder: string,
  known: KnownVars,
): (url: string) => Fault | undefined {
  const others = readOthers(folder, known);
  return (url) => refuseBetterMatch(known, others, url);
}

export type OwnUrls = ReturnType<typeof ownUrlsOf>;

/** The known hosts of this Vitrine, and a function that refuses a URL of another environment. */
export function ownUrlsOf(folder: string, { base, known }: Project) {
  const own = isFault(base) || base === "" ? [] : [hostOf(base)];
  const hosts = [...new Set([...own, ...known.domains.map(({ host }) => host)])];
  return { hosts, refuse: refuserOfOthersUrls(folder, known) };
}

/** Refuses a URL unless the configuration proves that it belongs to this environment, and to no other. */
export function refuseUnprovenUrl(
  folder: string,
  known: KnownVars,
  url: string,
): Fault | undefined {
  const others = readOthers(folder, known);
  const refused = refuseBetterMatch(known, others, url);
  if (refused !== undefined) return refused;
  const { hostname, origin } = new URL(url);
  const { file, environment, environments, patterns } = known;
  const where = environments.length === 0 ? "" : ` of ${environmentText(environment)}`;
  if (claimOn(hostname, known) === 0) {
    const has = patterns.length === 0 ? "none" : patterns.join(", ");
    return {
      fault: `${origin}: is no route${where} in ${file}, which has ${has}: add ${hostname} to routes there`,
    };
  }
  for (const other of others) {
    const shared = sharedPattern(patterns, other.patterns);
    if (shared === undefined || !isHostOf(hostname, asciiHost(shared))) continue;
    const whose = environmentText(other.environment);
    const reason = `${shared} is also a route of ${whose}, so it may be that Worker`;
    return { fault: `${origin}: ${reason}. Give each environment its own routes` };
  }
  return undefined;
}

/** The URL of a project if its routes prove it, so that a token may be sent there. */
export function provenBase(folder: string, project: Project, or = ""): string | Fault {
  const { known, base, local } = project;
  if (isFault(base)) {
    return { fault: `${placeText(known)} names no domain under routes: put yours there${or}` };
  }
  if (base === "") return { fault: '--url "": say where Vitrine is, https://images.example.com' };
  return (local ? undefined : refuseUnprovenUrl(folder, known, base)) ?? base;
}

function refuseBetterMatch(
  known: KnownVars,
  others: readonly KnownVars[],
  url: string,
): Fault | undefined {
  const { hostname, origin } = new URL(url); // A path may hold a signature.
  const own = claimOn(hostname, known);
  const owners = others.filter((other) => claimOn(hostname, other) > own);
  if (owners.length === 0) return undefined;
  const whose = owners.map(({ environment }) => environmentText(environment)).join(" and ");
  const options = owners.map(({ environment }) => `--env ${environment ?? '""'}`).join(" or ");
  return { fault: `${origin}: that is a route of ${whose}: add ${options}` };
}

const EXACT = Number.POSITIVE_INFINITY;
/** Any route goes before it, whose claim is the length of its host and more. */
const CUSTOM = 1;

/** How exactly the routes name a host: the most exact route gets its requests. 0: they do not name it. */
function claimOn(
  hostname: string,
  { patterns, customDomains, workersDev, worker }: Routes,
): number {
  if (workersDev && worker !== undefined && hostname.startsWith(`${worker}.`)) {
    if (/^[\w-]+\.workers\.dev$/.test(hostname.slice(worker.length + 1))) return EXACT;
  }
  const claims = patterns.map((pattern) => {
    const host = asciiHost(pattern);
    // `*/*` names no host at all.
    if (!host.includes(".") || !isHostOf(hostname, host)) return 0;
    if (customDomains.includes(pattern)) return CUSTOM;
    return host.startsWith("*") ? host.length : EXACT;
  });
  return Math.max(0, ...claims);
}
