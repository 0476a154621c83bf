// Checks an image of each route as three kinds of browsers get it: format, headers, HEAD, conditional requests,
// fallbacks and Workers Cache. Tries to get an original, or a size that nobody allowed, by requests that have got them
// out of other servers.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { mayShow } from "../../worker/edge/guard.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import { resolveRequest } from "../../worker/request/resolve-request.ts";
import { browserFormatsOf } from "../../worker/request/transform-request.ts";
import { PROTECTION, SHORT_S } from "../../worker/response/answer.ts";
import { isFault } from "../command.ts";
import type { Project, ProjectSite } from "../config/project.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { ACCEPTS, BROWSERS, cacheStatus } from "../http/ask-picture.ts";
import { type Body, fetchText, isNoAnswer } from "../http/body.ts";
import { objectNameOf } from "../objects/bucket-key.ts";
import { sniffImageType } from "../picture/sniff.ts";
import { commandLine } from "../terminal/shell.ts";
import { signForNow, variantNamesOf, variantPathOf } from "../urls/public-url.ts";
import { type Examination, findHolder, type Sample } from "./bucket.ts";
import { diagnoseStatus, LET_PASS } from "./edge.ts";
import type { Finding, Result } from "./finding.ts";
import { findingsOf, isResult, note, ok, problem } from "./finding.ts";

export type ImageRequest = {
  readonly route: BoundRoute;
  readonly name: string;
  readonly variant: Variant;
  readonly baseUrl: string;
  readonly path: string;
  /** The signature; empty if the route is not signed. */
  readonly query: string;
  /** Undefined if the original cannot be read from here. */
  readonly original: Uint8Array | undefined;
};

const TIMEOUT_S = 60;
/** All renditions are smaller. */
const MAX_BYTES = 100e6;
const SVG = "image/svg+xml";
const FIND_WORKER = "find out which Workers answer on that domain: npx wrangler deployments list";
const FIND_RULE = "a rule of the zone changes it (Rules → Transform Rules): remove that rule";

type HeaderFields = Readonly<Record<string, string>>;

/** Asks the deployed Worker as a modern browser does, and follows no redirect. */
export function askSite(url: string, headers: HeaderFields = {}, method = "GET") {
  const init = { method, headers: { accept: ACCEPTS.avif, ...headers } };
  return fetchText(url, init, TIMEOUT_S, MAX_BYTES);
}

const NO_OBJECT = problem("image", {
  severity: "warning",
  seen: "no image was requested, because no object is known",
  impact: "the doctor did not see what visitors get",
  remedy: "name an object that exists, such as photos/fig.jpg",
  bearing: "consequence",
});

/**
 * Checks an image of each bucket of each route.
 * @param samples an original of each bucket, by the bucket's name, if one is known
 * @returns what is found, and a request whose image visitors get
 */
export async function checkRoutes(
  site: ProjectSite & Examination,
  samples: ReadonlyMap<string, Sample>,
): Promise<{ findings: Finding[]; example?: ImageRequest | undefined }> {
  const { config, baseUrl } = site;
  const findings: Finding[] = [];
  let example: ImageRequest | undefined;
  for (const [route, bucket] of config.routes.flatMap(pairsOf)) {
    const request = await planRequest(site, route, bucket, samples.get(bucket.name));
    if (request === undefined) continue;
    if (isResult(request)) {
      findings.push(...findingsOf(`${baseUrl}: the route ${route.path}`, bucket.name, [request]));
      continue;
    }
    const keyOf = ({ name, prefix }: Bucket) => samples.get(name)?.key.slice(prefix.length);
    // Buckets with the same key have one URL. It is requested once, for a bucket whose original is known, if any.
    const same = route.buckets.filter((other) => keyOf(other) === keyOf(bucket));
    const chosen = same.find(({ name }) => samples.get(name)?.bytes) ?? same[0];
    if (bucket !== chosen) continue;
    const results = await checkImage(site, request);
    const [image] = results;
    if (image?.severity === "ok" && route.buckets.length > 1) {
      const { holder, unknown } = await findHolder(site, route.buckets, keyOf(bucket) ?? "");
      const source = unknown ? `${unknown.name} or a later one` : holder?.name;
      results[0] = { ...image, seen: `${image.seen}, of ${source ?? "no bucket: it is kept"}` };
    }
    findings.push(...findingsOf(baseUrl + request.path, bucket.name, results));
    if (results.length > 1) example ??= request; // a single result is a fault
  }
  if (findings.length === 0) findings.push({ about: baseUrl, ...NO_OBJECT });
  return { findings, example };
}

