// Gathers what to purge: all objects that are given, each once.

import type { Bucket } from "../../worker/config/bucket.ts";
import { type End, EXIT, type Fault, isFault, paint, say, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import type { OwnUrls } from "../config/site-url.ts";
import { listObjects } from "../objects/list-objects.ts";
import { type Found, nameOf, readOption } from "../objects/object-name.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import { argumentsOf, visible } from "../terminal/shell.ts";
import { isImpossible, readGiven, type Wanted } from "../urls/wanted.ts";

export type Gathered = {
  /** Each object, by its name for the Worker: BUCKET/key. */
  readonly objects: ReadonlyMap<string, Wanted>;
  /** How many that were given cannot be objects. */
  readonly impossible: number;
};

type Asked = {
  readonly keys: readonly string[];
  readonly prefix?: string | undefined;
  readonly own: OwnUrls;
  /** The command that takes keys in place of a prefix. */
  readonly instead: string;
};

/**
 * Takes keys from the arguments, stdin and the bucket itself. Names at once what cannot be a key.
 * @returns an exit code if nothing is asked for
 */
export async function gather(
  world: World,
  project: Project,
  asked: Asked,
): Promise<Gathered | End> {
  const { stdin, stderr, interrupted } = world;
  const { keys, prefix, own } = asked;
  const { buckets } = project.config;
  const warn = (text: string) => say(stderr, paint(world, stderr, "yellow", text));
  const objects = new Map<string, Wanted>();
  let impossible = 0;
  const refuse = ({ given, reason }: Impossible) => {
    impossible += 1;
    warn(visible(`${JSON.stringify(given)}: ${reason}`));
  };
  const take = (found: Wanted) => {
    const name = `${found.bucket.name}/${found.key}`;
    if (!objects.has(name)) objects.set(name, found);
  };
  const takeGiven = (given: string | Impossible, write = (name: string) => name) => {
    const found = readGiven(project, own, given, write);
    if (isImpossible(found)) return refuse(found);
    const reason = prefixFault(buckets, found, write);
    return reason === undefined ? take(found) : refuse({ given: found.given, reason });
  };

  const isPiped = keys.length === 0 && prefix === undefined;
  if (isPiped && stdin.isTTY) {
    say(stderr, "Name keys, or a --prefix, or - for keys on stdin. See npx vitrine purge --help");
    return EXIT.usage;
  }
  for (const given of isPiped ? ["-"] : new Set(keys)) {
    if (given !== "-") takeGiven(given, (name) => argumentsOf([name]));
    else for await (const line of linesOf(stdin, interrupted)) takeGiven(line);
  }
  if (isPiped && objects.size === 0 && impossible === 0) {
    return { fault: "no key came on stdin. Name keys, or a --prefix, or - if stdin may be empty" };
  }
  if (prefix !== undefined) {
    const listed = await listPrefix(world, project, prefix, asked.instead);
    if (isFault(listed)) return listed;
    for (const found of listed) take({ ...found, given: nameOf(buckets, found) });
  }
  return { objects, impossible };
}

/** Why a name with the bucket's prefix is not read as it stands: it would be the key of another object. */
function prefixFault(
  buckets: readonly Bucket[],
  { given, bucket, key }: Wanted,
  write: (name: string) => string,
): string | undefined {
  const { prefix } = bucket;
  const isName = nameOf(buckets, { bucket, key }) === given;
  if (!isName || prefix === "" || !key.startsWith(prefix) || key === prefix) return undefined;
  const right = write(nameOf(buckets, { bucket, key: key.slice(prefix.length) }));
  const twice = "If its key has that prefix twice, name its public URL";
  return `begins with the bucket's prefix, ${prefix}, which is no part of a name: write ${right}. ${twice}`;
}

/** Lists the objects that begin with a prefix. No object is a fault. */
async function listPrefix(
  world: World,
  project: Project,
  prefix: string,
  instead: string,
): Promise<readonly Found[] | Fault> {
  const { buckets } = project.config;
  const found = readOption(buckets, "--prefix", prefix);
  if (isFault(found)) return found;
  const listed = await listObjects(world, project, [found], { who: "--prefix", instead });
  if (isFault(listed)) return listed;
  const { bucket } = found;
  return [...listed.keys()].map((key) => ({ bucket, key }));
}
