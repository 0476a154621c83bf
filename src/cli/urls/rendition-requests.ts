// The requests that show an object as visitors see it, one for each rendition and none twice, and the pool that sends
// them. No signature is in a name or a path.

import pMap, { pMapSkip, pMapStop } from "p-map";
import type { Variant } from "../../worker/config/preset.ts";
import { edgeOptions } from "../../worker/edge/ask-edge.ts";
import { acceptedFormatsOf, createTransformRequest } from "../../worker/request/format.ts";
import { type Fault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { billedAs } from "../config/transformations.ts";
import type { Browser, PictureAnswer } from "../http/ask-picture.ts";
import { BROWSERS, createPictureClient } from "../http/ask-picture.ts";
import type { GivenObject } from "./object-arguments.ts";
import { pathOf, shortQueryFor, variantsOf } from "./public-url.ts";

export type RenditionRequest = {
  readonly given: string;
  readonly variant: string;
  readonly browser: Browser;
  readonly path: string;
  /** Returns the query that signs the URL; empty if the route is not signed. */
  readonly sign: (now: number) => Promise<string | Fault>;
  /** The edge's options without the format. Cloudflare bills them once a month for each object (L2). */
  readonly billedAs: string;
};

export type Planner = (object: GivenObject) => readonly RenditionRequest[];

/**
 * @param routes the routes by which an object is asked for: that of its URL or the first one that shows it, or all
 * @param presets presets with all of their variants, and single variants; undefined: all
 * @returns a fault if no route shows a chosen preset
 */
export function createPlanner(
  project: Project,
  routes: "first" | "all",
  presets?: readonly string[],
): Planner | Fault {
  const { config } = project;
  const shown = [...new Set(config.routes.flatMap((route) => variantsOf(project, route)))];
  const isOf = (name: string) => (preset: string) =>
    name === preset || config.variants.get(name)?.preset === preset;
  const unknown = presets?.find((preset) => !shown.some((name) => isOf(name)(preset)));
  if (unknown !== undefined) {
    return { fault: `no preset or variant ${unknown} is shown. Known: ${shown.join(", ")}` };
  }
  const chosen = [...config.variants].filter(([name]) => presets?.some(isOf(name)) ?? true);
  const renditions = config.routes.flatMap((route) =>
    chosen.flatMap(([name, variant]) =>
      renditionsOf(variant, route.svg).map((one) => ({ route, name, ...variant, ...one })),
    ),
  );
  return ({ bucket, key, given, place }) => {
    const requests = new Map<string, RenditionRequest>();
    let used = place?.route;
    for (const { route, name, preset, id, browser, billedAs } of renditions) {
      // Skip the same rendition under another name or route, or for another browser.
      if (!route.buckets.includes(bucket) || requests.has(id)) continue;
      const path = pathOf(project, route, name, key);
      if (path === undefined || (routes === "first" && route !== (used ?? route))) continue;
      used = route;
      const sign = (now: number) => shortQueryFor(project, route, { preset, key }, now);
      requests.set(id, { given, variant: name, browser, path, sign, billedAs });
    }
    return [...requests.values()];
  };
}

function renditionsOf(variant: Variant, svg: boolean) {
  return BROWSERS.map(({ browser, readable }) => {
    const formats = acceptedFormatsOf(variant, readable, svg);
    const options = edgeOptions(createTransformRequest(variant, formats));
    return { browser, billedAs: billedAs(options), id: JSON.stringify(options) };
  });
}

/** Gets an answer. It returns a fault if no more is to be sent. */
export type TakeAnswer = (request: RenditionRequest, answer: PictureAnswer) => Fault | undefined;

/** As many as a browser sends at once. */
const CONCURRENCY = 6;

/**
 * Sends requests, some at a time. They are taken one at a time, as they are needed.
 * @returns why not all were sent; undefined: all were, or it was interrupted
 */
export async function askRenditions(
  world: World,
  base: string,
  requests: Iterable<RenditionRequest>,
  take: TakeAnswer,
): Promise<Fault | undefined> {
  const ask = createPictureClient(world);
  let stopped: Fault | undefined;
  const work = async (request: RenditionRequest) => {
    const query = await request.sign(world.now());
    if (isFault(query)) {
      stopped = query;
      return pMapStop;
    }
    const answer = await ask(base + request.path + query, request.browser);
    if (answer === undefined) return pMapStop; // interrupted
    stopped ??= take(request, answer);
    return stopped === undefined ? pMapSkip : pMapStop;
  };
  await pMap(requests, work, { concurrency: CONCURRENCY });
  return stopped;
}
