// Checks an image as three kinds of browsers get it: format, headers, HEAD, conditional requests and Workers Cache; and
// tries to get an original, or a size that nobody allowed, by requests that have got them out of other servers.

import type { Config } from "../../worker/config/config.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { mayYield } from "../../worker/edge/guard.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import { createTransformRequest } from "../../worker/request/transform-request.ts";
import { PROTECTION } from "../../worker/response/answer.ts";
import type { Project } from "../config/project.ts";
import { ACCEPTS, BROWSERS, cacheStatus } from "../http/ask-picture.ts";
import { type Body, fetchText } from "../http/body.ts";
import { sniff } from "../picture/sniff.ts";
import { diagnoseStatus, LET_PASS } from "./edge.ts";
import { fail, note, ok, type Result } from "./finding.ts";

export type Visit = {
  readonly route: BoundRoute;
  /** Of the variant, as in the URL. */
  readonly name: string;
  readonly variant: Variant;
  readonly baseUrl: string;
  readonly path: string;
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

type HeaderFields = Readonly<Record<string, string>>;

/** Asks the deployed Worker as a modern browser does, and follows no redirect. */
export function askSite(url: string, headers: HeaderFields = {}, method = "GET") {
  const init = { method, headers: { accept: ACCEPTS.avif, ...headers } };
  return fetchText(url, init, TIMEOUT_S, MAX_BYTES);
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}

export async function checkImage({ config, local }: Project, visit: Visit): Promise<Result[]> {
  const answers = await askAsBrowsers(visit, local);
  if ("check" in answers) return [answers];
  const [first] = answers;
  if (first === undefined) return [];
  const types = answers.map(({ headers }) => headers.get("content-type"));
  const results = [
    ok("image", `${visit.name}: ${first.bytes.length.toLocaleString("en")} bytes`),
    ok("formats", `each browser gets one that it reads: ${types.join(", ")}`),
    ...(await checkHeaders(first.headers, visit, config.answers.max_age)),
  ];
  // An SVG has no rendition but the original (R8).
  if (sniff(first.bytes) !== SVG) results.push(await tryToGetOriginals(visit, config, first));
  return results;
}

/** @returns what is wrong, or what each browser gets */
async function askAsBrowsers(
  { route, baseUrl, path, query, variant, original }: Visit,
  local: boolean,
): Promise<Result | readonly Body[]> {
  const answers: Body[] = [];
  for (const { browser, readable } of BROWSERS) {
    const answer = await askSite(baseUrl + path + query, { accept: ACCEPTS[browser] });
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
  headers: Headers,
  { route, variant, baseUrl, path, query }: Visit,
  maxAge: number,
): Promise<Result[]> {
  const changed = Object.entries(PROTECTION).filter(([name, text]) => headers.get(name) !== text);
  const names = changed.map(([name]) => name);
  const isVaried = /\baccept\b/i.test(headers.get("vary") ?? "");
  if (variant.format === "auto" && !route.svg && !isVaried) names.push("vary");
  const leaked = [...headers.keys()].filter((name) => name.startsWith("x-amz-"));
  const control = headers.get("cache-control") ?? "none";
  const right = route.signing ? /^public, max-age=\d+, must-revalidate/ : /^public, max-age=(\d+)$/;
  const [, age = maxAge] = right.exec(control) ?? [undefined, Number.NaN];
  const isAsConfigured = Number(age) === maxAge;
  const etag = headers.get("etag");
  const head = await askSite(baseUrl + path + query, {}, "HEAD");
  const again = await askSite(baseUrl + path + query, { "if-none-match": etag ?? "*" });
  const [first, second] = [head, again].map((one) => ("status" in one ? one.status : one.reason));
  const isAnswered = first === 200 && (etag === null || second === 304);
  const redeploy =
    "npx vitrine deploy if max_age has changed. Or set the zone's Browser Cache TTL to Respect Existing Headers";
  const rows = [
    [names.length === 0, "headers", `not as the Worker sends it: ${names}`, FIND_RULE],
    [leaked.length === 0, "headers", `S3's own ${leaked} reaches visitors`, FIND_WORKER],
    [isAsConfigured, "cache", `cache-control is ${control}, not of max_age = ${maxAge}`, redeploy],
    [isAnswered, "headers", `HEAD gets ${first}, or a known etag ${second}, not 304`, LET_PASS],
  ] as const;
  const impact = "browsers or caches show the wrong image, or load one again that they have";
  const problem = { severity: "warning", impact, bearing: "harmless" } as const;
  const faults = rows.filter(([isRight]) => !isRight);
  if (faults.length === 0) {
    return [ok("headers", "those of the Worker, and none of S3"), ok("cache", control)];
  }
  return faults.map(([, check, seen, remedy]) => fail(check, { ...problem, seen, remedy }));
}

/** `isElsewhere`: another app's image may be there. */
type Trick = readonly [name: string, path: string, headers?: HeaderFields, isElsewhere?: true];

function tricksFor({ path, query, name }: Visit, config: Config): readonly Trick[] {
  const own = path + query;
  const key = path.slice(path.indexOf(`/${name}/`) + name.length + 2);
  const mark = query ? "&" : "?";
  const others = ["original", `${name.replace(/@.*/, "")}@4000w`, "width=4000,quality=100"];
  const withVariant = (variant: string): Trick => {
    const other = path.replace(`/${name}`, `/${encodeURIComponent(variant)}`);
    return [`the variant "${variant}"`, other + query];
  };
  return [
    ...others.filter((one) => !config.variants.has(one)).map(withVariant),
    ["?width=4000", `${own}${mark}width=4000&height=4000&fit=scale-up`],
    ["?original=1", `${own}${mark}original=1&raw=1&download=1`],
    ["a range", own, { range: "bytes=0-99999999" }],
    ["no-transform", own, { "cache-control": "no-transform" }],
    ["the edge's own via", own, { via: "1.1 image-resizing-proxy" }], // E8
    ["the key alone", `/${key}`, {}, true],
    ["a path without a variant", path.replace(`/${name}`, ""), {}, true],
    ["an encoded slash", path.replace(`/${name}/`, `/${name}%2F`), {}, true],
    ["the edge's own URLs", `/cdn-cgi/image/width=4000,fit=scale-up${own}`, {}, true],
  ];
}

/** @param rendition what visitors should get */
async function tryToGetOriginals(visit: Visit, config: Config, rendition: Body): Promise<Result> {
  const successes: string[] = [];
  let unknown = 0;
  const etag = rendition.headers.get("etag");
  for (const [name, path, headers, isElsewhere] of tricksFor(visit, config)) {
    const answer = await askSite(visit.baseUrl + path, headers);
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
  if (unknown > 0) return note("originals", `${unknown} tricks were not answered: try again`);
  return ok("originals", "no trick gets the original, or another size");
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
export async function checkWorkersCache({ baseUrl, path, query }: Visit, keep: number) {
  if (keep < SHORT_S) return note("workers-cache", `unknown: keep in wrangler.toml is ${keep} s`);
  let word = "";
  for (let attempt = 0; attempt < 2; attempt++) {
    const answer = await askSite(baseUrl + path + query);
    word = "status" in answer && answer.status === 200 ? (cacheStatus(answer.headers) ?? "") : "";
    if (word === "hit" || word === "stale") return ok("workers-cache", "it caches them worldwide");
  }
  if (!["direct", "miss", "stored"].includes(word)) {
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
