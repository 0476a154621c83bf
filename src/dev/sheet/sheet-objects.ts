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

/** What the renditions of all objects are made with. */
type SheetSettings = {
  readonly config: Config;
  readonly presets: ReadonlyMap<string, Preset>;
  readonly clients: ReadonlyMap<BoundRoute, RouteClient>;
  /** Milliseconds since 1970, for signed URLs. */
  readonly now: number;
};

/** The client of a route, as an app has it. */
type RouteClient = Pick<SheetRendition, "client" | "clientName">;

/** @param now ms since 1970, for signed URLs */
export function addRenditions(
  { config, vars }: LocalConfig,
  objects: readonly LocalObject[],
  now: number,
): Promise<SheetObject[]> {
  const presets = presetsOf(vars);
  const clientNames = generateAppFile(config, vars, "").clients;

  const clients = new Map<BoundRoute, RouteClient>();
  for (const [index, route] of config.routes.entries()) {
    const clientName = clientNames[index] ?? "images";
    clients.set(route, { client: clientOf(route, presets), clientName });
  }

  const settings: SheetSettings = { config, presets, clients, now };
  return Promise.all(objects.map((object) => withRenditions(object, settings)));
}

function clientOf(
  { path, bucket, mapping, presets: presetNames }: BoundRoute,
  presets: ReadonlyMap<string, Preset>,
): SheetRendition["client"] {
  const object = `${bucket.name}/${mapping.key.parts.join("")}`;
  const route = { path, object, ...(presetNames && { presets: [...presetNames] }) };
  return createClient({ baseUrl: "", route, presets: Object.fromEntries(presets) });
}

async function withRenditions(object: LocalObject, settings: SheetSettings): Promise<SheetObject> {
  const renditions: SheetRendition[] = [];
  const refusals = new Set<string>();

  for (const [name, preset] of settings.presets) {
    const rendition = await renditionOf(object, name, preset, settings);
    if (rendition === undefined) continue;

    const refusal = predictLocalRefusal(object, rendition.route);
    if (refusal === undefined) renditions.push(rendition);
    else refusals.add(refusal);
  }

  const costs = costsOf(settings.config, renditions);
  return { ...object, renditions, refusals: [...refusals], costs };
}

/** The rendition of an object at a preset; undefined if no route shows it. */
async function renditionOf(
  object: LocalObject,
  name: string,
  preset: Preset,
  { config, clients, now }: SheetSettings,
): Promise<SheetRendition | undefined> {
  const route = firstRoute(config, name, object.key);
  if (route === undefined) return undefined;

  const routeClient = clients.get(route);
  if (routeClient === undefined) return undefined;

  const { client, clientName } = routeClient;
  const query = await queryOf(object, name, preset, route, now);
  const largest = largestVariant(client, name);
  const edgeCall = edgeCallOf(config.variants.get(largest), route, object);
  return { name, preset, route, client, clientName, query, largest, edgeCall };
}

/** The largest candidate of a preset's `srcset`. A preset without one has a single variant. */
function largestVariant({ site }: SheetRendition["client"], name: string): string {
  const candidates = site.shown.get(name)?.candidates;
  return candidates?.at(-1)?.variant ?? name;
}

/** How long the URLs of the page may be used: s. */
const URL_LIFETIME_S = 3_600;

/** Signs the URL of a signed route. On other routes, the query changes with the object, the preset and the route. */
async function queryOf(
  { key, etag }: LocalObject,
  name: string,
  preset: Preset,
  { path, svg, signing }: BoundRoute,
  now: number,
): Promise<string> {
  const [signingKey] = signing?.keys.values() ?? [];

  if (signing === undefined || signingKey === undefined) {
    const version = hash("sha256", JSON.stringify([etag, preset, path, svg]));
    return `?v=${version.slice(0, 12)}`;
  }

  const lifetime = Math.min(URL_LIFETIME_S, signing.maxAge);
  const expires = Math.floor(now / 1000) + lifetime;
  return signGrant({ route: path, preset: name, key, expires }, signingKey);
}

/** Returns what visitors get in place of an object, or why this machine cannot show it. */
export function predictLocalRefusal(
  { format, bytes, picture }: Pick<LocalObject, "format" | "bytes" | "picture">,
  { svg, bucket }: Pick<BoundRoute, "svg" | "bucket">,
): string | undefined {
  const { engine } = bucket;
  const prediction = predictRefusal({ format, bytes, sides: picture }, { engine, svg });
  if (prediction !== undefined) return predictionText(prediction);

  // The local edge decodes no HEIC.
  if (format === "HEIC") return "the local run cannot show HEIC, which the Images binding reads";
  return undefined;
}

/** The first route that shows a key at a preset. */
export function firstRoute({ routes }: Config, preset: string, key: string) {
  return routes.find((route) => {
    const hasPreset = route.presets === undefined || route.presets.has(preset);
    return hasPreset && publicPathOf(routes, route, preset, key) !== undefined;
  });
}

/** `cf.image` as the Worker sends it for a browser that reads AVIF; undefined for the engine `binding`. */
function edgeCallOf(
  variant: Variant | undefined,
  { svg, bucket }: Pick<BoundRoute, "svg" | "bucket">,
  { picture, bytes }: LocalObject,
): string | undefined {
  if (variant === undefined || bucket.engine === "binding") return undefined;

  let source: SourceImage = { type: "unknown" };
  if (picture !== undefined) source = { type: picture.type, length: bytes, sides: picture };

  const formats = acceptedFormatsOf(variant, { avif: true, webp: true }, svg);
  const options = edgeOptions(createTransformRequest(variant, formats, source));
  return JSON.stringify(options, undefined, 2);
}

/** How many unique transformations an object can cause at presets, each by a route (L2). */
function costsOf({ variants }: Config, renditions: readonly SheetRendition[]): Costs {
  const presets: Record<string, number> = {};
  const allOptions = new Set<string>();

  for (const { name, route } of renditions) {
    const { bucket, facts } = route;
    const hasFacts = facts && bucket.engine !== "binding";

    const presetOptions = new Set<string>();
    for (const variant of variants.values()) {
      if (variant.preset !== name) continue;
      for (const options of uniqueOptions(variant, hasFacts)) presetOptions.add(options);
    }
    presets[name] = presetOptions.size;

    // The same key in two buckets is two objects.
    for (const options of presetOptions) allOptions.add(`${bucket.name} ${options}`);
  }

  return { presets, all: allOptions.size };
}
