// Plans a request for each rendition of an object (a picture in one size and format), and sends the requests as browsers
// do, some at a time. No rendition is requested twice. No name or path holds a signature.

import pMap, { pMapSkip, pMapStop } from "p-map";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { edgeOptions } from "../../worker/edge/render-at-edge.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import { createTransformRequest } from "../../worker/request/transform-request.ts";
import { type CommandFault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { billedSets } from "../config/transformations.ts";
import type { Browser, PictureAnswer } from "../http/ask-picture.ts";
import { BROWSERS, createPictureClient } from "../http/ask-picture.ts";
import { type Access, accessForNow, variantNamesOf, variantPathOf } from "./public-url.ts";
import type { SelectedObject } from "./select-objects.ts";

export type RenditionRequest = {
  readonly input: string;
  readonly variant: string;
  readonly browser: Browser;
  readonly path: string;
  /** Returns what lets the request in. */
  readonly authorize: (now: number) => Promise<Access | CommandFault>;
  /** The sets of options that the request costs at most. Cloudflare bills each once a month for each object (L2). */
  readonly billedSets: readonly string[];
};

export type Planner = (object: SelectedObject) => readonly RenditionRequest[];

type PlannerOptions = {
  /** Presets with all of their variants, and single variants; undefined: all. */
  readonly presets?: readonly string[] | undefined;
  /** A visitor's token. Without one, no route is used that only a token opens. */
  readonly token?: string | undefined;
};

/** A rendition that a route can show of any of its objects. */
type PlannedRendition = {
  readonly route: BoundRoute;
  readonly variantName: string;
  readonly preset: string;
  readonly browser: Browser;
  /** Equal for renditions that are the same picture. */
  readonly id: string;
  readonly billedSets: readonly string[];
};

/**
 * Creates a function that plans the requests for an object.
 * @param routes which routes to use: that of the object's URL or the first one that shows it, or all
 * @returns a fault if no route shows a chosen preset
 */
export function createPlanner(
  project: Project,
  routes: "first" | "all",
  { presets, token }: PlannerOptions = {},
): Planner | CommandFault {
  const { config } = project;

  const unknown = findUnknownPreset(project, presets);
  if (unknown !== undefined) {
    const names = shownVariants(project).join(", ");
    return { fault: `no preset or variant ${unknown} is shown. Known: ${names}` };
  }

  const renditions: PlannedRendition[] = [];
  for (const route of config.routes) {
    if (route.tokenRules !== undefined && token === undefined) continue;

    for (const [name, variant] of config.variants) {
      const isChosen = presets === undefined || isChosenBy(presets, name, variant);
      if (isChosen) renditions.push(...renditionsOf(route, name, variant));
    }
  }

  return (object) => planObject(project, object, renditions, routes, token);
}

/** The names of the variants that routes show, in their order. */
function shownVariants(project: Project): string[] {
  const names = project.config.routes.flatMap((route) => variantNamesOf(project, route));
  return [...new Set(names)];
}

/** @returns the first choice that no route shows */
function findUnknownPreset(
  project: Project,
  presets: readonly string[] | undefined,
): string | undefined {
  const { variants } = project.config;
  const names = shownVariants(project);

  return presets?.find((preset) => {
    const chosen = names.filter((name) => isChosenBy([preset], name, variants.get(name)));
    return chosen.length === 0;
  });
}

/** `card` chooses card and card@2x; `card@2x` chooses itself. */
function isChosenBy(
  choices: readonly string[],
  name: string,
  variant: Variant | undefined,
): boolean {
  return choices.some((choice) => choice === name || choice === variant?.preset);
}

/** The renditions of a variant, one for each kind of browser. */
function renditionsOf(
  route: BoundRoute,
  variantName: string,
  variant: Variant,
): readonly PlannedRendition[] {
  return BROWSERS.map(({ browser, readable }) => {
    const formats = acceptedFormatsOf(variant, readable, route.svg);
    const options = edgeOptions(createTransformRequest(variant, formats));
    return {
      route,
      variantName,
      preset: variant.preset,
      browser,
      id: `${formats} ${JSON.stringify(options)}`,
      billedSets: billedSets(variant, options),
    };
  });
}

function planObject(
  project: Project,
  { bucket, key, input, publicUrl }: SelectedObject,
  renditions: readonly PlannedRendition[],
  routes: "first" | "all",
  token: string | undefined,
): readonly RenditionRequest[] {
  const requests = new Map<string, RenditionRequest>();
  let usedRoute = publicUrl?.route;

  for (const { route, variantName, preset, browser, id, billedSets } of renditions) {
    // Skip the same rendition under another name or route, or for another browser.
    if (!route.buckets.includes(bucket) || requests.has(id)) continue;

    const isOtherRoute = usedRoute !== undefined && route !== usedRoute;
    if (routes === "first" && isOtherRoute) continue;

    const path = variantPathOf(project.config, route, variantName, key);
    if (path === undefined) continue;

    usedRoute = route;
    const authorize = (now: number) => accessForNow(project, route, { preset, key }, token, now);
    requests.set(id, { input, variant: variantName, browser, path, authorize, billedSets });
  }

  return [...requests.values()];
}

/** Finds a route of an object that only a token opens. Where the planner has no token, it plans no request there. */
export function findTokenRoute(
  { config }: Pick<Project, "config">,
  { bucket, key, publicUrl }: SelectedObject,
): BoundRoute | undefined {
  const routes = publicUrl === undefined ? config.routes : [publicUrl.route];

  return routes.find(({ tokenRules, buckets, mapping }) => {
    const isOfObject = buckets.includes(bucket) && mapping.key.form.test(key);
    return isOfObject && tokenRules !== undefined;
  });
}

/** Handles an answer. Returns a fault if no more requests are to be sent. */
type HandleAnswer = (request: RenditionRequest, answer: PictureAnswer) => CommandFault | undefined;

/** The number of requests at once: a browser sends as many. */
const CONCURRENCY = 6;

/**
 * Sends requests, some at a time. Each is taken from the iterable just before it is sent.
 * @returns why not all were sent; undefined: all were sent, or the operator has interrupted
 */
export async function sendRenditionRequests(
  world: World,
  baseUrl: string,
  requests: Iterable<RenditionRequest>,
  handleAnswer: HandleAnswer,
): Promise<CommandFault | undefined> {
  const fetchPicture = createPictureClient(world);
  let stopped: CommandFault | undefined;

  const send = async (request: RenditionRequest) => {
    const access = await request.authorize(world.now());
    if (isFault(access)) {
      stopped = access;
      return pMapStop;
    }

    const url = baseUrl + request.path + access.query;
    const answer = await fetchPicture(url, request.browser, access.headers);
    if (answer === undefined) return pMapStop; // interrupted

    stopped ??= handleAnswer(request, answer);
    return stopped === undefined ? pMapSkip : pMapStop;
  };

  await pMap(requests, send, { concurrency: CONCURRENCY });
  return stopped;
}
