// The parts of an object's public URL: its path by a route, the variants that the route shows, and the
// query that signs it.

import { encodePath, writePath } from "../../url/grammar.ts";
import { type Grant, signGrant } from "../../url/grant.ts";
import { findRoute, type Route } from "../../worker/config/compile-route.ts";
import { MAX_DENSITY, WHY_NO_MORE } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Fault } from "../command.ts";
import type { Project } from "../config/project.ts";

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
export function variantsOf({ config }: Project, { presets }: BoundRoute, only?: string): string[] {
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
    const found = known.local.has("URL_SIGNING_KEYS")
      ? ` (${known.devVars} has the local run's)`
      : "";
    const remedy = "put it into the environment, or name a file with --secrets-file";
    return { fault: `URL_SIGNING_KEYS is not at hand${found}: ${remedy}` };
  }
  return signGrant({ route: path, ...grant }, first);
}

/** Returns why no preset can have a variant such as `card@3x`; undefined if its density is not the reason. */
export function densityFault(variant: string): string | undefined {
  const [, density] = /@(\d+(?:\.\d+)?)x$/.exec(variant) ?? [];
  return Number(density) > MAX_DENSITY ? WHY_NO_MORE : undefined;
}

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
