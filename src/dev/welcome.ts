import { unplayable } from "../emulator/edge/unplayable.ts";
import { signGrant } from "../url/grant.ts";
import type { Config } from "../worker/config/config.ts";
import { publicPath } from "../worker/config/find-route.ts";
import type { BoundRoute } from "../worker/config/routes.ts";
import { BROKEN, HARD_KEYS, PICTURES } from "./objects.ts";

/** What to look at now that all is up. */
export async function welcome(address: string, config: Config, filled: boolean): Promise<string> {
  const lines = ["", `Vitrine is ready on ${address}`, "", `Contact sheet: ${address}/`, ""];
  if (filled) {
    const [first, ...rest] = PICTURES.map(({ key }) => key);
    const every = await urls(config, [first ?? ""], Number.POSITIVE_INFINITY);
    const some = await urls(config, [...rest, ...HARD_KEYS.slice(0, 2)], 1);
    const none = await urls(
      config,
      BROKEN.slice(0, 2).map(({ key }) => key),
      1,
    );
    lines.push(...[...every, ...some].map((path) => address + path), "");
    if (none.length > 0) {
      const refused = none.map((path) => address + path);
      lines.push("Refused, since the object is no image:", ...refused, "");
    }
  } else {
    lines.push(".dev.vars names the S3 that is asked. The fixtures are not put there.", "");
  }
  for (const [name, { image }] of config.variants) {
    const missing = unplayable(image);
    if (missing.length > 0 && !name.includes("@")) {
      lines.push(`PRESETS.${name}: the local edge leaves out ${missing.join(", ")}.`);
    }
  }
  lines.push(`Health: ${address}/healthz`, "");
  lines.push("Requests and failures follow. Ctrl-C ends it.", "");
  return lines.join("\n");
}

/** Paths of some keys, by each route that leads to one, in so many variants; signed where they have to be. */
async function urls(
  { routes, index, variants }: Config,
  keys: readonly string[],
  most: number,
): Promise<string[]> {
  const found: string[] = [];
  for (const key of keys) {
    for (const route of routes) {
      const shown = [...variants].filter(([, { preset }]) => route.presets?.has(preset) ?? true);
      for (const [name, { preset }] of shown.slice(0, most)) {
        const path = publicPath(index, route, name, key);
        if (path !== undefined) found.push(path + (await queryOf(route, preset, key, Date.now())));
      }
    }
  }
  return found;
}

/**
 * What signs a URL for an hour, or less; "" where nothing has to.
 * @param now milliseconds since 1970
 */
export async function queryOf(
  { path, signing }: BoundRoute,
  preset: string,
  key: string,
  now: number,
): Promise<string> {
  const [first] = signing?.keys.values() ?? [];
  if (signing === undefined || first === undefined) return "";
  const seconds = Math.min(3600, signing.maxAge);
  const expires = Math.floor(now / 1000) + seconds;
  return signGrant({ route: path, preset, key, expires }, first);
}
