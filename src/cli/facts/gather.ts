// Gathers the objects whose facts are wanted: by listing the bucket, or from stdin. Each is there once.

import type { Bucket } from "../../worker/config/bucket.ts";
import { type Fault, isFault, say, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { listObjects } from "../objects/list-objects.ts";
import type { Listed } from "../objects/list-page.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import { visible } from "../terminal/shell.ts";
import { isImpossible, readObject } from "../urls/wanted.ts";
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

export async function gather(
  world: World,
  project: Project,
  choice: Choice,
  commands: Commands,
): Promise<Gathered | Fault> {
  if ("piped" in choice) return readKeys(world, project.config.buckets);
  const { listed } = choice;
  const objects = await listObjects(world, project, listed, { who: "facts", ...commands });
  if (isFault(objects)) return objects;
  const prefixes = listed.map(({ key }) => key);
  return { bucket: listed[0].bucket, objects, prefixes, impossible: 0 };
}

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
