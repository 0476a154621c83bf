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
import { type Finding, fail, note, ok, type Result } from "./finding.ts";

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

export type NoAnswer = { readonly reason: string };

const TIMEOUT_S = 60;
/** No rendition is so large. */
const MAX_BYTES = 100e6;
const SVG = "image/svg+xml";

/** What three kinds of browsers send. */
export const ACCEPTS = [
  ["AVIF", "image/avif,image/webp,image/*,*/*;q=0.8"],
  ["WebP", "image/webp,image/*,*/*;q=0.8"],
  ["neither", "image/*,*/*;q=0.8"],
] as const;

/** Asks the deployed Worker as a visitor does, and follows no redirect. */
export async function askSite(url: string, init: RequestInit): Promise<Body | NoAnswer> {
  try {
    return await fetchBody(url, init, TIMEOUT_S, () => MAX_BYTES);
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
  const { results, first } = await checkFormats(visit, local);
  if (first === undefined) return results;
  // An SVG has no rendition but the original (R8).
  const isTried = hasTricks && sniff(first.bytes) !== SVG;
  return [
    ...results,
    ...checkHeaders(first, visit, config.answers.max_age),
    ...(await checkConditionalRequests(visit.base + visit.path + visit.query, first)),
    ...(isTried ? [await tryToGetOriginals(visit, config.variants, first)] : []),
  ];
}

/** @returns what is found, and what the first browser gets if nothing is wrong */
async function checkFormats(
  { route, base, path, query, variant, name, original }: Visit,
  local: boolean,
): Promise<{ readonly results: readonly Result[]; readonly first?: Body | undefined }> {
  const types: string[] = [];
  let first: Body | undefined;
  for (const [browser, accept] of ACCEPTS) {
    const answer = await askSite(base + path + query, { headers: { accept } });
    if ("reason" in answer) {
      const silent = fail("image", {
        seen: `no answer: ${answer.reason}`,
        impact: "whether visitors get an answer is not known",
        remedy: "check that the domain leads to Cloudflare, and that this machine is online",
      });
      return { results: [silent] };
    }
    if (answer.status !== 200) return { results: [diagnoseStatus(answer.status, path, local)] };
    const type = (answer.headers.get("content-type") ?? "").replace(/;.*/s, "");
    // A clean SVG is passed on as it is (R8).
    const isPassedOn = type === SVG && route.svg;
    if (!isPassedOn && isSame(answer.bytes, original)) {
      return { results: [originalsFault("the answer is the original, byte for byte")] };
    }
    const formats = acceptedFormatsOf(variant, readAccept(accept), route.svg);
    const chosen = createTransformRequest(variant, formats);
    const real = sniff(answer.bytes);
    if (real !== type || !(isPassedOn || mayYield(chosen, type))) {
      const but = real === type ? "" : `, but the bytes are ${real ?? "no image"}`;
      const wrong = fail("formats", {
        seen: `a browser that reads ${browser} gets ${type || "no type"}${but}`,
        impact: "browsers show a broken image, or download more bytes than they need",
        remedy: "turn off what ignores the vary header: a cache rule of the zone, or cache.enabled",
        bearing: "harmless",
      });
      return { results: [wrong] };
    }
    types.push(`${type.replace("image/", "")} for ${browser}`);
    first ??= answer;
  }
  const size = first?.bytes.length.toLocaleString("en");
  // What is cached would come also if the edge transformed nothing now (W8).
  const isCached = first !== undefined && isOutOfCache(first.headers);
  const how = isCached ? "out of Workers Cache, or the store" : "it is transformed";
  const results = [ok("image", `${name}: ${size} bytes; ${how}`), ok("formats", types.join(", "))];
  return { results, first };
}

const FIND_WORKER = "find out which Workers answer on that domain: npx wrangler deployments list";

/** @param maxAge seconds; `max_age` in wrangler.toml */
function checkHeaders({ headers }: Body, { route, variant }: Visit, maxAge: number): Result[] {
  const changed = (seen: string, impact: string, more: object = {}) =>
    fail("headers", {
      ...{ seen, impact, bearing: "harmless" },
      remedy: "a rule of the zone changes it (Rules → Transform Rules): remove that rule",
      ...more,
    });
  const varies = /\baccept\b/i.test(headers.get("vary") ?? "");
  const needsVary = variant.format === "auto" && !route.svg;
  const control = headers.get("cache-control") ?? "none";
  const isRight =
    route.signing === undefined
      ? control === `public, max-age=${maxAge}`
      : /^public, max-age=\d+, must-revalidate/.test(control);
  const otherControl = fail("cache", {
    severity: "warning",
    seen: `cache-control is ${control}, but wrangler.toml has max_age = ${maxAge}`,
    impact: STALE_OR_AGAIN,
    remedy:
      "npx vitrine deploy if max_age has changed. Or set the zone's Browser Cache TTL to Respect Existing Headers",
    bearing: "harmless",
  });
  const leaked = [...headers.keys()].filter((name) => name.startsWith("x-amz-")).join(", ");
  const others = Object.entries(PROTECTION).filter(([name, value]) => headers.get(name) !== value);
  const names = others.map(([name]) => name).join(", ");
  const noVary = "the format depends on the browser, but the vary header does not say so";
  const unsafe = "images are less protected from running as web pages";
  return [
    ...(needsVary && !varies
      ? [changed(noVary, "shared caches give one browser's format to all")]
      : []),
    isRight
      ? ok("cache", `cache-control: ${control}${varies ? "; vary: accept" : ""}`)
      : otherControl,
    ...(leaked === ""
      ? []
      : [
          changed(`the answer has ${leaked}`, "visitors learn where the originals are", {
            remedy: FIND_WORKER,
          }),
        ]),
    names === ""
      ? ok("headers", "nosniff, a policy that allows nothing, and no header of S3")
      : changed(`${names}: not as the Worker sends it`, unsafe, { severity: "warning" }),
  ];
}

const STALE_OR_AGAIN = "browsers download again what they have, or keep what is old";

/** HEAD, and the request of a browser that has the image already. */
async function checkConditionalRequests(url: string, first: Body): Promise<Result[]> {
  const headers = { accept: ACCEPTS[0][1] };
  const warning = { severity: "warning", remedy: LET_PASS, bearing: "harmless" } as const;
  const head = await askSite(url, { method: "HEAD", headers });
  const type = first.headers.get("content-type");
  const isLike =
    "status" in head && head.status === 200 && head.headers.get("content-type") === type;
  const headResult = isLike
    ? ok("headers", "HEAD gets the same headers as GET, and no body")
    : fail("headers", {
        seen: `HEAD gets ${brief(head)}`,
        impact: "link checkers and monitors report the image as broken",
        ...warning,
      });
  const etag = first.headers.get("etag");
  if (etag === null) {
    const why = "the original has none, or something in front removes it";
    const seen = `there is no etag, so browsers download the image again: ${why}`;
    return [headResult, note("cache", seen)];
  }
  const again = await askSite(url, { headers: { ...headers, "if-none-match": etag } });
  if ("status" in again && again.status === 304) {
    return [headResult, ok("cache", "304 for browsers that have the image already")];
  }
  const seen = `if-none-match with the image's etag gets ${brief(again)}, not 304`;
  return [headResult, fail("cache", { seen, impact: STALE_OR_AGAIN, ...warning })];
}

function brief(answer: Body | NoAnswer): string | number {
  return "status" in answer ? answer.status : answer.reason;
}

type Trick = RequestInit & {
  /** In plain words. */
  readonly name: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another image may be at that URL, so only the original itself counts. */
  readonly isElsewhere?: true;
};

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
  for (const { name, url, headers, isElsewhere, ...init } of tricks) {
    const answer = await askSite(url, { ...init, headers: { accept: ACCEPTS[0][1], ...headers } });
    if ("reason" in answer || NOT_TRIED.has(answer.status)) continue;
    tried += 1;
    if (answer.status > 299) continue;
    const etag = answer.headers.get("etag");
    const isRendition =
      isSame(answer.bytes, rendition.bytes) ||
      (etag !== null && etag === rendition.headers.get("etag"));
    const isOther = !isElsewhere && !isRendition && sniff(answer.bytes) !== undefined;
    if (isOther || isSame(answer.bytes, visit.original)) successes.push(name);
  }
  if (successes.length > 0) {
    return originalsFault(`an image that no preset allows comes out by ${successes.join("; by ")}`);
  }
  const none = `none of ${tried} tricks gets the original, or another size`;
  const unanswered = tricks.length - tried;
  if (unanswered === 0) return ok("originals", none);
  return note("originals", `${none}; ${unanswered} more were not answered: try again`);
}

