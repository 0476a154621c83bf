// Purges objects in the Worker's cache, by its own /purge, and notes what was not purged.

import type { World } from "../command.ts";
import { askPurge } from "../net/ask-purge.ts";
import { sleep } from "../net/pace.ts";
import { createProgress, time } from "../terminal/progress.ts";

/** A Vitrine that has a token for /purge. */
export type Worker = { readonly base: string; readonly token: string };

/** One call of the Worker's cache (W10). */
const BATCH = 100;

/** How often the same objects are tried, if none of them is purged. */
const MOST_TRIES = 5;

/** How long to wait after no answer, and at most: ms. */
const PAUSE_MS = 2_000;
const LONGEST_WAIT_MS = 310_000;
const TOLD_WAIT_MS = 5_000;

type ByWorker = {
  /** The names that are not purged, and why. */
  readonly left: ReadonlyMap<string, string>;
  /** What the Worker says of the edge's cache; undefined: it did not say. */
  readonly edge: string | undefined;
};

/** @param names BUCKET/key each */
export async function purgeByWorker(
  world: World,
  worker: Worker,
  names: readonly string[],
): Promise<ByWorker> {
  const left = new Map<string, string>();
  const progress = createProgress(world, "objects", names.length);
  let edge: string | undefined;
  for (let at = 0; at < names.length; at += BATCH) {
    const batch = names.slice(at, at + BATCH);
    const ended = await purgeBatch(world, worker, batch, progress.say);
    edge = ended.edge ?? edge;
    for (const [name, reason] of ended.left) left.set(name, `Worker: ${reason}`);
    progress.step(batch.length);
    if (ended.stopped === undefined) continue;
    for (const name of names.slice(at + BATCH)) left.set(name, `not sent, after: ${ended.stopped}`);
    break;
  }
  progress.end();
  return { left, edge };
}

type Ended = {
  readonly left: ReadonlyMap<string, string>;
  readonly edge?: string;
  /** Why no more is to be sent. */
  readonly stopped?: string;
};

/** Purges up to 100 objects, and waits as the Worker says. */
async function purgeBatch(
  { interrupted: signal }: World,
  { base, token }: Worker,
  batch: readonly string[],
  tell: (line: string) => void,
): Promise<Ended> {
  let pending = batch;
  const end = (stopped: string): Ended => {
    return { left: new Map(pending.map((name) => [name, stopped])), stopped };
  };
  for (let tries = 1; ; tries += 1) {
    const said = await askPurge(base, token, { objects: pending }, signal);
    if (signal.aborted) return end("interrupted");
    if (!("left" in said)) {
      if (said.kind === "access" || tries >= MOST_TRIES) return end(said.reason);
      await sleep(PAUSE_MS, signal);
      continue;
    }
    const { left, edge, wait } = said;
    const remaining = pending.filter((name) => left.has(name));
    // Whoever answers does not decide which names are printed, or counted as purged.
    if (remaining.length < left.size) return end("the Worker answers about other objects");
    if (remaining.length < pending.length) tries = 0;
    if (remaining.length === 0 || wait === undefined || tries >= MOST_TRIES) return { left, edge };
    pending = remaining;
    if (wait >= TOLD_WAIT_MS) tell(`The Worker asks to wait for ${time(wait / 1000)}.`);
    await sleep(Math.min(wait, LONGEST_WAIT_MS), signal);
  }
}
