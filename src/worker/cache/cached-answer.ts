// The answers that Workers Cache keeps. The entrypoint `Renditions` writes them: it runs behind that cache. The gateway, the
// entrypoint that runs for every request, reads them. An answer is one of three:
// - an image,
// - facts (the sizes of a picture, as JSON),
// - a refusal.
// It also says for how long Workers Cache shows it. It may be days old, and from an earlier deploy. Codes such as W8 are rules
// of docs/rules.md.

import { type Lifetimes, shorterLifetimes } from "../config/answers.ts";
import { factsRendition, isFacts } from "../edge/facts.ts";
import { isAboutObject, isCertain, type Refusal, UPSTREAM_EVENTS } from "../http/refusal.ts";
import type { Rendition } from "../http/send.ts";
import type { CacheState } from "../log/log.ts";
import { isPlainObject, parseJson } from "../util/json.ts";

/** A rendition with its ETag. */
export type NamedRendition = Rendition & {
  /**
   * In quotes. Undefined if S3 gives no ETag for the object, or if the edge did not prove which object it rendered: then the
   * rendition may be of another one.
   */
  readonly etag: string | undefined;
  /** Set if it came from the store: "current" if S3 has the same object now, "outage" if S3 is down. */
  readonly stored?: "current" | "outage";
};

/** What a request for a rendition of one object leads to. */
export type ObjectResult =
  | { readonly kind: "rendition"; readonly rendition: NamedRendition }
  /** The caller has sent the ETag of its rendition: that one has not changed. */
  | { readonly kind: "not-modified"; readonly etag: string }
  | {
      readonly kind: "refusal";
      readonly refusal: Refusal;
      /** Whether S3 itself says that the object is gone or denied: then nobody may see an older picture of it any more. */
      readonly endsOlder?: boolean;
    };

/** What a request leads to whose URL may show several objects. `objectIndex` is the object that it shows: 0 for the first. */
export type RenderResult = ObjectResult & { readonly objectIndex: number };

/** What decides for how long Workers Cache keeps an answer, and how it can be purged. */
export type CachePolicy = {
  /** For how long it is shown. */
  readonly lifetimes: Lifetimes;
  /** Those of `[vars.ANSWERS]`: the upper limit for an answer that may be of an older object, whatever its route says. */
  readonly generalLifetimes: Lifetimes;
  /** The tags by which the answer can be purged (W10). */
  readonly tags: readonly string[];
  /** Whether the URL can show one object alone. */
  readonly isOneObject: boolean;
};

const STORED_HEADER = "vitrine-stored";

// `"<32 digits>-2"` is the ETag of a rendition in Workers Cache whose URL may show several objects, one in each bucket of its
// route. It ends with the index of the object that is shown; an index of 0 is left out. Visitors do not see the index.
const OWN_ETAG = /^"[0-9a-f]{32}(?:-\d{1,3})?"$/;
const INDEX = /-(\d{1,3})"/; // finds `-2"`

/** Puts an index into an ETag of visitors: `"<32 digits>"` becomes `"<32 digits>-2"`. */
function joinEtag(etag: string, objectIndex: number): string {
  if (objectIndex === 0) return etag;
  return etag.replace(/"$/, `-${objectIndex}"`);
}

/** Takes the index off an ETag. */
function splitEtag(etag: string): { readonly etag: string; readonly objectIndex: number } {
  const index = INDEX.exec(etag)?.[1];
  return { etag: etag.replace(INDEX, '"'), objectIndex: Number(index ?? 0) };
}

/**
 * Reads the `If-None-Match` that Workers Cache sends when it revalidates an older rendition (W18).
 * @returns the ETag as visitors see it, and the index of the older object; without the header, null and 0
 */
export function readCondition(ifNoneMatch: string | null): {
  readonly condition: string | null;
  readonly objectIndex: number;
} {
  if (ifNoneMatch === null) return { condition: null, objectIndex: 0 };

  const { etag, objectIndex } = splitEtag(ifNoneMatch);
  return { condition: etag, objectIndex };
}

