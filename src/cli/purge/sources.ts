// Gathers what to purge: the source URLs of all objects that are given, each once.

import { originUrl } from "../../worker/s3/object-url.ts";
import { type End, EXIT, type Fault, isFault, paint, say, type World } from "../command.ts";
import { listObjects } from "../project/list-objects.ts";
import { nameOf, readOption } from "../project/object-name.ts";
import type { OwnUrls } from "../project/own-url.ts";
import type { Project } from "../project/project.ts";
import { isImpossible, readGiven } from "../project/wanted.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import { counted } from "../terminal/progress.ts";
import { argumentsOf } from "../terminal/shell.ts";
import { visible } from "../terminal/visible.ts";

export type Gathered = {
  /** Each URL, with what was first given for it. A key with versions has several URLs. */
  readonly sources: ReadonlyMap<string, string>;
  /** BUCKET/key of each object, by what was given for it. */
  readonly names: ReadonlyMap<string, string>;
  /** What was given for objects that the edge never fetches, so that only the Worker's cache has them. */
  readonly unfetched: ReadonlySet<string>;
  readonly impossible: number;
};

type Asked = {
  readonly keys: readonly string[];
  readonly prefix?: string | undefined;
  readonly versions: readonly string[];
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
  const { keys, prefix, versions, own } = asked;
  const { buckets } = project.config;
  const warn = (text: string) => say(stderr, paint(world, stderr, "yellow", text));
  const sources = new Map<string, string>();
  const objects = new Map<string, string>();
  const unfetched = new Set<string>();
  let impossible = 0;
  /** The names that repeat their bucket's prefix, and these prefixes. */
  const repeating = new Map<string, string>();
  const take = (given: string | Impossible, write = (name: string) => name) => {
    const found = readGiven(project, own, given, write);
    if (isImpossible(found)) {
      impossible += 1;
      return warn(visible(`${JSON.stringify(found.given)}: ${found.reason}`));
    }
    const { bucket: owner, key } = found;
    const isName = nameOf(buckets, found) === found.given;
    if (isName && owner.prefix !== "" && key.startsWith(owner.prefix)) {
      repeating.set(found.given, owner.prefix);
    }
    for (const version of [undefined, found.version, ...versions]) {
      const url = originUrl(owner.base, owner.prefix + key, version);
      if (!sources.has(url)) sources.set(url, found.given);
    }
    if (!owner.engines.includes("cf")) unfetched.add(found.given);
    objects.set(found.given, `${owner.name}/${key}`);
  };

  const isPiped = keys.length === 0 && prefix === undefined;
  if (isPiped && stdin.isTTY) {
    say(stderr, "Name keys, or a --prefix, or - for keys on stdin. See npx vitrine purge --help");
    return EXIT.usage;
  }
  for (const given of isPiped ? ["-"] : new Set(keys)) {
    if (given !== "-") take(given, (name) => argumentsOf([name]));
    else for await (const line of linesOf(stdin, interrupted)) take(line);
  }
  if (isPiped && sources.size === 0 && impossible === 0) {
    return { fault: "no key came on stdin. Name keys, or a --prefix, or - if stdin may be empty" };
  }
  if (prefix !== undefined) {
    const names = await listNames(world, project, prefix, asked.instead);
    if (isFault(names)) return names;
    for (const name of names) take(name);
  }
  if (repeating.size > 0) {
    const prefixes = [...new Set(repeating.values())].join(", ");
    const what = `${counted(repeating.size, "key")} given with the bucket's prefix, ${prefixes}`;
    warn(`${what}. A key is only the part after it`);
  }
  return { sources, names: objects, unfetched, impossible };
}

/** Lists the names of the objects that begin with a prefix. No object is a fault. */
async function listNames(
  world: World,
  project: Project,
  prefix: string,
  instead: string,
): Promise<readonly string[] | Fault> {
  const { buckets } = project.config;
  const found = readOption(buckets, "--prefix", prefix);
  if (isFault(found)) return found;
  const listed = await listObjects(world, project, [found], { who: "--prefix", instead });
  if (isFault(listed)) return listed;
  const { bucket } = found;
  return [...listed.keys()].map((key) => nameOf(buckets, { bucket, key }));
}
