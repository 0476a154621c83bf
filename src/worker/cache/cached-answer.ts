// What the cached entrypoint answers, and how the gateway reads it: an image, facts or a refusal, with how long
// Workers Cache keeps it. An answer may be days old, and of an earlier deploy. Pure.

import type { Answers } from "../config/config.ts";
import { factsRendition, isFacts } from "../edge/facts.ts";
import { isCertain, type Refusal, UPSTREAM_EVENTS, type UpstreamRefusal } from "../http/refusal.ts";
import type { Rendition } from "../http/send.ts";
import type { CacheState } from "../log/log.ts";
import { isPlainObject, parseJson } from "../util/json.ts";

export type NamedRendition = Rendition & {
  /** The name of its bytes, if the origin names those of the object. */
  readonly etag: string | undefined;
  /** It came out of the store: of the object that S3 has now, or of one that it had before an outage. */
  readonly stored?: "current" | "outage";
  /** Its object is this one of those of its URL; undefined: the first. */
  readonly objectIndex?: number;
};

/** The header that tells how a rendition came out of the store. */
const STORED = "vitrine-stored";

/** For how long Workers Cache keeps what is shown in an outage: s. */
const OUTAGE_S = 60;

/** For how long a missing or broken object may be cached: s. It is not shown longer, whatever fails (W8). */
const SHORT = "public, max-age=60, must-revalidate";

/** In Workers Cache a tag of this Worker may end with the index of its object. Visitors do not see that. */
const ETAG = /^("[0-9a-f]{32})(?:-\d{1,3})?"$/;
const INDEX = /-(\d{1,3})"/;

/** Reads what Workers Cache asks with (W18): the tag as visitors see it, and the index of its object. */
export function readCondition(sent: string | null) {
  const objectIndex = Number(INDEX.exec(sent ?? "")?.[1] ?? 0);
  return { condition: sent?.replace(INDEX, '"') ?? null, objectIndex };
}

/** How Workers Cache treats a rendition. @param tags by which it can be purged (W10) */
function cachingHeaders(
  { etag, objectIndex }: Pick<NamedRendition, "etag" | "objectIndex">,
  { keep, stale, stale_if_error }: Answers,
  tags: readonly string[],
): Record<string, string> {
  // Without a tag, nobody knows of which of several objects it is: it is not shown while one of them is gone.
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

export function renditionAnswer(
  { body, type, length, stored, ...named }: NamedRendition,
  answers: Answers,
  tags: readonly string[],
): Response {
  const keep = stored === "outage" ? Math.min(OUTAGE_S, answers.keep) : answers.keep;
  const headers = {
    ...cachingHeaders(named, { ...answers, keep }, tags),
    "content-type": type,
    ...(stored && { [STORED]: stored }),
    ...(length && { "content-length": length }),
  };
  return new Response(body, { headers });
}

/** What Workers Cache has is still right (W18). */
export function notModifiedAnswer(
  named: Pick<NamedRendition, "etag" | "objectIndex">,
  answers: Answers,
  tags: readonly string[],
): Response {
  return new Response(null, { status: 304, headers: cachingHeaders(named, answers, tags) });
}

/**
 * The answer with a refusal. A missing object is cached, if S3 said so now, and an object that is no image: else
 * each visitor would have it asked for again. A 502 is not: an older image may be shown in its place (W8).
 * @param tags by which the refusal can be purged, once the object is there, or repaired
 * @param hasOlder whether Workers Cache has an older image, which what is not certain does not take away
 */
export function refusalForCache(
  refusal: Refusal,
  tags: readonly string[],
  hasOlder: boolean,
): Response {
  const { event } = refusal;
  const isMissing = event === "object-missing" || event === "object-denied";
  const isUnreadable = event === "source-unreadable";
  const isCached = isCertain(refusal) ? isMissing || isUnreadable : isUnreadable && !hasOlder;
  return new Response(JSON.stringify({ ...refusal, s3: undefined }), {
    status: !isCached ? 502 : isMissing ? 404 : 415,
    headers: {
      "content-type": "application/json",
      "cache-control": isCached ? SHORT : "no-store",
      ...(isCached && { "cache-tag": tags.join(",") }),
    },
  });
}

/** @returns undefined if the cached entrypoint cannot have written the answer */
export async function readCachedAnswer(
  answer: Response,
  wantsFacts: boolean,
): Promise<NamedRendition | Refusal | undefined> {
  const { status, headers, body } = answer;
  if (status !== 200) {
    const value = parseJson(await answer.text());
    return isCachedRefusal(value) ? value : undefined;
  }
  const type = headers.get("content-type") ?? "";
  const tag = ETAG.exec(headers.get("etag") ?? "")?.[1];
  const etag = tag && `${tag}"`;
  if (wantsFacts) {
    const text = type === "application/json" ? await answer.text() : "";
    return isFacts(text) ? { ...factsRendition(text), etag } : undefined;
  }
  const digits = headers.get("content-length") ?? "";
  const length = /^\d+$/.test(digits) ? digits : undefined;
  const how = headers.get(STORED);
  const stored = how === "current" || how === "outage" ? how : undefined;
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
  return state ?? (headers.has(STORED) ? "stored" : "miss");
}

/** The events of a refusal by the cached entrypoint. */
const EVENTS: ReadonlySet<unknown> = new Set([...UPSTREAM_EVENTS, "slots-refused", "role-refused"]);

/** Its event decides the answer. The facts go to the log alone, as this Worker wrote them a minute ago at most. */
function isCachedRefusal(value: unknown): value is UpstreamRefusal {
  return isPlainObject(value) && EVENTS.has(value["event"]);
}