const pairsOf = (route: BoundRoute) => route.buckets.map((bucket) => [route, bucket] as const);

/** Plans the request for a sample at the first preset of a route. @returns why not; undefined: the sample has no URL */
async function planRequest(
  site: ProjectSite & Examination,
  route: BoundRoute,
  { prefix }: Bucket,
  sample: Sample | undefined,
): Promise<ImageRequest | Result | undefined> {
  const [name = ""] = variantNamesOf(site, route);
  const variant = site.config.variants.get(name);
  const key = sample?.key.slice(prefix.length) ?? "";
  const path = variantPathOf(site.config, route, name, key);
  if (sample === undefined || variant === undefined || path === undefined) return undefined;
  const query = await signForNow(site, route, { preset: variant.preset, key }, site.now());
  if (isFault(query)) return note("image", `not requested: ${query.fault}`);
  return { route, name, variant, baseUrl: site.baseUrl, path, query, original: sample.bytes };
}

function isSame(bytes: Uint8Array, original: Uint8Array | undefined): boolean {
  return original !== undefined && Buffer.compare(bytes, original) === 0;
}

async function checkImage({ config, local }: Project, request: ImageRequest): Promise<Result[]> {
  const answers = await askAsBrowsers(request, local);
  if (isResult(answers)) return [answers];
  const [first] = answers;
  if (first === undefined) return [];
  const types = answers.map(({ headers }) => headers.get("content-type"));
  const results = [
    ok("image", `${request.name}: ${first.bytes.length.toLocaleString("en")} bytes`),
    ok("formats", `each browser gets one that it reads: ${types.join(", ")}`),
    ...(await checkHeaders(first.headers, request, config.answers.max_age)),
  ];
  // An SVG has no rendition but the original (R8).
  if (sniffImageType(first.bytes) !== SVG)
    results.push(await tryToGetOriginals(request, config, first));
  return results;
}

/** @returns what is wrong, or what each browser gets */
async function askAsBrowsers(
  { route, baseUrl, path, query, variant, original }: ImageRequest,
  local: boolean,
): Promise<Result | readonly Body[]> {
  const answers: Body[] = [];
  for (const { browser, readable } of BROWSERS) {
    const result = await askSite(baseUrl + path + query, { accept: ACCEPTS[browser] });
    if (isNoAnswer(result)) {
      const impact = "whether visitors get an answer is not known";
      const remedy = "check that the domain leads to Cloudflare, and that this machine is online";
      return problem("image", { seen: `no answer: ${result.reason}`, impact, remedy });
    }

    const { status, headers, bytes } = result;
    if (status !== 200) return diagnoseStatus(status, path, local);

    const type = (headers.get("content-type") ?? "").replace(/;.*/s, "");
    // A clean SVG is passed on as it is (R8).
    const isPassedOn = type === SVG && route.svg;
    if (!isPassedOn && isSame(bytes, original)) {
      return originalsFault("the answer is the original, byte for byte");
    }

    const formats = acceptedFormatsOf(variant, readable, route.svg);
    const isRight = isPassedOn || mayShow(variant, browserFormatsOf(formats), type);
    const actualType = sniffImageType(bytes);
    if (actualType !== type || !isRight) {
      return problem("formats", {
        seen: `a browser whose best format is ${browser} gets ${type || "no type"}, and the bytes are ${actualType ?? "no image"}`,
        impact: "browsers show a broken image, or download more bytes than they need",
        remedy: "turn off what ignores the vary header: a cache rule of the zone, or cache.enabled",
        bearing: "harmless",
      });
    }
    answers.push(result);
  }
  return answers;
}

