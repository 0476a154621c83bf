// Makes public URLs: the path of an object by a route, the variants that the route shows, and the query that signs; or
// the cookie that opens them. It asks no server.

import { signCookie } from "../../client/sign.ts";
import { openSite } from "../../client/site.ts";
import { decodePath, encodePath, readRest, writePath } from "../../url/grammar.ts";
import { type Grant, signGrant } from "../../url/grant.ts";
import { findRoute, type Route } from "../../worker/config/compile-route.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Fault } from "../command.ts";
import { isLocalSigningKey } from "../config/local-run.ts";
import type { Project } from "../config/project.ts";

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

export async function queryFor(
  project: Project,
  { path, signing }: BoundRoute,
  grant: Omit<Grant, "route">,
): Promise<string | Fault> {
  const [first] = signing?.keys.values() ?? [];
  const isAtHand = first && project.secrets.has("URL_SIGNING_KEYS");
  return isAtHand ? signGrant({ route: path, ...grant }, first) : lacksKeys(project);
}

/** For how long a URL is signed that is asked for at once: s. */
const SHORT_TERM_S = 3_600;

/** Signs a URL that is asked for at once; "" if the route is not signed. @param now milliseconds since 1970 */
export async function shortQueryFor(
  project: Project,
  route: BoundRoute,
  grant: Pick<Grant, "preset" | "key">,
  now: number,
): Promise<string | Fault> {
  if (route.signing === undefined) return "";
  const expires = Math.floor(now / 1000) + Math.min(SHORT_TERM_S, route.signing.maxAge);
  return queryFor(project, route, { ...grant, expires });
}

/** Signs the cookie for the folder of a public path. @returns the header `Set-Cookie` */
export async function cookieFor(
  project: Project,
  { path, mapping }: BoundRoute,
  baseUrl: string,
  shown: string,
  expires: number,
): Promise<string | Fault> {
  const keys = project.secrets.get("URL_SIGNING_KEYS");
  if (keys === undefined) return lacksKeys(project);
  const prefix = readRest(mapping, decodePath(shown) ?? "")?.replace(/[^/]*$/, "");
  const example = `such as ${mapping.key.parts[0]}friends/`;
  if (!prefix) return { fault: `${path}: a cookie is for a folder in *, ${example}` };
  if (baseUrl === "") return { fault: '--url "": a cookie is for a host: say which' };
  const site = openSite({ baseUrl, route: { path, object: "", cookie: true }, presets: {} });
  return (await signCookie(site, keys.value, { prefix, expires }, expires * 1000)).header;
}

function lacksKeys({ local, known: { devVars, started } }: Project): Fault {
  const place = local ? devVars : `the environment or ${devVars}`;
  const advice = isLocalSigningKey("URL_SIGNING_KEYS", started["URL_SIGNING_KEYS"])
    ? `that in ${devVars} is the local run's, for --url http://localhost:8787. For another host, put your own there`
    : `put it into ${place}`;
  return { fault: `URL_SIGNING_KEYS is not at hand: ${advice}` };
}
