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
  type Recorded,
  readSeen,
  s3Url,
  signS3,
  textOf,
  transformS3,
  type Verdict,
  verdict,
  type World,
} from "./probe.ts";

/** A part of a rule: whether it holds, or undefined where that cannot be seen; and what was seen. */
export type Claim = readonly [holds: boolean | undefined, seen: string];

/** One claim that does not hold makes a verdict "otherwise"; one that does is needed for "as the rule says". */
export function conclude(claims: readonly Claim[], records: readonly Recorded[]): Verdict {
  const seen = claims.map(([, text]) => text).join("; ");
  if (claims.some(([holds]) => holds === false)) return verdict(false, seen, records);
  return claims.some(([holds]) => holds) ? verdict(true, seen, records) : notSeen(seen, records);
}

/** A claim about a reply: it names the status and the edge's code. */
export function claim(holds: boolean | undefined, subject: string, reply: Reply): Claim {
  return [holds, `${subject}: ${outcomeOf(reply)}`];
}

/** The edge's code, such as `9408`, if it failed (R1, R3). */
export function codeOf(reply: Reply): string | undefined {
  const inHeader = /\berr=(\d{4})\b/.exec(reply.headers["cf-resized"] ?? "");
  return (inHeader ?? /^ERROR (\d{4})\b/.exec(textOf(reply).slice(0, 100)))?.[1];
}

/** Returns whether the edge made an image (R1). */
export function isMade({ status, headers }: Reply): boolean {
  return status === 200 && /^internal=(?:ok|ram)\b/.test(headers["cf-resized"] ?? "");
}

/** `403 with 9401`, `200 with internal=ok/m`, `200 without cf-resized`. */
export function outcomeOf(reply: Reply): string {
  if (reply.error !== undefined) return `no answer (${reply.error.message})`;
  const result = codeOf(reply) ?? reply.headers["cf-resized"]?.split(" ")[0];
  return `${reply.status} ${result === undefined ? "without cf-resized" : `with ${result}`}`;
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

export const ownUrl = ({ url }: Pick<World, "url">, id: string, query = "") =>
  `${url}/origin/${id}.jpg${query}`;

/** Has the Worker ask the edge for an image of its own `/origin/<id>.jpg`. */
export function transformOwn(world: World, id: string, image: object, ask: Ask = {}) {
  const { query, headers = {}, method = "GET", cf } = ask;
  const url = ownUrl(world, id, query);
  return world.send({ type: "fetch", url, method, headers, cf: { image, ...cf } });
}

/** The path of the URL interface for a source: anybody may ask for it (E10). */
export const doorTo = (source: string, options = "width=8") =>
  `/cdn-cgi/image/${options}/${source}`;

/** The requests of the edge to an own origin (E3). */
export async function seenFromEdge(world: World, id: string): Promise<readonly Seen[]> {
  return (await readSeen(world, id)).filter(({ via }) => via?.includes("image-resizing"));
}

/** Whether the edge reaches the two sources, and how they answered: tried once a world. */
export type Reach = {
  /** A GET by R2's S3 API, without the edge. */
  readonly direct: Reply;
  readonly s3: Reply;
  readonly own: Reply;
  /** False where Sources, the keys or transformations are in the way. */
  readonly reachesS3: boolean;
  readonly reachesOwn: boolean;
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
  const own = await transformOwn(world, id, { width: 8 });
  const isTried = direct.status === 200 && s3.headers["cf-resized"] !== undefined;
  return {
    ...{ direct, s3, own, reachesOwn: isMade(own) && (await seenFromEdge(world, id)).length > 0 },
    reachesS3: isTried && codeOf(s3) !== "9401",
  };
}

/** Has the Worker get an object by R2's S3 API, past every cache. @param sent with which the request is sent and signed */
export async function getS3(world: World, key: string, sent: Ask & { signed?: Texts } = {}) {
  const url = s3Url(world, key, sent.query);
  const { method = "GET" } = sent;
  const signed = await signS3(world, url, sent.signed, method);
  const headers = { ...signed, ...sent.headers };
  return world.send({ type: "fetch", url, method, headers, cache: "no-store" });
}

/** A source of the edge, whichever way leads to it. */
export type Source = (file?: string) => Promise<(image: object, ask?: Ask) => Promise<Reply>>;

/** Runs a probe with sources that the edge can transform: in R2, or else of the Worker's own. */
export async function withSource(world: World, run: (source: Source) => Promise<Verdict>) {
  const { reachesS3, reachesOwn, s3, own } = await reachOf(world);
  if (reachesS3 && isMade(s3)) {
    return run(async (file) => {
      const key = await putPicture(world, file);
      return (image, ask) => transformS3(world, key, image, ask);
    });
  }
  if (!reachesOwn) {
    const tried = `R2 by S3: ${outcomeOf(s3)}; the Worker's own path: ${outcomeOf(own)}`;
    return notSeen(`the edge transforms no source of this run (${tried})`);
  }
  return run(async (file) => {
    const id = await createPicture(world, {}, file);
    return (image, ask) => transformOwn(world, id, image, ask);
  });
}

/** Runs a probe that must see what reaches the origin. */
export async function withOwn(world: World, run: () => Promise<Verdict>): Promise<Verdict> {
  const { reachesOwn, own } = await reachOf(world);
  if (reachesOwn) return run();
  return notSeen(`the edge does not fetch the Worker's own path: ${outcomeOf(own)}`);
}
