// The URL of a rendition: its key in Workers Cache (W3). It has everything that shapes the bytes, in one spelling,
// nothing else of the visitor's request, and no secret. Pure.

import { decodePath, encodeKey } from "../../url/encoding.ts";
import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Config } from "../config/config.ts";
import type { Variant } from "../config/preset.ts";
import type { Refusal } from "../http/refusal.ts";
import { originUrl } from "../origin/object-url.ts";
import { ACCEPTED_FORMATS, type AcceptedFormats } from "../request/accept.ts";
import { sha256Hex } from "../util/bytes.ts";
import { memoize } from "../util/memoize.ts";

/** Everything that decides the bytes of a rendition, except those of the object. */
export type RenditionKey = {
  readonly bucket: Bucket;
  /** The object's key, with the bucket's prefix. */
  readonly key: string;
  /** The version that a signed URL names. */
  readonly version: string | undefined;
  readonly variant: Variant;
  readonly formats: AcceptedFormats;
  /** Whether the store may hold it. */
  readonly isStorable: boolean;
};

/** The keys for all objects that one URL may show, in order: the first existing one is shown. */
export type RenditionKeys = readonly [RenditionKey, ...RenditionKey[]];

export function refusedKey(keys: RenditionKeys, { objectIndex = 0 }: Refusal): RenditionKey {
  return keys[objectIndex] ?? keys[0];
}

/** The cache outlives a deploy (W4). Change this number where cached-answer.ts reads the same answer in another way. */
const URL_PREFIX = "https://renditions/2/";

/** Change this number where the same name would get other bytes: then all renditions are rendered again. */
const NAME_PREFIX = "2/";

/** A name without NAME_PREFIX: `AWS/https/acme.s3.eu-west-1.amazonaws.com/fig.jpg?as=webp&image=%7B…%7D`. */
const NAME = /^([^?]+)\?as=([a-z.]+)&image=([^&]+)(?:&below=[^&]*)?(&store=0)?$/;

/** Between the names of several objects. No name contains it: encodeKey escapes the & of a key. */
const SEPARATOR = "&else=";

/** Several objects share one cached answer, so the URL names them all. */
export function renditionUrl(keys: RenditionKeys): string {
  const [{ version }] = keys;
  return URL_PREFIX + keys.map(renditionName).join(SEPARATOR) + (version ? `&v=${version}` : "");
}

/** The name of a rendition, for the store and for its ETag. It has no version: that does not change the bytes. */
export function renditionName({ bucket, key, variant, formats, isStorable }: RenditionKey): string {
  const object = locationOf(bucket) + encodeKey(key);
  const isOverlaid = variant.image.draw?.some((overlay) => overlay.key !== undefined);
  const below = isOverlaid ? `&below=${encodeKey(bucket.prefix)}` : "";
  const store = isStorable ? "" : "&store=0";
  return `${NAME_PREFIX}${object}?as=${formats}&image=${optionsOf(variant)}${below}${store}`;
}

/**
 * Reads the URL of a rendition: looks up each of its parts in the configuration.
 * @returns undefined if the gateway does not write such a URL with this configuration
 */
export function readRenditionUrl(config: Config, url: string): RenditionKeys | undefined {
  if (!url.startsWith(URL_PREFIX)) return undefined;
  const [names = "", version] = url.slice(URL_PREFIX.length).split(/&v=([\w.-]{1,64})$/);
  const list = names.split(SEPARATOR);
  const [first, ...alternatives] = list.flatMap((name) => readName(config, name, version) ?? []);
  if (!first) return undefined;
  if (list.length === 1) return [first];
  const further = alternatives.map(({ bucket, key }) => ({ ...first, bucket, key }));
  const keys = [first, ...further] as const;
  return renditionUrl(keys) === url ? keys : undefined; // differs if a name is not read, or has another variant
}

/** Reads the name of a rendition. */
function readName(
  config: Config,
  name: string,
  version: string | undefined,
): RenditionKey | undefined {
  if (!name.startsWith(NAME_PREFIX)) return undefined;
  const [, object = "", as, options = "", store] = NAME.exec(name.slice(NAME_PREFIX.length)) ?? [];
  const formats = ACCEPTED_FORMATS.find((value) => value === as);
  const variant = variantsByOptions(config).get(options);
  if (!formats || !variant) return undefined;
  for (const bucket of config.buckets) {
    if (!object.startsWith(locationOf(bucket))) continue;
    const key = decodePath(object.slice(locationOf(bucket).length));
    if (!key?.startsWith(bucket.prefix) || keyFault(key) !== undefined) continue;
    const rendition = { bucket, key, version, variant, formats, isStorable: !store };
    if (renditionName(rendition) === name) return rendition;
  }
  return undefined;
}

/**
 * The bucket by its URL and engine, whatever its name in wrangler.toml is. The key or role that opens it is a part: a
 * rendition that one key may read is not shown to requests by another key. The path of a role must not look like
 * folders.
 */
const locationOf = memoize((bucket: Bucket): string => {
  const access = bucket.access.replaceAll("/", ":");
  const engine = bucket.engine === "cf" ? "" : "binding/";
  return `${access}/${engine}${bucket.baseUrl.replace("://", "/")}`;
});

/** The options of a variant in one spelling: the schema of a preset decides their order. */
const optionsOf = memoize((variant: Variant): string => {
  return encodeKey(JSON.stringify({ ...variant.image, format: variant.format }));
});

/** Variants with equal options are one variant here, whatever their presets are called. */
const variantsByOptions = memoize(({ variants }: Config): ReadonlyMap<string, Variant> => {
  return new Map([...variants.values()].map((variant) => [optionsOf(variant), variant]));
});

/** The cache tag of all renditions of an object, of all of its versions. */
export function objectTag({ baseUrl }: Pick<Bucket, "baseUrl">, key: string): Promise<string> {
  return sha256Hex(originUrl(baseUrl, key));
}

const bucketTags = new WeakMap<object, string>();

/** The cache tag of all renditions of a bucket, whatever its name in wrangler.toml is. Computed once. */
export async function bucketTag(bucket: Pick<Bucket, "baseUrl">): Promise<string> {
  const tag = bucketTags.get(bucket) ?? (await sha256Hex(bucket.baseUrl));
  bucketTags.set(bucket, tag); // not the promise: it belongs to one request
  return tag;
}
