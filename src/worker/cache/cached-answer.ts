// Writes the answers of the cached entrypoint, and reads them in the gateway: an image, facts or a refusal, and for how
// long Workers Cache shows it. An answer may be days old, and from an earlier deploy. Pure.

import type { Answers } from "../config/config.ts";
import { factsRendition, isFacts } from "../edge/facts.ts";
import { isCertain, type Refusal, UPSTREAM_EVENTS } from "../http/refusal.ts";
import type { Rendition } from "../http/send.ts";
import type { CacheState } from "../log/log.ts";
import { isPlainObject, parseJson } from "../util/json.ts";

/** A rendition with its name in HTTP. */
export type NamedRendition = Rendition & {
  /** Its own ETag, in quotes; undefined: the origin names no bytes of the object, or not certainly these. */
  readonly etag: string | undefined;
  /** Set if it came from the store: "current" for the object that S3 has now, "outage" for the one before an outage. */
  readonly stored?: "current" | "outage";
};

/** What a request for a rendition of one object leads to. */
export type ObjectResult =
  | { readonly kind: "rendition"; readonly rendition: NamedRendition }
  /** The caller has sent the ETag of its rendition: that one has not changed. */
  | { readonly kind: "not-modified"; readonly etag: string }
  | { readonly kind: "refusal"; readonly refusal: Refusal };

/** The same for a URL that may show several objects, and which of them it is: 0 for the first. */
export type RenderResult = ObjectResult & { readonly objectIndex: number };

/** What decides for how long, and under which names, Workers Cache keeps an answer. */
export type CachePolicy = {
  readonly answers: Answers;
  /** The tags by which the answer can be purged (W10). */
  readonly tags: readonly string[];
  /** Whether the URL can show one object alone. */
  readonly isOneObject: boolean;
};

const STORED_HEADER = "vitrine-stored";

