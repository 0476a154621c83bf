// Checks an image as three kinds of browsers get it: format, headers, HEAD, conditional requests and Workers Cache; and
// tries to get an original, or a size that nobody allowed, by requests that have got them out of other servers.

import { PROTECTION } from "../../worker/answer/answer.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { mayYield } from "../../worker/edge/guard.ts";
import { acceptedFormatsOf, createTransformRequest } from "../../worker/request/format.ts";
import type { Project } from "../config/project.ts";
import { ACCEPTS, BROWSERS, cacheWord } from "../http/ask-picture.ts";
import { type Body, fetchBody, isLate, reasonOf } from "../http/body.ts";
import { sniff } from "../picture/sniff.ts";
import { diagnoseStatus, LET_PASS } from "./edge.ts";
import { type Check, fail, note, ok, type Result } from "./finding.ts";

/** An image to ask for. */
export type Visit = {
  readonly route: BoundRoute;
  /** Of the variant, as in the URL. */
  readonly name: string;
  readonly variant: Variant;
  readonly base: string;
  readonly path: string;
  /** The object's part of the path, encoded. */
  readonly key: string;
  /** The signature; empty if the route is not signed. */
  readonly query: string;
  /** Undefined if it cannot be read from here. */
  readonly original: Uint8Array | undefined;
};

const TIMEOUT_S = 60;
/** No rendition is so large. */
const MAX_BYTES = 100e6;
const SVG = "image/svg+xml";
const FIND_WORKER = "find out which Workers answer on that domain: npx wrangler deployments list";
const FIND_RULE = "a rule of the zone changes it (Rules → Transform Rules): remove that rule";

/** Asks the deployed Worker as a modern browser does, and follows no redirect. */
export async function askSite(
  url: string,
  init: RequestInit = {},
): Promise<Body | { readonly reason: string }> {
  const headers = new Headers(init.headers);
  if (!headers.has("accept")) headers.set("accept", ACCEPTS.avif);
  try {
    return await fetchBody(url, { ...init, headers }, TIMEOUT_S, () => MAX_BYTES);
  } catch (error) {
    return { reason: isLate(error) ? `none within ${TIMEOUT_S} s` : reasonOf(error) };
  }
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}

/** @param hasTricks whether to try to get an original out as well */
export async function checkImage(
  { config, local }: Project,
  visit: Visit,
  hasTricks: boolean,
): Promise<readonly Result[]> {
  const answers = await askAsBrowsers(visit, local);
  if ("check" in answers) return [answers];
  const [first] = answers;
  if (first === undefined) return [];
  const types = answers.map(({ headers }) => headers.get("content-type"));
  const results = [
    ok("image", `${visit.name}: ${first.bytes.length.toLocaleString("en")} bytes`),
    ok("formats", `each browser gets one that it reads: ${types.join(", ")}`),
    ...(await checkHeaders(first, visit, config.answers.max_age)),
  ];
  // An SVG has no rendition but the original (R8).
  if (!hasTricks || sniff(first.bytes) === SVG) return results;
  return [...results, await tryToGetOriginals(visit, config.variants, first)];
}

/** @returns what is wrong, or what each browser gets */
async function askAsBrowsers(
  { route, base, path, query, variant, original }: Visit,
  local: boolean,
): Promise<Result | readonly Body[]> {
  const answers: Body[] = [];
  for (const { browser, readable } of BROWSERS) {
    const answer = await askSite(base + path + query, { headers: { accept: ACCEPTS[browser] } });
    if ("reason" in answer) {
      const impact = "whether visitors get an answer is not known";
      const remedy = "check that the domain leads to Cloudflare, and that this machine is online";
      return fail("image", { seen: `no answer: ${answer.reason}`, impact, remedy });
    }
    if (answer.status !== 200) return diagnoseStatus(answer.status, path, local);
    const type = (answer.headers.get("content-type") ?? "").replace(/;.*/s, "");
    // A clean SVG is passed on as it is (R8).
    const isPassedOn = type === SVG && route.svg;
    if (!isPassedOn && isSame(answer.bytes, original)) {
      return originalsFault("the answer is the original, byte for byte");
    }
    const formats = acceptedFormatsOf(variant, readable, route.svg);
    const isRight = isPassedOn || mayYield(createTransformRequest(variant, formats), type);
    const real = sniff(answer.bytes);
    if (real !== type || !isRight) {
      return fail("formats", {
        seen: `a browser whose best format is ${browser} gets ${type || "no type"}, and the bytes are ${real ?? "no image"}`,
        impact: "browsers show a broken image, or download more bytes than they need",
        remedy: "turn off what ignores the vary header: a cache rule of the zone, or cache.enabled",
        bearing: "harmless",
      });
    }
    answers.push(answer);
  }
  return answers;
}

