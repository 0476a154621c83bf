// Makes public URLs: the path of an object by a route, the variants that the route shows, and the query that signs.
// It asks no server.

import { encodePath, writePath } from "../../url/grammar.ts";
import { type Grant, signGrant } from "../../url/grant.ts";
import { keyFault } from "../../url/key.ts";
import { findRoute, type Route } from "../../worker/config/compile-route.ts";
import { MAX_DENSITY, WHY_NO_MORE } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Fault } from "../command.ts";
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

/** The variants that a route shows: all, or the one of that name, such as `card` or `card@2x`. */
export function variantsOf(
  { config }: Pick<Project, "config">,
  { presets }: BoundRoute,
  only?: string,
): string[] {
  const shown = [...config.variants].filter(([, { preset }]) => presets?.has(preset) ?? true);
  const names = shown.map(([name]) => name);
  return only === undefined ? names : names.filter((name) => name === only);
}

/** The query that signs a URL of a signed route. */
export async function queryFor(
  { known, secrets }: Project,
  { path, signing }: BoundRoute,
  grant: Omit<Grant, "route">,
): Promise<string | Fault> {
  const [first] = signing?.keys.values() ?? [];
  if (first === undefined || !secrets.has("URL_SIGNING_KEYS")) {
    const local = known.local.has("URL_SIGNING_KEYS");
    const hint = local ? ` (${known.devVars} has the local run's)` : "";
    return {
      fault: `URL_SIGNING_KEYS is not at hand${hint}: put it into the environment, or name a file with --secrets-file`,
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
 * @param preset a preset or a variant; undefined: all variants
 */
export function findPaths(
  project: Project,
  object: Found,
  preset?: string,
): readonly [RoutePaths, ...RoutePaths[]] | Fault {
  const { bucket, key } = object;
  const fault = keyFault(key) ?? keyFault(bucket.prefix + key);
  if (fault !== undefined) return { fault: `"${key}" is not a key: ${fault}` };
  const routes = project.config.routes.filter((route) => route.bucket === bucket);
  const [first, ...others] = routes
    .map((route) => ({ route, paths: pathsBy(project, route, key, preset) }))
    .filter(({ paths }) => paths.size > 0);
  return first ? [first, ...others] : { fault: noPathFault(project, object, routes, preset) };
}

function pathsBy(project: Project, route: BoundRoute, key: string, only?: string) {
  const paths = new Map<string, string>();
  for (const variant of variantsOf(project, route, only)) {
    const path = pathOf(project, route, variant, key);
    if (path !== undefined) paths.set(variant, path);
  }
  return paths;
}

/** Why no route leads to an object at a preset. */
function noPathFault(
  project: Project,
  object: Found,
  routes: readonly BoundRoute[],
  preset: string | undefined,
): string {
  const route = routes.find((one) => pathsBy(project, one, object.key).size > 0);
  if (route === undefined || preset === undefined) {
    const name = nameOf(project.config.buckets, object);
    return `no route leads to "${name}": compare the objects of the routes in wrangler.toml, and their order`;
  }
  const density = densityFault(preset);
  const reason = density === undefined ? "" : `: ${density}`;
  const shown = [...pathsBy(project, route, object.key).keys()].join(", ");
  return `${route.path} does not show "${preset}" of it${reason}. It has ${shown}`;
}

/** Returns why no preset can have a variant such as `card@3x`; undefined if its density is not the reason. */
export function densityFault(variant: string): string | undefined {
  const [, density] = /@(\d+(?:\.\d+)?)x$/.exec(variant) ?? [];
  return Number(density) > MAX_DENSITY ? WHY_NO_MORE : undefined;
}
