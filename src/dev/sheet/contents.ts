// Collects the data of the contact sheet.

import { makeAppFile, presetsOf } from "../../cli/app-file/make-app-file.ts";
import { FREE } from "../../cli/config/transformations.ts";
import { publicPath } from "../../cli/urls/public-url.ts";
import type { RouteShape } from "../../client/types.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { BROKEN } from "../objects.ts";
import { signQuery } from "../sign-query.ts";
import { presetName, routeName, type Seen } from "./changed-at.ts";
import type { RenditionRef, SheetData } from "./data.ts";
import type { Known } from "./describe.ts";
import { costsOf, edgeTable } from "./edge-table.ts";
import { placeFor } from "./place-for.ts";

/**
 * @param vars has `PRESETS` as it is written
 * @param filled whether the local buckets hold the fixtures
 * @param seen when each setting changed last, by the names of `settingsOf`
 * @param now ms since 1970, for signed URLs
 */
export async function contentsOf(
  config: Config,
  vars: Vars,
  known: readonly Known[],
  filled: boolean,
  seen: Readonly<Record<string, Seen>>,
  now: number,
): Promise<SheetData> {
  const presets = Object.fromEntries(presetsOf(vars));
  const names = Object.keys(presets);
  const pictures = known.map(async (picture) => {
    const found = await Promise.all(
      names.map((name) => renditionOf(config, name, picture, seen, now)),
    );
    const renditions = found.filter((rendition) => rendition !== undefined);
    return { ...picture, renditions, costs: costsOf(config, renditions) };
  });
  const refused = BROKEN.flatMap(({ key }) => {
    const [name = ""] = names;
    const paths = config.routes.map((route) => publicPath(config.routes, route, name, key));
    return filled ? (paths.find((path) => path !== undefined) ?? []) : [];
  });
  return {
    routes: config.routes.map(shapeOf),
    clients: makeAppFile(config, vars, "").clients,
    asked: config.routes.map((route) => edgeTable(config, route)),
    free: FREE,
    presets,
    pictures: await Promise.all(pictures),
    refused,
    open: filled && placeFor(config, "a.jpg") !== undefined,
  };
}

/** The rendition of a key by the first route that shows it with this preset. */
async function renditionOf(
  { routes, answers }: Config,
  preset: string,
  { key, at }: Known,
  seen: Readonly<Record<string, Seen>>,
  now: number,
): Promise<RenditionRef | undefined> {
  const route = routes.findIndex(
    (one) =>
      (one.presets?.has(preset) ?? true) && publicPath(routes, one, preset, key) !== undefined,
  );
  const found = routes[route];
  if (found === undefined) return undefined;
  const signed = await signQuery(found, preset, key, now);
  // On a route that is not signed the Worker ignores the query. It makes the browser load a new image.
  const times = [seen[presetName(preset)]?.at, seen[routeName(found.path)]?.at]
    .filter((one) => one !== undefined && now < one + answers.max_age * 1000)
    .concat(at)
    .filter((one) => one !== undefined);
  const query = signed === "" && times.length > 0 ? `?at=${Math.max(...times)}` : signed;
  return { route, preset, signed: found.signing !== undefined, ...(query !== "" && { query }) };
}

/** A route as clients take it. */
function shapeOf({ path, bucket, mapping, presets }: BoundRoute): RouteShape {
  const object = `${bucket.name}/${mapping.key.parts.join("")}`;
  return { path, object, ...(presets && { presets: [...presets] }) };
}
