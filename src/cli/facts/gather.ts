// Gathers the objects whose facts are wanted: by listing the bucket, or from stdin. Each is there once.

import type { Bucket } from "../../worker/config/bucket.ts";
import { type Fault, isFault, say, type World } from "../command.ts";
import type { Listed } from "../net/read-page.ts";
import { listObjects } from "../project/list-objects.ts";
import type { Project } from "../project/project.ts";
import { isImpossible, readObject } from "../project/wanted.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import { counted, createProgress } from "../terminal/progress.ts";
import { visible } from "../terminal/visible.ts";
import { type Choice, twoBuckets } from "./choose.ts";

export type Gathered = {
  readonly bucket: Bucket;
  /** By key, below the bucket's prefix. From stdin, they have no ETag. */
  readonly objects: ReadonlyMap<string, Listed>;
  /** What each listed key begins with; none: keys came from stdin. */
  readonly prefixes: readonly string[];
  /** How many given names no object can have. */
  readonly impossible: number;
};

/** Commands to use in place of this one. */
export type Commands = {
  /** It takes keys in place of a list. */
  readonly instead: string;
  /** It reads the local run. */
  readonly locally: string;
};

export function gather(
  world: World,
  project: Project,
  choice: Choice,
  commands: Commands,
): Promise<Gathered | Fault> {
  return "piped" in choice
    ? readKeys(world, project.config.buckets)
    : list(world, project, choice.listed, commands);
}

async function list(
  world: World,
  project: Project,
  listed: readonly [Listing, ...Listing[]],
  commands: Commands,
): Promise<Gathered | Fault> {
  const [{ bucket }] = listed;
  const objects = new Map<string, Listed>();
  const progress = createProgress(world, "objects listed");
  let others = 0;
  for (const found of listed) {
    const take = (page: readonly Listed[]) => {
      for (const object of page) objects.set(object.key, object);
      progress.step(page.length);
    };
    const ended = await listObjects(world, project, found, { take, who: "facts", ...commands });
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
  const prefixes = listed.map(({ key }) => key);
  if (objects.size > 0) return { bucket, objects, prefixes, impossible: 0 };
  const beginnings = prefixes.map((prefix) => JSON.stringify(bucket.prefix + prefix)).join(" or ");
  return { fault: `${bucket.name} has no object that begins with ${beginnings}` };
}

type Listing = { readonly bucket: Bucket; readonly key: string };

async function readKeys(
  { stdin, stderr, interrupted }: World,
  buckets: readonly Bucket[],
): Promise<Gathered | Fault> {
  const objects = new Map<string, Listed>();
  let bucket: Bucket | undefined;
  let impossible = 0;
  const refuse = ({ given, reason }: Impossible) => {
    impossible += 1;
    say(stderr, visible(`${JSON.stringify(given)}: ${reason}`));
  };
  for await (const line of linesOf(stdin, interrupted)) {
    const found = isImpossible(line) ? line : readObject(buckets, line, (name) => name);
    if (isImpossible(found)) {
      refuse(found);
      continue;
    }
    bucket ??= found.bucket;
    if (found.bucket === bucket) objects.set(found.key, { key: found.key });
    else refuse({ given: found.given, reason: twoBuckets(bucket, found.bucket) });
  }
  if (bucket !== undefined) return { bucket, objects, prefixes: [], impossible };
  const wrong = impossible === 1 ? "the key on stdin is invalid" : "all keys on stdin are invalid";
  return { fault: impossible > 0 ? wrong : "no key came on stdin" };
}
