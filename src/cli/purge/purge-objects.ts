// Purges objects in portions that the Worker accepts, and once more after the time that a run of the Worker may take: an
// isolate that dies could have stored an old picture just before, and nobody would delete it.

import { type Exit, isFault, log, type World } from "../command.ts";
import type { ProjectSite } from "../config/project.ts";
import { sleep } from "../http/retry.ts";
import { count, counted, createProgress } from "../terminal/progress.ts";
import { reportNotDone, type Selection } from "../urls/select-objects.ts";
import {
  createPurgeClient,
  isAbout,
  type NotPurged,
  type ObjectState,
  type PurgeReport,
  type PurgeSite,
} from "./client.ts";
import type { Listed } from "./purge-prefix.ts";

/** What became of objects: the exit code, and what S3 says of each. */
type Purged = { readonly exit: Exit; readonly states: ReadonlyMap<string, ObjectState> };

/** @param listed what the Worker has listed, and mostly purged, already */
export async function purgeObjects(
  world: World,
  site: PurgeSite,
  { objects, invalid }: Selection,
  listed: Listed,
  verify: boolean,
): Promise<Purged> {
  const all = counted(objects.size, "object");
  log(world.stderr, `Purging ${all} of ${site.baseUrl}.`);

  const unpurged = [...objects.keys()].filter((name) => !listed.purged.has(name));
  const first = await purgeNames(world, site, unpurged, false);
  const onceDone = [...objects.keys()].filter((name) => !first.notPurged.has(name));
  const second = await purgeAgain(world, site, onceDone, verify);

  const notPurged = new Map([...first.notPurged, ...second.notPurged]);
  const done = objects.size - notPurged.size;
  if (done > 0) log(world.stderr, `Purged ${count(done)} of ${all}. ${browsersText(site)}`);
  if (notPurged.size === 0) {
    logDeleted(world, listed.deleted + first.deleted + second.deleted, second.left);
  }

  const failures = new Map<string, string>();
  for (const [name, reason] of notPurged) failures.set(objects.get(name)?.input ?? name, reason);
  const exit = reportNotDone(world, "NOT PURGED", done, failures, invalid);
  return { exit, states: second.states };
}

/** @param names what the first purge has done */
async function purgeAgain(
  world: World,
  site: PurgeSite,
  names: readonly string[],
  verify: boolean,
): Promise<NamesPurged> {
  const isOver = names.length === 0 || (await waitForRuns(world, site));
  if (isOver) return purgeNames(world, site, names, verify);

  const reason = "interrupted before it was purged once more";
  const notPurged = new Map(names.map((name) => [name, reason]));
  return { notPurged, deleted: 0, left: undefined, states: new Map() };
}

/** @param left what the last answers say. Without their `false`, nothing is proved */
export function logDeleted(world: World, deleted: number, left: boolean | undefined): void {
  if (left !== false) return;
  const renditions = counted(deleted, "rendition");
  log(world.stderr, `Deleted ${renditions} from the store. A second list shows that none is left.`);
}

/**
 * Waits as long as a run of the Worker may take. A run that began before the purge has asked S3 once more by then; or its
 * isolate has died, and what it stored is to be deleted by the second purge.
 * @returns false after Ctrl-C
 */
export async function waitForRuns(world: World, { config }: PurgeSite): Promise<boolean> {
  const { timeout } = config.answers;
  const reason = "a picture may be on its way to the store";
  log(world.stderr, `Waiting for ${timeout} s, to purge once more: ${reason}.`);
  await sleep(timeout * 1000, world.interrupted);
  return !world.interrupted.aborted;
}

export const browsersText = ({ config }: ProjectSite) =>
  `Browsers keep what they have for max_age: ${count(config.answers.max_age)} s.`;

type NamesPurged = {
  readonly notPurged: NotPurged;
  readonly deleted: number;
  /** False if this holds for each portion. */
  readonly left: boolean | undefined;
  readonly states: ReadonlyMap<string, ObjectState>;
};

/** So many objects are purged in one request, with and without a store. The Worker has the same limits. */
const MAX_OBJECTS = { store: 8, noStore: 200 };

/**
 * Has the Worker purge in portions. After a fault that would also fail the next request, it sends no more.
 * @param names as the Worker writes them: BUCKET/key
 */
async function purgeNames(
  world: World,
  site: PurgeSite,
  names: readonly string[],
  verify: boolean,
): Promise<NamesPurged> {
  const failures = new Map<string, string>();
  const states = new Map<string, ObjectState>();
  const progress = createProgress(world, "objects", names.length);
  const post = createPurgeClient(world, site);
  const maxObjects = site.config.store ? MAX_OBJECTS.store : MAX_OBJECTS.noStore;
  let deleted = 0;
  let isEmpty = names.length > 0;
  let stopped: string | undefined;

  for (let start = 0; start < names.length; start += maxObjects) {
    const portion = names.slice(start, start + maxObjects);
    progress.step(portion.length);
    if (stopped !== undefined) {
      for (const name of portion) failures.set(name, `not sent, after: ${stopped}`);
      continue;
    }

    // Where another try may help, only what is not purged yet is sent again.
    let left: boolean | undefined;
    let remaining: NotPurged = new Map(portion.map((name) => [name, ""]));
    const createBody = () => ({ objects: [...remaining.keys()], ...(verify && { verify }) });
    const take = (report: PurgeReport) => {
      if (!isAbout(report, [...remaining.keys()])) return false;
      remaining = report.notPurged;
      deleted += report.deleted;
      left = report.left;
      for (const [name, state] of report.states) states.set(name, state);
      return true;
    };
    const answer = await post(createBody, take);
    if (isFault(answer)) stopped = answer.fault;
    if (left !== false) isEmpty = false;
    for (const [name, reason] of remaining) failures.set(name, stopped ?? reason);
  }
  progress.clear();
  return { notPurged: failures, deleted, left: isEmpty ? false : undefined, states };
}
