// Calls of the cached entrypoint, and what Workers Cache makes of them: entries that calls share, and entries that get too
// old. Each run of the entrypoint has a random id: an answer with an earlier id came from the cache.

import { type Claim, conclude } from "../claims.ts";
import {
  type CachedAnswer,
  type CachedOperation,
  type Reply,
  RUN_HEADER,
  type Texts,
} from "../operation.ts";
import { textOf, type Verdict, type World } from "../probe.ts";

export type Call = Omit<CachedOperation, "type">;

/** How often a probe asks again: an answer may be stored a moment after it was sent. */
const TRIES = 3;
/** How often, and with which pause, it looks whether a purge or a deploy has arrived: they take seconds. */
const ARRIVALS = 10;
export const ARRIVAL_MS = 1_000;

export const keep = (cacheControl: string, more: Texts = {}): CachedAnswer => ({
  headers: { "cache-control": cacheControl, ...more },
});
export const HOUR = keep("max-age=3600");

export const call = (world: World, one: Call) => world.send({ type: "cached", ...one });
export const newPath = ({ run }: World) => `/${run}/${crypto.randomUUID()}?a&b`;
export const idOf = ({ headers }: Reply) => headers[RUN_HEADER];
export const cacheStatusOf = ({ headers }: Reply) =>
  headers["cf-cache-status"] ?? "no cf-cache-status";

/** Returns whether a call gets what another one has left in the cache, and what it got. */
export async function sharesEntry(world: World, first: Call, second: Call = first) {
  for (let attempt = 1; ; attempt++) {
    const id = idOf(await call(world, first));
    const reply = await call(world, second);
    const isShared = id !== undefined && id === idOf(reply);
    if (isShared || attempt === TRIES) return { isShared, reply };
  }
}

/** Waits until a call is answered as it should be. Returns whether that came. */
export async function arrives(world: World, one: Call, isRight: (reply: Reply) => boolean) {
  for (let attempt = 0; attempt < ARRIVALS; attempt++) {
    await world.pause(ARRIVAL_MS);
    if (isRight(await call(world, one))) return true;
  }
  return false;
}

/** Two calls, and whether the second one is answered from the cache. */
export type Pair = {
  readonly name: string;
  readonly isShared: boolean;
  readonly answer?: CachedAnswer;
  readonly first?: Partial<Call>;
  readonly second?: (path: string) => Partial<Call>;
  /** What else must be right of the second answer. */
  readonly fits?: (reply: Reply) => boolean;
};

/** Headers for the cache alone (W7, W10). */
const STRIPPED = ["cache-tag", "cloudflare-cdn-cache-control"];

async function tryPair(world: World, pair: Pair): Promise<Claim> {
  const { name, answer = HOUR, first, second, fits } = pair;
  const one = { path: newPath(world), answer, ...first };
  const { isShared, reply } = await sharesEntry(world, one, { ...one, ...second?.(one.path) });
  const isStripped = STRIPPED.every((header) => reply.headers[header] === undefined);
  const isRight = isShared === pair.isShared && isStripped && (fits?.(reply) ?? true);
  const isSeen = reply.error === undefined;
  return [isSeen ? isRight : undefined, name, reply, isShared ? "kept" : "run again"];
}

/** What is kept gets too old; then the entrypoint answers otherwise. */
export type Again = {
  readonly name: string;
  readonly first: CachedAnswer;
  readonly second?: CachedAnswer;
  /** The old body, the new one, or none. */
  readonly expected: "old" | "new" | "none";
  /** `cf-cache-status`, where it matters. */
  readonly is?: string;
  /** What comes some seconds after that. */
  readonly later?: "old" | "new";
};

async function tryAgain(world: World, cases: readonly Again[], ms = 4_000): Promise<Claim[]> {
  const paths = cases.map(() => newPath(world));
  const ask = (path: string, answer: CachedAnswer) => call(world, { path, answer });
  const firsts = cases.map(({ first }, at) => ask(paths[at] ?? "", { ...first, body: "old" }));
  await Promise.all(firsts);
  await world.pause(ms);
  const claims: Claim[] = [];
  for (const [at, { name, first, second, expected, is, later }] of cases.entries()) {
    const [path = "", answer] = [paths[at], { ...first, body: "new", ...second }];
    const reply = await ask(path, answer);
    const isFailed = reply.status >= 500 || reply.error !== undefined; // or it throws
    const shown = isFailed ? "none" : textOf(reply);
    const cacheStatus = cacheStatusOf(reply);
    let isRight = shown === expected && (is ?? cacheStatus) === cacheStatus;
    if (later) isRight &&= await arrives(world, { path, answer }, (one) => textOf(one) === later);
    claims.push([isRight, name, reply, `${cacheStatus}, ${shown}`]);
  }
  return claims;
}

/** A probe that is a table of cases. */
export function tableOf(pairs: readonly Pair[], agains: readonly Again[] = [], ms?: number) {
  return async (world: World): Promise<Verdict> => {
    const claims = await Promise.all(pairs.map((pair) => tryPair(world, pair)));
    return conclude(
      agains.length > 0 ? [...claims, ...(await tryAgain(world, agains, ms))] : claims,
    );
  };
}
