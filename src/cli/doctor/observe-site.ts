// Asks the deployed Worker as visitors do, and as an operator with HEALTH_TOKEN does. It judges nothing: the checks do.
// The token goes to the site of this environment alone.

import { lifetimesOf } from "../../worker/config/answers.ts";
import type { Config } from "../../worker/config/config.ts";
import { hashVars } from "../../worker/config/hash-vars.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { edgeBucketsOf } from "../config/buckets.ts";
import type { ProjectSite } from "../config/project.ts";
import {
  type Absence,
  checkPresence,
  fetchHealth,
  type Health,
  type HealthFailure,
  isOfVitrine,
} from "../http/ask-health.ts";
import { ACCEPTS, BROWSERS, type Browser, cacheStatus } from "../http/ask-picture.ts";
import { type Body, isNoAnswer, type NoAnswer } from "../http/body.ts";
import { variantNamesOf, variantPathOf } from "../urls/public-url.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { askSite } from "./ask-site.ts";
import type { BucketSeen } from "./observe-bucket.ts";
import { type SideDoorSeen, trySideDoor } from "./observe-side-door.ts";
import {
  firstSampleOf,
  type PictureRequest,
  planRequests,
  type SkippedPicture,
} from "./plan-pictures.ts";

export type SiteSeen = {
  readonly baseUrl: string;
  /** Why no Vitrine with a right configuration answers; undefined: it does. */
  readonly absence: Absence | undefined;
  /** The detailed form of /healthz; undefined: HEALTH_TOKEN is not at hand. */
  readonly health: Health | HealthFailure | undefined;
  /** Whether the Worker has the vars of wrangler.toml, as far as is known. */
  readonly hasThisConfiguration: boolean;
  readonly pictures: readonly PictureSeen[];
  /** Routes whose picture was not requested, and why. */
  readonly skipped: readonly SkippedPicture[];
  /** What each route that only tokens open answers to somebody without one. */
  readonly tokenRoutes: readonly TokenRouteSeen[];
  /** What Workers Cache says of a picture that was shown before. Undefined: it was not requested again. */
  readonly cachedAgain: CachedAgain | undefined;
  readonly sideDoors: readonly SideDoorSeen[];
};

export type PictureSeen = PictureRequest & {
  /** What each browser gets, until one of them gets no image. */
  readonly answers: readonly BrowserAnswer[];
  /** The event that the Worker tells its operator, if a browser gets no image. */
  readonly event: string | undefined;
  /** How far this machine's clock is ahead of the site's: s. */
  readonly clockAhead: number | undefined;
};

export type BrowserAnswer = {
  readonly browser: Browser;
  /** The types of images that it reads. */
  readonly readable: (typeof BROWSERS)[number]["readable"];
  readonly result: SiteAnswer;
};

type SiteAnswer = (Body & { readonly text: string }) | NoAnswer;

export type TokenRouteSeen = {
  readonly route: BoundRoute;
  /** Of a sample, or of an object that no bucket has. */
  readonly path: string;
  readonly result: SiteAnswer;
  /** The event that the Worker tells its operator. */
  readonly event: string | undefined;
};

type CachedAgain = { readonly picture: PictureSeen; readonly cache: string | undefined };

/**
 * Asks for everything that the checks of a site need.
 * @param visitorToken the token of a visitor; undefined: none is at hand
 * @param now ms since 1970
 */
