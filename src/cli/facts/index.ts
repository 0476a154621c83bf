// vitrine facts: reads each original of a bucket once, and writes what apps want to know of it: size, type,
// colour and ThumbHash. The originals never leave this machine, and nothing is written to the bucket.

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import type { Bucket } from "../../worker/config/bucket.ts";
import { type End, EXIT, isFault, type Run, say, type World } from "../command.ts";
import { openProject, type Project, slotsAtHand } from "../config/project.ts";
import { listObjects, noObject } from "../objects/list-objects.ts";
import type { Listed } from "../objects/list-page.ts";
import { type BucketKey, parsePrefix } from "../objects/parse-object-name.ts";
import { envOption, secretsFileOption } from "../options.ts";
import { loadSharp } from "../picture/read-fact.ts";
import { counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { readFactsFile, writeFacts } from "./facts-file.ts";
import { type Outcome, readOriginals } from "./read-originals.ts";

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
    .addHelpText(
      "after",
      `
It lists the bucket, and reads the originals that the file does not have, or that changed since. The S3 key needs
s3:ListBucket and s3:GetObject. It needs sharp, too: npm install --save-dev sharp.
If wrangler.toml has several buckets, write BUCKET/prefix, or BUCKET/ for all of one. Those that follow it in a
route are read, too.
A file that this command wrote is replaced; any other is left alone.

Examples:
  npx vitrine facts --out src/facts.ts
  npx vitrine facts photos/ --out src/facts.json
  npx vitrine facts --url http://localhost:8787`,
    );
}

function readFile(file: string): string {
  if (/\.json$|(?<!\.d)\.ts$/.test(file)) return file;
  throw new InvalidArgumentError("It must end in .json or .ts, and not in .d.ts.");
}

async function facts(world: World, prefix: string, { out, ...place }: Options): Promise<End> {
  const sharp = loadSharp();
  if (isFault(sharp)) return sharp;
  sharp.cache(false); // no picture is read twice
  const project = openProject(world, place);
  if (isFault(project)) return project;
  const found = parsePrefix(project.config.buckets, prefix);
  const label = prefix === "" ? "name a bucket" : JSON.stringify(prefix);
  if (isFault(found)) return { fault: `${label}: ${found.fault}` };
  const known = out === undefined ? new Map() : readFactsFile(world, out);
  if (isFault(known)) return known;
  const shown = await listShown(world, project, found);
  if (isFault(shown)) return shown;
  if (world.interrupted.aborted) return { fault: "interrupted before an original was read" };
  const variants = [...project.config.variants.values()];
  const asksFocus = variants.some(({ image }) => image.gravity === "object");
  let outcome: Outcome = { facts: new Map(), missing: new Map(), asked: 0, left: 0 };
  for (const [bucket, objects] of shown) {
    const slots = slotsAtHand(project, bucket).usable;
    const read = await readOriginals(world, bucket, slots, objects, known, asksFocus);
    outcome = {
      facts: new Map([...outcome.facts, ...read.facts]),
      missing: new Map([...outcome.missing, ...read.missing]),
      asked: outcome.asked + read.asked,
      left: outcome.left + read.left,
    };
  }
  const isWhole = outcome.missing.size + outcome.left === 0;
  // A file that was written before has more in it than nothing.
  const isFailed = outcome.facts.size === 0 && !isWhole;
  const unwritten = isFailed ? undefined : writeFacts(world, out, outcome.facts);
  if (unwritten !== undefined) return unwritten;
  say(world.stderr, ...summaryOf(outcome).map(visible));
  if (isFailed) return EXIT.failed;
  return isWhole ? EXIT.done : EXIT.partly;
}

/** Lists a bucket, and those that follow it in a route, as far as the first one does not have their keys. */
async function listShown(world: World, project: Project, { bucket, key }: BucketKey) {
  const leading = project.config.routes.filter((route) => route.bucket === bucket);
  const shown = new Map<Bucket, ReadonlyMap<string, Listed>>();
  const seen = new Set<string>();
  for (const one of new Set([bucket, ...leading.flatMap(({ buckets }) => buckets)])) {
    if (one !== bucket && one.r2) {
      say(world.stderr, `Left out: ${one.name}, an R2 binding, which only the Worker can open.`);
      continue;
    }
    const listed = await listObjects(world, project, { bucket: one, key }, "facts");
    if (isFault(listed)) return listed;
    shown.set(one, new Map([...listed].filter(([name]) => !seen.has(name))));
    for (const name of listed.keys()) seen.add(name);
  }
  return seen.size === 0 ? noObject({ bucket, key }) : shown;
}

function summaryOf({ facts, missing, asked, left }: Outcome): string[] {
  const reasons = [...missing].sort(([one], [other]) => (one < other ? -1 : 1));
  const rest = `Stopped: ${counted(left, "original")} not read. With --out, the next run goes on.`;
  return [
    `Facts of ${counted(facts.size, "original")}. Asked for now: ${counted(asked, "object")}.`,
    ...(missing.size > 0 ? [`No facts of ${counted(missing.size, "original")}:`] : []),
    ...reasons.map(([key, reason]) => `  ${key}: ${reason}`),
    ...(left > 0 ? [rest] : []),
  ];
}
