// What probes of the image edge share: pictures, and the two ways to a source that the edge can reach.
//
// One way is the Worker's own `/origin/<id>.jpg`, which writes down what it saw. The other is an object in R2 by its S3
// API, signed as Vitrine signs, where the zone's Sources have R2's host. Neither is taken for granted.

import { AwsV4Signer } from "aws4fetch";
import {
  fromBase64,
  type Origin,
  type OriginRequest,
  type Reply,
  type Texts,
  throwLost,
  toBase64,
} from "./operation.ts";
import {
  type Claim,
  codeOf,
  isBusy,
  isTransformed,
  outcomeOf,
  PHOTO,
  type Probe,
  pictureOf,
  probe,
  textOf,
  type World,
} from "./probe.ts";

export type FetchInit = {
  /** With its question mark. */
  readonly query?: string;
  readonly headers?: Texts;
  readonly method?: "GET" | "HEAD";
  readonly cf?: object;
};

export type Source = {
  readonly url: string;
  transform(image: object, init?: FetchInit): Promise<Reply>;
  /** Returns whether the edge answers without the origin. A cache may have several parts, empty at first: hence tries. */
  isCached(image: object, init?: FetchInit, tries?: number): Promise<boolean>;
};

export type OriginSource = Source & {
  readonly path: string;
  /** What came to it, in no order. @param via of the image edge alone, or `""`: of all */
  requests(via?: string): Promise<readonly OriginRequest[]>;
};

export const SHARE = { "origin-auth": "share-publicly" };
const TYPES: Texts = { jpg: "image/jpeg", png: "image/png", svg: "image/svg+xml" };
const TRIES = 3;

/** Puts an object into the bucket. @throws if R2 refuses it */
export async function putObject(
  { send }: World,
  key: string,
  body: Uint8Array | string,
  contentType = "text/plain",
  customMetadata: Record<string, string> = {},
): Promise<void> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const options = { httpMetadata: { contentType }, customMetadata };
  const { error } = await send({ type: "r2", method: "put", key, body: toBase64(bytes), options });
  if (error !== undefined) throw new Error(`cannot put ${key}: ${error.message}`);
}

/** Puts a picture under a key that no cache knows. @returns the key */
export async function putPicture(world: World, file = PHOTO): Promise<string> {
  const ending = file.replace(/.*\./, "");
  const key = `${world.run}/${crypto.randomUUID()}.${ending}`;
  await putObject(world, key, pictureOf(file), TYPES[ending]);
  return key;
}

/** The URL of an object by R2's S3 API. @param query with its question mark */
export function s3Url({ s3 }: World, key: string, query = ""): string {
  return `${s3.endpoint}/${s3.bucket}/${key}${query}`;
}

/** Signs a request for R2's S3 API as Vitrine does (A1). @returns its headers */
export async function signS3(
  { s3: { accessKeyId, secretAccessKey, region }, now }: Pick<World, "s3" | "now">,
  url: string,
  method = "GET",
): Promise<Record<string, string>> {
  const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
  const datetime = new Date(now()).toISOString().replace(/[:-]|\.\d{3}/g, "");
  const keys = { accessKeyId, secretAccessKey, region, service: "s3" };
  const signer = new AwsV4Signer({ ...keys, url, method, headers, datetime });
  return { ...headers, "x-amz-date": datetime, authorization: await signer.authHeader() };
}

/** Has the Worker get an object by R2's S3 API, past every cache. */
export async function getS3(world: World, key: string, init: FetchInit = {}): Promise<Reply> {
  const { method = "GET", query } = init;
  const url = s3Url(world, key, query);
  const headers = { ...(await signS3(world, url, method)), ...init.headers };
  const reply = await world.send({ type: "fetch", url, method, headers, cache: "no-store" });
  return isBusy(reply) ? throwLost(`R2's S3 API answered ${reply.status}`) : reply;
}

/** Has the Worker transform an object in R2 at the edge (E1). */
export async function transformS3(world: World, key: string, image: object, init: FetchInit = {}) {
  const url = s3Url(world, key, init.query);
  const headers = { ...(await signS3(world, url)), ...init.headers };
  const cf = { image: { ...SHARE, ...image }, ...init.cf };
  return world.send({ type: "fetch", url, headers, cf });
}

/** The path of the URL interface for a source: anybody may ask for it (E10). */
export const doorTo = (source: string, options = "width=8") =>
  `/cdn-cgi/image/${options}/${source}`;