/** In an outage, Workers Cache keeps a stored rendition for so long at most: s. After that, S3 is asked again. */
const OUTAGE_S = 60;

/** The answer with a rendition, which the gateway reads to answer the visitor. */
export function renditionAnswer(
  rendition: NamedRendition,
  objectIndex: number,
  policy: CachePolicy,
): Response {
  const { body, type, length, stored, etag } = rendition;
  let { lifetimes } = policy;

  // Two kinds of renditions are uncertain. In an outage, nobody knows whether the object has changed. Without an ETag, the
  // rendition may be of another object.
  const isOutage = stored === "outage";
  const isUncertain = isOutage || etag === undefined;
  if (isUncertain) lifetimes = shorterLifetimes(lifetimes, policy.generalLifetimes);
  if (isOutage) lifetimes = { ...lifetimes, keep: Math.min(OUTAGE_S, lifetimes.keep) };

  const headers = {
    ...cachingHeaders(etag, objectIndex, lifetimes, policy),
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
  const headers = cachingHeaders(etag, objectIndex, policy.lifetimes, policy);
  return new Response(null, { status: 304, headers });
}

function cachingHeaders(
  etag: string | undefined,
  objectIndex: number,
  { keep, stale, stale_if_error }: Lifetimes,
  { tags, isOneObject }: CachePolicy,
): Record<string, string> {
  const etagHeader = etag && { etag: joinEtag(etag, objectIndex) };

  // `keep` is 0 in [vars.ANSWERS], though the route has a longer one, and this rendition may be of an older object.
  if (keep === 0) return { "cache-control": "no-store", ...etagHeader };

  // A stale rendition of a URL with several objects is shown only with an ETag, which says by its index which object it is.
  let staleness = `stale-while-revalidate=${stale}, stale-if-error=${stale_if_error}`;
  if (!etag && !isOneObject) staleness = "must-revalidate";

  return {
    "cache-control": `public, max-age=${keep}, ${staleness}`,
    "cache-tag": tags.join(","),
    ...etagHeader,
  };
}

/** The older rendition that Workers Cache may show in place of a refusal (W8). */
export type OlderRendition = {
  readonly exists: boolean;
  /**
   * Whether it must not be shown again, for one of two reasons:
   * - S3 itself refuses the object that it shows.
   * - Its object is gone. The refusal is about an object behind it, among the several that the URL may show.
   */
  readonly mustEnd: boolean;
};

/**
 * The answer with a refusal. The gateway reads it, and answers the visitor by its event.
 * @param tags by which the refusal can be purged, once the object exists, or is repaired
 */
export function refusalForCache(
  refusal: Refusal,
  objectIndex: number,
  older: OlderRendition,
  tags: readonly string[],
): Response {
  // The answer has all fields of the refusal, except S3's reply, which is for /healthz alone.
  const fields = { ...refusal, s3: undefined, ...(objectIndex > 0 && { objectIndex }) };
  const headers = new Headers({ "content-type": "application/json", "cache-control": "no-store" });

  // The status is for Workers Cache alone (W8). It does not say what happened: the gateway reads the event.
  // - 502: the cache keeps the older rendition, and shows it.
  // - 404 or 415: the cache keeps the refusal, in place of the older rendition.
  let status = 502;
  const maxAge = refusalSeconds(refusal, older);
  if (maxAge) {
    status = refusal.event === "source-unreadable" ? 415 : 404;
    // Whatever fails, the refusal is not shown for longer (W8).
    headers.set("cache-control", `public, max-age=${maxAge}, must-revalidate`);
    headers.set("cache-tag", tags.join(","));
  }
  return new Response(JSON.stringify(fields), { status, headers });
}

/**
 * Returns for how long Workers Cache keeps a refusal: s.
 * @returns undefined for a refusal that must not take the place of an older rendition
 */
function refusalSeconds(refusal: Refusal, older: OlderRendition): number | undefined {
  // It is proved that the object has no picture. Without a minute in the cache, each visitor would cause a request to S3.
  if (isAboutObject(refusal) && isCertain(refusal)) return 60;

  // An engine could not read the object. That may be wrong, but there is no older rendition to lose.
  if (refusal.event === "source-unreadable" && !older.exists) return 60;

  // The refusal takes the place of an older rendition that must not be shown again. One second is enough for that. It does so
  // even if `exists` is false: the picture of an outage has no ETag, so Workers Cache does not say that it has it.
  if (older.mustEnd) return 1;

  // Any other refusal may be over soon.
  return undefined;
}

/**
 * The events of a refusal by `Renditions`. The last two say that S3 takes no key, or AWS gives no role. The event
 * "configuration-broken" is not among them, because the gateway refuses before it asks.
 */
const EVENTS: ReadonlySet<unknown> = new Set([...UPSTREAM_EVENTS, "slots-refused", "role-refused"]);

/**
 * Reads an answer of the cached entrypoint.
 * @returns undefined if the entrypoint cannot have written it
 */
export async function readCachedAnswer(
  answer: Response,
  expectsFacts: boolean,
): Promise<RenderResult | undefined> {
  // A refusal. Only its event is checked, which decides what visitors see. The other fields go into the log.
  if (answer.status !== 200) {
    const value = parseJson(await answer.text());
    if (!isCachedRefusal(value)) return undefined;

    const { objectIndex = 0, ...refusal } = value;
    return { kind: "refusal", refusal, objectIndex };
  }

  const image = expectsFacts ? await readFacts(answer) : readImage(answer);
  if (!image) return undefined;

  // An ETag of another form does not come from this Worker: it counts as none.
  const header = answer.headers.get("etag");
  if (header === null || !OWN_ETAG.test(header)) {
    return { kind: "rendition", rendition: { ...image, etag: undefined }, objectIndex: 0 };
  }

  const { etag, objectIndex } = splitEtag(header);
  return { kind: "rendition", rendition: { ...image, etag }, objectIndex };
}

function isCachedRefusal(value: unknown): value is Refusal & { readonly objectIndex?: number } {
  return isPlainObject(value) && EVENTS.has(value["event"]);
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

  const contentLength = headers.get("content-length") ?? "";
  const length = /^\d+$/.test(contentLength) ? contentLength : undefined;

  const stored = headers.get(STORED_HEADER);
  if (stored !== "current" && stored !== "outage") return { body, type, length };
  return { body, type, length, stored };
}

/** Where an answer came from, by Cloudflare's header (W11). Two of its words may mean one thing here. */
const STATES: Readonly<Record<string, CacheState>> = {
  HIT: "hit",
  REVALIDATED: "hit",
  STALE: "stale",
  UPDATING: "stale",
};

/**
 * Returns where an answer came from (W15): "hit" or "stale" if Workers Cache had it. If `Renditions` ran, "stored" if the store
 * had it, and "miss" if it was rendered.
 */
export function cacheStateOf({ headers }: Pick<Response, "headers">): CacheState {
  const status = headers.get("cf-cache-status") ?? "";
  const state = STATES[status];
  if (state === "stale" || isOutdated(headers)) return "stale";
  if (state) return state;

  // `Renditions` ran. This header is read only here: Workers Cache keeps it, too, so a hit may have an old one.
  return headers.has(STORED_HEADER) ? "stored" : "miss";
}

/**
 * Returns whether an answer is older than its `max-age`. Workers Cache has two tiers. If the upper one gives the lower one a
 * stale answer, nobody knows what the lower one reports (W5): it may be a MISS. The age tells it all the same.
 */
function isOutdated(headers: Headers): boolean {
  const match = /\bmax-age=(?<seconds>\d+)/.exec(headers.get("cache-control") ?? "");
  const age = Number(headers.get("age") ?? 0);
  return match !== null && age > Number(match.groups?.["seconds"]);
}
