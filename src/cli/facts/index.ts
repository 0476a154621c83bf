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
import { isPlayed, openProject, slotsAtHand } from "../config/project.ts";
import { askWhetherThere } from "../http/ask-health.ts";
import { listObjects, whyNoKey } from "../objects/list-objects.ts";
import type { Found } from "../objects/object-name.ts";
import { envOption, secretsFileOption } from "../options.ts";
import { loadSharp } from "../picture/read-fact.ts";
import { counted } from "../terminal/progress.ts";
import { argumentsOf, visible } from "../terminal/shell.ts";
import { envFlag } from "../wrangler/config-file.ts";
import { readFactsFile, writeFacts } from "./facts-file.ts";
import { type Outcome, readOriginals } from "./read-originals.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function factsCommand(world: World, run: Run) {
  return define().action((args, options) => run(() => facts(world, args, options)));
}

function define() {
  return new Command("facts")
    .description("writes size, type, colour and ThumbHash of each original, for apps")
    .argument("[BUCKET/prefix...]", "what to list; default: all of the only bucket")
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
A file that this command wrote is replaced; any other is left alone.

Examples:
  npx vitrine facts --out src/facts.ts
  npx vitrine facts media/photos/ media/users/ --out src/facts.json
  npx vitrine facts --url http://localhost:8787`,
    );
}

/** A .json file, or a .ts file that is not a .d.ts file. */
function readFile(file: string): string {
  if (/\.json$|(?<!\.d)\.ts$/.test(file)) return file;
  throw new InvalidArgumentError("It must end in .json or .ts, and not in .d.ts.");
}

async function facts(world: World, args: readonly string[], options: Options): Promise<End> {
  const { stderr, interrupted } = world;
  const { out } = options;
  const sharp = loadSharp();
  if (isFault(sharp)) return sharp;
  sharp.cache(false); // no picture is read twice
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const prefixes = readPrefixes(project.config.buckets, args);
  if (isFault(prefixes)) {
    say(stderr, prefixes.fault);
    return EXIT.usage;
  }
  const known = out === undefined ? new Map() : readFactsFile(world, out);
  if (isFault(known)) return known;
  const { base } = project;
  const unhealthy = isPlayed(project) && !isFault(base) ? await askWhetherThere(base) : undefined;
  if (unhealthy && unhealthy.status === undefined) {
    const command = `npx vitrine dev${envFlag(project.known)}`;
    return { fault: `${base} does not answer. Is the local run started there? ${command}` };
  }
  const objects = await listObjects(world, project, prefixes, "facts");
  if (isFault(objects)) return objects;
  if (interrupted.aborted) return { fault: "interrupted before an original was read" };
  const [{ bucket }] = prefixes;
  const [slot, ...next] = slotsAtHand(project, bucket.name).usable;
  if (slot === undefined) return { fault: whyNoKey(project, "facts has to read", bucket.name) };
  const outcome = await readOriginals(world, bucket, [slot, ...next], objects, known);
  const exit = exitOf(outcome);
  // A file that was written before has more in it than nothing.
  const unwritten = exit === EXIT.failed ? undefined : writeFacts(world, out, outcome.facts);
  if (unwritten !== undefined) return unwritten;
  say(stderr, ...summaryOf(outcome, out).map(visible));
  return exit;
}

/**
 * Reads what to list: what the keys of one bucket begin with. A file is by key, and two buckets may have the same key.
 * @returns a fault if the arguments make no sense
 */
function readPrefixes(
  buckets: readonly Bucket[],
  args: readonly string[],
): readonly [Found, ...Found[]] | Fault {
  const [only, ...more] = buckets;
  const names = args.length === 0 && only && more.length === 0 ? [only.name] : args;
  const matches = names.map((name) => {
    const bucket = buckets.find((one) => name === one.name || name.startsWith(`${one.name}/`));
    return bucket ? { bucket, key: name.slice(bucket.name.length + 1) } : name;
  });
  const choices = (rest: string) =>
    buckets.map(({ name }) => argumentsOf([name + rest])).join(" or ");
  const unknown = matches.find((one) => typeof one === "string");
  if (unknown !== undefined) {
    return { fault: `${unknown}: begin it with a bucket. Write ${choices(`/${unknown}`)}` };
  }
  const [first, ...others] = matches.filter((one) => typeof one !== "string");
  if (first === undefined) return { fault: `Which bucket? Write ${choices("")}` };
  if (others.every(({ bucket }) => bucket === first.bucket)) return [first, ...others];
  return { fault: "These are two buckets. Run it for each, with a file of its own" };
}

function exitOf({ facts, missing, left, stopped }: Outcome): Exit {
  if (stopped === undefined && missing.size + left === 0) return EXIT.done;
  return facts.size === 0 ? EXIT.failed : EXIT.partly;
}

/** How many of the objects that are not pictures are named: a bucket may have many. */
const MAX_NAMED = 10;

function summaryOf(
  { facts, missing, foreign, read, left, stopped }: Outcome,
  file: string | undefined,
): string[] {
  const named = foreign.toSorted().slice(0, MAX_NAMED).join(", ");
  const etc = foreign.length > MAX_NAMED ? ", …" : "";
  const reasons = [...missing].sort(([one], [other]) => (one < other ? -1 : 1));
  const resume = file === undefined ? "" : ` To continue, run it again: ${file} has what is read.`;
  return [
    `Facts of ${counted(facts.size, "original")}, ${counted(read, "original")} read now.`,
    ...(foreign.length > 0
      ? [`No picture: ${counted(foreign.length, "object")}: ${named}${etc}`]
      : []),
    ...(missing.size > 0 ? [`No facts of ${counted(missing.size, "original")}:`] : []),
    ...reasons.map(([key, reason]) => `  ${key}: ${reason}`),
    ...(stopped === undefined ? [] : [`Stopped before the end: ${stopped}.`]),
    ...(left > 0 ? [`Not asked for: ${counted(left, "original")}.${resume}`] : []),
  ];
}