export async function observeSite(
  site: ProjectSite,
  buckets: readonly BucketSeen[],
  visitorToken: string | undefined,
  now: () => number,
): Promise<SiteSeen> {
  const { baseUrl, healthToken, isLocalRun, config, envConfig } = site;
  const absence = await checkPresence(baseUrl);
  const nothing: SiteSeen = {
    baseUrl,
    absence,
    health: undefined,
    hasThisConfiguration: true,
    pictures: [],
    skipped: [],
    tokenRoutes: [],
    cachedAgain: undefined,
    sideDoors: [],
  };

  // Where nothing answers, the token is not sent either: another server may be there.
  const isSilent = absence !== undefined && absence.status === undefined;
  if (isSilent) return nothing;

  // Where /healthz is another app's, the token is not sent.
  const isBroken = absence?.status === 500 && absence.isVitrine === true;
  const isWorker = absence === undefined || isBroken;
  const token = isWorker ? healthToken : undefined;

  const tail = commandFor(envConfig, "npx wrangler tail");
  const health = token === undefined ? undefined : await fetchHealth(baseUrl, token, tail);
  if (isBroken) return { ...nothing, health };

  const { requests, skipped } = await planRequests(site, buckets, visitorToken, now());
  const pictures: PictureSeen[] = [];
  for (const request of requests) {
    pictures.push(await observePicture(baseUrl, token, request, now));
  }

  const tokenRoutes: TokenRouteSeen[] = [];
  for (const route of config.routes) {
    const routeSeen = await observeTokenRoute(site, route, buckets, token);
    if (routeSeen !== undefined) tokenRoutes.push(routeSeen);
  }

  const hasThisConfiguration = isLocalRun || (await isDeployed(envConfig, health));
  const seen = { ...nothing, health, hasThisConfiguration, pictures, skipped, tokenRoutes };

  // The local run has no Workers Cache, and no zone. Somebody else's site is not asked.
  const firstShown = pictures.find(isShown);
  const isForeign = absence !== undefined && firstShown === undefined;
  if (isLocalRun || isForeign) return seen;

  const sideDoors = await trySideDoors(seen, config, buckets);

  // A route whose pictures are not kept says nothing of the cache.
  const cachedPictures = pictures.filter((picture) => isCached(picture, config));
  const pictureForCache = cachedPictures.find(isShown) ?? firstShown;
  if (pictureForCache === undefined) return { ...seen, sideDoors };

  const cachedAgain = await askCacheAgain(baseUrl, pictureForCache);
  return { ...seen, sideDoors, cachedAgain };
}

/** Returns whether the Worker has the vars of wrangler.toml. What it does not report is taken to be right. */
async function isDeployed(
  envConfig: ProjectSite["envConfig"],
  health: SiteSeen["health"],
): Promise<boolean> {
  if (health === undefined || isNoAnswer(health)) return true;

  const { configuration: deployedHash } = health;
  if (deployedHash === undefined) return true;

  const hash = await hashVars(envConfig.deployedVars);
  return hash === deployedHash;
}

async function trySideDoors(
  seen: Pick<SiteSeen, "baseUrl" | "pictures" | "tokenRoutes">,
  config: Config,
  buckets: readonly BucketSeen[],
): Promise<SideDoorSeen[]> {
  const { baseUrl, pictures, tokenRoutes } = seen;

  // If the Worker itself answered for a picture, a plain 403 elsewhere is no block of this machine.
  const results = tokenRoutes.map(({ result }) => result);
  for (const { answers } of pictures) results.push(...answers.map(({ result }) => result));
  const isReached = results.some((result) => !isNoAnswer(result) && isOfVitrine(result.headers));

  const sideDoors: SideDoorSeen[] = [];
  for (const bucket of edgeBucketsOf(config.routes)) {
    const sample = firstSampleOf(bucket, buckets);
    sideDoors.push(await trySideDoor(bucket, baseUrl, sample?.key, isReached));
  }
  return sideDoors;
}

function isCached({ route }: PictureSeen, { answers }: Config): boolean {
  return lifetimesOf(route.policy, answers).keep > 0;
}

/** Returns whether each browser got an image. */
export function isShown({ answers }: PictureSeen): boolean {
  return answers.every(({ result }) => isPicture(result));
}

/** Returns whether an answer is called an image. A page of something in front may be 200, too. */
export function isPicture(result: SiteAnswer): boolean {
  if (isNoAnswer(result) || result.status !== 200) return false;

  const contentType = result.headers.get("content-type") ?? "";
  return contentType.startsWith("image/");
}

