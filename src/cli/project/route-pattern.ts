// Compares the patterns of wrangler's routes: `images.example.com/*`, `*.example.com/*`, a custom domain. Pure.

import { hostOf } from "./base-url.ts";

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

/** `images.example.com/*` also for the custom domain `images.example.com`. */
function normalised(pattern: string): string {
  const [, ...path] = pattern.replace(/^https?:\/\//, "").split("/");
  return `${asciiHost(pattern)}/${path.length === 0 ? "*" : path.join("/")}`;
}
