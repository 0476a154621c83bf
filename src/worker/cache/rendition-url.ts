// The URL of a rendition, which is one picture in one size and format. The URL is its key in Workers Cache: the gateway
// (index.ts) writes it, and the entrypoint `Renditions`, which the cache stands before, reads it. Codes such as W3 are rules
// of docs/rules.md.
//
// The URL has everything that shapes the bytes, in one spelling, and nothing else of the visitor's request (W3). If anything
// were missing in it, a visitor would get the picture of another request. It has no secret. Its parts also name the rendition
// in the store, and make the cache tags by which it is purged.

import { decodePath, encodeKey } from "../../url/encoding.ts";
import { keyFault } from "../../url/key.ts";
import type { Lifetimes } from "../config/answers.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Config } from "../config/config.ts";
import type { Variant } from "../config/preset.ts";
import { originUrl } from "../origin/object-url.ts";
import { ACCEPTED_FORMATS, type AcceptedFormats } from "../request/accept.ts";
import {
  type ObjectLocation,
  objectsOf,
  type ResolvedRequest,
} from "../request/resolve-request.ts";
import { sha256Hex } from "../util/bytes.ts";
import { memoize } from "../util/memoize.ts";

/** Everything that decides the bytes of a rendition, except those of the object. */
export type RenditionId = {
  readonly bucket: Bucket;
  /** The object's key, with the bucket's prefix. */
  readonly key: string;
  /** The version that a signed URL names. A new one makes a new URL, by which a replaced object shows at once. */
  readonly version: string | undefined;
  readonly variant: Variant;
  /** The formats that the visitor's browser reads; or `facts`: the picture's sizes are requested, as JSON. */
  readonly formats: AcceptedFormats;
  /** Whether it may go into the store: its route says so. */
  readonly isStorable: boolean;
  /** For how long Workers Cache shows it, by its route. Undefined: for as long as `[vars.ANSWERS]` says. */
  readonly lifetimes: Lifetimes | undefined;
};

/** The ids for all objects that one URL may show, in order: the first existing one is shown. */
export type RenditionIds = readonly [RenditionId, ...RenditionId[]];

/** The ids for what a visitor asks for: one for the object in each bucket of the route. */
export function renditionIdsOf(
  resolved: ResolvedRequest,
  { version, formats }: Pick<RenditionId, "version" | "formats">,
): RenditionIds {
  const { variant, route } = resolved;
  const isStorable = route.store;
  const { lifetimes } = route.policy;
  const shared = { version, variant, formats, isStorable, lifetimes };

  // `object` is a bucket and a key.
  const idOf = (object: ObjectLocation) => ({ ...object, ...shared });

  const [first, ...others] = objectsOf(resolved);
  return [idOf(first), ...others.map(idOf)];
}

/**
 * Returns the id of the object that a result is about.
 * @param objectIndex may be out of range, because a cached answer may say it. Then the first id is returned
 */
export function idAt(ids: RenditionIds, objectIndex: number): RenditionId {
  return ids[objectIndex] ?? ids[0];
}

/**
 * Workers Cache outlives a deploy (W4). Raise this number when cached-answer.ts changes what an answer means: then no answer
 * is found that was cached before the deploy.
 */
const URL_PREFIX = "https://renditions/2/";

/** Raise this number if the same name would get other bytes: then all renditions are rendered again. */
const NAME_PREFIX = "3/";

/**
 * Stands between the names of several objects, as in `NAME&else=NAME`. No name contains it: encodeKey escapes each & of a key
 * and of the options.
 */
const SEPARATOR = "&else=";

/** Returns one URL for all objects that a visitor's URL may show: they share one cached answer. */
export function renditionUrl(ids: RenditionIds): string {
  const names = ids.map((id) => renditionName(id)).join(SEPARATOR);
  const [{ version, lifetimes }] = ids;
  const versionPart = version ? `&v=${version}` : "";
  return URL_PREFIX + names + lifetimesPart(lifetimes) + versionPart;
}

