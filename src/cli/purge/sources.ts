// Gathers what to purge: the source URLs of all objects that are given, each once.

import type { Bucket } from "../../worker/config/bucket.ts";
import { originUrl } from "../../worker/s3/object-url.ts";
import { type End, EXIT, isFault, paint, say, type World } from "../command.ts";
import type { Project } from "../project/project.ts";
import { isImpossible, readGiven } from "../project/wanted.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";
import { counted, createProgress } from "../terminal/progress.ts";
import { visible } from "../terminal/visible.ts";
import { listKeys } from "./list-keys.ts";

type Gathered = {
  /** Each URL, with what was first given for it. A key with versions has several URLs. */
  readonly sources: ReadonlyMap<string, string>;
  readonly impossible: number;
};

type Asked = {
  readonly keys: readonly string[];
  readonly prefix?: string | undefined;
  readonly versions: readonly string[];
  /** Undefined: there are several, and none is named. */
  readonly bucket: Bucket | undefined;
  readonly hosts: readonly string[];
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
  const { keys, prefix, versions, bucket, hosts } = asked;
  const warn = (text: string) => say(stderr, paint(world, stderr, "yellow", text));
  const sources = new Map<string, string>();
  let impossible = 0;
  let isUnclear = false;
  const take = (given: string | Impossible) => {
    const found = readGiven(project, hosts, bucket, given);
    if (isImpossible(found)) {
      impossible += 1;
      return warn(visible(`${JSON.stringify(found.given)}: ${found.reason}`));
    }
    const { bucket: owner } = found;
    if (owner === undefined) {
      isUnclear = true;
      return;
    }
    for (const version of [undefined, found.version, ...versions]) {
      const url = originUrl(owner.base, owner.prefix + found.key, version);
      if (!sources.has(url)) sources.set(url, found.given);
    }
  };

  const isPiped = keys.length === 0 && prefix === undefined;
  if (isPiped && stdin.isTTY) {
    say(stderr, "Name keys, or a --prefix, or - for keys on stdin. See vitrine purge --help");
    return EXIT.usage;
  }
  for (const given of isPiped ? ["-"] : new Set(keys)) {
    if (given !== "-") take(given);
    else for await (const line of linesOf(stdin, interrupted)) take(line);
  }
  if (isPiped && sources.size === 0 && impossible === 0) {
    return { fault: "no key came on stdin. Name keys, or a --prefix, or - if stdin may be empty" };
  }
  if (prefix !== undefined && bucket !== undefined) {
    const listing = createProgress(world, "objects listed");
    const listed = await listKeys(world, project, bucket, prefix, listing.step);
    listing.end();
    if (isFault(listed)) return listed;
    for (const key of listed.keys) take(key);
    if (listed.others > 0) {
      const others = counted(listed.others, "object");
      say(stderr, `Left out: ${others} with keys that Vitrine cannot show.`);
    }
    if (listed.keys.length === 0) {
      const what = `${bucket.name} has no object that begins with "${bucket.prefix}${prefix}"`;
      return { fault: listed.others > 0 ? `${what} and that Vitrine can show` : what };
    }
  }
  if (isUnclear || (prefix !== undefined && bucket === undefined)) {
    const names = project.config.buckets.map(({ name }) => `--bucket ${name}`).join(" or ");
    return { fault: `which bucket do the keys belong to? Use ${names}` };
  }
  const own = bucket?.prefix ?? "";
  const prefixed = new Set([...sources.values()].filter((key) => key.startsWith(own)));
  if (own !== "" && prefixed.size > 0) {
    const what = `${counted(prefixed.size, "key")} given with the bucket's prefix, ${own}`;
    warn(`${what}. A key is only the part after it`);
  }
  return { sources, impossible };
}
