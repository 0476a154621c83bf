// Builds public URLs: the path of an object by a route, the variants that the route shows, and the query or the cookie
// that signs them. It sends no request.

import { signCookie } from "../../client/sign.ts";
import { openSite } from "../../client/site.ts";
import { decodePath, encodePath } from "../../url/encoding.ts";
import { type Mapping, readRest, writePath } from "../../url/grammar.ts";
import { type Grant, signGrant } from "../../url/grant.ts";
import { findRoute, type Route } from "../../worker/config/compile-route.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isRefusal } from "../../worker/http/refusal.ts";
import { type CommandFault, isFault } from "../command.ts";
import { isLocalSigningKey } from "../config/local-run.ts";
import type { Project } from "../config/project.ts";

/**
 * The path of an object's public URL. `decodePathname` and `findRoute` read it back.
 * @param key below the bucket's prefix. A `:name` of the path that the key does not have becomes `-`
 * @returns undefined if the route does not lead to the key, or an earlier route takes the path
 */
export function publicPathOf(routes: readonly Route[], route: Route, variant: string, key: string) {
  const path = writePath(route.mapping, { variant, key });
  if (path === undefined) return undefined;

  const match = findRoute(routes, path);
  if (isRefusal(match) || match.route !== route) return undefined;
  return encodePath(path);
}

/** The public path of a key; undefined if the route shows no such variant, or not this key. */
export function variantPathOf(config: Config, route: BoundRoute, variant: string, key: string) {
  const preset = config.variants.get(variant)?.preset;
  if (preset === undefined || !showsPreset(route, preset)) return undefined;
  return publicPathOf(config.routes, route, variant, key);
}

/** The names of the variants that a route shows, such as `card` and `card@2x`. */
export function variantNamesOf({ config }: Pick<Project, "config">, route: BoundRoute): string[] {
  const names: string[] = [];
  for (const [name, variant] of config.variants) {
    if (showsPreset(route, variant.preset)) names.push(name);
  }
  return names;
}

/** A route without a list of presets shows all of them. */
function showsPreset({ presets }: BoundRoute, preset: string): boolean {
  return presets === undefined || presets.has(preset);
}

/** Signs a URL by the first of the route's keys. @returns the query of the URL */
export async function signQuery(
  project: Project,
  { path, signing }: BoundRoute,
  grant: Omit<Grant, "route">,
): Promise<string | CommandFault> {
  // Without the secret, the configuration is read with a placeholder for it, which must sign nothing.
  if (!project.secrets.has("URL_SIGNING_KEYS")) return missingKeysFault(project);

  const [signingKey] = signing?.keys.values() ?? [];
  if (signingKey === undefined) return missingKeysFault(project);
  return signGrant({ route: path, ...grant }, signingKey);
}

/** The parts of a request that let it in: a signature in the query, or a token in a header. */
export type Access = {
  /** The signature; empty if the route is not signed. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** The lifetime of a URL that is requested at once: s. */
const SHORT_TERM_S = 3_600;

/**
 * Lets a request in that is sent at once: by a signature, or by a visitor's token.
 * @param token undefined: none is at hand
 * @param now ms since 1970
 */
export async function accessForNow(
  project: Project,
  route: BoundRoute,
  grant: Pick<Grant, "preset" | "key">,
  token: string | undefined,
  now: number,
): Promise<Access | CommandFault> {
  if (route.tokenRules !== undefined) {
    if (token === undefined) return { fault: tokenMissingText(route) };

    return { query: "", headers: { authorization: `Bearer ${token}` } };
  }

  if (route.signing === undefined) return { query: "", headers: {} };

  const lifetime = Math.min(SHORT_TERM_S, route.signing.maxAge);
  const expires = Math.floor(now / 1000) + lifetime;
  const query = await signQuery(project, route, { ...grant, expires });
  if (isFault(query)) return query;
  return { query, headers: {} };
}

/** Says what to do where a route needs a token, and none is at hand. */
export function tokenMissingText({ path }: Pick<BoundRoute, "path">): string {
  return `only a visitor's token opens ${path}: give one by --token or VITRINE_TOKEN`;
}

/**
 * Signs the cookie for the folder of a public path.
 * @param expires s since 1970
 * @returns the header `Set-Cookie`
 */
export async function signFolderCookie(
  project: Project,
  { path, mapping }: BoundRoute,
  baseUrl: string,
  publicPath: string,
  expires: number,
): Promise<string | CommandFault> {
  const keys = project.secrets.get("URL_SIGNING_KEYS");
  if (keys === undefined) return missingKeysFault(project);

  const prefix = folderOf(mapping, publicPath);
  if (prefix === undefined) {
    const [keyStart] = mapping.key.parts;
    return { fault: `${path}: a cookie is for a folder in *, such as ${keyStart}friends/` };
  }

  if (baseUrl === "") return { fault: '--url "": a cookie is for a host: say which' };

  // A cookie opens all presets, and no bucket is in it.
  const route = { path, object: "", cookie: true };
  const site = openSite({ baseUrl, route, presets: {} });

  // The caller has checked the expiry, by the route's max_age and the clock of the command. `signCookie` knows neither:
  // it gets the expiry as the present time, and so it finds nothing to refuse.
  const term = { prefix, expires };
  const cookie = await signCookie(site, keys.value, term, expires * 1000);
  return cookie.header;
}

/** The folder that a path has in place of `*`: `friends/`. @returns undefined if it has none */
function folderOf(mapping: Mapping, publicPath: string): string | undefined {
  const decoded = decodePath(publicPath);
  if (decoded === undefined) return undefined;

  const rest = readRest(mapping, decoded);
  if (rest === undefined) return undefined;

  const afterFolder = rest.lastIndexOf("/") + 1;
  return afterFolder > 0 ? rest.slice(0, afterFolder) : undefined;
}

function missingKeysFault({ isLocalRun, envConfig }: Project): CommandFault {
  const { devVars, localVars } = envConfig;

  if (isLocalSigningKey("URL_SIGNING_KEYS", localVars["URL_SIGNING_KEYS"])) {
    return {
      fault: `URL_SIGNING_KEYS is not at hand: that in ${devVars} is the local run's, for --url http://localhost:8787. For another host, put your own there`,
    };
  }

  if (isLocalRun) return { fault: `URL_SIGNING_KEYS is not at hand: put it into ${devVars}` };
  return {
    fault: `URL_SIGNING_KEYS is not at hand: put it into the environment or ${devVars}`,
  };
}