/** The headers that visitors get, HEAD, and the request of a browser that has the image already. */
async function checkHeaders(
  { headers }: Body,
  { route, variant, base, path, query }: Visit,
  maxAge: number,
): Promise<Result[]> {
  const results: Result[] = [];
  const report = (check: Check, seen: string, remedy: string) => {
    const impact = "browsers or caches show the wrong image, or load one again that they have";
    results.push(fail(check, { severity: "warning", seen, impact, remedy, bearing: "harmless" }));
  };
  const isVaried = /\baccept\b/i.test(headers.get("vary") ?? "");
  const others = [
    ...(variant.format === "auto" && !route.svg && !isVaried ? ["vary"] : []),
    ...Object.entries(PROTECTION).flatMap(([name, value]) =>
      headers.get(name) === value ? [] : [name],
    ),
  ];
  if (others.length > 0) report("headers", `not as the Worker sends it: ${others}`, FIND_RULE);
  const leaked = [...headers.keys()].filter((name) => name.startsWith("x-amz-"));
  if (leaked.length > 0) report("headers", `S3's own ${leaked} reaches visitors`, FIND_WORKER);
  const control = headers.get("cache-control") ?? "none";
  const right = route.signing ? /^public, max-age=\d+, must-revalidate/ : /^public, max-age=(\d+)$/;
  const [whole, age = maxAge] = right.exec(control) ?? [];
  if (whole === undefined || Number(age) !== maxAge) {
    const seen = `cache-control is ${control}, but wrangler.toml has max_age = ${maxAge}`;
    const respect = "set the zone's Browser Cache TTL to Respect Existing Headers";
    report("cache", seen, `npx vitrine deploy if max_age has changed. Or ${respect}`);
  }
  const url = base + path + query;
  const etag = headers.get("etag");
  const head = await askSite(url, { method: "HEAD" });
  const again = await askSite(url, { headers: { "if-none-match": etag ?? "*" } });
  const [first, second] = [head, again].map((one) => ("status" in one ? one.status : one.reason));
  if (first !== 200 || (etag !== null && second !== 304)) {
    report("headers", `HEAD gets ${first}, not 200, or a known etag ${second}, not 304`, LET_PASS);
  }
  if (results.length > 0) return results;
  return [
    ok("headers", "those of the Worker, and none of S3"),
    ok(
      "cache",
      `cache-control: ${control}; ${etag === null ? "there is no etag" : "304 by its etag"}`,
    ),
  ];
}

/** Its name; what is asked for, after the site's address; and whether another app's image may be there. */
type Trick = readonly [name: string, path: string, init?: RequestInit, isElsewhere?: true];

