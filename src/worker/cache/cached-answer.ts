// Writes the answers of the cached entrypoint, and reads them in the gateway: an image, facts or a refusal, and for how
// long Workers Cache shows it. An answer may be days old, and from an earlier deploy. Pure.

import type { Answers } from "../config/config.ts";
import { factsRendition, isFacts } from "../edge/facts.ts";
import { isCertain, type Refusal, UPSTREAM_EVENTS, type UpstreamRefusal } from "../http/refusal.ts";
import type { Rendition } from "../http/send.ts";
import type { CacheState } from "../log/log.ts";
import { isPlainObject, parseJson } from "../util/json.ts";

export type NamedRendition = Rendition & {
  /** Its ETag; undefined: the origin gives none for the object. */
  readonly etag: string | undefined;
  /** Set if it came from the store: "current" for the object that S3 has now, "outage" for the one before an outage. */
  readonly stored?: "current" | "outage";
  /** Which of the objects of its URL it shows; undefined: the first. */
  readonly objectIndex?: number;
};

const STORED_HEADER = "vitrine-stored";

/** For how long Workers Cache shows a stored rendition of an outage: s. */
const OUTAGE_S = 60;

/** The cache-control of a missing or broken object. The refusal is not shown for longer, whatever fails (W8). */
const MINUTE_CACHING = "public, max-age=60, must-revalidate";

/** In Workers Cache an ETag of this Worker may end with the index of its object. Visitors do not see the index. */
const ETAG = /^("[0-9a-f]{32})(?:-\d{1,3})?"$/;
const INDEX = /-(\d{1,3})"/;

/** Reads the `If-None-Match` of Workers Cache (W18): the ETag as visitors see it, and the index of its object. */
export function readCondition(ifNoneMatch: string | null) {
  const objectIndex = Number(INDEX.exec(ifNoneMatch ?? "")?.[1] ?? 0);
  return { condition: ifNoneMatch?.replace(INDEX, '"') ?? null, objectIndex };
}

export function renditionAnswer(
  { body, type, length, stored, ...identity }: NamedRendition,
  answers: Answers,
  tags: readonly string[],
): Response {
  const keep = stored === "outage" ? Math.min(OUTAGE_S, answers.keep) : answers.keep;
  const headers = {
    ...cachingHeaders(identity, { ...answers, keep }, tags),
    "content-type": type,
    ...(stored && { [STORED_HEADER]: stored }),
    ...(length && { "content-length": length }),
  };
  return new Response(body, { headers });
}

/** The 304 for a rendition in Workers Cache whose object has not changed (W18). */
export function notModifiedAnswer(
  identity: Pick<NamedRendition, "etag" | "objectIndex">,
  answers: Answers,
  tags: readonly string[],
): Response {
  return new Response(null, { status: 304, headers: cachingHeaders(identity, answers, tags) });
}

/** The headers for Workers Cache. @param tags by which the rendition can be purged (W10) */
function cachingHeaders(
  { etag, objectIndex }: Pick<NamedRendition, "etag" | "objectIndex">,
  { keep, stale, stale_if_error }: Answers,
  tags: readonly string[],
): Record<string, string> {
  // A stale rendition without an ETag is not shown: it may be of any of several objects.
  const staleness =
    etag || tags.length <= 2
      ? `stale-while-revalidate=${stale}, stale-if-error=${stale_if_error}`
      : "must-revalidate";
  return {
    "cache-control": `public, max-age=${keep}, ${staleness}`,
    "cache-tag": tags.join(","),
    ...(etag && { etag: objectIndex ? etag.replace(/"$/, `-${objectIndex}"`) : etag }),
  };
}

/**
 * The answer with a refusal, which the gateway reads to answer the visitor (`show` in index.ts). The first row counts:
 *   certain, of a missing, denied or unreadable object   404 or 415, one minute: else each visitor would cause a request
 *   uncertain, of an unreadable object, no older image   415, one minute
 *   any other, and the older image's object is gone      404 or 415, one second
 *   any other                                            502, not cached: an older image may be shown instead (W8)
 * @param tags by which the refusal can be purged, once the object exists, or is repaired
 * @param hasOlder whether Workers Cache has an older image. Only a certain refusal replaces it
 * @param isOlderGone whether the object of an older image is gone. Any refusal replaces it
 */
export function refusalForCache(
  refusal: Refusal,
  tags: readonly string[],
  hasOlder: boolean,
  isOlderGone = false,
): Response {
  const { event } = refusal;
  const isUnreadable = event === "source-unreadable";
  const isOfObject = isUnreadable || event === "object-missing" || event === "object-denied";
  const isForMinute = isCertain(refusal) ? isOfObject : isUnreadable && !hasOlder;
  const isCached = isForMinute || isOlderGone; // it must be cached to replace an older image
  const caching = isForMinute ? MINUTE_CACHING : "public, max-age=1, must-revalidate";
  const objectStatus = isUnreadable ? 415 : 404;
  return new Response(JSON.stringify({ ...refusal, s3: undefined }), {
    status: isCached ? objectStatus : 502,
    headers: {
      "content-type": "application/json",
      "cache-control": isCached ? caching : "no-store",
      ...(isCached && { "cache-tag": tags.join(",") }),
    },
  });
}

/** @returns undefined if the cached entrypoint cannot have written the answer */
export async function readCachedAnswer(
  answer: Response,
  expectsFacts: boolean,
): Promise<NamedRendition | Refusal | undefined> {
  const { status, headers, body } = answer;
  if (status !== 200) {
    const value = parseJson(await answer.text());
    return isCachedRefusal(value) ? value : undefined;
  }
  const type = headers.get("content-type") ?? "";
  const tag = ETAG.exec(headers.get("etag") ?? "")?.[1];
  const etag = tag && `${tag}"`;
  if (expectsFacts) {
    const text = type === "application/json" ? await answer.text() : "";
    return isFacts(text) ? { ...factsRendition(text), etag } : undefined;
  }
  const digits = headers.get("content-length") ?? "";
  const length = /^\d+$/.test(digits) ? digits : undefined;
  const value = headers.get(STORED_HEADER);
  const stored = value === "current" || value === "outage" ? value : undefined;
  if (!/^image\/[\w.+-]+$/.test(type)) return undefined;
  return { body, type, length, etag, ...(stored && { stored }) };
}

const STATES: Readonly<Record<string, CacheState>> = {
  HIT: "hit",
  REVALIDATED: "hit",
  STALE: "stale",
  UPDATING: "stale",
};

/** Where an answer came from (W11). Without the header nothing is cached: the entrypoint ran now (W15). */
export function cacheStateOf({ headers }: Pick<Response, "headers">): CacheState {
  const state = STATES[headers.get("cf-cache-status") ?? ""];
  return state ?? (headers.has(STORED_HEADER) ? "stored" : "miss");
}

/** The events of a refusal by the cached entrypoint. */
const EVENTS: ReadonlySet<unknown> = new Set([...UPSTREAM_EVENTS, "slots-refused", "role-refused"]);

/** The event decides the answer. The other fields are for the log: this Worker wrote them a minute ago at most. */
function isCachedRefusal(value: unknown): value is UpstreamRefusal {
  return isPlainObject(value) && EVENTS.has(value["event"]);
}
