// A rule is made of claims. This file has what probes of the image edge share: claims, the pictures, and the two ways
// to a source that the edge can reach.
//
// One way is an object in R2 by its S3 API, signed as Vitrine signs: the edge transforms it where the zone's Sources
// have R2's host. The other is the Worker's own `/origin/<id>.jpg`, which writes down what it saw. Whether the edge
// fetches a Worker for itself depends on the account, so no probe takes it for granted.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Origin, Reply, Seen, Texts } from "./operation.ts";
import {
  createOrigin,
  notSeen,
  putObject,
  readSeen,
  record,
  s3Url,
  signS3,
  textOf,
  transformS3,
  type Verdict,
  verdict,
  type World,
} from "./probe.ts";

/**
 * A part of a rule: whether it holds, or undefined where that cannot be seen; its name, which is that of its record;
 * the reply that shows it; and what else was seen. A part that is open is undefined, and tells how it turned out.
 */
export type Claim = readonly [
  holds: boolean | undefined,
  name: string,
  reply?: Reply | undefined,
  detail?: string,
];

/**
 * One claim that does not hold makes a verdict "otherwise"; one that does is needed for "as the rule says". A claim is
 * not seen where the Worker itself gave no reply.
 */
export function conclude(given: readonly Claim[]): Verdict {
  const isLost = (reply?: Reply) => reply?.error?.message.startsWith("the Worker answered");
  const claims = given.map(
    ([holds, ...rest]): Claim => [isLost(rest[1]) ? undefined : holds, ...rest],
  );
  const texts = claims.map(([, name, reply, detail]) =>
    [name, reply && outcomeOf(reply), detail].filter(Boolean).join(": "),
  );
  const seen = texts.join("; ");
  const records = claims.flatMap(([, name, reply]) => (reply ? [record(name, reply)] : []));
  if (claims.some(([holds]) => holds === false)) return verdict(false, seen, records);
  return claims.some(([holds]) => holds) ? verdict(true, seen, records) : notSeen(seen, records);
}

/** `authorization, cookie`, or `none` */
export const listOf = (names: readonly string[] = []) => names.join(", ") || "none";

/** The edge's code, such as `9408`, if it failed (R1, R3). */
export function codeOf(reply: Reply): string | undefined {
  const inHeader = /\berr=(\d{4})\b/.exec(reply.headers["cf-resized"] ?? "");
  return (inHeader ?? /^ERROR (\d{4})\b/.exec(textOf(reply).slice(0, 100)))?.[1];
}

/** Returns whether the edge made an image (R1). */
export function isTransformed({ status, headers }: Reply): boolean {
  return status === 200 && /^internal=(?:ok|ram)\b/.test(headers["cf-resized"] ?? "");
}

/** `403 with 9401`, `404 with NoSuchKey`, `200 with internal=ok/m`, or the status alone. */
export function outcomeOf(reply: Reply): string {
  if (reply.error !== undefined) return `it threw ${reply.error.code ?? reply.error.message}`;
  const ofS3 = reply.status < 400 ? undefined : /<Code>(\w+)<\/Code>/.exec(textOf(reply))?.[1];
  const result = codeOf(reply) ?? ofS3 ?? reply.headers["cf-resized"]?.split(" ")[0];
  return `${reply.status}${result === undefined ? "" : ` with ${result}`}`;
}

const FIXTURES = join(import.meta.dirname, "../../fixtures/objects");
const TYPES: Texts = { jpg: "image/jpeg", png: "image/png", svg: "image/svg+xml" };

/** The bytes of a file of fixtures/objects. */
export function pictureOf(file: string): Uint8Array {
  return readFileSync(join(FIXTURES, file));
}

/** Puts a picture under a key that no cache knows. @returns the key */
export async function putPicture(world: World, file = "made/key.jpg"): Promise<string> {
  const ending = file.replace(/.*\./, "");
  const key = `${world.run}/${crypto.randomUUID()}.${ending}`;
  await putObject(world, key, pictureOf(file), TYPES[ending] ?? "");
  return key;
}

/** Makes an own origin of a picture, which may be kept for an hour. @returns its id */
export async function createPicture(world: World, origin: Origin = {}, file?: string) {
  const headers = { "cache-control": "public, max-age=3600", ...origin.headers };
  return createOrigin(world, { key: await putPicture(world, file), ...origin, headers });
}

export type Ask = {
  readonly query?: string;
  readonly headers?: Texts;
  readonly method?: "GET" | "HEAD";
  readonly cf?: object;
};

export const originUrl = ({ url }: Pick<World, "url">, id: string, query = "") =>
  `${url}/origin/${id}.jpg${query}`;

/** Has the Worker ask the edge for an image of its own `/origin/<id>.jpg`. */
export function transformOrigin(world: World, id: string, image: object, ask: Ask = {}) {
  const { query, headers = {}, method = "GET", cf } = ask;
  const url = originUrl(world, id, query);
  return world.send({ type: "fetch", url, method, headers, cf: { image, ...cf } });
}

