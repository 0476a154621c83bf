// The requests that show an object as visitors see it, one for each rendition and none twice, and the pool that sends
// them. No signature is in a name or a path.

import pMap, { pMapSkip, pMapStop } from "p-map";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { edgeOptions } from "../../worker/edge/ask-edge.ts";
import { acceptedFormatsOf, createTransformRequest } from "../../worker/request/format.ts";
import { type Fault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { billedAs } from "../config/transformations.ts";
import {
  BROWSERS,
  type Browser,
  createPictureClient,
  type PictureAnswer,
} from "../http/ask-picture.ts";
import type { Found } from "../objects/object-name.ts";
import { densityFault, pathOf, queryFor, variantsOf } from "./public-url.ts";

/** A request to the public URL of a variant. */
export type RenditionRequest = {
  readonly variant: string;
  readonly browser: Browser;
  readonly path: string;
  /** Returns the query that signs the URL; empty if the route is not signed. */
  readonly sign: (now: number) => Promise<string | Fault>;
  /** The edge's options without the format. Cloudflare bills them once a month for each object (L2). */
  readonly billedAs: string;
};

/** @param version that of a signed URL: only signed routes have it */
export type Planner = (
  object: Found & { readonly version?: string | undefined },
) => readonly RenditionRequest[];

type Choice = {
  /** Presets with all of their variants, and single variants; undefined: all. */
  readonly presets?: readonly string[] | undefined;
  /** The routes by which an object is asked for: the first one that shows it, or all. */
  readonly routes: "first" | "all";
};

/** How long the URLs of signed routes are valid: seconds. */
const EXPIRY_S = 3_600;

/** Creates a function that plans the requests for an object. @returns a fault if no route shows a chosen preset */
export function createPlanner(project: Project, { presets, routes }: Choice): Planner | Fault {
  const { config } = project;
  const shown = config.routes.map((route) => ({ route, variants: variantsBy(project, route) }));
  for (const preset of presets ?? []) {
    if (shown.some(({ variants }) => variants.some((one) => isOf(one, preset)))) continue;
    const all = new Set(config.routes.flatMap((route) => variantsOf(project, route)));
    const density = densityFault(preset);
    const reason = density === undefined ? "" : `: ${density}`;
    return {
      fault: `no preset or variant ${preset} is shown${reason}. Known: ${[...all].join(", ")}`,
    };
  }
  return ({ bucket, key, version }) => {
    const requests = new Map<string, RenditionRequest>();
    for (const { route, variants } of shown) {
      if (route.bucket !== bucket || (version !== undefined && !route.signing)) continue;
      for (const variant of variants) {
        if (presets !== undefined && !presets.some((preset) => isOf(variant, preset))) continue;
        const path = pathOf(project, route, variant.name, key);
        if (path === undefined) continue;
        const sign = async (now: number) => {
          if (route.signing === undefined) return "";
          const expires = Math.floor(now / 1000) + Math.min(EXPIRY_S, route.signing.maxAge);
          return queryFor(project, route, { preset: variant.preset, key, expires, version });
        };
        for (const { id, ...rendition } of variant.renditions) {
          // Skip the same rendition under another name or route, or for another browser.
          if (requests.has(id)) continue;
          requests.set(id, { variant: variant.name, path, sign, ...rendition });
        }
      }
      if (requests.size > 0 && routes === "first") break;
    }
    return [...requests.values()];
  };
}

type ShownVariant = ReturnType<typeof variantsBy>[number];

function isOf({ name, preset }: ShownVariant, chosen: string): boolean {
  return chosen === name || chosen === preset;
}

function variantsBy(project: Project, route: BoundRoute) {
  return variantsOf(project, route).flatMap((name) => {
    const variant = project.config.variants.get(name);
    if (variant === undefined) return [];
    return [{ name, preset: variant.preset, renditions: renditionsOf(variant, route.svg) }];
  });
}

function renditionsOf(variant: Variant, svg: boolean) {
  return BROWSERS.map(({ browser, readable }) => {
    const formats = acceptedFormatsOf(variant, readable, svg);
    const options = edgeOptions(createTransformRequest(variant, formats));
    const billed = billedAs(options);
    return { browser, billedAs: billed, id: `${billed} ${options.format}` };
  });
}

/** Each way in which requests can stop before their end is a fault. Undefined: all were sent, or it was interrupted. */
export type Stopped = Fault | undefined;

/**
 * Sends requests, some at a time. They are taken one at a time, as they are needed.
 * @param take gets each answer. It returns a fault if no more is to be sent
 */
export async function askRenditions<Request extends RenditionRequest>(
  world: World,
  base: string,
  requests: Iterable<Request>,
  concurrency: number,
  take: (request: Request, answer: PictureAnswer) => Stopped,
): Promise<Stopped> {
  const ask = createPictureClient(world);
  let stopped: Stopped;
  const work = async (request: Request) => {
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
  await pMap(requests, work, { concurrency });
  return stopped;
}
