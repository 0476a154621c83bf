// What the Worker asks the edge for, and with which headers. The signature is left out.

import { type RenditionKey, renditionUrl } from "../../worker/cache/rendition-url.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { secretNames } from "../../worker/config/read-secrets.ts";
import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { factsOptions } from "../../worker/edge/ask-edge.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  type Readable,
} from "../../worker/request/format.ts";
import { placeOf } from "../../worker/store/rendition-store.ts";
import { type Project, slotsAtHand } from "../config/project.ts";
import {
  billedAs,
  bindingCalls,
  type EdgeCall,
  edgeCalls,
  transformationsOf,
  uniqueOptions,
} from "../config/transformations.ts";

export type Asked = Awaited<ReturnType<typeof explainAsked>>;

/** A request to the edge for a browser that reads some formats. */
export type Call = EdgeCall & { readonly reads: string };

/** An object at a variant, with the version that a signed URL names. */
export type Subject = Omit<RenditionKey, "formats"> & {
  /** Whether its route shows SVGs. */
  readonly svg: boolean;
  /** Whether its facts are asked for, not the picture. */
  readonly facts: boolean;
};

export async function explainAsked(project: Project, subject: Subject, now: number) {
  const { config } = project;
  const { bucket, key } = subject;
  const source = originUrl(bucket.base, key);
  const { variant, facts } = subject;
  const { engine } = bucket;
  const isBound = engine === "binding";
  const options = isBound ? [] : READERS.flatMap((reader) => callsFor(reader, subject));
  // The binding tells facts for nothing (L2).
  const bound = facts ? 0 : uniqueOptions(variant, false, false).length;
  const ofThis = isBound ? bound : new Set(options.map(({ image }) => billedAs(image))).size;
  const ofAll = transformationsOf(config).get(bucket.name) ?? ofThis;
  return {
    originUrl: source,
    /** What the edge fetches it with: a hash of the object's ETag follows, which is not known here (A15). */
    ...(!isBound && bucket.hasSourceParameter && { parameter: "x-vitrine" }),
    headers: await headersOf(project, source, bucket, now),
    engine,
    /** What the Images binding is asked, if that is the engine; none for facts. */
    ...(isBound && {
      binding: facts
        ? []
        : READERS.flatMap((one) => bindingCalls(one.reads, variant, one.readable)),
    }),
    /** The edge caches by the URL and these (C1). */
    options,
    /** Cloudflare keeps the rendition under one of these for all visitors (W3); none with keep = 0. */
    kept: config.answers.keep === 0 ? [] : READERS.map((reader) => keptFor(reader, subject)),
    /** The names under which the store holds it; none: it does not. */
    stored: [
      ...new Set(await Promise.all(READERS.map((one) => storedAs(one, subject, config)))),
    ].filter((name) => name !== undefined),
    /** For how long: s. */
    keep: config.answers.keep,
    /** Unique transformations that this variant, and all variants of the object, can cause (L2). */
    transformations: { ofThis, ofAll },
    /** Seconds that browsers may keep it, unless its URL expires before. */
    maxAge: config.answers.max_age,
  };
}

type Reader = { readonly reads: string; readonly readable: Readable };

const READERS: readonly Reader[] = [
  { reads: "AVIF and WebP", readable: { avif: true, webp: true } },
  { reads: "WebP", readable: { avif: false, webp: true } },
  { reads: "neither", readable: { avif: false, webp: false } },
];

function callsFor({ reads, readable }: Reader, { variant, svg, facts }: Subject): Call[] {
  if (facts) return [{ reads, image: factsOptions(createTransformRequest(variant, "facts")) }];
  return edgeCalls(variant, readable, svg).map((call) => ({ reads, ...call }));
}

function keyFor({ readable }: Reader, { svg, facts, ...object }: Subject): RenditionKey {
  const formats = facts ? "facts" : acceptedFormatsOf(object.variant, readable, svg);
  return { ...object, formats };
}

function keptFor(reader: Reader, subject: Subject) {
  return { reads: reader.reads, url: renditionUrl(keyFor(reader, subject)) };
}

async function storedAs(reader: Reader, subject: Subject, config: Config) {
  return (await placeOf(keyFor(reader, subject), config))?.name;
}

/** The headers, with the end of the key's id in place of the signature. */
async function headersOf(
  project: Project,
  url: string,
  { name, region, r2, role }: Bucket,
  now: number,
): Promise<Record<string, string>> {
  if (r2 !== undefined) return {};
  const [slot] = role === undefined ? slotsAtHand(project, name).usable : [];
  const without =
    role === undefined ? "a key that is not at hand" : `session credentials of ${role.arn}`;
  const key = slot === undefined ? without : describe(project, name, slot);
  const none = { accessKeyId: "none", secretAccessKey: "none" };
  const headers = await sign(url, region, none, now);
  const [, scope, signed] =
    /Credential=none\/([^,]+), SignedHeaders=([^,]+)/.exec(headers.authorization) ?? [];
  const authorization = `AWS Signature Version 4 of ${signed}, for ${scope}, by ${key}`;
  return { host: new URL(url).host, ...headers, authorization };
}

/** `the current key …MPLE (from .dev.vars)`. */
function describe({ words, secrets }: Project, bucket: string, slot: Slot): string {
  const { accessKeyId } = secretNames(words.get(bucket) ?? "AWS", slot.name);
  return `the ${slot.name} key ${keyEnd(slot)} (from ${secrets.get(accessKeyId)?.from})`;
}
