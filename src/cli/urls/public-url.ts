// Makes public URLs: the path of an object by a route, the variants that the route shows, and the query that signs.
// It asks no server.

import { encodePath, writePath } from "../../url/grammar.ts";
import { type Grant, signGrant } from "../../url/grant.ts";
import { findRoute, type Route } from "../../worker/config/compile-route.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { type Fault, isFault } from "../command.ts";
import type { Project } from "../config/project.ts";
import { type Found, nameOf } from "../objects/object-name.ts";

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

/** The public path of a key; undefined if the route does not show the variant, or not the key. */
export function pathOf(
  { config }: Pick<Project, "config">,
  route: BoundRoute,
  variant: string,
  key: string,
): string | undefined {
  const { preset } = config.variants.get(variant) ?? {};
  if (preset === undefined || route.presets?.has(preset) === false) return undefined;
  return publicPath(config.routes, route, variant, key);
}

/** The names of the variants that a route shows, such as `card` and `card@2x`. */
export function variantsOf({ config }: Pick<Project, "config">, { presets }: BoundRoute): string[] {
  const shown = [...config.variants].filter(([, { preset }]) => presets?.has(preset) ?? true);
  return shown.map(([name]) => name);
}

/** The query that signs a URL of a signed route. */
export async function queryFor(
  { secrets }: Project,
  { path, signing }: BoundRoute,
  grant: Omit<Grant, "route">,
): Promise<string | Fault> {
  const [first] = signing?.keys.values() ?? [];
  if (first === undefined || !secrets.has("URL_SIGNING_KEYS")) {
    return {
      fault:
        "URL_SIGNING_KEYS is not at hand: put it into the environment, or name a file with --secrets-file",
    };
  }
  return signGrant({ route: path, ...grant }, first);
}

/** The public paths of one object by one route, by variant. */
export type RoutePaths = {
  readonly route: BoundRoute;
  readonly paths: ReadonlyMap<string, string>;
};

/**
 * Finds the public paths of an object by each route that leads to it, at least one.
 * @param only a variant; undefined: all variants
 */
export function findPaths(
  project: Project,
  object: Found,
  only?: string,
): readonly [RoutePaths, ...RoutePaths[]] | Fault {
  const { bucket, key } = object;
  const { buckets, routes } = project.config;
  const all = routes
    .filter((route) => route.bucket === bucket)
    .map((route) => ({ route, paths: pathsBy(project, route, key) }));
  const [first, ...others] = all
    .map(({ route, paths }) => ({
      route,
      paths: new Map([...paths].filter(([variant]) => variant === (only ?? variant))),
    }))
    .filter(({ paths }) => paths.size > 0);
  if (first !== undefined) return [first, ...others];
  const shown = all.find(({ paths }) => paths.size > 0);
  const name = nameOf(buckets, object);
  return {
    fault: shown
      ? `${shown.route.path} does not show "${only}" of it. It has ${[...shown.paths.keys()].join(", ")}`
      : `no route leads to "${name}": compare the objects of the routes in wrangler.toml, and their order`,
  };
}

/**
 * The paths of an object, with the queries that sign them if the route is signed.
 * @param expires seconds since 1970
 */
export async function signPaths(
  project: Project,
  { route, paths }: RoutePaths,
  key: string,
  expires: number,
): Promise<(readonly [variant: string, path: string])[] | Fault> {
  if (route.signing === undefined) return [...paths];
  const signed: (readonly [string, string])[] = [];
  for (const [variant, path] of paths) {
    const preset = project.config.variants.get(variant)?.preset ?? "";
    const query = await queryFor(project, route, { preset, key, expires });
    if (isFault(query)) return query;
    signed.push([variant, path + query]);
  }
  return signed;
}

function pathsBy(project: Project, route: BoundRoute, key: string): Map<string, string> {
  return new Map(
    variantsOf(project, route).flatMap((variant) => {
      const path = pathOf(project, route, variant, key);
      return path === undefined ? [] : [[variant, path]];
    }),
  );
}
