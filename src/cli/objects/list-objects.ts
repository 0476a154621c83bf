// Lists the objects of a bucket that begin with a prefix, with the S3 keys at hand.

import { keyFault } from "../../url/key.ts";
import { mistakeText } from "../../worker/base/refusal.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { type Fault, isFault, say, type World } from "../command.ts";
import { type Project, slotsAtHand } from "../config/project.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { sleep } from "../http/retrying.ts";
import { counted, createProgress } from "../terminal/progress.ts";
import type { Listed, Page } from "./list-page.ts";
import { listPage } from "./list-page.ts";
import type { Found } from "./object-name.ts";

type Listing = {
  /** The option or the command that has to list. */
  readonly who: string;
  /** The command that takes keys in place of a list, if there is one. */
  readonly instead?: string | undefined;
};

/** How long to wait before S3 is asked again, if it is busy: ms. */
const DELAYS = [1_000, 5_000];

/**
 * Lists objects, and says how many of them Vitrine cannot show.
 * @param wanted one bucket, and what the keys below its prefix begin with
 * @returns those that Vitrine can show, by their keys without the bucket's prefix; a fault if there are none
 */
export async function listObjects(
  world: World,
  project: Project,
  wanted: readonly [Found, ...Found[]],
  listing: Listing,
): Promise<ReadonlyMap<string, Listed> | Fault> {
  const [{ bucket }] = wanted;
  const objects = new Map<string, Listed>();
  const progress = createProgress(world, "objects listed");
  const take = (page: readonly Listed[]) => {
    for (const object of page) objects.set(object.key, object);
    progress.step(page.length);
  };
  let others = 0;
  for (const found of wanted) {
    const ended = await listPages(world, project, found, listing, take);
    if (isFault(ended)) {
      progress.end();
      return ended;
    }
    others += ended.others;
  }
  progress.end();
  if (others > 0) {
    say(world.stderr, `Left out: ${counted(others, "object")} with keys that Vitrine cannot show.`);
  }
  if (objects.size > 0) return objects;
  const beginnings = wanted.map(({ key }) => JSON.stringify(bucket.prefix + key)).join(" or ");
  const what = `${bucket.name} has no object that begins with ${beginnings}`;
  if (others > 0) return { fault: `${what} and that Vitrine can show` };
  return { fault: [what, ...wanted.flatMap(prefixAdvice)].join(". ") };
}

/** What to write in place of a name that begins with the bucket's prefix, which is no part of it. */
function prefixAdvice({ bucket: { prefix }, key }: Found): string[] {
  if (prefix === "" || !key.startsWith(prefix)) return [];
  const right = key.slice(prefix.length);
  return [`Leave out ${prefix}, the bucket's prefix${right === "" ? "" : `: write ${right}`}`];
}

/** @returns how many objects Vitrine cannot show */
async function listPages(
  world: World,
  project: Project,
  { bucket, key: prefix }: Found,
  { who, instead }: Listing,
  take: (objects: readonly Listed[]) => void,
): Promise<{ readonly others: number } | Fault> {
  const slots = [...slotsAtHand(project, bucket.name).usable];
  let others = 0;
  const tokens = new Set<string>();
  let next: string | undefined;
  for (;;) {
    const [slot] = slots;
    if (slot === undefined) {
      const why = whyNoKey(project, `${who} has to list`, bucket.name);
      // facts has to read the objects, too.
      const isBound = bucket.r2 !== undefined && who === "--prefix";
      return { fault: isBound ? `${why}. Or give the keys, one on each line: ${instead}` : why };
    }
    const options = { prefix: bucket.prefix + prefix, next };
    const page = await patiently(world, () =>
      listPage(bucket, slot.credentials, options, world.now()),
    );
    if (!("objects" in page)) {
      const slotRefused = verdictOf(page, bucket.region).fault === "slot";
      if (!slotRefused || slots.length === 1) return { fault: whyNot(page, bucket, instead) };
      slots.shift(); // The Worker does the same.
      continue;
    }
    const shown = page.objects
      .filter(({ key }) => keyFault(key) === undefined)
      .map((object) => ({ ...object, key: object.key.slice(bucket.prefix.length) }));
    take(shown);
    others += page.objects.length - shown.length;
    ({ next } = page);
    if (next === undefined || world.interrupted.aborted) return { others };
    if (tokens.has(next)) {
      return { fault: `${bucket.name} cannot be listed: the list of S3 has no end` };
    }
    tokens.add(next);
  }
}

/**
 * Why no slot can be used: no secret is at hand, or what is wrong with those that are.
 * @param what what has to be done with the bucket: `--prefix has to list`
 */
export function whyNoKey(project: Project, what: string, name: string): string {
  const bucket = project.config.buckets.find((one) => one.name === name);
  if (bucket?.r2 !== undefined) {
    const why = "which only the deployed Worker can open: no key does";
    return `${what} ${name}, an R2 binding, ${why}. ${R2_INSTEAD}`;
  }
  const mistakes = slotsAtHand(project, name).unusable.flatMap((slot) => slot.mistakes);
  const why =
    mistakes.length === 0 ? "there is no S3 key to do so" : mistakes.map(mistakeText).join("; ");
  const role = bucket?.role === undefined ? "" : " (the role is the Worker's alone)";
  const where = `the environment, ${project.known.devVars} or the file of --secrets-file`;
  return `${what} ${name}, and ${why}. Put the key into ${where}${role}`;
}

const R2_INSTEAD =
  "Add a bucket to wrangler.toml with R2's endpoint and a key that may read it: docs/engines.md";

async function patiently(
  { interrupted }: World,
  ask: () => Promise<Page | S3Answer>,
): Promise<Page | S3Answer> {
  for (const delay of DELAYS) {
    const page = await ask();
    const busy = !("objects" in page) && (page.status === 429 || (page.status ?? 500) >= 500);
    if (!busy || interrupted.aborted) return page;
    await sleep(delay, interrupted);
  }
  return ask();
}

function whyNot(said: S3Answer, { name, region }: Bucket, instead = ""): string {
  const { status, code, failure } = said;
  const words = status === 200 ? "S3's answer cannot be used:" : "S3 does not answer:";
  const what = failure === undefined ? `S3 says ${code ?? status}` : `${words} ${failure}`;
  const told = `${name} cannot be listed: ${what}`;
  if (code === "AccessDenied") {
    const keys = instead && `, or give the keys, one on each line: ${instead}`;
    return `${told}: the key may not list it. Allow it s3:ListBucket on the bucket${keys}`;
  }
  const verdict = verdictOf(said, region);
  const reason = "reason" in verdict && failure === undefined ? verdict.reason : undefined;
  return `${told}${reason === undefined ? "" : `: ${reason}`}`;
}