/** The headers that visitors get, HEAD, and the request of a browser that has the image already. */
async function checkHeaders(
  headers: Headers,
  { route, variant, baseUrl, path, query }: ImageRequest,
  maxAge: number,
): Promise<Result[]> {
  const protection = Object.entries(PROTECTION);
  const names = protection.flatMap(([name, text]) => (headers.get(name) === text ? [] : [name]));
  const isVaried = /\baccept\b/i.test(headers.get("vary") ?? "");
  if (variant.format === "auto" && !route.svg && !isVaried) names.push("vary");
  const leaked = [...headers.keys()].filter((name) => name.startsWith("x-amz-"));
  const control = headers.get("cache-control") ?? "none";
  const right = route.signing ? /^public, max-age=\d+, must-revalidate/ : /^public, max-age=(\d+)$/;
  const [, age = maxAge] = right.exec(control) ?? [undefined, Number.NaN];
  const isStored = cacheStatus(headers) === "stored"; // a minute is right if S3 is down
  const isAsConfigured = Number(age) === maxAge || (isStored && Number(age) === SHORT_S);
  const etag = headers.get("etag");
  const head = await askSite(baseUrl + path + query, {}, "HEAD");
  const again = await askSite(baseUrl + path + query, { "if-none-match": etag ?? "*" });
  const [first, next] = [head, again].map((answer) =>
    isNoAnswer(answer) ? answer.reason : answer.status,
  );
  const isAnswered = first === 200 && (etag === null || next === 304);
  const redeploy =
    "npx vitrine deploy if max_age has changed. Or set the zone's Browser Cache TTL to Respect Existing Headers";
  const rows = [
    [names.length === 0, "headers", `not as the Worker sends it: ${names}`, FIND_RULE],
    [leaked.length === 0, "headers", `S3's own ${leaked} reaches visitors`, FIND_WORKER],
    [isAsConfigured, "cache", `cache-control is ${control}, not of max_age = ${maxAge}`, redeploy],
    [isAnswered, "headers", `HEAD gets ${first}, or a known etag ${next}, not 304`, LET_PASS],
  ] as const;
  const impact = "browsers or caches show the wrong image, or load one again that they have";
  const faults = rows.filter(([isRight]) => !isRight);
  if (faults.length === 0) {
    return [ok("headers", "those of the Worker, and none of S3"), ok("cache", control)];
  }
  return faults.map(([, check, seen, remedy]) => {
    // Workers Cache has the short max-age of an outage, too, and does not say so.
    const bearing = check === "cache" ? "consequence" : "harmless";
    return problem(check, { severity: "warning", seen, impact, remedy, bearing });
  });
}

/** A request that must not get an original. `isElsewhere`: another app's image may be at that URL. */
type Trick = readonly [name: string, path: string, headers?: HeaderFields, isElsewhere?: true];

function tricksFor({ path, query, name }: ImageRequest, config: Config): readonly Trick[] {
  const ownPath = path + query;
  const key = path.slice(path.indexOf(`/${name}/`) + name.length + 2);
  const mark = query ? "&" : "?";
  const variants = ["original", `${name.replace(/@.*/, "")}@4000w`, "width=4000,quality=100"];
  const withVariant = (variant: string): Trick => {
    const otherPath = path.replace(`/${name}`, `/${encodeURIComponent(variant)}`);
    return [`the variant "${variant}"`, otherPath + query];
  };
  return [
    ...variants.filter((variant) => !config.variants.has(variant)).map(withVariant),
    ["?width=4000", `${ownPath}${mark}width=4000&height=4000&fit=scale-up`],
    ["?original=1", `${ownPath}${mark}original=1&raw=1&download=1`],
    ["a range", ownPath, { range: "bytes=0-99999999" }],
    ["no-transform", ownPath, { "cache-control": "no-transform" }],
    ["the edge's own via", ownPath, { via: "1.1 image-resizing-proxy" }], // E8
    ["the key alone", `/${key}`, {}, true],
    ["a path without a variant", path.replace(`/${name}`, ""), {}, true],
    ["an encoded slash", path.replace(`/${name}/`, `/${name}%2F`), {}, true],
    ["the edge's own URLs", `/cdn-cgi/image/width=4000,fit=scale-up${ownPath}`, {}, true],
  ];
}

/** Sends each trick. @param rendition what visitors should get, and the only image that may come */
async function tryToGetOriginals(request: ImageRequest, config: Config, rendition: Body) {
  const successes: string[] = [];
  let unknown = 0;
  const etag = rendition.headers.get("etag");
  for (const [name, path, headers, isElsewhere] of tricksFor(request, config)) {
    const result = await askSite(request.baseUrl + path, headers);
    // Too many requests, or an error, prove nothing.
    if (isNoAnswer(result) || /^(?:429|50[0234])$/.test(`${result.status}`)) {
      unknown += 1;
      continue;
    }
    if (result.status >= 300) continue;

    const hasItsTag = etag !== null && etag === result.headers.get("etag");
    const isRendition = hasItsTag || isSame(result.bytes, rendition.bytes);
    const isOther = !isElsewhere && !isRendition && sniffImageType(result.bytes) !== undefined;
    if (isOther || isSame(result.bytes, request.original)) successes.push(name);
  }

  if (successes.length > 0) {
    return originalsFault(`an image that no preset allows comes out by ${successes.join("; by ")}`);
  }
  if (unknown > 0) return note("originals", `${unknown} tricks were not answered: try again`);
  return ok("originals", "no trick gets the original, or another size");
}

