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
import { type Finding, fail, note, ok, type Problem, type Result } from "./finding.ts";

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
const ACCEPTS = [
  ["AVIF", "image/avif,image/webp,image/*,*/*;q=0.8"],
  ["WebP", "image/webp,image/*,*/*;q=0.8"],
  ["neither", "image/*,*/*;q=0.8"],
] as const;

/** Asks the deployed Worker as a modern browser does, and follows no redirect. */
export async function askSite(url: string, init: RequestInit = {}): Promise<Body | NoAnswer> {
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
    ...checkHeaders(first, visit, config.answers.max_age),
    ...(await checkConditionalRequests(visit.base + visit.path + visit.query, first)),
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
  const answers: Body[] = [];
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
    answers.push(answer);
  }
  const [first] = answers;
  if (first === undefined) throw new Error("no browser was tried");
  return { first, types };
}

const FIND_WORKER = "find out which Workers answer on that domain: npx wrangler deployments list";
const HARMLESS = { bearing: "harmless" } as const;
const WARNING = { severity: "warning", ...HARMLESS } as const;

function headersFault(seen: string, impact: string, more: Partial<Problem>): Result {
  const remedy = "a rule of the zone changes it (Rules → Transform Rules): remove that rule";
  return fail("headers", { seen, impact, remedy, ...HARMLESS, ...more });
}

function cacheFault(seen: string, remedy: string): Result {
  const impact = "browsers download again what they have, or keep what is old";
  return fail("cache", { seen, impact, remedy, ...WARNING });
}

/** @param maxAge seconds; `max_age` in wrangler.toml */
function checkHeaders({ headers }: Body, { route, variant }: Visit, maxAge: number): Result[] {
  const results: Result[] = [];
  const varies = /\baccept\b/i.test(headers.get("vary") ?? "");
  if (variant.format === "auto" && !route.svg && !varies) {
    const seen = "the format depends on the browser, but the vary header does not say so";
    results.push(headersFault(seen, "shared caches give one browser's format to all", {}));
  }
  const control = headers.get("cache-control") ?? "none";
  const isRight =
    route.signing === undefined
      ? control === `public, max-age=${maxAge}`
      : /^public, max-age=\d+, must-revalidate/.test(control);
  const other = `cache-control is ${control}, but wrangler.toml has max_age = ${maxAge}`;
  const deploy =
    "npx vitrine deploy if max_age has changed. Or set the zone's Browser Cache TTL to Respect Existing Headers";
  results.push(isRight ? ok("cache", `cache-control: ${control}`) : cacheFault(other, deploy));
  const leaked = [...headers.keys()].filter((name) => name.startsWith("x-amz-")).join(", ");
  if (leaked !== "") {
    const impact = "visitors learn where the originals are";
    results.push(headersFault(`the answer has ${leaked}`, impact, { remedy: FIND_WORKER }));
  }
  const others = Object.entries(PROTECTION).filter(([name, value]) => headers.get(name) !== value);
  const names = others.map(([name]) => name).join(", ");
  const impact = "images are less protected from running as web pages";
  results.push(
    names === ""
      ? ok("headers", "nosniff, a policy that allows nothing, and no header of S3")
      : headersFault(`${names}: not as the Worker sends it`, impact, WARNING),
  );
  return results;
}

/** HEAD, and the request of a browser that has the image already. */
async function checkConditionalRequests(url: string, first: Body): Promise<Result[]> {
  const brief = (answer: Body | NoAnswer) => ("status" in answer ? answer.status : answer.reason);
  const head = await askSite(url, { method: "HEAD" });
  const type = first.headers.get("content-type");
  const isLike =
    "status" in head && head.status === 200 && head.headers.get("content-type") === type;
  const broken = "link checkers and monitors report the image as broken";
  const headResult = isLike
    ? ok("headers", "HEAD gets the same headers as GET, and no body")
    : headersFault(`HEAD gets ${brief(head)}`, broken, { ...WARNING, remedy: LET_PASS });
  const etag = first.headers.get("etag");
  if (etag === null) {
    const reason = "the original has none, or something in front removes it";
    const seen = `there is no etag, so browsers download the image again: ${reason}`;
    return [headResult, note("cache", seen)];
  }
  const again = await askSite(url, { headers: { "if-none-match": etag } });
  const seen = `if-none-match with the image's etag gets ${brief(again)}, not 304`;
  const isUnchanged = "status" in again && again.status === 304;
  const unchanged = ok("cache", "304 for browsers that have the image already");
  return [headResult, isUnchanged ? unchanged : cacheFault(seen, LET_PASS)];
}