/** In Workers Cache an ETag of this Worker may end with the index of its object. Visitors do not see the index. */
const ETAG = /^(?<hash>"[0-9a-f]{32})(?:-(?<index>\d{1,3}))?"$/;

/** The end of any ETag with an index: `-2"`. */
const INDEX = /-(?<index>\d{1,3})"/;

/** Reads the `If-None-Match` of Workers Cache (W18): the ETag as visitors see it, and the index of its object. */
export function readCondition(ifNoneMatch: string | null): {
  readonly condition: string | null;
  readonly objectIndex: number;
} {
  if (ifNoneMatch === null) return { condition: null, objectIndex: 0 };

  const index = INDEX.exec(ifNoneMatch)?.groups?.["index"];
  return { condition: ifNoneMatch.replace(INDEX, '"'), objectIndex: Number(index ?? 0) };
}

function etagWithIndex(etag: string, objectIndex: number): string {
  if (objectIndex === 0) return etag;
  return etag.replace(/"$/, `-${objectIndex}"`);
}

/** For how long Workers Cache shows a stored rendition of an outage: s. */
const OUTAGE_S = 60;

/** The answer with a rendition. */
export function renditionAnswer(
  rendition: NamedRendition,
  objectIndex: number,
  policy: CachePolicy,
): Response {
  const { body, type, length, stored, etag } = rendition;
  const { keep } = policy.answers;
  const freshSeconds = stored === "outage" ? Math.min(OUTAGE_S, keep) : keep;

  const headers = {
    ...cachingHeaders(etag, objectIndex, freshSeconds, policy),
    "content-type": type,
    ...(stored && { [STORED_HEADER]: stored }),
    ...(length && { "content-length": length }),
  };
  return new Response(body, { headers });
}

/** The 304 for a rendition in Workers Cache whose object has not changed (W18). */
export function notModifiedAnswer(
  etag: string,
  objectIndex: number,
  policy: CachePolicy,
): Response {
  const headers = cachingHeaders(etag, objectIndex, policy.answers.keep, policy);
  return new Response(null, { status: 304, headers });
}

function cachingHeaders(
  etag: string | undefined,
  objectIndex: number,
  freshSeconds: number,
  { answers, tags, isOneObject }: CachePolicy,
): Record<string, string> {
  const { stale, stale_if_error } = answers;
  const staleness = `stale-while-revalidate=${stale}, stale-if-error=${stale_if_error}`;
  // Without an ETag, a stale rendition may be of any of several objects: it is not shown.
  const mayBeStale = etag !== undefined || isOneObject;

  return {
    "cache-control": `public, max-age=${freshSeconds}, ${mayBeStale ? staleness : "must-revalidate"}`,
    "cache-tag": tags.join(","),
    ...(etag && { etag: etagWithIndex(etag, objectIndex) }),
  };
}

/** The older rendition that Workers Cache may show in place of a refusal (W8). */
export type OlderRendition = {
  readonly exists: boolean;
  /** Whether it would be of an object that is gone by now. */
  readonly isOfGoneObject: boolean;
};

/** The cache-control of a missing or broken object. The refusal is not shown for longer, whatever fails (W8). */
const MINUTE_CACHING = "public, max-age=60, must-revalidate";
const SECOND_CACHING = "public, max-age=1, must-revalidate";

/**
 * The answer with a refusal, which the gateway reads to answer the visitor (`show` in index.ts). A cached answer takes
 * the place of an older rendition. A 502 does not: Workers Cache shows the older one instead, if there is one (W8).
 * @param tags by which the refusal can be purged, once the object exists, or is repaired
 */
export function refusalForCache(
  refusal: Refusal,
  objectIndex: number,
  older: OlderRendition,
  tags: readonly string[],
): Response {
  // What S3 replied stays here: it is for /healthz alone.
  const fields = { ...refusal, s3: undefined, ...(objectIndex > 0 && { objectIndex }) };
  const headers = new Headers({ "content-type": "application/json", "cache-control": "no-store" });

  const caching = refusalCaching(refusal, older);
  if (!caching) return new Response(JSON.stringify(fields), { status: 502, headers });

  headers.set("cache-control", caching);
  headers.set("cache-tag", tags.join(","));
  const status = refusal.event === "source-unreadable" ? 415 : 404;
  return new Response(JSON.stringify(fields), { status, headers });
}

/** @returns undefined for a refusal that must not take the place of an older rendition */
function refusalCaching(refusal: Refusal, older: OlderRendition): string | undefined {
  const { event } = refusal;
  const isUnreadable = event === "source-unreadable";
  const isOfObject = isUnreadable || event === "object-missing" || event === "object-denied";

  // Certain, and about the object: without a minute in the cache, each visitor would cause a request of S3.
  if (isCertain(refusal)) {
    if (isOfObject) return MINUTE_CACHING;
  } else if (isUnreadable && !older.exists) {
    // An engine that could not read the object may be wrong. But there is nothing older to lose.
    return MINUTE_CACHING;
  }

  // What Workers Cache has is of an object that is gone: anything may take its place, as shortly as possible.
  return older.isOfGoneObject ? SECOND_CACHING : undefined;
}

/** @returns undefined if the cached entrypoint cannot have written the answer */
export async function readCachedAnswer(
  answer: Response,
  expectsFacts: boolean,
): Promise<RenderResult | undefined> {
  if (answer.status !== 200) return readRefusal(await answer.text());

  const { etag, objectIndex } = readEtag(answer.headers);
  const rendition = expectsFacts ? await readFacts(answer) : readImage(answer);
  if (rendition === undefined) return undefined;
  return { kind: "rendition", rendition: { ...rendition, etag }, objectIndex };
}

async function readFacts(answer: Response): Promise<Rendition | undefined> {
  if (answer.headers.get("content-type") !== "application/json") return undefined;

  const text = await answer.text();
  return isFacts(text) ? factsRendition(text) : undefined;
}

const IMAGE_TYPE = /^image\/[\w.+-]+$/;

function readImage({ headers, body }: Response): Omit<NamedRendition, "etag"> | undefined {
  const type = headers.get("content-type");
  if (type === null || !IMAGE_TYPE.test(type)) return undefined;

  const contentLength = headers.get("content-length");
  const isNumber = contentLength !== null && /^\d+$/.test(contentLength);
  const length = isNumber ? contentLength : undefined;

  const stored = headers.get(STORED_HEADER);
  if (stored !== "current" && stored !== "outage") return { body, type, length };
  return { body, type, length, stored };
}

/** Reads the ETag of an answer: as visitors see it, and the index of the object. Another ETag than ours is none. */
function readEtag(headers: Headers): { readonly etag?: string; readonly objectIndex: number } {
  const groups = ETAG.exec(headers.get("etag") ?? "")?.groups;
  if (groups === undefined) return { objectIndex: 0 };

  return { etag: `${groups["hash"]}"`, objectIndex: Number(groups["index"] ?? 0) };
}

/** The events of a refusal by the cached entrypoint. */
const EVENTS: ReadonlySet<unknown> = new Set([...UPSTREAM_EVENTS, "slots-refused", "role-refused"]);

/** The event decides the answer. The other fields are for the log: this Worker wrote them a minute ago at most. */
function readRefusal(text: string): RenderResult | undefined {
  const value = parseJson(text);
  if (!isCachedRefusal(value)) return undefined;

  const { objectIndex = 0, ...refusal } = value;
  return { kind: "refusal", refusal, objectIndex };
}

function isCachedRefusal(value: unknown): value is Refusal & { readonly objectIndex?: number } {
  return isPlainObject(value) && EVENTS.has(value["event"]);
}

/** Where an answer came from, by Cloudflare's header (W11). */
const STATES: Readonly<Record<string, CacheState>> = {
  HIT: "hit",
  REVALIDATED: "hit",
  STALE: "stale",
  UPDATING: "stale",
};

/** Where an answer came from. Without the header nothing is cached: the entrypoint ran for this request (W15). */
export function cacheStateOf({ headers }: Pick<Response, "headers">): CacheState {
  const status = headers.get("cf-cache-status");
  const state = status === null ? undefined : STATES[status];
  if (state !== undefined) return state;
  return headers.has(STORED_HEADER) ? "stored" : "miss";
}