/** Makes an own origin of a picture, which may be kept for an hour if it does not say otherwise. */
export async function createOrigin(
  world: World,
  origin: Origin = {},
  file?: string,
): Promise<OriginSource> {
  const path = `/origin/${world.run}-${crypto.randomUUID()}.jpg`;
  const headers = { "cache-control": "public, max-age=3600", ...origin.headers };
  const content = { key: await putPicture(world, file), ...origin, headers };
  await putObject(world, path.slice(1, -4), JSON.stringify(content));
  const url = world.url + path;
  const source: OriginSource = {
    ...{ url, path },
    transform: (image, { query = "", cf, ...init } = {}) =>
      world.send({ type: "fetch", url: url + query, ...init, cf: { image, ...cf } }),
    async requests(via = "image-resizing") {
      const options = { prefix: path.replace("/origin/", "requests/").replace(".jpg", "/") };
      const list = await world.send({ type: "r2", method: "list", options });
      const { objects }: { objects: { key: string }[] } = JSON.parse(textOf(list));
      const replies = objects.map(({ key }) => world.send({ type: "r2", method: "get", key }));
      const all = (await Promise.all(replies)).map((reply): OriginRequest => {
        const { body }: { body: string } = JSON.parse(textOf(reply));
        return JSON.parse(new TextDecoder().decode(fromBase64(body)));
      });
      return all.filter((one) => `${one.via}`.includes(via));
    },
    async isCached(image, init, tries = TRIES) {
      for (let attempt = 0; attempt < tries; attempt++) {
        const before = await source.requests();
        await source.transform(image, init);
        if ((await source.requests()).length === before.length) return true;
      }
      return false;
    },
  };
  return source;
}

/** An object in R2 as a source: without the right authorization, only what is kept is shown (C1). */
async function createS3Source(world: World, file?: string): Promise<Source> {
  const key = await putPicture(world, file);
  const source: Source = {
    url: s3Url(world, key),
    transform: (image, init) => transformS3(world, key, image, init),
    async isCached(image, init, tries = TRIES) {
      for (let attempt = 0; attempt < tries; attempt++) {
        const headers = { authorization: "AWS4-HMAC-SHA256 probe", accept: "image/x-probe" };
        const cf = { cacheTtlByStatus: { "400-599": -1 }, ...init?.cf };
        if (isTransformed(await source.transform(image, { ...init, headers, cf }))) return true;
        await source.transform(image, init);
      }
      return false;
    },
  };
  return source;
}

const reached = new WeakMap<World, ReturnType<typeof tryBoth>>();

/** The edge's answers for the two sources, and whether it reaches them: tried once a world. */
export function reachOf(world: World) {
  const reach = reached.get(world) ?? tryBoth(world);
  reached.set(world, reach);
  reach.catch(() => reached.delete(world));
  return reach;
}

/** Sources, the keys or transformations may be in the way. */
async function tryBoth(world: World) {
  const key = await putPicture(world);
  const direct = await getS3(world, key);
  const s3 = await transformS3(world, key, { width: 8 });
  const isTried = direct.status === 200 && s3.headers["cf-resized"] !== undefined;
  const { transform, requests } = await createOrigin(world);
  const origin = await transform({ width: 8 });
  const reachesOrigin = isTransformed(origin) && (await requests()).length > 0;
  return { s3, origin, reachesS3: isTried && codeOf(s3) !== "9401", reachesOrigin };
}

type Claims = Promise<readonly Claim[]>;

/** A probe that needs sources that the edge can transform: of the Worker's own, or else in R2. */
export function probeSource(
  rule: string,
  title: string,
  run: (create: (file?: string) => Promise<Source>, world: World) => Claims,
): Probe {
  return probe(rule, title, async (world) => {
    const { reachesS3, reachesOrigin, s3, origin } = await reachOf(world);
    if (reachesOrigin) return run((file) => createOrigin(world, {}, file), world);
    if (reachesS3 && isTransformed(s3)) return run((file) => createS3Source(world, file), world);
    const tried = `R2 by S3: ${outcomeOf(s3)}; the Worker's own path: ${outcomeOf(origin)}`;
    return `the edge transforms no source of this run (${tried})`;
  });
}

/** A probe that must see what reaches the origin. */
export function probeOrigin(
  rule: string,
  title: string,
  run: (create: (origin?: Origin) => Promise<OriginSource>, world: World) => Claims,
): Probe {
  return probe(rule, title, async (world) => {
    const { reachesOrigin, origin } = await reachOf(world);
    if (reachesOrigin) return run((one) => createOrigin(world, one), world);
    return `the edge does not fetch the Worker's own path: ${outcomeOf(origin)}`;
  });
}