type Trick = RequestInit & {
  /** In plain words. */
  readonly name: string;
  readonly url: string;
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
  const etag = rendition.headers.get("etag");
  for (const { name, url, isElsewhere, ...init } of tricks) {
    const answer = await askSite(url, init);
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
  if (unanswered === 0) return ok("originals", none);
  return note("originals", `${none}; ${unanswered} more were not answered: try again`);
}

function originalsFault(seen: string): Result {
  const impact = "originals must stay in the bucket, and every size costs money";
  return fail("originals", { seen, impact, remedy: FIND_WORKER, ...HARMLESS });
}

function tricksFor(visit: Visit, variants: ReadonlyMap<string, Variant>): Trick[] {
  const { base, path, query, name, key } = visit;
  const url = base + path + query;
  const withQuery = (more: string): Trick => {
    return { name: `?${more}`, url: `${url}${query ? "&" : "?"}${more}` };
  };
  const withVariant = (variant: string): Trick => {
    const other = path.replace(`/${name}`, `/${encodeURIComponent(variant)}`);
    return { name: `the variant "${variant}"`, url: base + other + query };
  };
  const withHeaders = (title: string, headers: Record<string, string>): Trick => {
    return { name: title, url, headers };
  };
  const atPath = (title: string, other: string): Trick => {
    return { name: title, url: base + other, isElsewhere: true };
  };
  const preset = name.replace(/@.*/, "");
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
    withHeaders("a range", { range: "bytes=0-99999999" }),
    withHeaders("cache-control: no-transform", { "cache-control": "no-transform" }),
    withHeaders("the edge's own via", { via: "1.1 image-resizing-proxy" }), // E8
    withHeaders("x-original-url", { "x-original-url": "/", "x-rewrite-url": "/" }),
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
  const replies = [readCacheReply(await askSite(base + path + query))];
  if (replies[0] !== "hit") replies.push(readCacheReply(await askSite(base + path + query)));
  // One hit is enough. What was not seen each time is not known.
  const reply = CACHE_REPLIES.find((one) => replies.includes(one)) ?? "unknown";
  return { ...about, ...diagnoseCache(reply, config.answers.keep) };
}

const CACHE_REPLIES = ["hit", "unknown", "direct", "stored", "miss"] as const;

/** What server-timing says of the cache. What is not sure is `unknown`. */
function readCacheReply(answer: Body | NoAnswer): (typeof CACHE_REPLIES)[number] {
  if ("reason" in answer || answer.status !== 200) return "unknown";
  const word = cacheWord(answer.headers);
  return word === "stale" ? "hit" : (CACHE_REPLIES.find((one) => one === word) ?? "unknown");
}

/** @param keep for how long wrangler.toml has renditions cached: s */
function diagnoseCache(reply: (typeof CACHE_REPLIES)[number], keep: number): Result {
  if (reply === "unknown") return note("workers-cache", "whether renditions are cached is unknown");
  const seen = `cache is "${reply}"`;
  const fault = (message: string, remedy: string) =>
    fail("workers-cache", {
      seen: `${message}: ${seen}`,
      impact:
        keep === 0
          ? "a changed object may be shown late"
          : "visitors notice nothing but longer waits: each of Cloudflare's data centres makes every rendition anew, and S3 sends more",
      remedy: `npx vitrine deploy${remedy}`,
      ...WARNING,
    });
  if (keep === 0) {
    return reply === "direct" || reply === "stored"
      ? note("workers-cache", "they are not, as keep = 0 in wrangler.toml says")
      : fault("wrangler.toml has keep = 0, and the deployed Worker asks the cache", "");
  }
  if (reply === "hit") return ok("workers-cache", `they are cached worldwide: ${seen}`);
  const off = "To do without the cache: keep = 0 in [vars.ANSWERS]";
  if (reply === "direct") {
    const log = "Otherwise the log has cache-unusable: docs/errors.md#cache-unusable";
    const remedy = `, if keep or compatibility_date has changed. ${log}. ${off}`;
    return fault("the Worker makes renditions itself, because it cannot use the cache", remedy);
  }
  if (keep < SHORT_S) {
    const short = `${seen}, and keep is only ${keep} s: that may be too short to see it`;
    return note("workers-cache", short);
  }
  const remedy = `, if [cache] and [exports] in wrangler.toml are new: npx vitrine check looks at them. ${off}`;
  return fault("an image that was shown before did not come out of Workers Cache", remedy);
}
