// What there is to see on the contact sheet.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { makeAppFile } from "../../cli/project/app-file/make.ts";
import { presetsOf } from "../../cli/project/deployed.ts";
import type { RouteShape } from "../../client/types.ts";
import { REST } from "../../url/grammar.ts";
import type { Config } from "../../worker/config/config.ts";
import { publicPath } from "../../worker/config/find-route.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { BROKEN, HARD_KEYS, OBJECTS } from "../objects.ts";
import { queryOf } from "../welcome.ts";
import type { Picture, Print, SheetData } from "./data.ts";

/** An object of the bucket, without its prints. */
export type Known = Omit<Picture, "prints">;

/** Looks at an image. It is undefined where the bytes are none that the strict edge reads. */
export async function describe(
  key: string,
  group: Known["group"],
  body: Uint8Array,
): Promise<Known | undefined> {
  try {
    const { format, autoOrient } = await sharp(body).metadata();
    return { key, group, bytes: body.length, format, ...autoOrient };
  } catch {
    return undefined; // what sharp says of that is about its own insides
  }
}

/** The fixtures, as they lie in each local bucket. */
export async function describeFixtures(): Promise<Known[]> {
  const folder = join(import.meta.dirname, "../../../fixtures/objects");
  const shown = OBJECTS.filter((object) => !BROKEN.includes(object));
  const all = shown.map(({ key, file }) =>
    describe(key, HARD_KEYS.includes(key) ? "hard" : "pictures", readFileSync(join(folder, file))),
  );
  return (await Promise.all(all)).filter((known) => known !== undefined);
}

/**
 * The contact sheet of a configuration.
 * @param vars where `PRESETS` stands as it was written
 * @param filled true where the fixtures lie in the buckets
 * @param now milliseconds since 1970, for what is signed
 */
export async function contentsOf(
  config: Config,
  vars: Vars,
  known: readonly Known[],
  filled: boolean,
  now: number,
): Promise<SheetData> {
  const presets = Object.fromEntries(presetsOf(vars));
  const names = Object.keys(presets);
  const pictures = known.map(async (picture) => {
    const prints = await Promise.all(names.map((name) => printOf(config, name, picture, now)));
    return { ...picture, prints: prints.filter((print) => print !== undefined) };
  });
  const refused = BROKEN.flatMap(({ key }) => {
    const [name = ""] = names;
    const paths = config.routes.map((route) => publicPath(config.index, route, name, key));
    return filled ? (paths.find((path) => path !== undefined) ?? []) : [];
  });
  return {
    routes: config.routes.map(shapeOf),
    clients: makeAppFile(config, vars, "").clients,
    presets,
    pictures: await Promise.all(pictures),
    refused,
    open: filled && placeFor(config, "a.jpg") !== undefined,
  };
}

/** Where an image of one's own goes: its key, and the route that shows it. */
export function placeFor({ routes, index, variants }: Config, file: string) {
  const key = `own/${file}`;
  const [name = ""] = variants.keys();
  const route = routes.find((one) => publicPath(index, one, name, key) !== undefined);
  return route && { key, route };
}

/** The first route that shows a key at a preset. */
async function printOf(
  { routes, index }: Config,
  preset: string,
  { key, at }: Known,
  now: number,
): Promise<Print | undefined> {
  const route = routes.findIndex(
    (one) =>
      (one.presets?.has(preset) ?? true) && publicPath(index, one, preset, key) !== undefined,
  );
  const found = routes[route];
  if (found === undefined) return undefined;
  const signed = await queryOf(found, preset, key, now);
  // Without a signature a query says nothing, but to a browser that has kept what was there before.
  const query = signed === "" && at !== undefined ? `?at=${at}` : signed;
  return { route, preset, ...(query !== "" && { query }) };
}

/** A route as it is configured. */
function shapeOf({ path, bucket, mapping, presets }: BoundRoute): RouteShape {
  const template = mapping.key.parts.map((part) => {
    if (typeof part === "string") return part;
    return part.name === REST ? REST : `:${part.name}`;
  });
  const object = `${bucket.name}/${template.join("")}`;
  return { path, object, ...(presets && { presets: [...presets] }) };
}
