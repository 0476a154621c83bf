// Lists the objects of a bucket with the S3 keys at hand, page by page.

import { keyFault } from "../../url/key.ts";
import { mistakeText } from "../../worker/base/refusal.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Slot } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { type Fault, say, type World } from "../command.ts";
import { type Project, slotsAtHand } from "../config/project.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { counted, createProgress } from "../terminal/progress.ts";
import { type Listed, listPage, type Page } from "./list-page.ts";
import type { Found } from "./object-name.ts";

/**
 * Lists objects, and says how many of them Vitrine cannot show.
 * @param prefixes one or more, all of one bucket, and without the bucket's own prefix
 * @param task what has to list: an option or a command
 * @param instead what to do if the key may not list
 * @returns those that Vitrine can show, by their keys without the bucket's prefix; a fault if there are none
 */
export async function listObjects(
  world: World,
  project: Project,
  prefixes: readonly [Found, ...Found[]],
  task: string,
  instead = "",
): Promise<ReadonlyMap<string, Listed> | Fault> {
  const [{ bucket }] = prefixes;
  const { usable } = slotsAtHand(project, bucket.name);
  if (usable.length === 0) {
    return { fault: whyNoKey(project, `${task} has to list`, bucket.name) + instead };
  }
  const objects = new Map<string, Listed>();
  let hidden = 0;
  const progress = createProgress(world, "objects listed");
  for (const prefix of prefixes) {
    for await (const page of pagesOf(world, usable, prefix)) {
      if (!("objects" in page)) {
        progress.end();
        return { fault: listingFault(page, bucket, instead) };
      }
      const shown = page.objects.filter(({ key }) => keyFault(key) === undefined);
      for (const object of shown) {
        const key = object.key.slice(bucket.prefix.length);
        objects.set(key, { ...object, key });
      }
      hidden += page.objects.length - shown.length;
      progress.step(shown.length);
    }
  }
  progress.end();
  if (hidden > 0) {
    say(world.stderr, `Left out: ${counted(hidden, "object")} with keys that Vitrine cannot show.`);
  }
  if (objects.size > 0) return objects;
  const beginnings = prefixes.map(({ key }) => JSON.stringify(bucket.prefix + key)).join(" or ");
  return { fault: `${bucket.name} has no object that begins with ${beginnings} and can be shown` };
}

/** Lists page by page, as the Worker opens objects: with the next slot if S3 refuses one. Ends with a bad answer. */
async function* pagesOf(
  { interrupted, now }: World,
  slots: readonly Slot[],
  { bucket, key }: Found,
): AsyncGenerator<Page | S3Answer> {
  const prefix = bucket.prefix + key;
  let [slot, ...others] = slots;
  let next: string | undefined;
  while (slot !== undefined && !interrupted.aborted) {
    const page = await listPage(bucket, slot.credentials, { prefix, next }, now());
    if ("objects" in page) {
      yield page;
      if (page.next === undefined) return;
      ({ next } = page);
    } else if (others.length > 0 && verdictOf(page, bucket.region).fault === "slot") {
      [slot, ...others] = others;
    } else return yield page;
  }
}

/**
 * Why no slot can be used: no secret is at hand, or what is wrong with those that are.
 * @param task what has to be done with the bucket: `--prefix has to list`
 */
export function whyNoKey(project: Project, task: string, name: string): string {
  const bucket = project.config.buckets.find((one) => one.name === name);
  if (bucket?.r2 !== undefined) {
    return `${task} ${name}, an R2 binding, which only the deployed Worker can open. Add a bucket to wrangler.toml with R2's endpoint and a key that may read it: docs/engines.md`;
  }
  const mistakes = slotsAtHand(project, name).unusable.flatMap((slot) => slot.mistakes);
  const reason = mistakes.map(mistakeText).join("; ") || "there is no S3 key to do so";
  const role = bucket?.role === undefined ? "" : " (the role is the Worker's alone)";
  return `${task} ${name}, and ${reason}. Put the key into the environment or ${project.known.devVars}${role}`;
}

function listingFault(answer: S3Answer, { name, region }: Bucket, instead: string): string {
  const { status, code, failure } = answer;
  if (status === 200) return `${name} cannot be listed: its list cannot be read: ${failure}`;
  if (failure !== undefined) return `${name} cannot be listed: S3 does not answer: ${failure}`;
  const fault = `${name} cannot be listed: S3 says ${code ?? status}`;
  if (code === "AccessDenied") {
    return `${fault}: the key may not list it. Allow it s3:ListBucket on the bucket${instead}`;
  }
  const { reason } = { reason: undefined, ...verdictOf(answer, region) };
  return reason === undefined ? fault : `${fault}: ${reason}`;
}
