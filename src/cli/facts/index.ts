// vitrine facts: reads each original of a bucket once, and writes what apps need: size, type, colour and ThumbHash. The
// originals never leave this machine, and nothing is written to the bucket.

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import type { Bucket } from "../../worker/config/bucket.ts";
import {
  type CommandFault,
  EXIT,
  isFault,
  log,
  type Outcome,
  type Run,
  type World,
} from "../command.ts";
import { openProject, type Project, slotsAtHand, usesLocalS3 } from "../config/project.ts";
import { type BucketKey, parsePrefix } from "../objects/bucket-key.ts";
import { listObjects, noObject } from "../objects/list-objects.ts";
import type { Listed } from "../objects/list-page.ts";
import { envOption, secretsFileOption } from "../options.ts";
import { loadSharp } from "../picture/read-fact.ts";
import { counted } from "../terminal/progress.ts";
import { readFactsFile, writeFacts } from "./facts-file.ts";
import { type FactsResult, readOriginals } from "./read-originals.ts";
import { withoutSamples } from "./samples.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function factsCommand(world: World, run: Run) {
  return define().action((prefix = "", options) => run(() => facts(world, prefix, options)));
}

function define() {
  return new Command("facts")
    .description("writes size, type, colour and ThumbHash of each original, for apps")
    .argument("[prefix]", "what keys begin with; default: all of the only bucket")
    .option("-o, --out <file>", "a .json or .ts file; default: JSON on stdout", readFile)
    .addOption(envOption())
    .option("-u, --url <url>", "the local run: http://localhost:8787; default: the real bucket")
    .addOption(secretsFileOption("the S3 keys"))
    .addHelpText("after", HELP);
}

const HELP = `
It lists the bucket, and reads the originals that the file does not have, or that changed since. The S3 key needs
s3:ListBucket and s3:GetObject. It needs sharp, too: npm install --save-dev sharp.
If wrangler.toml has several buckets, write BUCKET/prefix, or BUCKET/ for all of one. Those that follow it in a
route are read, too.
A file that this command wrote is replaced; any other is left alone.

Examples:
  npx vitrine facts --out src/facts.ts
  npx vitrine facts photos/ --out src/facts.json
  npx vitrine facts --url http://localhost:8787`;

function readFile(file: string): string {
  if (/\.json$|(?<!\.d)\.ts$/.test(file)) return file;
  throw new InvalidArgumentError("It must end in .json or .ts, and not in .d.ts.");
}

async function facts(world: World, prefix: string, options: Options): Promise<Outcome> {
  const sharp = loadSharp();
  if (isFault(sharp)) return sharp;

  // No picture is read twice.
  sharp.cache(false);

  const project = openProject(world, options);
  if (isFault(project)) return project;

  const range = readRange(project, prefix);
  if (isFault(range)) return range;

  const previous = options.out === undefined ? new Map() : readFactsFile(world, options.out);
  if (isFault(previous)) return previous;

  const listings = await listBuckets(world, project, range);
  if (isFault(listings)) return listings;
  if (world.interrupted.aborted) return { fault: "interrupted before an original was read" };

  let result = NOTHING_READ;
  for (const [bucket, objects] of listings) {
    const slots = slotsAtHand(project, bucket).usable;
    const read = await readOriginals(world, project.config, bucket, slots, objects, previous);
    result = mergeResults(result, read);
  }

  // An empty result would overwrite the facts of an earlier run.
  const isWhole = result.missing.size === 0 && result.unread === 0;
  const isFailed = result.facts.size === 0 && !isWhole;
  if (!isFailed) {
    const fault = writeFacts(world, options.out, result.facts);
    if (fault !== undefined) return fault;
  }

  log(world.stderr, ...summaryOf(result));
  if (isFailed) return EXIT.failed;
  return isWhole ? EXIT.done : EXIT.partly;
}

function readRange({ config }: Project, prefix: string): BucketKey | CommandFault {
  const range = parsePrefix(config.buckets, prefix);
  if (!isFault(range)) return range;

  const label = prefix === "" ? "name a bucket" : JSON.stringify(prefix);
  return { fault: `${label}: ${range.fault}` };
}

type Listings = ReadonlyMap<Bucket, ReadonlyMap<string, Listed>>;

/** Lists a bucket, and the buckets after it in a route, without the keys that an earlier bucket has. */
async function listBuckets(
  world: World,
  project: Project,
  { bucket: firstBucket, key }: BucketKey,
): Promise<Listings | CommandFault> {
  const routes = project.config.routes.filter((route) => route.bucket === firstBucket);
  const buckets = new Set([firstBucket, ...routes.flatMap((route) => route.buckets)]);

  const listings = new Map<Bucket, ReadonlyMap<string, Listed>>();
  const listedKeys = new Set<string>();
  for (const bucket of buckets) {
    if (bucket !== firstBucket && bucket.r2 !== undefined) {
      log(world.stderr, `Left out: ${bucket.name}, an R2 binding, which only the Worker can open.`);
      continue;
    }

    const objects = await listWithoutSamples(world, project, { bucket, key });
    if (isFault(objects)) return objects;

    const newObjects = [...objects].filter(([name]) => !listedKeys.has(name));
    listings.set(bucket, new Map(newObjects));
    for (const name of objects.keys()) listedKeys.add(name);
  }

  if (listedKeys.size === 0) return noObject({ bucket: firstBucket, key });
  return listings;
}

async function listWithoutSamples(
  world: World,
  project: Project,
  range: BucketKey,
): Promise<ReadonlyMap<string, Listed> | CommandFault> {
  const objects = await listObjects(world, project, range, "facts");
  if (isFault(objects) || !usesLocalS3(project)) return objects;

  const { objects: remaining, isOfProject } = withoutSamples(objects);
  const leftOut = objects.size - remaining.size;
  if (leftOut > 0 && isOfProject) {
    const samples = `${counted(leftOut, "sample")} of the local run`;
    log(world.stderr, `Left out: ${samples}: beside pictures of yours, none of them has facts.`);
  }
  if (leftOut > 0 && !isOfProject) {
    log(world.stderr, `Left out: ${counted(leftOut, "broken sample")} of the local run.`);
  }
  return remaining;
}

const NOTHING_READ: FactsResult = {
  facts: new Map(),
  missing: new Map(),
  refused: new Map(),
  requested: 0,
  unread: 0,
};

function mergeResults(first: FactsResult, second: FactsResult): FactsResult {
  return {
    facts: new Map([...first.facts, ...second.facts]),
    missing: new Map([...first.missing, ...second.missing]),
    refused: new Map([...first.refused, ...second.refused]),
    requested: first.requested + second.requested,
    unread: first.unread + second.unread,
  };
}

function summaryOf({ facts, missing, refused, requested, unread }: FactsResult): string[] {
  const lines = [
    `Facts of ${counted(facts.size, "original")}. Asked for now: ${counted(requested, "object")}.`,
  ];

  if (missing.size > 0) {
    lines.push(`No facts of ${counted(missing.size, "original")}:`, ...reasonLines(missing));
  }

  if (refused.size > 0) {
    const originals = counted(refused.size, "original");
    lines.push(`Warning: visitors may not see ${originals}:`, ...reasonLines(refused));
  }

  if (unread > 0) {
    lines.push(
      `Stopped: ${counted(unread, "original")} not read. With --out, the next run goes on.`,
    );
  }
  return lines;
}

/** A line for each key, in the order of the keys. */
function reasonLines(reasons: ReadonlyMap<string, string>): string[] {
  const sorted = [...reasons].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, reason]) => `  ${key}: ${reason}`);
}
