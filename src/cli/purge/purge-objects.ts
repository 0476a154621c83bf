// Purges objects in portions that the Worker accepts, and once more after the time that a run of the Worker may take: an
// isolate that dies could have stored an old picture just before, and nobody would delete it.

import { isFault, log, type World } from "../command.ts";
import type { ProjectSite } from "../config/project.ts";
import { sleep } from "../http/retry.ts";
import { count, counted, createProgress } from "../terminal/progress.ts";
import {
  createPurgeClient,
  isAbout,
  type NotPurged,
  type ObjectState,
  type PurgeReport,
  type PurgeSite,
} from "./client.ts";
import type { Listed } from "./purge-prefix.ts";

/** What became of names as the Worker writes them: BUCKET/key, BUCKET/* or *. */
export type PurgeResult = {
  /** The names that are purged. */
  readonly purged: readonly string[];
  /** The others, with the reasons. */
  readonly notPurged: NotPurged;
  /** How many stored renditions were deleted. */
  readonly deleted: number;
  /** The names of which the last list of the store shows nothing. */
  readonly emptied: ReadonlySet<string>;
  /** What S3 says, if the Worker was to ask. */
  readonly states: ReadonlyMap<string, ObjectState>;
};

/** Purges objects twice. @param listed what the Worker has listed, and mostly purged, already */
export async function purgeObjects(
  world: World,
  site: PurgeSite,
  names: readonly string[],
  listed: Listed,
  verify: boolean,
): Promise<PurgeResult> {
  const all = counted(names.length, "object");
  log(world.stderr, `Purging ${all} of ${site.baseUrl}.`);

  const unpurged = names.filter((name) => !listed.purged.has(name));
  const first = await purgeNames(world, site, unpurged, false);
  const onceDone = names.filter((name) => !first.notPurged.has(name));
  const second = await purgeAgain(world, site, onceDone, verify);

  const notPurged = new Map([...first.notPurged, ...second.notPurged]);
  const purged = names.filter((name) => !notPurged.has(name));
  const deleted = listed.deleted + first.deleted + second.deleted;
  const { emptied, states } = second;
  const result = { purged, notPurged, deleted, emptied, states };

  if (purged.length > 0) {
    log(world.stderr, `Purged ${count(purged.length)} of ${all}. ${browsersText(site)}`);
  }
  if (notPurged.size === 0) logDeleted(world, result);
  return result;
}

/** @param names what the first purge has done */
async function purgeAgain(
  world: World,
  site: PurgeSite,
  names: readonly string[],
  verify: boolean,
): Promise<NamesPurged> {
  if (names.length === 0) return NONE_PURGED;

  const hasWaited = await waitForRuns(world, site);
  if (hasWaited) return purgeNames(world, site, names, verify);

  const reason = "interrupted before it was purged once more";
  const notPurged = new Map(names.map((name) => [name, reason]));
  return { ...NONE_PURGED, notPurged };
}

type NamesPurged = Omit<PurgeResult, "purged">;

const NONE_PURGED: NamesPurged = {
  notPurged: new Map(),
  deleted: 0,
  emptied: new Set(),
  states: new Map(),
};

/** Says what the store has deleted, if its last lists show that nothing is left. */
export function logDeleted(world: World, { purged, deleted, emptied }: PurgeResult): void {
  const isEmptied = purged.length > 0 && purged.every((name) => emptied.has(name));
  if (!isEmptied) return;

  const renditions = counted(deleted, "rendition");
  log(world.stderr, `Deleted ${renditions} from the store. A second list shows that none is left.`);

  // The proof for a name that nobody uses would be true, and about nothing.
  if (deleted === 0) {
    log(
      world.stderr,
      "Look whether each name is spelt as in the bucket, with its capital letters.",
    );
  }
}

/**
 * Waits as long as a run of the Worker may take. A run that began before the purge has asked S3 once more by then; or its
 * isolate has died, and what it stored is to be deleted by the second purge.
 * @returns false after Ctrl-C
 */
export async function waitForRuns(world: World, { config }: PurgeSite): Promise<boolean> {
  const { timeout } = config.answers;
  log(
    world.stderr,
    `Waiting for ${timeout} s, to purge once more: a picture may be on its way to the store.`,
  );

  await sleep(timeout * 1000, world.interrupted);
  return !world.interrupted.aborted;
}

export function browsersText({ config }: ProjectSite): string {
  const maxAges = config.routes.map(({ policy }) => policy.maxAge);
  return `Browsers keep what they have for max_age: ${count(Math.max(...maxAges))} s.`;
}

/** So many objects are purged in one request, with and without a store. The Worker has the same limits. */
const MAX_OBJECTS = { store: 8, noStore: 200 };

export function maxObjectsOf({ config }: ProjectSite): number {
  return config.store ? MAX_OBJECTS.store : MAX_OBJECTS.noStore;
}

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
  const progress = createProgress(world, "objects", names.length);
  const post = createPurgeClient(world, site);
  const maxObjects = maxObjectsOf(site);

  const failures = new Map<string, string>();
  const states = new Map<string, ObjectState>();
  const emptied = new Set<string>();
  let deleted = 0;
  let stopped: string | undefined;

  for (let start = 0; start < names.length; start += maxObjects) {
    const portion = names.slice(start, start + maxObjects);
    progress.step(portion.length);

    if (stopped !== undefined) {
      for (const name of portion) failures.set(name, `not sent, after: ${stopped}`);
      continue;
    }

    const result = await purgePortion(post, portion, verify);
    stopped = result.fault;
    deleted += result.deleted;
    for (const [name, state] of result.states) states.set(name, state);
    for (const [name, reason] of result.notPurged) failures.set(name, stopped ?? reason);
    if (result.isEmptied) {
      for (const name of portion) emptied.add(name);
    }
  }

  progress.clear();
  return { notPurged: failures, deleted, emptied, states };
}

type PortionPurged = Pick<PurgeResult, "notPurged" | "deleted" | "states"> & {
  /** Whether the last list of the store shows that nothing is left. */
  readonly isEmptied: boolean;
  /** Why the Worker has not answered for all of them. */
  readonly fault: string | undefined;
};

async function purgePortion(
  post: ReturnType<typeof createPurgeClient>,
  names: readonly string[],
  verify: boolean,
): Promise<PortionPurged> {
  const states = new Map<string, ObjectState>();
  let notPurged: NotPurged = new Map(names.map((name) => [name, ""]));
  let deleted = 0;
  let left: boolean | undefined;

  // Where another try may help, only what is not purged yet is sent again.
  const createBody = () => ({ objects: [...notPurged.keys()], ...(verify && { verify }) });
  const take = (report: PurgeReport): boolean => {
    if (!isAbout(report, [...notPurged.keys()])) return false;

    notPurged = report.notPurged;
    deleted += report.deleted;
    left = report.left;
    for (const [name, state] of report.states) states.set(name, state);
    return true;
  };

  const answer = await post(createBody, take);
  const fault = isFault(answer) ? answer.fault : undefined;
  return { notPurged, deleted, states, isEmptied: left === false, fault };
}