function originalsFault(seen: string): Result {
  const impact = "originals must stay in the bucket, and every size costs money";
  return fail("originals", { seen, impact, remedy: FIND_WORKER, bearing: "harmless" });
}

function tricksFor(visit: Visit, variants: ReadonlyMap<string, Variant>): Trick[] {
  const { base, path, query, name, key } = visit;
  const url = base + path + query;
  const preset = name.replace(/@.*/, "");
  const withQuery = (more: string): Trick => {
    return { name: `?${more}`, url: `${url}${query ? "&" : "?"}${more}` };
  };
  const withVariant = (variant: string): Trick => {
    const other = path.replace(`/${name}`, `/${encodeURIComponent(variant)}`);
    return { name: `the variant "${variant}"`, url: base + other + query };
  };
  const atPath = (title: string, other: string): Trick => {
    return { name: title, url: base + other, isElsewhere: true };
  };
  const others = [
    "original",
    "public",
    `${preset}@4000w`,
    `${preset}@3x`,
    "width=4000,quality=100",
  ];
  return [
    withQuery("width=4000&height=4000&fit=scale-up"),
    withQuery("format=json"),
    withQuery("original=1&raw=1&download=1"),
    ...others.filter((one) => !variants.has(one)).map(withVariant),
    atPath("the key alone", `/${key}`),
    atPath("a path without a variant", path.replace(`/${name}`, "")),
    atPath("an encoded ..", path.replace(`/${name}`, `/${name}/x%2F..%2F..`)),
    atPath("an encoded slash", path.replace(`/${name}/`, `/${name}%2F`)),
    atPath("the edge's own URLs", `/cdn-cgi/image/width=4000,fit=scale-up${path}${query}`),
    { name: "a range", url, headers: { range: "bytes=0-99999999" } },
    { name: "cache-control: no-transform", url, headers: { "cache-control": "no-transform" } },
    { name: "the edge's own via", url, headers: { via: "1.1 image-resizing-proxy" } }, // E8
    { name: "x-original-url", url, headers: { "x-original-url": "/", "x-rewrite-url": "/" } },
    { name: "POST", url, method: "POST" },
  ];
}

