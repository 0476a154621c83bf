// Checks an image as three kinds of browsers get it: format, headers, HEAD, conditional requests and Workers Cache; and
// tries to get an original, or a size that nobody allowed, by requests that have got them out of other servers.

import { PROTECTION } from "../../worker/answer/answer.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { mayYield } from "../../worker/edge/guard.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  readAccept,
} from "../../worker/request/format.ts";
import type { Project } from "../config/project.ts";
import { cacheWord, isOutOfCache } from "../http/ask-picture.ts";
import { type Body, fetchBody, isLate, reasonOf } from "../http/body.ts";
import { sniff } from "../picture/sniff.ts";
import { diagnoseStatus, LET_PASS } from "./edge.ts";
import { type Check, fail, note, ok, type Result } from "./finding.ts";

/** An image to ask for. */
export type Visit = {
  readonly route: BoundRoute;
  /** The variant, as in the URL. */
  readonly name: string;
  readonly variant: Variant;
  readonly base: string;
  readonly path: string;
  /** The object's part of the path, encoded. */
  readonly key: string;
  readonly query: string;
  /** Undefined if it cannot be read from here. */
  readonly original: Uint8Array | undefined;
};

const TIMEOUT_S = 60;
/** No rendition is so large. */
const MAX_BYTES = 100e6;
const SVG = "image/svg+xml";

/** What three kinds of browsers send. */
const ACCEPTS = [
  ["AVIF", "image/avif,image/webp,image/*,*/*;q=0.8"],
  ["WebP", "image/webp,image/*,*/*;q=0.8"],
  ["neither", "image/*,*/*;q=0.8"],
] as const;

/** Asks the deployed Worker as a modern browser does, and follows no redirect. */
export async function askSite(
  url: string,
  init: RequestInit = {},
): Promise<Body | { readonly reason: string }> {
  const headers = new Headers(init.headers);
  if (!headers.has("accept")) headers.set("accept", ACCEPTS[0][1]);
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
  const formats = await checkFormats(visit, local);
  if ("check" in formats) return [formats];
  const { first, types } = formats;
  const size = first.bytes.length.toLocaleString("en");
  // What is cached would come also if the edge transformed nothing now (W8).
  const how = isOutOfCache(first.headers)
    ? "out of Workers Cache, or the store"
    : "it is transformed";
  const results = [
    ok("image", `${visit.name}: ${size} bytes; ${how}`),
    ok("formats", types.join(", ")),
    ...(await checkHeaders(first, visit, config.answers.max_age)),
  ];
  // An SVG has no rendition but the original (R8).
  if (!hasTricks || sniff(first.bytes) === SVG) return results;
  return [...results, await tryToGetOriginals(visit, config.variants, first)];
}

/** @returns what is wrong, or what the first browser gets, and the types by browser */
async function checkFormats(
  { route, base, path, query, variant, original }: Visit,
  local: boolean,
): Promise<Result | { readonly first: Body; readonly types: readonly string[] }> {
  let first: Body | undefined;
  const types: string[] = [];
  for (const [browser, accept] of ACCEPTS) {
    const answer = await askSite(base + path + query, { headers: { accept } });
    if ("reason" in answer) {
      return fail("image", {
        seen: `no answer: ${answer.reason}`,
        impact: "whether visitors get an answer is not known",
        remedy: "check that the domain leads to Cloudflare, and that this machine is online",
      });
    }
    if (answer.status !== 200) return diagnoseStatus(answer.status, path, local);
    const type = (answer.headers.get("content-type") ?? "").replace(/;.*/s, "");
    // A clean SVG is passed on as it is (R8).
    const isPassedOn = type === SVG && route.svg;
    if (!isPassedOn && isSame(answer.bytes, original)) {
      return originalsFault("the answer is the original, byte for byte");
    }
    const formats = acceptedFormatsOf(variant, readAccept(accept), route.svg);
    const isRight = isPassedOn || mayYield(createTransformRequest(variant, formats), type);
    const real = sniff(answer.bytes);
    if (real !== type || !isRight) {
      const but = real === type ? "" : `, but the bytes are ${real ?? "no image"}`;
      return fail("formats", {
        seen: `a browser that reads ${browser} gets ${type || "no type"}${but}`,
        impact: "browsers show a broken image, or download more bytes than they need",
        remedy: "turn off what ignores the vary header: a cache rule of the zone, or cache.enabled",
        bearing: "harmless",
      });
    }
    types.push(`${type.replace("image/", "")} for ${browser}`);
    first ??= answer;
  }
  if (first === undefined) throw new Error("no browser was tried");
  return { first, types };
}

