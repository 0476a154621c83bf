// Finds the public URLs that lead to an object.

import { writePath } from "../../url/grammar.ts";
import { keyFault } from "../../url/key.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { type Fault, isFault } from "../command.ts";
import type { Project } from "../config/project.ts";
import { type Found, nameOf } from "../objects/object-name.ts";
import { densityFault, pathOf, variantsOf } from "../urls/public-url.ts";

export type Asked = Found & {
  readonly preset?: string | undefined;
  readonly route?: string | undefined;
};

type Paths = readonly (readonly [variant: string, path: string])[];

/**
 * @param signed whether the route must be signed, or must not
 * @param other the command for a route of the other kind
 * @returns with `notes`: what the operator may not have meant
 */
export function findUrls(project: Project, asked: Asked, signed: boolean, other: string) {
  const { key, preset } = asked;
  const route = chooseRoute(project, asked, signed, other);
  if (isFault(route)) return route;
  const { prefix } = route.bucket;
  const fault = keyFault(prefix + key);
  if (fault !== undefined) return { fault: `"${prefix}${key}" is not a key: ${fault}` };
  const notes: string[] = [];
  if (prefix !== "" && key.startsWith(prefix)) {
    notes.push(`A key is what follows the bucket's prefix: this is about ${prefix}${key}`);
  }
  const paths = pathsOf(project, route, key, preset);
  const led = new Set(paths.map(([variant]) => variant));
  const taken = variantsOf(project, route, preset).filter((variant) => !led.has(variant));
  if (taken.length > 0) notes.push(`An earlier route takes the paths of ${taken.join(", ")}`);
  return { route, paths, notes };
}

/** The first route that leads to the key at the preset, and is signed or not as required. */
function chooseRoute(
  project: Project,
  asked: Asked,
  signed: boolean,
  other: string,
): BoundRoute | Fault {
  const { bucket, key, preset, route: wanted } = asked;
  const { routes } = project.config;
  const fault = keyFault(key);
  if (fault !== undefined) return { fault: `"${key}" is not a key: ${fault}` };
  const named = wanted === undefined ? routes : routes.filter(({ path }) => path === wanted);
  if (named.length === 0) {
    return { fault: `there is no route ${wanted}: there are ${listPaths(routes)}` };
  }
  const own = named.filter((route) => route.bucket === bucket);
  const leading = own.filter((route) => pathsOf(project, route, key, preset).length > 0);
  const found = leading.find(({ signing }) => (signing !== undefined) === signed);
  if (found !== undefined) return found;
  if (leading.length === 0) return { fault: missing(project, own, asked) };
  const why = signed ? "is not signed. For its URLs" : "needs signed URLs";
  return { fault: `${listPaths(leading)}: ${why}: ${other}` };
}

function missing(
  project: Project,
  named: readonly BoundRoute[],
  { bucket, key, preset }: Asked,
): string {
  const other = named.find((route) => pathsOf(project, route, key).length > 0);
  if (other !== undefined && variantsOf(project, other, preset).length === 0) {
    const shown = variantsOf(project, other);
    const near = shown.filter((name) => presetIn(name) === presetIn(preset ?? ""));
    const names = near.length > 0 ? near : shown.filter((name) => presetIn(name) === name);
    const why = densityFault(preset ?? "");
    const has = why === undefined ? ": it has" : `: ${why}. It has`;
    return `${other.path} does not show "${preset}"${has} ${names.join(", ")}`;
  }
  const { prefix } = bucket;
  const isInside = prefix !== "" && key.startsWith(prefix);
  const inside = `: a key is what follows the bucket's prefix, ${prefix}`;
  const led = named.some(({ mapping }) => writePath(mapping, { variant: preset ?? "-", key }));
  const taken = led
    ? ": an earlier one takes its path"
    : ": compare the objects of the routes in wrangler.toml";
  const name = nameOf(project.config.buckets, { bucket, key });
  return `no route leads to "${name}"${isInside ? inside : taken}`;
}

function presetIn(variant: string): string {
  return variant.split("@", 1).join();
}

function listPaths(routes: readonly BoundRoute[]): string {
  return routes.map(({ path }) => path).join(", ");
}

function pathsOf(project: Project, route: BoundRoute, key: string, wanted?: string): Paths {
  return variantsOf(project, route, wanted).flatMap((variant) => {
    const path = pathOf(project, route, variant, key);
    return path === undefined ? [] : [[variant, path] as const];
  });
}