/** If renditions are cached for less than that, a second request may be too late: s. */
const SHORT_S = 60;

/**
 * Asks twice for an image that was there before, to see whether Cloudflare caches renditions (W11).
 * @param visit an image that the site has just shown
 */
export async function checkWorkersCache(
  { config, local }: Project,
  { base, path, query, route }: Visit,
): Promise<Finding> {
  const about = { about: base + path, bucket: route.bucket.name };
  const localText = "the local run has no Workers Cache: that is right"; // W15
  if (local) return { ...about, ...note("workers-cache", localText) };
  const replies: CacheReply[] = [];
  while (replies.length < 2 && !replies.some(({ cached }) => cached === "hit")) {
    const answer = await askSite(base + path + query, { headers: { accept: ACCEPTS[0][1] } });
    replies.push(readCacheReply(answer));
  }
  return { ...about, ...diagnoseCache(replies, config.answers.keep) };
}

/** What server-timing says of the cache, and the words for it. */
type CacheReply = { readonly cached: (typeof MOST_TELLING)[number]; readonly seen: string };

/** One hit is enough. What was not seen each time is not known. */
const MOST_TELLING = ["hit", "unknown", "silent", "direct", "stored", "miss"] as const;

/** What is not sure is `unknown`, never `silent`. */
function readCacheReply(answer: Body | NoAnswer): CacheReply {
  if ("reason" in answer) return { cached: "unknown", seen: answer.reason };
  const { status, headers } = answer;
  if (status !== 200) return { cached: "unknown", seen: `the image answers ${status}` };
  const word = cacheWord(headers);
  if (word !== undefined) {
    const cached = MOST_TELLING.slice(3).find((one) => one === word) ?? "unknown";
    return {
      cached: isOutOfCache(headers) && word !== "stored" ? "hit" : cached,
      seen: `cache is "${word}"`,
    };
  }
  const timing = headers.get("server-timing") ?? "";
  // Every Vitrine measures the edge; without that, something in front has changed the header.
  if (/(?:^|,)\s*edge\s*;/i.test(timing)) return { cached: "silent", seen: timing };
  return { cached: "unknown", seen: `server-timing is ${timing || "missing"}` };
}

/** @param keep for how long wrangler.toml has renditions cached: s */
function diagnoseCache(replies: readonly CacheReply[], keep: number): Result {
  const ordered = MOST_TELLING.flatMap((one) => replies.filter(({ cached }) => cached === one));
  const { cached, seen } = ordered[0] ?? { cached: "unknown", seen: "nothing was asked" };
  const deploy = "npx vitrine deploy";
  const fault = (seen: string, remedy: string, impact = EACH_ANEW) =>
    fail("workers-cache", { severity: "warning", seen, impact, remedy, bearing: "harmless" });
  if (cached === "unknown") {
    return note("workers-cache", `whether renditions are cached is unknown: ${seen}`);
  }
  if (cached === "silent") {
    return fault(
      `server-timing does not speak of the cache (${seen}), so an older Vitrine is deployed`,
      deploy,
    );
  }
  if (keep === 0 && (cached === "direct" || cached === "stored")) {
    return note("workers-cache", "they are not, as keep = 0 in wrangler.toml says");
  }
  if (keep === 0) {
    const asks = `the deployed Worker asks the cache (${seen}), but wrangler.toml has keep = 0`;
    return fault(asks, deploy, "a changed object may be shown late");
  }
  if (cached === "hit") return ok("workers-cache", `they are cached worldwide: ${seen}`);
  if (cached === "direct") {
    const direct = `the Worker makes renditions itself, because it cannot use the cache: ${seen}`;
    const log = "Otherwise the log has cache-unusable: docs/errors.md#cache-unusable";
    return fault(
      direct,
      `${deploy}, if keep or compatibility_date has changed. ${log}. ${SWITCH_OFF}`,
    );
  }
  if (keep < SHORT_S) {
    const short = `${seen}, and keep is only ${keep} s: that may be too short to see it`;
    return note("workers-cache", short);
  }
  const none = `an image that was shown before did not come out of Workers Cache: ${seen}`;
  const check =
    "if [cache] and [exports] in wrangler.toml are new: npx vitrine check looks at them";
  return fault(none, `${deploy}, ${check}. ${SWITCH_OFF}`);
}

const EACH_ANEW =
  "visitors notice nothing but longer waits: each of Cloudflare's data centres makes every rendition anew, and S3 sends more";
const SWITCH_OFF = "To do without the cache: keep = 0 in [vars.ANSWERS]";
