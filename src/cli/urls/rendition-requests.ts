// Plans a request for each rendition of an object, and sends them as browsers do, some at a time. No rendition is
// requested twice, and no name or path holds a signature.

import pMap, { pMapSkip, pMapStop } from "p-map";
import type { Variant } from "../../worker/config/preset.ts";
import { edgeOptions } from "../../worker/edge/render-at-edge.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import { createTransformRequest } from "../../worker/request/transform-request.ts";
import { type CommandFault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { billedSets } from "../config/transformations.ts";
import type { Browser, PictureAnswer } from "../http/ask-picture.ts";
import { BROWSERS, createPictureClient } from "../http/ask-picture.ts";
import {
  type Access,
  accessForNow,
  onlyByToken,
  variantNamesOf,
  variantPathOf,
} from "./public-url.ts";
import type { SelectedObject } from "./select-objects.ts";

export type RenditionRequest = {
  readonly input: string;
  readonly variant: string;
  readonly browser: Browser;
  readonly path: string;
  /** Returns what lets the request in. */
  readonly authorize: (now: number) => Promise<Access | CommandFault>;
  /** The sets of options that it can cost at most. Cloudflare bills each once a month for each object (L2). */
  readonly billedSets: readonly string[];
};

export type Planner = (object: SelectedObject) => readonly RenditionRequest[];

type PlannerOptions = {
  /** Presets with all of their variants, and single variants; undefined: all. */
  readonly presets?: readonly string[] | undefined;
  /** A visitor's token. Without one, no route is used that only a token opens. */
  readonly token?: string | undefined;
};

/**
 * @param routes which routes to use: that of the object's URL or the first one that shows it, or all
 * @returns a fault if no route shows a chosen preset
 */
export function createPlanner(
  project: Project,
  routes: "first" | "all",
  { presets, token }: PlannerOptions = {},
): Planner | CommandFault {
  const { config } = project;
  const variantNames = [
    ...new Set(config.routes.flatMap((route) => variantNamesOf(project, route))),
  ];
  // `card` chooses card and card@2x; `card@2x` chooses itself.
  const isChosen = (variant: string, choices: readonly string[]) =>
    choices.some((name) => name === variant || name === config.variants.get(variant)?.preset);
  const unknown = presets?.find(
    (name) => !variantNames.some((variantName) => isChosen(variantName, [name])),
  );
  if (unknown !== undefined) {
    return { fault: `no preset or variant ${unknown} is shown. Known: ${variantNames.join(", ")}` };
  }
  const chosen = [...config.variants].filter(([name]) => !presets || isChosen(name, presets));
  const usableRoutes = config.routes.filter(
    ({ tokenRules }) => tokenRules === undefined || token !== undefined,
  );
  const renditions = usableRoutes.flatMap((route) =>
    chosen.flatMap(([name, variant]) =>
      renditionsOf(variant, route.svg).map((rendition) => ({
        route,
        name,
        ...variant,
        ...rendition,
      })),
    ),
  );
  return ({ bucket, key, input, publicUrl }) => {
    const requests = new Map<string, RenditionRequest>();
    let usedRoute = publicUrl?.route;
    for (const { route, name, preset, id, browser, billedSets } of renditions) {
      // Skip the same rendition under another name or route, or for another browser.
      if (!route.buckets.includes(bucket) || requests.has(id)) continue;
      const path = variantPathOf(project.config, route, name, key);
      const isOtherRoute = usedRoute !== undefined && route !== usedRoute;
      if (path === undefined || (routes === "first" && isOtherRoute)) continue;
      usedRoute = route;
      const authorize = (now: number) => accessForNow(project, route, { preset, key }, token, now);
      requests.set(id, { input, variant: name, browser, path, authorize, billedSets });
    }
    return [...requests.values()];
  };
}

/** Returns why an object has no request where the planner has no token: only a token opens its route. */
export function lockedReason(
  { config }: Pick<Project, "config">,
  { bucket, key, publicUrl }: SelectedObject,
): string | undefined {
  const routes = publicUrl === undefined ? config.routes : [publicUrl.route];
  const locked = routes.find(
    ({ tokenRules, buckets, mapping }) =>
      tokenRules !== undefined && buckets.includes(bucket) && mapping.key.form.test(key),
  );
  return locked && onlyByToken(locked);
}

function renditionsOf(variant: Variant, svg: boolean) {
  return BROWSERS.map(({ browser, readable }) => {
    const formats = acceptedFormatsOf(variant, readable, svg);
    const options = edgeOptions(createTransformRequest(variant, formats));
    const id = `${formats} ${JSON.stringify(options)}`;
    return { browser, billedSets: billedSets(variant, options), id };
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
  const sendOne = async (request: RenditionRequest) => {
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
  await pMap(requests, sendOne, { concurrency: CONCURRENCY });
  return stopped;
}
