// Compares the patterns of wrangler's routes: `images.example.com/*`, `*.example.com/*`, a custom domain. Pure.

import { hostOf } from "./base-url.ts";
import type { KnownVars } from "./known-vars.ts";

/** Returns whether a pattern, such as `images.example.com` or `*.example.com`, matches a host. */
export function isHostOf(host: string, pattern: string): boolean {
  return pattern.startsWith("*") ? host.endsWith(pattern.slice(1)) : host === pattern;
}

/** The host of a pattern as a URL has it: `xn--…` for other scripts. */
export function asciiHost(pattern: string): string {
  return URL.parse(`https://${hostOf(pattern)}`)?.hostname ?? "";
}

/** The first pattern that both lists have: two Workers cannot serve it. */
export function sharedPattern(
  one: readonly string[],
  other: readonly string[],
): string | undefined {
  const others = other.map(normalised);
  return one.find((pattern) => others.includes(normalised(pattern)));
}

type Routes = Pick<KnownVars, "patterns" | "customDomains">;

/** A pattern, and one that would get the same requests without it. */
type Taking = { readonly by: string; readonly from: string; readonly isCustom: boolean };

/**
 * The routes that get requests of another Worker's route or custom domain. Routes go before custom domains, whatever
 * the host of their pattern; of two routes, the longer path of the same host goes first.
 */
export function takingsOf(takers: Routes, losers: Routes): readonly Taking[] {
  const takes = (by: string, from: string) => {
    const isCustom = losers.customDomains.includes(from);
    const [[host, path], [other, rest]] = [partsOf(by), partsOf(from)];
    const isSame = host === other || (isCustom && host.includes(".") && isHostOf(other, host));
    const isLess = rest.endsWith("*") && path.startsWith(rest.slice(0, -1));
    return isSame && isLess && normalised(by) !== normalised(from) ? [{ by, from, isCustom }] : [];
  };
  const routes = takers.patterns.filter((pattern) => !takers.customDomains.includes(pattern));
  return routes.flatMap((by) => losers.patterns.flatMap((from) => takes(by, from)));
}

/** Returns whether a route is about all paths of its host. */
export function isWhole(pattern: string): boolean {
  return partsOf(pattern)[1] === "*";
}

function normalised(pattern: string): string {
  return partsOf(pattern).join("/");
}

/** The host and the path: `*` also for a custom domain. */
function partsOf(pattern: string): [host: string, path: string] {
  const [, ...path] = pattern.replace(/^https?:\/\//, "").split("/");
  return [asciiHost(pattern), path.length === 0 ? "*" : path.join("/")];
}