const FIND_WORKER = "find out which Workers answer on that domain: npx wrangler deployments list";
const FIND_RULE = "a rule of the zone changes it (Rules → Transform Rules): remove that rule";

/** The headers that visitors get, HEAD, and the request of a browser that has the image already. */
async function checkHeaders(
  { headers }: Body,
  { route, variant, base, path, query }: Visit,
  maxAge: number,
): Promise<Result[]> {
  const results: Result[] = [];
  const report = (check: Check, seen: string, impact: string, remedy: string) =>
    results.push(fail(check, { severity: "warning", seen, impact, remedy, bearing: "harmless" }));

  if (variant.format === "auto" && !route.svg && !/\baccept\b/i.test(headers.get("vary") ?? "")) {
    const seen = "the format depends on the browser, but the vary header does not say so";
    report("headers", seen, "shared caches give one browser's format to all", FIND_RULE);
  }
  const leaked = [...headers.keys()].filter((name) => name.startsWith("x-amz-"));
  if (leaked.length > 0) {
    const seen = `the answer has ${leaked.join(", ")}`;
    report("headers", seen, "visitors learn where the originals are", FIND_WORKER);
  }
  const others = Object.entries(PROTECTION).filter(([name, value]) => headers.get(name) !== value);
  if (others.length > 0) {
    const seen = `not as the Worker sends it: ${others.map(([name]) => name).join(", ")}`;
    report("headers", seen, "images are less protected from running as web pages", FIND_RULE);
  }
  const url = base + path + query;
  const head = await askSite(url, { method: "HEAD" });
  const type = "status" in head && head.status === 200 && head.headers.get("content-type");
  if (type !== headers.get("content-type")) {
    const impact = "link checkers and monitors report the image as broken";
    report("headers", "HEAD does not get the same status and type as GET", impact, LET_PASS);
  }
  if (results.length === 0) {
    results.push(ok("headers", "nosniff, a policy that allows nothing, no header of S3; HEAD too"));
  }

  const impact = "browsers download again what they have, or keep what is old";
  const control = headers.get("cache-control") ?? "none";
  const isRight =
    route.signing === undefined
      ? control === `public, max-age=${maxAge}`
      : /^public, max-age=\d+, must-revalidate/.test(control);
  const etag = headers.get("etag");
  const again = etag && (await askSite(url, { headers: { "if-none-match": etag } }));
  if (!isRight) {
    const remedy =
      "npx vitrine deploy if max_age has changed. Or set the zone's Browser Cache TTL to Respect Existing Headers";
    const seen = `cache-control is ${control}, but wrangler.toml has max_age = ${maxAge}`;
    report("cache", seen, impact, remedy);
  } else if (again && !("status" in again && again.status === 304)) {
    report("cache", "if-none-match with the image's etag does not get 304", impact, LET_PASS);
  } else {
    const has = again ? "304 for browsers that have the image already" : "there is no etag";
    results.push(ok("cache", `cache-control: ${control}; ${has}`));
  }
  return results;
}

type Trick = RequestInit & {
  /** In plain words. */
  readonly name: string;
  /** What is asked for, after the site's address. */
  readonly path: string;
  /** Another image may be at that URL, so only the original itself counts. */
  readonly isElsewhere?: true;
};