/**
 * The lifetimes of a route, if they differ from those of `[vars.ANSWERS]`. Two routes may show one object for 60 s and for a
 * day. If they shared an entry of Workers Cache, the first request would decide for both. The store, the ETag and the tags do
 * not have the lifetimes, because they change no bytes.
 */
function lifetimesPart(lifetimes: Lifetimes | undefined): string {
  if (!lifetimes) return "";

  const { keep, stale, stale_if_error } = lifetimes;
  return `&keep=${keep}&stale=${stale}&stale_if_error=${stale_if_error}`;
}

/**
 * Names a bucket, whatever its name in wrangler.toml is, by three parts:
 * - its access: the role that opens it, or the prefix of its secrets' names, "AWS" of AWS_ACCESS_KEY_ID. With it, a rendition
 *   that one key may read is not shown to a request that uses another key;
 * - its engine;
 * - its URL.
 * @example `AWS/https/acme.s3.eu-west-1.amazonaws.com/`
 */
const locationOf = memoize((bucket: Bucket): string => {
  const access = bucket.access.replaceAll("/", ":"); // the path of a role must not look like folders
  const engine = bucket.engine === "cf" ? "" : "binding/"; // "cf", the edge, has no part of its own
  return `${access}/${engine}${bucket.baseUrl.replace("://", "/")}`;
});

/** Writes the options of a variant. Equal options give equal text: their order is that of the schema of presets. */
const optionsOf = memoize((variant: Variant): string => {
  return encodeKey(JSON.stringify({ ...variant.image, format: variant.format }));
});

/**
 * Returns the name of a rendition, for the store and for its ETag. A version changes no bytes, so it is no part.
 * @example `3/AWS/https/acme.s3.eu-west-1.amazonaws.com/fig.jpg?as=webp&image=%7B…%7D`
 */
export function renditionName(id: RenditionId): string {
  const { bucket, key, variant, formats, isStorable } = id;
  const object = locationOf(bucket) + encodeKey(key);
  const overlays = variant.image.draw ?? [];

  // The key of an overlay is relative to the bucket's prefix: with another prefix, it means another object.
  const hasOverlayByKey = overlays.some((overlay) => overlay.key !== undefined);
  const overlayPrefix = hasOverlayByKey ? `&below=${encodeKey(bucket.prefix)}` : "";

  const unstored = isStorable ? "" : "&store=0";
  const options = optionsOf(variant);
  return `${NAME_PREFIX}${object}?as=${formats}&image=${options}${overlayPrefix}${unstored}`;
}

/**
 * What follows the names in a URL. Both parts may be missing:
 * - `lifetimesText`, those of a route: `&keep=60&stale=0&stale_if_error=0`;
 * - `version`, `7` of `&v=7`.
 */
const SUFFIX =
  /(?<lifetimesText>&keep=\d+&stale=\d+&stale_if_error=\d+)?(?:&v=(?<version>[\w.-]{1,64}))?$/;

/** What all objects of one URL share. */
type Suffix = Pick<RenditionId, "version" | "lifetimes">;

/**
 * Reads the URL of a rendition: looks up each of its parts in the configuration.
 * @returns undefined if the gateway does not write such a URL with this configuration
 */
export function readRenditionUrl(config: Config, url: string): RenditionIds | undefined {
  if (!url.startsWith(URL_PREFIX)) return undefined;

  const suffix = SUFFIX.exec(url)?.groups;
  const { lifetimesText, version } = suffix ?? {};
  const names = url.slice(URL_PREFIX.length).replace(SUFFIX, "").split(SEPARATOR);

  // Undefined if the URL has none. Undefined also if no route has these, as after a deploy that has changed them: then the
  // URL is not the same when it is written again, below.
  const lifetimes = lifetimesByText(config).get(lifetimesText ?? "");

  const ids: RenditionId[] = [];
  for (const name of names) {
    const id = readName(config, name, { version, lifetimes });
    if (!id) return undefined;
    ids.push(id);
  }

  // The ids of one URL differ only in bucket and key, so all else is taken from the first one. The URL is verified by writing
  // it again: the gateway did not write it if that gives another one.
  const [first, ...others] = ids;
  if (!first) return undefined;
  const further = others.map(({ bucket, key }) => ({ ...first, bucket, key }));
  const read: RenditionIds = [first, ...further];
  return renditionUrl(read) === url ? read : undefined;
}

