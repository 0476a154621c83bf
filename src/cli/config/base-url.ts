// Finds out where a deployed Vitrine is. Never prints a password in a URL.

import type { Fault } from "../command.ts";

/**
 * The beginning of all URLs, without a slash at the end; `""` is the page's own host.
 * @param patterns the routes of the configuration. Only their hosts matter: Vitrine sees the whole path
 */
export function findBaseUrl(
  given: string | undefined,
  patterns: readonly string[],
  option = "--base-url",
  file = "wrangler.toml",
): string | Fault {
  if (given === "") return "";
  if (given !== undefined) return readBaseUrl(given, option);
  const hosts = patterns.map(hostOf);
  const host = hosts.find((name) => /^[^*:@?#\s]+$/.test(name) && URL.canParse(`https://${name}`));
  if (host !== undefined) return new URL(`https://${host}`).origin;
  // URLs in an app need no host.
  const own = option === "--base-url" ? `, or ${option} "" for the page's own host` : "";
  const say = `say where Vitrine is: ${option} https://images.example.com${own}`;
  return { fault: `${file} names no domain under routes: put yours there, or ${say}` };
}

function readBaseUrl(given: string, option: string): string | Fault {
  const told = given.replace(/(?<=\/\/).*@/s, "…@"); // it may be secret
  const fault = (reason: string) => ({ fault: `${option} ${told}: ${reason}` });
  if (!/^https?:\/\//i.test(given) || !URL.canParse(given)) {
    return fault("is not a URL such as https://images.example.com");
  }
  const { protocol, origin, pathname, username, password } = new URL(given);
  if (/[?#]/.test(given)) return fault("has a query or a fragment");
  if (username !== "" || password !== "") return fault("has a name or a password in it");
  if (protocol === "http:" && !isHere(given)) return fault("http:// is for your own machine only");
  return origin + pathname.replace(/\/+$/, "");
}

/** The host of a route's pattern, in lower case. */
export function hostOf(pattern: string): string {
  const [host = ""] = pattern.replace(/^https?:\/\//, "").split("/");
  return host.toLowerCase();
}

/** Returns whether a URL is one of this machine. */
export function isHere(url: string): boolean {
  const hostname = URL.parse(url)?.hostname ?? "";
  return /^(?:(?:.+\.)?localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
}