function originalsFault(seen: string): Result {
  const impact = "originals must stay in the bucket, and every size costs money";
  return problem("originals", { seen, impact, remedy: FIND_WORKER, bearing: "harmless" });
}

/** Checks whether visitors see the fallback of a route where an object is missing. */
export async function checkFallbacks(site: ProjectSite & Examination): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const route of site.config.routes) {
    if (route.fallback === undefined) continue;
    const about = `${site.baseUrl}: the route ${route.path}`;
    const result = await checkFallback(site, route, route.fallback);
    findings.push({ about, bucket: route.fallback.bucket.name, ...result });
  }
  return findings;
}

async function checkFallback(
  site: ProjectSite & Examination,
  route: BoundRoute,
  { bucket, key }: NonNullable<BoundRoute["fallback"]>,
): Promise<Result> {
  const [variant = ""] = variantNamesOf(site, route);
  const path = route.path
    .replace(":preset", encodeURIComponent(variant))
    .replaceAll(/:\w+|\*/g, `vitrine-doctor-${crypto.randomUUID()}`);
  const { variant: resolved, ...request } = resolveRequest(site.config, path);
  const isOurs = request.route === route && resolved !== undefined;
  const grant = isOurs && { preset: resolved.preset, key: request.relativeKey };
  const query = grant && (await signForNow(site, route, grant, site.now()));
  const answer = typeof query === "string" ? await askSite(site.baseUrl + path + query) : undefined;
  const isUnclear = !answer || isNoAnswer(answer) || answer.status !== 404;
  if (isUnclear || !isOfVitrine(answer.headers)) {
    const unknown = "no URL is at hand, or something in front answers";
    return note("fallback", `whether its fallback is shown is unknown: ${unknown}`);
  }
  if (sniffImageType(answer.bytes) !== undefined)
    return ok("fallback", "a missing object shows it");
  const object = { bucket, key: key.slice(bucket.prefix.length) };
  const doctor = commandLine("doctor", {}, [objectNameOf(site.config.buckets, object)]);
  return problem("fallback", {
    severity: "warning",
    seen: `a missing object does not show the fallback ${key}, but answers 404 without an image`,
    impact: "visitors see a broken image where an object is missing",
    // The deployed fallback may be another one than that of wrangler.toml, which may be a good image.
    remedy: `npx vitrine deploy if wrangler.toml has changed. Else see what is wrong with that object: ${doctor}`,
  });
}

/** If renditions are cached for less, a second request may come too late: s. */
const MIN_KEEP_S = 60;

/**
 * Asks twice for an image that was there before, to see whether Cloudflare caches renditions (W11).
 * @param keep for how long wrangler.toml has renditions cached: s
 */
export async function checkWorkersCache({ baseUrl, path, query }: ImageRequest, keep: number) {
  if (keep < MIN_KEEP_S)
    return note("workers-cache", `unknown: keep in wrangler.toml is ${keep} s`);
  let cache = "";
  for (let attempt = 0; attempt < 2; attempt++) {
    const result = await askSite(baseUrl + path + query);
    const isImage = !isNoAnswer(result) && result.status === 200;
    cache = (isImage && cacheStatus(result.headers)) || "";
    if (cache === "hit" || cache === "stale") {
      return ok("workers-cache", "it caches them worldwide");
    }
  }

  if (!["direct", "miss", "stored"].includes(cache)) {
    return note("workers-cache", "whether renditions are cached is unknown");
  }
  return problem("workers-cache", {
    severity: "warning",
    seen: `an image that was shown before did not come out of Workers Cache: cache is "${cache}"`,
    impact: "visitors wait longer: each of Cloudflare's data centres makes every rendition anew",
    remedy:
      "npx vitrine deploy, if [cache], [exports], keep or compatibility_date in wrangler.toml are new: npx vitrine check looks at them. Else see docs/errors.md#cache-unusable, or do without the cache: keep = 0 in [vars.ANSWERS]",
  });
}
