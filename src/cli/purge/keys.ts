// What is to be purged: the source URLs of all objects that are given, each once.

import type { Bucket } from "../../worker/config/bucket.ts";
import { originUrl } from "../../worker/s3/object-url.ts";
import { EXIT, type Exit, type Fault, isFault, paint, say, type World } from "../command.ts";
import type { Operator } from "../project/operator.ts";
import { isImpossible, readGiven } from "../project/wanted.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import { counted, createProgress } from "../terminal/progress.ts";
import { visible } from "../terminal/visible.ts";
import { listKeys } from "./list-keys.ts";

export type Gathered = {
  /** What each URL was first given as: a key with versions stands at several. */
  readonly sources: ReadonlyMap<string, string>;
  /** How many keys these are. */
  readonly count: number;
  readonly impossible: readonly Impossible[];
};

export type Asked = {
  readonly keys: readonly string[];
  readonly prefix?: string | undefined;
  readonly versions: readonly string[];
  /** Undefined: there are several, and none is named. */
  readonly bucket: Bucket | undefined;
  /** Where this Vitrine is, as far as it is known. */
  readonly hosts: readonly string[];
};

/**
 * Takes keys from the arguments, stdin and the bucket itself. What cannot be is told at once.
 * @returns an exit code where nothing is asked for
 */
export async function gather(
  world: World,
  operator: Operator,
  asked: Asked,
): Promise<Gathered | Fault | Exit> {
  const { stdin, stderr, interrupted } = world;
  const { keys, prefix, versions, bucket, hosts } = asked;
  const sources = new Map<string, string>();
  const impossible: Impossible[] = [];
  let fault: Fault | undefined;

  const take = (given: string | Impossible) => {
    const found = readGiven(operator, hosts, bucket, given);
    if (isImpossible(found)) {
      impossible.push(found);
      const text = visible(`${JSON.stringify(found.given)}: ${found.reason}`);
      say(stderr, paint(world, stderr, "yellow", text));
      return;
    }
    const of = found.bucket;
    if (of === undefined) fault ??= whichBucket(operator);
    else {
      const urlOf = (version?: string) => originUrl(of.base, of.prefix + found.key, version);
      const own = [undefined, found.version, ...versions].map(urlOf);
      for (const url of own) if (!sources.has(url)) sources.set(url, found.given);
    }
  };

  const piped = keys.length === 0 && prefix === undefined;
  if (piped && stdin.isTTY) {
    say(
      stderr,
      "Name keys, or a --prefix, or - for keys on stdin (vitrine purge --help says more)",
    );
    return EXIT.usage;
  }
  for (const given of piped ? ["-"] : new Set(keys)) {
    if (given !== "-") take(given);
    else for await (const line of linesOf(stdin, interrupted)) take(line);
  }
  if (piped && sources.size === 0 && impossible.length === 0) {
    return {
      fault: "no key came on stdin: name keys, or a --prefix (an empty stdin is right with -)",
    };
  }
  if (prefix !== undefined) {
    if (bucket === undefined) return whichBucket(operator);
    const listing = createProgress(world, "objects listed");
    const listed = await listKeys(world, operator, bucket, prefix, (more) => listing.step(more));
    listing.end();
    if (isFault(listed)) return listed;
    const { others } = listed;
    for (const key of listed.keys) take(key);
    if (others > 0)
      say(stderr, `Left out: ${counted(others, "object")} with keys that Vitrine cannot show.`);
    if (listed.keys.length === 0) {
      return { fault: `no object of ${bucket.name} begins with "${bucket.prefix}${prefix}"` };
    }
  }
  if (fault !== undefined) return fault;
  if (bucket !== undefined) warnOfPrefix(world, bucket, sources);
  return { sources, count: new Set(sources.values()).size, impossible };
}

function whichBucket({ config: { buckets } }: Operator): Fault {
  const names = buckets.map(({ name }) => `--bucket ${name}`).join(" or ");
  return { fault: `which bucket are the keys of? Say ${names}` };
}

function warnOfPrefix(world: World, { prefix }: Bucket, sources: ReadonlyMap<string, string>) {
  const given = [...new Set(sources.values())].filter((key) => key.startsWith(prefix));
  if (prefix === "" || given.length === 0) return;
  const text = `${counted(given.length, "key")} given with the bucket's prefix, ${prefix}: a key is what follows it`;
  say(world.stderr, paint(world, world.stderr, "yellow", text));
}
