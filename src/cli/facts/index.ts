// vitrine facts: reads each original of a bucket once, and writes what apps want to know of it: size, type,
// colour and ThumbHash. The originals never leave this machine, and nothing is written to the bucket.

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import type { Bucket } from "../../worker/config/bucket.ts";
import {
  type End,
  EXIT,
  type Exit,
  type Fault,
  isFault,
  type Run,
  say,
  type World,
} from "../command.ts";
import { openProject, slotsAtHand } from "../config/project.ts";
import { listObjects } from "../objects/list-objects.ts";
import { type Found, readPrefix } from "../objects/object-name.ts";
import { envOption, secretsFileOption } from "../options.ts";
import { loadSharp } from "../picture/read-fact.ts";
import { count, counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { readFactsFile, writeFacts } from "./facts-file.ts";
import { type Outcome, readOriginals } from "./read-originals.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function factsCommand(world: World, run: Run) {
  return define().action((args, options) => run(() => facts(world, args, options)));
}

function define() {
  return new Command("facts")
    .description("writes size, type, colour and ThumbHash of each original, for apps")
    .argument("[prefixes...]", "what keys begin with; default: all of the only bucket")
    .option("-o, --out <file>", "a .json or .ts file; default: JSON on stdout", readFile)
    .addOption(envOption())
    .option(
      "-u, --url <url>",
      "the local run: http://localhost:8787; default: the buckets of the environment",
    )
    .addOption(secretsFileOption("the S3 keys"))
    .addHelpText(
      "after",
      `
It lists the bucket, and reads the originals that the file does not have, or that changed since. The S3 key needs
s3:ListBucket and s3:GetObject. It needs sharp, too: npm install --save-dev sharp.
If wrangler.toml has several buckets, write BUCKET/prefix, or BUCKET/ for all of one.
A file that this command wrote is replaced; any other is left alone.

Examples:
  npx vitrine facts --out src/facts.ts
  npx vitrine facts photos/ users/ --out src/facts.json
  npx vitrine facts --url http://localhost:8787`,
    );
}

/** A .json file, or a .ts file that is not a .d.ts file. */
function readFile(file: string): string {
  if (/\.json$|(?<!\.d)\.ts$/.test(file)) return file;
  throw new InvalidArgumentError("It must end in .json or .ts, and not in .d.ts.");
}

async function facts(world: World, args: readonly string[], options: Options): Promise<End> {
  const sharp = loadSharp();
  if (isFault(sharp)) return sharp;
  sharp.cache(false); // no picture is read twice
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const prefixes = readPrefixes(project.config.buckets, args);
  if (isFault(prefixes)) return prefixes;
  const { out } = options;
  const known = out === undefined ? new Map() : readFactsFile(world, out);
  if (isFault(known)) return known;
  const objects = await listObjects(world, project, prefixes, "facts");
  if (isFault(objects)) return objects;
  if (world.interrupted.aborted) return { fault: "interrupted before an original was read" };
  const [{ bucket }] = prefixes;
  const slots = slotsAtHand(project, bucket.name).usable;
  const outcome = await readOriginals(world, bucket, slots, objects, known);
  const exit = exitOf(outcome);
  // A file that was written before has more in it than nothing.
  const unwritten = exit === EXIT.failed ? undefined : writeFacts(world, out, outcome.facts);
  if (unwritten !== undefined) return unwritten;
  say(world.stderr, ...summaryOf(outcome).map(visible));
  return exit;
}

/** Reads what to list. A file is by key, and two buckets may have the same key: it has those of one. */
function readPrefixes(
  buckets: readonly Bucket[],
  [first = "", ...others]: readonly string[],
): readonly [Found, ...Found[]] | Fault {
  const found = readPrefix(buckets, first);
  if (isFault(found)) return { fault: `${JSON.stringify(first)}: ${found.fault}` };
  const prefixes: [Found, ...Found[]] = [found];
  for (const prefix of others) {
    const other = readPrefix(buckets, prefix);
    if (isFault(other)) return { fault: `${JSON.stringify(prefix)}: ${other.fault}` };
    if (other.bucket !== found.bucket) {
      return { fault: "These are two buckets. Run it for each, with a file of its own" };
    }
    prefixes.push(other);
  }
  return prefixes;
}

function exitOf({ facts, missing, left }: Outcome): Exit {
  if (missing.size + left === 0) return EXIT.done;
  return facts.size === 0 ? EXIT.failed : EXIT.partly;
}

function summaryOf({ facts, missing, foreign, read, left }: Outcome): string[] {
  const reasons = [...missing].sort(([one], [other]) => (one < other ? -1 : 1));
  return [
    `Facts of ${counted(facts.size, "original")}, ${count(read)} read now. No pictures: ${count(foreign)}.`,
    ...(missing.size > 0 ? [`No facts of ${counted(missing.size, "original")}:`] : []),
    ...reasons.map(([key, reason]) => `  ${key}: ${reason}`),
    ...(left > 0
      ? [`Stopped: ${counted(left, "original")} not read. With --out, the next run goes on.`]
      : []),
  ];
}
