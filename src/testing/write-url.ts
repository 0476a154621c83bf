// The URL of an object, as `vitrine.url` returns it. It never chooses between routes: one may be open, and the other signed.

import { checkSettings, optional, text } from "../emulator/check.ts";
import { encodePath } from "../url/encoding.ts";
import { writePath } from "../url/grammar.ts";
import { signGrant } from "../url/grant.ts";
import { findRoute } from "../worker/config/compile-route.ts";
import type { Config } from "../worker/config/config.ts";
import type { BoundRoute } from "../worker/config/routes.ts";
import { isRefusal } from "../worker/http/refusal.ts";
import type { VitrineUrlOptions } from "./types.ts";

/** For how long a URL is signed: s. */
const TERM_S = 3_600;

/** A route that shows the object, and the path by which it does. */
type ShowingRoute = { readonly route: BoundRoute; readonly path: string };

/**
 * Writes the URL of an object at a preset, signed if its route is.
 * @param now ms since 1970
 * @throws {TypeError} if no route shows it, or if several do and the options name none of them
 */
export async function writeUrl(
  origin: string,
  config: Config,
  key: string,
  preset: string,
  options: VitrineUrlOptions,
  now: number,
): Promise<string> {
  checkSettings("vitrine.url", options, { route: optional(text) });
  const variant = config.variants.get(preset);
  if (variant === undefined) {
    const names = [...config.variants.keys()].join(", ");
    throw new TypeError(`vitrine.url: there is no preset ${preset}. There is ${names}`);
  }

  const showing = routesThatShow(key, preset, variant.preset, config);
  const { route, path } = chooseRoute(showing, key, preset, options.route, config);

  const query = await signatureOf(route, variant.preset, key, now);
  return origin + encodePath(path) + query;
}

function routesThatShow(
  key: string,
  variant: string,
  preset: string,
  { routes }: Config,
): readonly ShowingRoute[] {
  const showing: ShowingRoute[] = [];
  for (const route of routes) {
    const isOfPreset = route.presets?.has(preset) ?? true;
    const path = writePath(route.mapping, { variant, key });
    if (!isOfPreset || path === undefined) continue;

    // An earlier route may take this path.
    const match = findRoute(routes, path);
    if (!isRefusal(match) && match.route === route) showing.push({ route, path });
  }
  return showing;
}

function chooseRoute(
  showing: readonly ShowingRoute[],
  key: string,
  preset: string,
  chosenPath: string | undefined,
  { routes }: Config,
): ShowingRoute {
  if (chosenPath !== undefined) {
    const chosen = showing.find(({ route }) => route.path === chosenPath);
    if (chosen !== undefined) return chosen;

    const name = JSON.stringify(chosenPath);
    const exists = routes.some(({ path }) => path === chosenPath);
    if (exists) {
      throw new TypeError(`vitrine.url: the route ${name} does not show ${key} at ${preset}`);
    }
    const names = routes.map(({ path }) => JSON.stringify(path)).join(", ");
    throw new TypeError(`vitrine.url: there is no route ${name}. There is ${names}`);
  }

  const [first, ...others] = showing;
  if (first === undefined) {
    throw new TypeError(`vitrine.url: no route shows ${key} at ${preset}`);
  }
  if (others.length === 0) return first;

  const names = showing.map(({ route }) => JSON.stringify(route.path)).join(" and ");
  const call = `vitrine.url(${JSON.stringify(key)}, ${JSON.stringify(preset)}, { route: ${JSON.stringify(first.route.path)} })`;
  throw new TypeError(
    `vitrine.url: several routes show ${key} at ${preset}: ${names}. Name one: ${call}`,
  );
}

async function signatureOf(
  { path, signing }: BoundRoute,
  preset: string,
  key: string,
  now: number,
): Promise<string> {
  const [signingKey] = signing?.keys.values() ?? [];
  if (signing === undefined || signingKey === undefined) return "";

  const expires = Math.floor(now / 1000) + Math.min(TERM_S, signing.maxAge);
  return signGrant({ route: path, preset, key, expires }, signingKey);
}
