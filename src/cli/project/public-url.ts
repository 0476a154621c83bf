// The parts of an object's public URL: its path by a route, the variants that the route shows, and the
// query that signs it.

import { type Grant, signGrant } from "../../url/grant.ts";
import { publicPath } from "../../worker/config/find-route.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Fault } from "../command.ts";
import type { Project } from "./project.ts";

/** The public path of a key; undefined if the route does not show the variant, or not the key. */
export function pathOf(
  { config }: Pick<Project, "config">,
  route: BoundRoute,
  variant: string,
  key: string,
): string | undefined {
  const { preset } = config.variants.get(variant) ?? {};
  if (preset === undefined || route.presets?.has(preset) === false) return undefined;
  return publicPath(config.index, route, variant, key);
}

/** The variants that a route shows: all, or the one of that name, such as `card` or `card@2x`. */
export function variantsOf(
  { config: { variants } }: Project,
  { presets }: BoundRoute,
  wanted?: string,
): string[] {
  const isShown = ([, { preset }]: [string, Variant]) => presets?.has(preset) ?? true;
  const shown = [...variants].filter(isShown).map(([name]) => name);
  return wanted === undefined ? shown : shown.filter((name) => name === wanted);
}

/** The query that signs a URL of a signed route. */
export async function queryFor(
  project: Project,
  { path, signing }: BoundRoute,
  grant: Omit<Grant, "route">,
): Promise<string | Fault> {
  const [first] = signing?.keys.values() ?? [];
  if (first === undefined || !project.secrets.has("URL_SIGNING_KEYS")) {
    const found = project.known.local.has("URL_SIGNING_KEYS")
      ? " (.dev.vars has the local run's)"
      : "";
    return {
      fault: `URL_SIGNING_KEYS is not at hand${found}: put it into the environment, or name a file with --secrets-file`,
    };
  }
  return signGrant({ route: path, ...grant }, first);
}
