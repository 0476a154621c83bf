// The objects of the contact sheet: each with its renditions, as an app would get them, and their costs. No I/O.

import { hash } from "node:crypto";
import { generateAppFile, presetsOf } from "../../cli/app-file/generate.ts";
import { uniqueOptions } from "../../cli/config/transformations.ts";
import {
  type DoubtfulFormat,
  predictionText,
  predictRefusal,
} from "../../cli/picture/predict-refusal.ts";
import { publicPathOf } from "../../cli/urls/public-url.ts";
import { type Client, createClient, type PresetTable } from "../../client/index.ts";
import { signGrant } from "../../url/grant.ts";
import type { Config } from "../../worker/config/config.ts";
import type { Preset, Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { edgeOptions } from "../../worker/edge/render-at-edge.ts";
import type { ObjectType } from "../../worker/http/refusal.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import {
  createTransformRequest,
  type SourceImage,
} from "../../worker/request/transform-request.ts";

/** The configuration of the local run, with its buckets on this machine, and the vars as they are written. */
export type LocalConfig = { readonly config: Config; readonly vars: Vars };

/** An object of the local buckets. */
export type LocalObject = {
  /** Without the prefix of its bucket. */
  readonly key: string;
  /** Changes with its content. */
  readonly etag: string;
  readonly bytes: number;
  /** Undefined: the object is no picture that this machine reads, or a damaged one. */
  readonly picture: Picture | undefined;
  /** The format, if not every visitor sees it. */
  readonly format: DoubtfulFormat | undefined;
};

type Picture = {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** By its first bytes. */
  readonly type: ObjectType;
};

/** One object at one preset. */
export type SheetRendition = {
  readonly name: string;
  readonly preset: Preset;
  readonly route: BoundRoute;
  readonly client: Client<PresetTable, string>;
  /** The name of the client, as `npx vitrine client` writes it. */
  readonly clientName: string;
  /** Signs the URL of a signed route. On other routes, it changes with the object, the preset and the route. */
  readonly query: string;
  /** The largest candidate of `srcset`, and `cf.image` for it. */
  readonly largest: string;
  readonly edgeCall: string | undefined;
};

/** Unique transformations that an object can cause: by preset, and all. Those with equal options are one. */
type Costs = {
  readonly presets: Readonly<Record<string, number>>;
  readonly all: number;
};

export type SheetObject = LocalObject & {
  /** Without those that visitors do not see. */
  readonly renditions: readonly SheetRendition[];
  /** Why visitors do not see others. */
  readonly refusals: readonly string[];
  readonly costs: Costs;
};

/** @param now ms since 1970, for signed URLs */
export function addRenditions(
  { config, vars }: LocalConfig,
  objects: readonly LocalObject[],
  now: number,
): Promise<SheetObject[]> {
  const { routes } = config;
  const presets = presetsOf(vars);
  const names = generateAppFile(config, vars, "").clients;
  const clients = new Map(
    routes.map((route, index) => {
      const { path, bucket, mapping, presets: presetNames } = route;
      const object = `${bucket.name}/${mapping.key.parts.join("")}`;
      const shape = { path, object, ...(presetNames && { presets: [...presetNames] }) };
      const table = Object.fromEntries(presets);
      const client = createClient({ baseUrl: "", route: shape, presets: table });
      return [route, { client, clientName: names[index] ?? "images" }] as const;
    }),
  );
  const renditionOf = async (object: LocalObject, name: string, preset: Preset) => {
    const { key, etag } = object;
    const route = firstRoute(config, name, key);
    const routeClient = route && clients.get(route);
    if (!routeClient) return [];
    const version = hash("sha256", JSON.stringify([etag, preset, route.path, route.svg]));
    const [signingKey] = route.signing?.keys.values() ?? [];
    const expires = Math.floor(now / 1000) + Math.min(3600, route.signing?.maxAge ?? 0);
    const grant = { route: route.path, preset: name, key, expires };
    const query = signingKey ? await signGrant(grant, signingKey) : `?v=${version.slice(0, 12)}`;
    const largest = routeClient.client.site.shown.get(name)?.candidates.at(-1)?.variant ?? name;
    const edgeCall = edgeCallOf(config.variants.get(largest), route, object);
    return [{ ...routeClient, name, preset, route, query, largest, edgeCall }];
  };
  return Promise.all(
    objects.map(async (object) => {
      const all = [...presets].map(([name, preset]) => renditionOf(object, name, preset));
      const refusals = new Set<string>();
      const renditions: SheetRendition[] = [];
      for (const rendition of (await Promise.all(all)).flat()) {
        const refusal = predictLocalRefusal(object, rendition.route);
        if (refusal === undefined) renditions.push(rendition);
        else refusals.add(refusal);
      }
      return { ...object, renditions, refusals: [...refusals], costs: costsOf(config, renditions) };
    }),
  );
}

/** Returns what visitors get in place of an object, or why this machine cannot show it. */
export function predictLocalRefusal(
  { format, bytes, picture }: Pick<LocalObject, "format" | "bytes" | "picture">,
  { svg, bucket }: Pick<BoundRoute, "svg" | "bucket">,
): string | undefined {
  const { engine } = bucket;
  const prediction = predictRefusal({ format, bytes, sides: picture }, { engine, svg });
  if (prediction !== undefined) return predictionText(prediction);

  const isUnplayed = format === "HEIC"; // the local edge decodes none
  return isUnplayed ? "the local run cannot show HEIC, which the Images binding reads" : undefined;
}

/** The first route that shows a key at a preset. */
export function firstRoute({ routes }: Config, preset: string, key: string) {
  return routes.find((route) => {
    const isShown = route.presets?.has(preset) ?? true;
    return isShown && publicPathOf(routes, route, preset, key) !== undefined;
  });
}

/** `cf.image` as the Worker sends it for a browser that reads AVIF; undefined for the engine `binding`. */
function edgeCallOf(
  variant: Variant | undefined,
  { svg, bucket }: Pick<BoundRoute, "svg" | "bucket">,
  { picture, bytes }: LocalObject,
): string | undefined {
  if (variant === undefined || bucket.engine === "binding") return undefined;

  const formats = acceptedFormatsOf(variant, { avif: true, webp: true }, svg);
  const source: SourceImage = picture
    ? { type: picture.type, length: bytes, sides: picture }
    : { type: "unknown" };
  return JSON.stringify(
    edgeOptions(createTransformRequest(variant, formats, source)),
    undefined,
    2,
  );
}

/** How many unique transformations an object can cause at presets, each by a route (L2). */
function costsOf({ variants }: Config, renditions: readonly SheetRendition[]): Costs {
  const all = new Set<string>();
  const presets = renditions.map(({ name, route: { bucket, facts } }) => {
    const ofPreset = [...variants.values()].filter(({ preset }) => preset === name);
    const hasFacts = facts && bucket.engine !== "binding";
    const unique = new Set(ofPreset.flatMap((variant) => uniqueOptions(variant, hasFacts)));
    // The same key in two buckets is two objects.
    for (const options of unique) all.add(`${bucket.name} ${options}`);
    return [name, unique.size] as const;
  });
  return { all: all.size, presets: Object.fromEntries(presets) };
}