/**
 * A name without NAME_PREFIX, as in the example of renditionName:
 * - the object: `AWS/https/acme.s3.eu-west-1.amazonaws.com/fig.jpg`
 * - `?as=webp` and `&image=%7B…%7D`
 * - perhaps `&below=photos/`, which is ignored here: readName compares the whole name
 * - perhaps `&store=0`
 */
const NAME =
  /^(?<object>[^?]+)\?as=(?<formats>[a-z.]+)&image=(?<options>[^&]+)(?:&below=[^&]*)?(?<unstored>&store=0)?$/;

/** Reads the name of a rendition. */
function readName(config: Config, name: string, suffix: Suffix): RenditionId | undefined {
  if (!name.startsWith(NAME_PREFIX)) return undefined;

  const parts = NAME.exec(name.slice(NAME_PREFIX.length))?.groups;
  if (!parts) return undefined;

  const { object = "", formats: formatsText, options = "", unstored } = parts;
  const formats = ACCEPTED_FORMATS.find((format) => format === formatsText);
  const variant = variantsByOptions(config).get(options);
  if (!formats || !variant) return undefined;

  for (const bucket of config.buckets) {
    const location = locationOf(bucket);
    if (!object.startsWith(location)) continue;

    const key = decodePath(object.slice(location.length));
    if (!key?.startsWith(bucket.prefix)) continue;
    if (keyFault(key) !== undefined) continue; // no object can have this key

    // Two buckets of the configuration may be one S3 bucket with the prefixes `a/` and `b/`. With an overlay, `&below=a/`
    // of the whole name tells which of them this is. Without one, both mean the same object.
    const id = { bucket, key, variant, formats, isStorable: !unstored, ...suffix };
    if (renditionName(id) === name) return id;
  }
  return undefined;
}

/** Variants with equal options are one variant here, whatever their presets are called. */
const variantsByOptions = memoize(({ variants }: Config): ReadonlyMap<string, Variant> => {
  const byOptions = new Map<string, Variant>();
  for (const variant of variants.values()) byOptions.set(optionsOf(variant), variant);
  return byOptions;
});

/** The lifetimes of the routes, as a URL has them. */
const lifetimesByText = memoize(({ routes }: Config): ReadonlyMap<string, Lifetimes> => {
  const byText = new Map<string, Lifetimes>();

  for (const { policy } of routes) {
    const { lifetimes } = policy;
    if (lifetimes) byText.set(lifetimesPart(lifetimes), lifetimes);
  }
  return byText;
});

/** The cache tag of all renditions of an object, of all of its versions. */
export function objectTag({ baseUrl }: Pick<Bucket, "baseUrl">, key: string): Promise<string> {
  return sha256Hex(originUrl(baseUrl, key));
}

const bucketTags = new WeakMap<object, string>();

/**
 * The cache tag of all renditions of a bucket, whatever its name in wrangler.toml is. It is computed once. `memoize` would
 * keep the promise, and a Worker may not await the promise of another request.
 */
export async function bucketTag(bucket: Pick<Bucket, "baseUrl">): Promise<string> {
  const knownTag = bucketTags.get(bucket);
  if (knownTag) return knownTag;

  const tag = await sha256Hex(bucket.baseUrl);
  bucketTags.set(bucket, tag);
  return tag;
}

/** The tags of an answer. An answer for several objects has the tags of all of them, and of their buckets. */
export function tagsOf(ids: RenditionIds): Promise<readonly string[]> {
  const tags = ids.flatMap(({ bucket, key }) => [objectTag(bucket, key), bucketTag(bucket)]);
  return Promise.all(tags);
}
