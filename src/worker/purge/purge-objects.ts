// Purges objects, 100 a call: in the edge's cache, and then in the Worker's.

import type { Loopback } from "../cache/loopback.ts";
import { objectTag } from "../cache/tags.ts";
import type { Bucket } from "../config/bucket.ts";
import type { EdgePurge } from "../config/edge-purge.ts";
import type { Hindrance } from "./hindrance.ts";
import { purgeEdge } from "./purge-edge.ts";
import { purgeKept } from "./purge-kept.ts";
import type { Target } from "./targets.ts";

/** How many objects a call may have: the same number for both caches (W10). */
export const MOST_A_CALL = 100;

/** How many calls run at a time. A Worker has six connections. */
const AT_A_TIME = 4;

/** After so many calls that failed, the others are not sent. */
const MOST_TROUBLE = 4;

export type Caches = {
  readonly edge: EdgePurge;
  readonly kept: Loopback | undefined;
};

/** What became of each object, by its URL at the origin: undefined if it is purged in both caches. */
export type Fates = ReadonlyMap<string, Hindrance | undefined>;

/** @param deadline ms since 1970. What is not purged until then is named as late */
export async function purgeObjects(
  targets: readonly Target[],
  caches: Caches,
  deadline: number,
): Promise<Fates> {
  const fates = new Map<string, Hindrance | undefined>();
  const calls = callsOf(targets);
  let stop: Hindrance | undefined;
  let trouble = 0;
  const work = async () => {
    for (let call = calls.shift(); call; call = calls.shift()) {
      const hindered = stop ?? (await purgeTogether(call, caches, deadline));
      if (hindered) trouble += 1;
      // A limit and a deadline stop all calls, and so does an error that stays.
      if (hindered && (hindered.cause !== "failed" || trouble >= MOST_TROUBLE)) stop = hindered;
      for (const { url } of call) fates.set(url, hindered);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return fates;
}

/**
 * The edge goes first. The other way round, a visitor who comes between the two has a rendition made of
 * what the edge still keeps, and the Worker's cache keeps that old picture anew. For the same reason the
 * Worker's cache is left as it is where the edge was not purged.
 */
async function purgeTogether(
  call: readonly Target[],
  { edge, kept }: Caches,
  deadline: number,
): Promise<Hindrance | undefined> {
  const urls = call.filter(isAtEdge).map(({ url }) => url);
  if ("token" in edge && urls.length > 0) {
    const hindered = await purgeEdge(edge, urls, deadline);
    if (hindered) return hindered;
  }
  const tags = await Promise.all(call.map(({ bucket, key }) => objectTag(bucket, key)));
  return purgeKept(kept, { tags }, deadline);
}

/** Returns whether the edge may keep anything of an object: with the Images binding, nothing is there. */
export function isAtEdge({
  bucket: { engines },
}: {
  readonly bucket: Pick<Bucket, "engines">;
}): boolean {
  return engines.includes("cf");
}

function callsOf(targets: readonly Target[]): (readonly Target[])[] {
  const calls: (readonly Target[])[] = [];
  for (let at = 0; at < targets.length; at += MOST_A_CALL) {
    calls.push(targets.slice(at, at + MOST_A_CALL));
  }
  return calls;
}
