// vitrine facts: reads each original of a bucket once, and writes what apps need: size, type, colour and ThumbHash. The
// originals never leave this machine, and nothing is written to the bucket.

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import type { Bucket } from "../../worker/config/bucket.ts";
import { EXIT, isFault, log, type Outcome, type Run, type World } from "../command.ts";
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
  sharp.cache(false); // no picture is read twice
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const range = parsePrefix(project.config.buckets, prefix);
  const label = prefix === "" ? "name a bucket" : JSON.stringify(prefix);
  if (isFault(range)) return { fault: `${label}: ${range.fault}` };
  const previous = options.out ? readFactsFile(world, options.out) : new Map();
  if (isFault(previous)) return previous;
  const listings = await listBuckets(world, project, range);
  if (isFault(listings)) return listings;
  if (world.interrupted.aborted) return { fault: "interrupted before an original was read" };
  let result: FactsResult = {
    ...{ facts: new Map(), missing: new Map(), refused: new Map() },
    ...{ requested: 0, unread: 0 },
  };
  for (const [bucket, objects] of listings) {
    const slots = slotsAtHand(project, bucket).usable;
    const read = await readOriginals(world, project.config, bucket, slots, objects, previous);
    result = {
      facts: new Map([...result.facts, ...read.facts]),
      missing: new Map([...result.missing, ...read.missing]),
      refused: new Map([...result.refused, ...read.refused]),
      requested: result.requested + read.requested,
      unread: result.unread + read.unread,
    };
  }
  const isWhole = result.missing.size + result.unread === 0;
  // An empty result would overwrite the facts of an earlier run.
  const isFailed = result.facts.size === 0 && !isWhole;
  const unwritten = isFailed ? undefined : writeFacts(world, options.out, result.facts);
  if (unwritten !== undefined) return unwritten;
  log(world.stderr, ...summaryOf(result));
  if (isFailed) return EXIT.failed;
  return isWhole ? EXIT.done : EXIT.partly;
}

/** Lists a bucket, and the buckets after it in a route, without the keys that an earlier bucket has. */
async function listBuckets(world: World, project: Project, { bucket, key }: BucketKey) {
  const leading = project.config.routes.filter((route) => route.bucket === bucket);
  const listings = new Map<Bucket, ReadonlyMap<string, Listed>>();
  const listedKeys = new Set<string>();
  for (const next of new Set([bucket, ...leading.flatMap(({ buckets }) => buckets)])) {
    if (next !== bucket && next.r2) {
      log(world.stderr, `Left out: ${next.name}, an R2 binding, which only the Worker can open.`);
      continue;
    }
    const all = await listObjects(world, project, { bucket: next, key }, "facts");
    if (isFault(all)) return all;
    const listed = usesLocalS3(project) ? withoutSamples(all) : all;
    const samples = counted(all.size - listed.size, "sample");
    if (listed.size < all.size) log(world.stderr, `Left out: ${samples} of the local run.`);
    listings.set(next, new Map([...listed].filter(([name]) => !listedKeys.has(name))));
    for (const name of listed.keys()) listedKeys.add(name);
  }
  return listedKeys.size === 0 ? noObject({ bucket, key }) : listings;
}

function summaryOf({ facts, missing, refused, requested, unread }: FactsResult): string[] {
  const warning = `Warning: visitors may not see ${counted(refused.size, "original")}:`;
  const stopped = `Stopped: ${counted(unread, "original")} not read. With --out, the next run goes on.`;
  return [
    `Facts of ${counted(facts.size, "original")}. Asked for now: ${counted(requested, "object")}.`,
    ...(missing.size > 0 ? [`No facts of ${counted(missing.size, "original")}:`] : []),
    ...linesOf(missing),
    ...(refused.size > 0 ? [warning] : []),
    ...linesOf(refused),
    ...(unread > 0 ? [stopped] : []),
  ];
}

/** A line for each key, in the order of the keys. */
function linesOf(reasons: ReadonlyMap<string, string>): string[] {
  const sorted = [...reasons].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, reason]) => `  ${key}: ${reason}`);
}
