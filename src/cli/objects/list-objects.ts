// Lists the objects of a bucket that begin with a prefix, with the S3 keys at hand. It names no object that Vitrine
// cannot show.

import { keyFault } from "../../url/key.ts";
import { mistakeText } from "../../worker/base/refusal.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Slot } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { type Fault, say, type World } from "../command.ts";
import { type Project, slotsAtHand } from "../config/project.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { sleep } from "../http/retry.ts";
import { counted, createProgress } from "../terminal/progress.ts";
import { type Listed, listPage, type Page } from "./list-page.ts";
import type { Found } from "./object-name.ts";

/** How messages name the command that lists. */
type Listing = {
  /** The option or the command that has to list. */
  readonly who: string;
  /** The command that takes keys in place of a list, if there is one. */
  readonly instead?: string | undefined;
};

/**
 * Lists objects, and says how many of them Vitrine cannot show.
 * @param prefixes one or more, all of one bucket, and without the bucket's own prefix
 * @returns those that Vitrine can show, by their keys without the bucket's prefix; a fault if there are none
 */
export async function listObjects(
  world: World,
  project: Project,
  prefixes: readonly [Found, ...Found[]],
  { who, instead }: Listing,
): Promise<ReadonlyMap<string, Listed> | Fault> {
  const [{ bucket }] = prefixes;
  const orKeys = instead === undefined ? "" : `, or give the keys, one on each line: ${instead}`;
  const slots = slotsAtHand(project, bucket.name).usable;
  if (slots.length === 0) {
    return { fault: whyNoKey(project, `${who} has to list`, bucket.name) + orKeys };
  }
  const objects = new Map<string, Listed>();
  let hidden = 0;
  const progress = createProgress(world, "objects listed");
  for (const prefix of prefixes) {
    for await (const page of pagesOf(world, slots, prefix)) {
      if (!("objects" in page)) {
        progress.end();
        return { fault: listingFault(page, bucket, orKeys) };
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
  const twice = bucket.prefix !== "" && prefixes.some(({ key }) => key.startsWith(bucket.prefix));
  const advice = twice ? `. Leave out ${bucket.prefix}, the bucket's prefix` : "";
  const shown = hidden > 0 ? " and that Vitrine can show" : "";
  return { fault: `${bucket.name} has no object that begins with ${beginnings}${shown}${advice}` };
}

/** Lists page by page, as the Worker opens objects: with the next slot if S3 refuses one. Ends with a bad answer. */
async function* pagesOf(
  world: World,
  slots: readonly Slot[],
  { bucket, key }: Found,
): AsyncGenerator<Page | S3Answer> {
  const prefix = bucket.prefix + key;
  const tokens = new Set<string>();
  let [slot, ...others] = slots;
  for (let next: string | undefined; slot !== undefined && !world.interrupted.aborted; ) {
    const page = await listUnlessBusy(world, bucket, slot, { prefix, next });
    if (!("objects" in page)) {
      const isRefused = verdictOf(page, bucket.region).fault === "slot" && others.length > 0;
      if (!isRefused) return yield page;
      [slot, ...others] = others;
      continue;
    }
    yield page;
    ({ next } = page);
    if (next === undefined) return;
    if (tokens.has(next)) return yield { status: 200, text: "", failure: "the list has no end" };
    tokens.add(next);
  }
}

/** How long to wait before S3 is asked again, if it is busy: ms. */
const DELAYS_MS = [1_000, 5_000];

async function listUnlessBusy(
  { interrupted, now }: World,
  bucket: Bucket,
  { credentials }: Slot,
  options: { readonly prefix: string; readonly next: string | undefined },
): Promise<Page | S3Answer> {
  for (const delay of DELAYS_MS) {
    const page = await listPage(bucket, credentials, options, now());
    const isBusy = !("objects" in page) && (page.status === 429 || (page.status ?? 500) >= 500);
    if (!isBusy) return page;
    await sleep(delay, interrupted);
  }
  return listPage(bucket, credentials, options, now());
}

/**
 * Why no slot can be used: no secret is at hand, or what is wrong with those that are.
 * @param task what has to be done with the bucket: `--prefix has to list`
 */
export function whyNoKey(project: Project, task: string, name: string): string {
  const bucket = project.config.buckets.find((one) => one.name === name);
  if (bucket?.r2 !== undefined) {
    return `${task} ${name}, an R2 binding, which only the deployed Worker can open: no key does. Add a bucket to wrangler.toml with R2's endpoint and a key that may read it: docs/engines.md`;
  }
  const mistakes = slotsAtHand(project, name).unusable.flatMap((slot) => slot.mistakes);
  const reason = mistakes.map(mistakeText).join("; ") || "there is no S3 key to do so";
  const role = bucket?.role === undefined ? "" : " (the role is the Worker's alone)";
  return `${task} ${name}, and ${reason}. Put the key into the environment or ${project.known.devVars}${role}`;
}

function listingFault(answer: S3Answer, { name, region }: Bucket, orKeys: string): string {
  const { status, code, failure } = answer;
  const beginning = `${name} cannot be listed: `;
  if (failure !== undefined) {
    const problem = status === 200 ? "S3's answer cannot be used:" : "S3 does not answer:";
    return `${beginning}${problem} ${failure}`;
  }
  if (code === "AccessDenied") {
    return `${beginning}S3 says AccessDenied: the key may not list it. Allow it s3:ListBucket on the bucket${orKeys}`;
  }
  const { reason } = { reason: undefined, ...verdictOf(answer, region) };
  return `${beginning}S3 says ${code ?? status}${reason === undefined ? "" : `: ${reason}`}`;
}
