// Has the Worker purge objects, by its own /purge, and notes what was not purged.

import { readToken } from "../../worker/config/read-secrets.ts";
import { type Fault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { provenBase } from "../config/site-url.ts";
import { sleep } from "../http/retrying.ts";
import { valuesOf } from "../secrets/secrets.ts";
import { createProgress, time } from "../terminal/progress.ts";
import { askPurge } from "./ask-purge.ts";

/** A Vitrine that has a token for /purge. */
export type Worker = { readonly base: string; readonly token: string; readonly hasStore: boolean };

/** What the Worker takes in a request. With a store it asks S3 for each. */
const BATCH = 200;
const STORED_BATCH = 20;

/** How often the same objects are tried, if none of them is purged. */
const MOST_TRIES = 5;

/** How long to wait after no answer, and at most: ms. */
const PAUSE_MS = 2_000;
const LONGEST_WAIT_MS = 310_000;
const TOLD_WAIT_MS = 5_000;

/** The Worker, if its token is at hand. The token goes only to a host that the configuration proves. */
export function readWorker({ folder }: World, project: Project): Worker | Fault {
  const { secrets } = project;
  if (!secrets.has("PURGE_TOKEN")) return { fault: NO_TOKEN };
  const token = readToken(valuesOf(secrets), "PURGE_TOKEN");
  if (token === undefined) return { fault: "PURGE_TOKEN is not 32 or more ASCII characters" };
  const base = provenBase(folder, project);
  return isFault(base) ? base : { base, token, hasStore: project.config.store !== undefined };
}

const NO_TOKEN =
  "PURGE_TOKEN is missing. Give the Worker one, and put the same into the environment here, or into the file of --secrets-file: docs/purge-and-warm.md#purge";

/**
 * @param names BUCKET/key each
 * @returns the names that are not purged, and why
 */
export async function purgeByWorker(
  world: World,
  worker: Worker,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const most = worker.hasStore ? STORED_BATCH : BATCH;
  const left = new Map<string, string>();
  const progress = createProgress(world, "objects", names.length);
  for (let at = 0; at < names.length; at += most) {
    const batch = names.slice(at, at + most);
    const ended = await purgeBatch(world, worker, batch, progress.say);
    for (const [name, reason] of ended.left) left.set(name, reason);
    progress.step(batch.length);
    if (ended.stopped === undefined) continue;
    for (const name of names.slice(at + most)) left.set(name, `not sent, after: ${ended.stopped}`);
    break;
  }
  progress.end();
  return left;
}

type Ended = {
  readonly left: ReadonlyMap<string, string>;
  /** Why no more is to be sent. */
  readonly stopped?: string;
};

/** Purges up to 200 objects, and waits as the Worker says. */
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
    const { left, wait } = said;
    const remaining = pending.filter((name) => left.has(name));
    // Whoever answers does not decide which names are printed, or counted as purged.
    if (remaining.length < left.size) return end("the Worker answers about other objects");
    if (remaining.length < pending.length) tries = 0;
    if (remaining.length === 0 || wait === undefined || tries >= MOST_TRIES) return { left };
    pending = remaining;
    if (wait >= TOLD_WAIT_MS) tell(`The Worker asks to wait for ${time(wait / 1000)}.`);
    await sleep(Math.min(wait, LONGEST_WAIT_MS), signal);
  }
}