function tricksFor(visit: Visit, variants: ReadonlyMap<string, Variant>): readonly Trick[] {
  const { path, query, name, key } = visit;
  const own = path + query;
  const mark = query ? "&" : "?";
  const preset = name.replace(/@.*/, "");
  const others = [
    "original",
    "public",
    `${preset}@4000w`,
    `${preset}@3x`,
    "width=4000,quality=100",
  ];
  const withVariant = (variant: string): Trick => {
    const other = path.replace(`/${name}`, `/${encodeURIComponent(variant)}`);
    return [`the variant "${variant}"`, other + query];
  };
  return [
    ...others.filter((one) => !variants.has(one)).map(withVariant),
    ["?width=4000", `${own}${mark}width=4000&height=4000&fit=scale-up`],
    ["?format=json", `${own}${mark}format=json`],
    ["?original=1", `${own}${mark}original=1&raw=1&download=1`],
    ["a range", own, { headers: { range: "bytes=0-99999999" } }],
    ["no-transform", own, { headers: { "cache-control": "no-transform" } }],
    ["the edge's own via", own, { headers: { via: "1.1 image-resizing-proxy" } }], // E8
    ["x-original-url", own, { headers: { "x-original-url": "/", "x-rewrite-url": "/" } }],
    ["POST", own, { method: "POST" }],
    ["the key alone", `/${key}`, {}, true],
    ["a path without a variant", path.replace(`/${name}`, ""), {}, true],
    ["an encoded ..", path.replace(`/${name}`, `/${name}/x%2F..%2F..`), {}, true],
    ["an encoded slash", path.replace(`/${name}/`, `/${name}%2F`), {}, true],
    ["the edge's own URLs", `/cdn-cgi/image/width=4000,fit=scale-up${own}`, {}, true],
  ];
}

/** @param rendition what visitors should get */
async function tryToGetOriginals(
  visit: Visit,
  variants: ReadonlyMap<string, Variant>,
  rendition: Body,
): Promise<Result> {
  const successes: string[] = [];
  let unknown = 0;
  const etag = rendition.headers.get("etag");
  for (const [name, path, init, isElsewhere] of tricksFor(visit, variants)) {
    const answer = await askSite(visit.base + path, init);
    // Too many requests, or an error, prove nothing.
    if ("reason" in answer || /^(?:429|50[0234])$/.test(`${answer.status}`)) unknown += 1;
    else if (answer.status < 300) {
      const hasItsTag = etag !== null && etag === answer.headers.get("etag");
      const isRendition = hasItsTag || isSame(answer.bytes, rendition.bytes);
      const isOther = !isElsewhere && !isRendition && sniff(answer.bytes) !== undefined;
      if (isOther || isSame(answer.bytes, visit.original)) successes.push(name);
    }
  }
  if (successes.length > 0) {
    return originalsFault(`an image that no preset allows comes out by ${successes.join("; by ")}`);
  }
  return unknown === 0
    ? ok("originals", "no trick gets the original, or another size")
    : note("originals", `${unknown} tricks were not answered: try again`);
}

function originalsFault(seen: string): Result {
  const impact = "originals must stay in the bucket, and every size costs money";
  return fail("originals", { seen, impact, remedy: FIND_WORKER, bearing: "harmless" });
}

/** If renditions are cached for less than that, a second request may be too late: s. */
const SHORT_S = 60;

/**
 * Asks twice for an image that was there before, to see whether Cloudflare caches renditions (W11).
 * @param keep for how long wrangler.toml has renditions cached: s
 */
export async function checkWorkersCache({ base, path, query }: Visit, keep: number) {
  if (keep < SHORT_S) return note("workers-cache", `unknown: keep in wrangler.toml is ${keep} s`);
  let word: string | undefined;
  for (let attempt = 0; attempt < 2; attempt++) {
    const answer = await askSite(base + path + query);
    word = "status" in answer && answer.status === 200 ? cacheWord(answer.headers) : undefined;
    if (word === "hit" || word === "stale") return ok("workers-cache", "it caches them worldwide");
  }
  if (word !== "direct" && word !== "miss" && word !== "stored") {
    return note("workers-cache", "whether renditions are cached is unknown");
  }
  return fail("workers-cache", {
    severity: "warning",
    seen: `an image that was shown before did not come out of Workers Cache: cache is "${word}"`,
    impact: "visitors wait longer: each of Cloudflare's data centres makes every rendition anew",
    remedy:
      "npx vitrine deploy, if [cache], [exports], keep or compatibility_date in wrangler.toml are new: npx vitrine check looks at them. Else see docs/errors.md#cache-unusable, or do without the cache: keep = 0 in [vars.ANSWERS]",
    bearing: "harmless",
  });
}
