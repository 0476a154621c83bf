// Lists the objects of a bucket that begin with a prefix, with the S3 keys at hand.

import { keyFault } from "../../url/key.ts";
import { mistakeText } from "../../worker/base/mistake.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Unusable } from "../../worker/config/read-secrets.ts";
import { verdictOf } from "../../worker/s3/verdict.ts";
import type { Fault, World } from "../command.ts";
import type { S3Answer } from "../net/ask-s3.ts";
import { listPage } from "../net/list.ts";
import { sleep } from "../net/pace.ts";
import type { Listed, Page } from "../net/read-page.ts";
import type { Found } from "./object-name.ts";
import { type Project, slotsAtHand } from "./project.ts";

type Listing = {
  /** Takes the objects of a page that Vitrine can show, by their keys without the bucket's prefix. */
  readonly take: (objects: readonly Listed[]) => void;
  /** The option or the command that has to list. */
  readonly who: string;
  /** The command that takes keys in place of a list. */
  readonly instead: string;
};

/** How long to wait before S3 is asked again, if it is busy: ms. */
const DELAYS = [1_000, 5_000];

/**
 * @param found the bucket, and what the keys below its prefix begin with
 * @returns how many objects Vitrine cannot show
 */
export async function listObjects(
  world: World,
  project: Project,
  { bucket, key: prefix }: Found,
  { take, who, instead }: Listing,
): Promise<{ readonly others: number } | Fault> {
  const { usable, unusable } = slotsAtHand(project, bucket.name);
  const slots = [...usable];
  let others = 0;
  const tokens = new Set<string>();
  let next: string | undefined;
  for (;;) {
    const [slot] = slots;
    if (slot === undefined) return { fault: whyNoKey(`${who} has to list`, bucket.name, unusable) };
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
export function whyNoKey(what: string, name: string, unusable: readonly Unusable[]): string {
  const mistakes = unusable.flatMap((slot) => slot.mistakes.map(mistakeText));
  const why = mistakes.length === 0 ? "there is no S3 key to do so" : mistakes.join("; ");
  return `${what} ${name}, and ${why}. ${GIVE_KEY}`;
}

const GIVE_KEY = "Put the key into the environment, or the file of --secrets-file";

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

function whyNot(said: S3Answer, { name, region }: Bucket, instead: string): string {
  const { status, code, failure } = said;
  const words = status === 200 ? "S3's answer cannot be used:" : "S3 does not answer:";
  const what = failure === undefined ? `S3 says ${code ?? status}` : `${words} ${failure}`;
  const told = `${name} cannot be listed: ${what}`;
  if (code === "AccessDenied") {
    return `${told}: the key may not list it. Allow it s3:ListBucket on the bucket, or give the keys, one on each line: ${instead}`;
  }
  const verdict = verdictOf(said, region);
  const reason = "reason" in verdict && failure === undefined ? verdict.reason : undefined;
  return `${told}${reason === undefined ? "" : `: ${reason}`}`;
}
