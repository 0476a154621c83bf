// What an isolate remembers of purges, because calls are few (W10): more than five changes a minute, one at a
// time, would each be refused and sent again for ever. What a limit holds up goes along with the next call, and
// an event that is sent again afterwards needs none. Pure: times are in ms since 1970.

import type { Fates } from "./purge-objects.ts";
import type { Target } from "./targets.ts";

export type Backlog = {
  /** What the rate limit holds up, by its URL at the origin. */
  readonly waiting: ReadonlyMap<string, Target>;
  /** The last purge of an object, by the same URL. */
  readonly purged: ReadonlyMap<string, Purged>;
};

/** When a purge began, and the last change of which an event had told until then, by the clock of S3. */
type Purged = { readonly began: number; readonly changed: number };

const NEVER = Number.NEGATIVE_INFINITY;

export const NO_BACKLOG: Backlog = { waiting: new Map(), purged: new Map() };

/** How many objects are remembered. */
const MOST_WAITING = 2_500;
const MOST_PURGED = 10_000;

/** EventBridge's times have no fraction of a second, and the clocks of S3 and Cloudflare differ: ms. */
const CLOCKS_MS = 5_000;

/**
 * Returns whether an object was purged after the change that an event tells of: the event was here before,
 * or a later one. The two clocks alone do not tell that: S3 elsewhere may be minutes behind.
 */
export function isPurgedSince({ purged }: Backlog, { url, changed }: Target): boolean {
  const last = purged.get(url);
  if (!last || changed === undefined) return false;
  return changed <= last.changed && last.began > changed + CLOCKS_MS;
}

/** Fills the last call with what is waiting. @param size objects a call */
export function fillUp(
  { waiting }: Backlog,
  targets: readonly Target[],
  size: number,
): readonly Target[] {
  const free = (size - (targets.length % size)) % size;
  const own = new Set(targets.map(({ url }) => url));
  const others = [...waiting.values()].filter(({ url }) => !own.has(url));
  return [...targets, ...others.slice(0, free)];
}

/** @param began when the purge began */
export function remember(
  { waiting, purged }: Backlog,
  targets: readonly Target[],
  fates: Fates,
  began: number,
): Backlog {
  const still = new Map(waiting);
  const done = new Map(purged);
  for (const target of targets) {
    const { url, changed = NEVER } = target;
    const hindered = fates.get(url);
    if (hindered === undefined) {
      const last = Math.max(changed, done.get(url)?.changed ?? NEVER);
      still.delete(url);
      done.delete(url); // the newest are last
      done.set(url, { began, changed: last });
    } else if (hindered.cause === "limited" && still.size < MOST_WAITING) still.set(url, target);
  }
  return { waiting: still, purged: newest(done, MOST_PURGED) };
}

function newest<Value>(map: Map<string, Value>, most: number): Map<string, Value> {
  return map.size > most ? new Map([...map].slice(-most)) : map;
}
