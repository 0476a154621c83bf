// Finds the route of a path, in a time that does not grow with the number of routes. Pure.

import { encodePath, type Found, REST, readPath, writePath } from "../../url/grammar.ts";
import type { Refusal } from "../base/refusal.ts";
import { NAME, type Route } from "./compile-route.ts";

/** A tree of routes, by segment. `ends`: the route that ends here. `rests`: its `*` begins here. */
export type RouteIndex<R> = {
  readonly literals: Map<string, RouteIndex<R>>;
  named?: RouteIndex<R>;
  ends?: Placed<R>;
  rests?: Placed<R>;
};

/** A route with its place in the order of the configuration. */
type Placed<R> = { readonly route: R; readonly place: number };

export function indexRoutes<R extends Route>(routes: readonly R[]): RouteIndex<R> {
  const root: RouteIndex<R> = { literals: new Map() };
  for (const [place, route] of routes.entries()) {
    let node = root;
    const segments = route.path.split("/").slice(1);
    const ends = segments.at(-1) === REST ? "rests" : "ends";
    for (const segment of ends === "rests" ? segments.slice(0, -1) : segments) {
      let next = NAME.test(segment) ? node.named : node.literals.get(segment);
      next ??= { literals: new Map() };
      if (NAME.test(segment)) node.named = next;
      else node.literals.set(segment, next);
      node = next;
    }
    node[ends] ??= { route, place }; // a second route of one form is a mistake of ROUTES
  }
  return root;
}

/** The first route, in the order of the configuration, that matches a decoded path. */
export function findRoute<R extends Route>(
  index: RouteIndex<R>,
  path: string,
): (Found & { readonly route: R }) | Refusal {
  const route = firstIn(index, path.split("/"), 1)?.route;
  const found = route && readPath(route.mapping, path);
  return route && found ? { ...found, route } : { event: "no-such-route", path };
}

function firstIn<R>(
  node: RouteIndex<R> | undefined,
  segments: readonly string[],
  depth: number,
): Placed<R> | undefined {
  if (!node) return undefined;
  const segment = segments[depth];
  if (segment === undefined) return node.ends;
  const literal = firstIn(node.literals.get(segment), segments, depth + 1);
  const named = firstIn(node.named, segments, depth + 1);
  return earlier(earlier(literal, named), node.rests);
}

function earlier<R>(one: Placed<R> | undefined, other: Placed<R> | undefined) {
  return !one || (other && other.place < one.place) ? other : one;
}

/**
 * The path of an object's public URL: the inverse of `readPathname` and `findRoute`.
 * @param key below the bucket's prefix. A `:name` of the path that the key does not have becomes `-`
 * @returns undefined if the route does not lead to the key, or an earlier route takes the path
 */
export function publicPath<R extends Route>(
  index: RouteIndex<R>,
  route: R,
  variant: string,
  key: string,
): string | undefined {
  const path = writePath(route.mapping, { variant, key });
  if (path === undefined) return undefined;
  const found = findRoute(index, path);
  return "route" in found && found.route === route ? encodePath(path) : undefined;
}
