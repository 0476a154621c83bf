import { originUrl } from "./origin.ts";
import type { Refusal } from "./refusal.ts";
import { findRoute, REST, type Route } from "./route.ts";

/**
 * The path of a public URL, percent-decoded once. Strict, so that no path has two readings: a stray
 * `%` or a byte sequence that is not UTF-8 is refused.
 */
export function decodePath(pathname: string): string | Refusal {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return { event: "impossible-key", reason: "the path is not percent-encoded UTF-8" };
  }
}

/**
 * The one spelling that a signed URL's path may have: UTF-8, percent-encoded, all but
 * `A–Z a–z 0–9 - . _ ~`, `/` and `@`. No URL parser and no proxy that keeps to RFC 3986 changes it.
 */
export function encodePath(path: string): string {
  return originUrl("", path).replaceAll("%40", "@");
}

/** The values that a path must have in a route's places to lead to a key. */
function valuesOf({ template }: Route, key: string): ReadonlyMap<string, string> | undefined {
  const names: string[] = [];
  const pattern = template.map((part) => {
    if (typeof part === "string") return RegExp.escape(part);
    const known = names.indexOf(part.name);
    if (known >= 0) return `\\k<n${known}>`;
    const at = names.push(part.name) - 1;
    return `(?<n${at}>${part.name === REST ? ".+" : "[^/]+"})`;
  });
  const found = new RegExp(`^${pattern.join("")}$`, "su").exec(key);
  return found === null ? undefined : new Map(names.map((name, at) => [name, found[at + 1] ?? ""]));
}

/**
 * The path of the public URL of an object by a route: the inverse of `decodePath` and `findRoute`.
 * @param key below the bucket's prefix. A `:name` of the path that does not stand in it is `-`
 * @returns undefined where the route does not lead to that key, or an earlier one takes the path
 */
export function publicPath<R extends Route>(
  routes: readonly R[],
  route: R,
  variant: string,
  key: string,
): string | undefined {
  const values = valuesOf(route, key);
  if (values === undefined) return undefined;
  const parts = route.segments.map((segment) => {
    if ("literal" in segment) return segment.literal;
    const name = "rest" in segment ? REST : segment.name;
    return name === "preset" ? variant : (values.get(name) ?? "-");
  });
  const path = `/${parts.join("/")}`;
  const found = findRoute(routes, path);
  const same = "route" in found && found.route === route;
  return same && found.variant === variant && found.key === key ? encodePath(path) : undefined;
}
