// Purges a whole bucket, or everything, twice. A store with many renditions takes several requests: it goes on until
// the Worker says that nothing is left, or deletes nothing any more.

import { type CommandFault, isFault, log, type World } from "../command.ts";
import { sleep } from "../http/retry.ts";
import { createProgress } from "../terminal/progress.ts";
import { createPurgeClient, isAbout, type PurgeReport, type PurgeSite } from "./client.ts";
import { browsersText, logDeleted, type PurgeResult, waitForRuns } from "./purge-objects.ts";

/** How often the Worker may delete nothing in a row, although something is left. */
const MAX_IDLE = 5;

/** How long to wait before a purge that is not finished goes on: ms. */
const PAUSE_MS = 1_000;

/** Purges a bucket or everything, twice. @param bucket undefined: every bucket */
export async function purgeWhole(
  world: World,
  site: PurgeSite,
  bucket: string | undefined,
): Promise<PurgeResult | CommandFault> {
  const name = wholeName(bucket);
  const body = bucket === undefined ? { everything: true } : { bucket };

  const first = await purgeUntilDone(world, site, name, body);
  if (isFault(first)) return first;

  const hasWaited = await waitForRuns(world, site);
  if (!hasWaited) return { fault: `${name} is not purged: interrupted before the second time` };

  const second = await purgeUntilDone(world, site, name, body);
  if (isFault(second)) return second;

  const emptied = new Set(second.left === false ? [name] : []);
  const deleted = first.deleted + second.deleted;
  const result = { purged: [name], notPurged: new Map(), deleted, emptied, states: new Map() };
  log(world.stderr, `Purged ${name} of ${site.baseUrl}. ${browsersText(site)}`);
  logDeleted(world, result);
  return result;
}

/** The name of a whole bucket, or of all of them, as the Worker writes it. */
export function wholeName(bucket: string | undefined): string {
  return bucket === undefined ? "*" : `${bucket}/*`;
}

/** Sends the same purge as long as the Worker says that something is left. @param name as the Worker writes it */
async function purgeUntilDone(
  world: World,
  site: PurgeSite,
  name: string,
  body: object,
): Promise<Pick<PurgeReport, "deleted" | "left"> | CommandFault> {
  const post = createPurgeClient(world, site);
  const progress = createProgress(world, "stored renditions");
  let deleted = 0;
  let after: string | undefined;
  let idle = 0;

  for (;;) {
    const request = { ...body, ...(after !== undefined && { after }) };
    const answer = await post(
      () => request,
      (report) => isAbout(report, [name]),
    );
    if (isFault(answer)) return { fault: `${name} is not purged: ${answer.fault}` };

    progress.step(answer.deleted);
    deleted += answer.deleted;

    const [reason] = answer.notPurged.values();
    if (reason === undefined) {
      progress.clear();
      return { deleted, left: answer.left };
    }

    const isProgress = answer.deleted > 0 || answer.after !== after;
    if (isProgress) idle = 0;
    else idle += 1;
    if (!answer.left || idle === MAX_IDLE) return { fault: `${name} is not purged: ${reason}` };

    after = answer.after;
    await sleep(PAUSE_MS, world.interrupted);
  }
}