/** The path of the URL interface for a source: anybody may ask for it (E10). */
export const doorTo = (source: string, options = "width=8") =>
  `/cdn-cgi/image/${options}/${source}`;

/** The requests of the edge to an own origin (E3). */
export async function seenFromEdge(world: World, id: string): Promise<readonly Seen[]> {
  return (await readSeen(world, id)).filter(({ via }) => via?.includes("image-resizing"));
}

/** Whether the edge reaches the two sources, with its answers: tried once a world. */
export type Reach = {
  /** A GET by R2's S3 API, without the edge. */
  readonly direct: Reply;
  readonly s3: Reply;
  readonly origin: Reply;
  /** False where Sources, the keys or transformations are in the way. */
  readonly reachesS3: boolean;
  readonly reachesOrigin: boolean;
};

const reached = new WeakMap<World, Promise<Reach>>();

export function reachOf(world: World): Promise<Reach> {
  const known = reached.get(world) ?? tryBoth(world);
  reached.set(world, known);
  return known;
}

async function tryBoth(world: World): Promise<Reach> {
  const key = await putPicture(world);
  const direct = await getS3(world, key);
  const s3 = await transformS3(world, key, { width: 8 });
  const id = await createPicture(world);
  const origin = await transformOrigin(world, id, { width: 8 });
  const isTried = direct.status === 200 && s3.headers["cf-resized"] !== undefined;
  return {
    ...{
      direct,
      s3,
      origin,
      reachesOrigin: isTransformed(origin) && (await seenFromEdge(world, id)).length > 0,
    },
    reachesS3: isTried && codeOf(s3) !== "9401",
  };
}

/** Has the Worker get an object by R2's S3 API, past every cache. @param ask also has the headers that are signed */
export async function getS3(world: World, key: string, ask: Ask & { signed?: Texts } = {}) {
  const url = s3Url(world, key, ask.query);
  const { method = "GET" } = ask;
  const signed = await signS3(world, url, ask.signed, method);
  const headers = { ...signed, ...ask.headers };
  return world.send({ type: "fetch", url, method, headers, cache: "no-store" });
}

/** A source of the edge. */
export type Source = {
  readonly url: string;
  ask(image: object, ask?: Ask): Promise<Reply>;
  /**
   * Returns whether the edge answers without the origin. A cache may have several parts, each of which is empty at
   * first, so it tries up to three times, if not told otherwise.
   */
  isCached(image: object, ask?: Ask, tries?: number): Promise<boolean>;
};

const TRIES = 3;

/** An own origin as a source: the edge does not fetch it where something is kept. */
export async function createOriginSource(world: World, origin?: Origin, file?: string) {
  const id = await createPicture(world, origin, file);
  const ask: Source["ask"] = (image, more) => transformOrigin(world, id, image, more);
  const countFetches = async () => (await seenFromEdge(world, id)).length;
  return {
    ...{ id, url: originUrl(world, id), ask, countFetches },
    async isCached(image: object, more?: Ask, tries = TRIES) {
      for (let attempt = 0; attempt < tries; attempt++) {
        const before = await countFetches();
        await ask(image, more);
        if ((await countFetches()) === before) return true;
      }
      return false;
    },
  };
}

/** An object in R2 as a source: without the right authorization, only what is kept is shown (C1). */
export async function createS3Source(world: World, file?: string): Promise<Source> {
  const key = await putPicture(world, file);
  const ask: Source["ask"] = (image, more) => transformS3(world, key, image, more);
  return {
    ...{ url: s3Url(world, key), ask },
    async isCached(image, more, tries = TRIES) {
      for (let attempt = 0; attempt < tries; attempt++) {
        const headers = { authorization: "AWS4-HMAC-SHA256 probe", accept: "image/x-probe" };
        const cf = { cacheTtlByStatus: { "400-599": -1 }, ...more?.cf };
        if (isTransformed(await ask(image, { ...more, headers, cf }))) return true;
        await ask(image, more);
      }
      return false;
    },
  };
}

/** Runs a probe with sources that the edge can transform: of the Worker's own, or else in R2. */
export async function withSource(
  world: World,
  run: (create: (file?: string) => Promise<Source>) => Promise<readonly Claim[]>,
): Promise<Verdict> {
  const { reachesS3, reachesOrigin, s3, origin } = await reachOf(world);
  if (reachesOrigin) return conclude(await run((file) => createOriginSource(world, {}, file)));
  if (reachesS3 && isTransformed(s3))
    return conclude(await run((file) => createS3Source(world, file)));
  const tried = `R2 by S3: ${outcomeOf(s3)}; the Worker's own path: ${outcomeOf(origin)}`;
  return notSeen(`the edge transforms no source of this run (${tried})`);
}

/** Runs a probe that must see what reaches the origin. */
export async function withOrigin(
  world: World,
  run: () => Promise<readonly Claim[]>,
): Promise<Verdict> {
  const { reachesOrigin, origin } = await reachOf(world);
  if (reachesOrigin) return conclude(await run());
  return notSeen(`the edge does not fetch the Worker's own path: ${outcomeOf(origin)}`);
}
