// Has the Worker list and purge a prefix. Nothing on this machine can open an R2 binding, so the Worker lists it. What it
// lists is believed only below the prefix.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { type CommandFault, isFault, type World } from "../command.ts";
import type { ProjectSite } from "../config/project.ts";
import { objectNameOf, parsePrefix } from "../objects/bucket-key.ts";
import { createProgress } from "../terminal/progress.ts";
import type { SelectedObject } from "../urls/select-objects.ts";
import { createPurgeClient, type PurgeReport, type PurgeSite } from "./client.ts";

/** A prefix of names in a bucket that is an R2 binding. */
type R2Prefix = {
  readonly bucket: Bucket;
  /** With the bucket, as the Worker wants it: `media/photos/`. */
  readonly name: string;
};

/** @returns undefined if the bucket is listed with a key of S3 */
export function readR2Prefix(
  { config }: ProjectSite,
  prefix: string,
): R2Prefix | CommandFault | undefined {
  const parsed = parsePrefix(config.buckets, prefix);
  if (isFault(parsed)) return { fault: `--prefix ${prefix}: ${parsed.fault}` };

  const { bucket, key } = parsed;
  if (bucket.r2 === undefined) return undefined;
  return { bucket, name: `${bucket.name}/${key}` };
}

/** Objects that the Worker has listed, and the names of those that it has purged. */
export type Listed = {
  readonly objects: ReadonlyMap<string, SelectedObject>;
  readonly purged: ReadonlySet<string>;
  readonly deleted: number;
};

/** Where the Worker is to list nothing. */
export const NONE_LISTED: Listed = { objects: new Map(), purged: new Set(), deleted: 0 };

/** Has the Worker list and purge a prefix, portion by portion. */
export async function purgeListed(
  world: World,
  site: PurgeSite,
  prefix: R2Prefix,
): Promise<Listed | CommandFault> {
  const { buckets } = site.config;
  const { bucket, name: namePrefix } = prefix;
  const post = createPurgeClient(world, site);
  const progress = createProgress(world, "listed objects");

  const objects = new Map<string, SelectedObject>();
  const purged = new Set<string>();
  let deleted = 0;
  let after: string | undefined;

  for (;;) {
    const request = { prefix: namePrefix, ...(after !== undefined && { after }) };
    const answer = await post(
      () => request,
      (report) => isBelow(prefix, report),
    );
    if (isFault(answer)) return { fault: `${namePrefix}* is not purged: ${answer.fault}` };

    const names = namesIn(answer);
    for (const name of names) {
      const key = name.slice(bucket.name.length + 1);
      objects.set(name, { bucket, key, input: objectNameOf(buckets, { bucket, key }) });
    }
    for (const name of answer.purged) purged.add(name);
    deleted += answer.deleted;
    progress.step(names.length);

    if (answer.after === undefined || answer.after === after) {
      progress.clear();
      return { objects, purged, deleted };
    }
    after = answer.after;
  }
}

function namesIn({ purged, notPurged }: PurgeReport): readonly string[] {
  return [...purged, ...notPurged.keys()];
}

/** Returns whether each name of the Worker's answer can be one of the prefix. */
function isBelow({ bucket, name: prefix }: R2Prefix, report: PurgeReport): boolean {
  return namesIn(report).every((name) => {
    const key = bucket.prefix + name.slice(bucket.name.length + 1);
    return name.startsWith(prefix) && keyFault(key) === undefined;
  });
}
