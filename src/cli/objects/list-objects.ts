// Lists the objects of a bucket with the S3 keys at hand, page by page.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { mistakeText } from "../../worker/http/refusal.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { type CommandFault, log, page, type World } from "../command.ts";
import { type Project, slotsAtHand } from "../config/project.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { counted, createProgress } from "../terminal/progress.ts";
import type { BucketKey } from "./bucket-key.ts";
import { type Listed, listPage, type NoPage, type Page } from "./list-page.ts";

/** Each has 1,000 objects: the memory of Node.js holds hardly more. */
const MAX_PAGES = 5_000;

/**
 * Lists objects page by page. Like the Worker, it uses the next slot if S3 refuses the first one. Prints how many
 * objects Vitrine cannot show.
 * @param start the prefix of the keys, below the bucket's own prefix
 * @param task the option or the command that has to list
 * @param instead what to do if the S3 key may not list
 * @returns the objects that Vitrine can show, by their keys without the bucket's prefix
 */
export async function listObjects(
  world: World,
  project: Project,
  { bucket, key: start }: BucketKey,
  task: string,
  instead = "",
): Promise<ReadonlyMap<string, Listed> | CommandFault> {
  let [slot, ...otherSlots] = slotsAtHand(project, bucket).usable;
  if (slot === undefined) return { fault: noKeyText(project, task, bucket) + instead };

  const prefix = bucket.prefix + start;
  const objects = new Map<string, Listed>();
  const hidden = new Set<string>();
  const progress = createProgress(world, "objects listed");
  let next: string | undefined;

  for (let pages = 1; slot !== undefined && !world.interrupted.aborted; pages += 1) {
    const options = { prefix, next };
    const result: Page | NoPage = await listPage(bucket, slot.credentials, options, world.now());

    if (result.kind === "no-page") {
      const { answer } = result;
      const isSlotRefused = verdictOf(answer, bucket.region).result === "slot-refused";
      [slot, ...otherSlots] = isSlotRefused ? otherSlots : [];
      if (slot !== undefined) continue;
      progress.clear();
      return { fault: listingFault(answer, bucket, instead) };
    }

    const sizeBefore = objects.size + hidden.size;
    for (const object of result.objects) {
      const key = object.key.slice(bucket.prefix.length);
      if (keyFault(object.key) === undefined) objects.set(key, { ...object, key });
      else hidden.add(key);
    }
    const added = objects.size + hidden.size - sizeBefore;
    progress.step(added);

    next = result.next;
    if (next === undefined) break;

    // S3 may send an empty page between others.
    const isNew = added > 0 || result.objects.length === 0;
    if (isNew && pages < MAX_PAGES) continue;
    progress.clear();
    return { fault: `${bucket.name}: its list does not end: name a longer prefix` };
  }

  progress.clear();
  const left = counted(hidden.size, "object");
  if (hidden.size > 0) log(world.stderr, `Left out: ${left} with keys that Vitrine cannot show.`);

  return objects;
}

export function noObject({ bucket, key }: BucketKey): CommandFault {
  const start = JSON.stringify(bucket.prefix + key);
  return { fault: `${bucket.name} has no object that begins with ${start} and can be shown` };
}

/** Why no slot can be used: no secret is at hand, or those at hand have mistakes. */
function noKeyText(project: Project, task: string, bucket: Bucket): string {
  const { name, r2, role } = bucket;
  const { file, devVars } = project.envConfig;
  if (r2 !== undefined) {
    return `${task} has to list ${name}, an R2 binding, which only the deployed Worker can open. Add a bucket to ${file} with R2's endpoint and a key that may read it: ${page("docs/engines.md")}`;
  }

  const texts: string[] = [];
  for (const { mistakes } of slotsAtHand(project, bucket).unusable) {
    for (const mistake of mistakes) {
      const isPresent = project.secrets.has(mistake.path);
      texts.push(isPresent ? mistakeText(mistake) : `there is no ${mistake.path}`);
    }
  }
  const reason = texts.join("; ") || "there is no S3 key to do so";
  const note = role === undefined ? "" : " (the role is the Worker's alone)";
  return `${task} has to list ${name}, and ${reason}. Put the key into the environment or ${devVars}${note}`;
}

function listingFault(answer: S3RequestResult, { name, region }: Bucket, instead: string): string {
  const { status, code, failure } = answer;
  if (status === 200) return `${name} cannot be listed: its list cannot be read: ${failure}`;
  if (failure !== undefined) return `${name} cannot be listed: S3 does not answer: ${failure}`;
  const fault = `${name} cannot be listed: S3 says ${code ?? status}`;
  if (code === "AccessDenied") {
    return `${fault}: the key may not list it. Allow it s3:ListBucket on the bucket${instead}`;
  }
  const { reason } = verdictOf(answer, region);
  return reason === undefined ? fault : `${fault}: ${reason}`;
}