/** Requests a picture as each kind of browser does, and asks why where one gets none. */
async function observePicture(
  baseUrl: string,
  healthToken: string | undefined,
  request: PictureRequest,
  now: () => number,
): Promise<PictureSeen> {
  const { query, headers } = request.access;
  const url = baseUrl + request.path + query;
  const answers: BrowserAnswer[] = [];
  let clockAhead: number | undefined;
  let event: string | undefined;

  for (const { browser, readable } of BROWSERS) {
    const result = await askSite(url, { ...headers, accept: ACCEPTS[browser] });
    answers.push({ browser, readable, result });
    if (isNoAnswer(result)) break;

    clockAhead ??= readClock(result.headers, now());
    if (isPicture(result)) continue;

    // The operator's token would take the place of a visitor's.
    const hasVisitorToken = headers["authorization"] !== undefined;
    if (!hasVisitorToken) event = await askForEvent(url, result.headers, healthToken);
    break;
  }
  return { ...request, answers, event, clockAhead };
}

/**
 * Asks for a picture of a route that only tokens open, without a token.
 * @returns undefined: others may open it, too, or it has no URL that is known
 */
async function observeTokenRoute(
  site: ProjectSite,
  route: BoundRoute,
  buckets: readonly BucketSeen[],
  healthToken: string | undefined,
): Promise<TokenRouteSeen | undefined> {
  if (route.tokenRules === undefined) return undefined;

  const path = samplePathOf(site, route, buckets);
  if (path === undefined) return undefined;

  const url = site.baseUrl + path;
  const result = await askSite(url);
  const isRefused = !isNoAnswer(result) && !isPicture(result);
  const event = isRefused ? await askForEvent(url, result.headers, healthToken) : undefined;
  return { route, path, result, event };
}

/** The path of a sample, because that is shown if no token is asked for; else of an object that no bucket has. */
function samplePathOf(
  site: ProjectSite,
  route: BoundRoute,
  buckets: readonly BucketSeen[],
): string | undefined {
  const { config } = site;
  const [variantName] = variantNamesOf(site, route);
  if (variantName === undefined) return undefined;

  const bucketNames = new Set(route.buckets.map(({ name }) => name));
  for (const { bucket, samples } of buckets) {
    if (!bucketNames.has(bucket.name)) continue;

    for (const { key } of samples) {
      const relativeKey = key.slice(bucket.prefix.length);
      const path = variantPathOf(config, route, variantName, relativeKey);
      if (path !== undefined) return path;
    }
  }

  // The parts of the key pattern `photos/:user/*` are `photos/`, `:user`, `/`, `*` and "": each second one is variable.
  const absentName = `vitrine-doctor-${crypto.randomUUID()}`;
  const { parts } = route.mapping.key;
  const absentParts = parts.map((part, index) => (index % 2 === 0 ? part : absentName));
  return variantPathOf(config, route, variantName, absentParts.join(""));
}

/** How far this machine's clock is ahead of the one that wrote a header `date`: s. */
function readClock(headers: Headers, now: number): number | undefined {
  const header = headers.get("date");
  if (header === null) return undefined;

  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.round((now - date) / 1000);
}

/**
 * Asks the Worker, as its operator, why it refuses a URL. Another app may be at that path: it does not get the token.
 * @param headers of the refusal
 * @returns an event of docs/errors.md
 */
async function askForEvent(
  url: string,
  headers: Headers,
  healthToken: string | undefined,
): Promise<string | undefined> {
  if (healthToken === undefined || !isOfVitrine(headers)) return undefined;

  const result = await askSite(url, { authorization: `Bearer ${healthToken}` });
  if (isNoAnswer(result)) return undefined;

  const event = result.headers.get("vitrine-event") ?? "";
  return /^[a-z-]{1,40}$/.test(event) ? event : undefined;
}

/** Asks at most twice for a picture that was there before, to see whether Cloudflare keeps renditions (W11). */
async function askCacheAgain(baseUrl: string, picture: PictureSeen): Promise<CachedAgain> {
  const { query, headers } = picture.access;
  const url = baseUrl + picture.path + query;

  let cache: string | undefined;
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const result = await askSite(url, headers);
    const isImage = !isNoAnswer(result) && result.status === 200;
    cache = isImage ? cacheStatus(result.headers) : undefined;
    if (cache === "hit" || cache === "stale") break;
  }
  return { picture, cache };
}