function tricksFor({ path, query, name, key }: Visit, variants: ReadonlyMap<string, Variant>) {
  const own = path + query;
  const preset = name.replace(/@.*/, "");
  const more = (text: string) => ({ name: `?${text}`, path: own + (query ? "&" : "?") + text });
  const others = ["original", "public", `${preset}@4000w`, `${preset}@3x`, "width=4000,quality=100"]
    .filter((variant) => !variants.has(variant))
    .map((variant) => {
      const other = path.replace(`/${name}`, `/${encodeURIComponent(variant)}`) + query;
      return { name: `the variant "${variant}"`, path: other };
    });
  const tricks: readonly Trick[] = [
    more("width=4000&height=4000&fit=scale-up"),
    more("format=json"),
    more("original=1&raw=1&download=1"),
    ...others,
    { name: "a range", path: own, headers: { range: "bytes=0-99999999" } },
    { name: "no-transform", path: own, headers: { "cache-control": "no-transform" } },
    { name: "the edge's own via", path: own, headers: { via: "1.1 image-resizing-proxy" } }, // E8
    { name: "x-original-url", path: own, headers: { "x-original-url": "/", "x-rewrite-url": "/" } },
    { name: "POST", path: own, method: "POST" },
    ...[
      { name: "the key alone", path: `/${key}` },
      { name: "a path without a variant", path: path.replace(`/${name}`, "") },
      { name: "an encoded ..", path: path.replace(`/${name}`, `/${name}/x%2F..%2F..`) },
      { name: "an encoded slash", path: path.replace(`/${name}/`, `/${name}%2F`) },
      { name: "the edge's own URLs", path: `/cdn-cgi/image/width=4000,fit=scale-up${own}` },
    ].map((trick) => ({ ...trick, isElsewhere: true as const })),
  ];
  return tricks;
}

/** Answers that prove nothing: too many requests, or an error. */
const NOT_TRIED = new Set([429, 500, 502, 503, 504]);

/** @param rendition what visitors should get */
async function tryToGetOriginals(
  visit: Visit,
  variants: ReadonlyMap<string, Variant>,
  rendition: Body,
): Promise<Result> {
  const successes: string[] = [];
  let tried = 0;
  const tricks = tricksFor(visit, variants);
  const etag = rendition.headers.get("etag");
  for (const { name, path, isElsewhere, ...init } of tricks) {
    const answer = await askSite(visit.base + path, init);
    if ("reason" in answer || NOT_TRIED.has(answer.status)) continue;
    tried += 1;
    if (answer.status > 299) continue;
    const hasItsTag = etag !== null && etag === answer.headers.get("etag");
    const isRendition = hasItsTag || isSame(answer.bytes, rendition.bytes);
    const isOther = !isElsewhere && !isRendition && sniff(answer.bytes) !== undefined;
    if (isOther || isSame(answer.bytes, visit.original)) successes.push(name);
  }
  if (successes.length > 0) {
    return originalsFault(`an image that no preset allows comes out by ${successes.join("; by ")}`);
  }
  const none = `none of ${tried} tricks gets the original, or another size`;
  const unanswered = tricks.length - tried;
  return unanswered === 0
    ? ok("originals", none)
    : note("originals", `${none}; ${unanswered} more were not answered: try again`);
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
  if (keep === 0) return note("workers-cache", "keep = 0 in wrangler.toml: nothing is cached");
  let word: string | undefined;
  for (let attempt = 0; attempt < 2; attempt++) {
    const answer = await askSite(base + path + query);
    word = "status" in answer && answer.status === 200 ? cacheWord(answer.headers) : undefined;
    if (word === "hit" || word === "stale") {
      return ok("workers-cache", `renditions are cached worldwide: cache is "${word}"`);
    }
  }
  const isKnown = word === "direct" || ((word === "miss" || word === "stored") && keep >= SHORT_S);
  if (!isKnown) return note("workers-cache", "whether renditions are cached is unknown");
  return fail("workers-cache", {
    severity: "warning",
    seen: `an image that was shown before did not come out of Workers Cache: cache is "${word}"`,
    impact:
      "visitors wait longer: each of Cloudflare's data centres makes every rendition anew, and S3 sends more",
    remedy:
      "npx vitrine deploy, if [cache], [exports], keep or compatibility_date in wrangler.toml are new: npx vitrine check looks at them. Else see docs/errors.md#cache-unusable, or do without the cache: keep = 0 in [vars.ANSWERS]",
    bearing: "harmless",
  });
}
