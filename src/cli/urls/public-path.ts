// The path of an object's public URL.

import { encodePath, writePath } from "../../url/grammar.ts";
import { findRoute, type Route } from "../../worker/config/compile-route.ts";

/**
 * The path of an object's public URL: the inverse of `readPathname` and `findRoute`.
 * @param key below the bucket's prefix. A `:name` of the path that the key does not have becomes `-`
 * @returns undefined if the route does not lead to the key, or an earlier route takes the path
 */
export function publicPath<R extends Route>(
  routes: readonly R[],
  route: R,
  variant: string,
  key: string,
): string | undefined {
  const path = writePath(route.mapping, { variant, key });
  if (path === undefined) return undefined;
  const found = findRoute(routes, path);
  return "route" in found && found.route === route ? encodePath(path) : undefined;
}
