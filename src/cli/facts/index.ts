// vitrine facts: reads each original of a bucket once, and writes what apps want to know of it: size, type,
// colour and ThumbHash. The originals never leave this machine.

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { type End, EXIT, type Exit, isFault, type Run, say, type World } from "../command.ts";
import { isPlayed, openProject, type Project, slotsAtHand } from "../config/project.ts";
import { recordFile } from "../files/line-file.ts";
import { ownFileFault } from "../files/write-file.ts";
import { MOST_BYTES } from "../http/ask-s3.ts";
import { whyNoKey } from "../objects/list-objects.ts";
import { envOption, OBJECTS, restartOption, secretsFileOption, wholeNumber } from "../options.ts";
import { createBudget, withinBudget } from "../picture/budget.ts";
import { loadSharp } from "../picture/load-sharp.ts";
import { MOST_PIXELS } from "../picture/small.ts";
import { createProgress } from "../terminal/progress.ts";
import { commandLine } from "../terminal/shell.ts";
import { absenceFault } from "../urls/absence.ts";
import { choose } from "./choose.ts";
import { type Commands, type Gathered, gather } from "./gather.ts";
import { createGetter } from "./get-original.ts";
import { changedSince, type Outcome, readAll } from "./read-all.ts";
import { openRecord } from "./record.ts";
import { summaryLines } from "./summary.ts";
import { isOursFor, writeFacts } from "./write-facts.ts";

const CONCURRENCY = 6;

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function factsCommand(world: World, run: Run) {
  return define().action((args, options) => run(() => facts(world, args, options)));
}

function define() {
  return new Command("facts")
    .description("writes size, type, colour and ThumbHash of each original, for apps")
    .argument("[BUCKET/prefix...]", "what to list; default: the only bucket; -: keys on stdin")
    .option("-o, --out <file>", "a .json or .ts file; default: JSON on stdout", readFile)
    .addOption(envOption())
    .option(
      "-u, --url <url>",
      "the local run: http://localhost:8787; default: the buckets of the environment",
    )
    .addOption(secretsFileOption("the S3 keys"))
    .option("--concurrency <number>", "originals at once, 1 to 50", wholeNumber(1, 50), CONCURRENCY)
    .option("--record <file>", "where to keep what is read; default: below .wrangler/vitrine/")
    .addOption(restartOption())
    .addHelpText(
      "after",
      `
It lists the bucket, and reads the originals that it has not read before, or that changed. It needs sharp:
npm install --save-dev sharp. If the S3 key may not list, give keys on stdin, one on each line.
${OBJECTS}
A file that this command wrote is replaced; any other is left alone.

Examples:
  npx vitrine facts --out src/facts.ts
  npx vitrine facts media/photos/ media/users/ --out src/facts.json
  npx vitrine facts - --out src/facts.ts < keys.txt
  npx vitrine facts --url http://localhost:8787`,
    );
}

/** A .json file, or a .ts file that is not a .d.ts file. */
function readFile(file: string): string {
  if (/\.json$|(?<!\.d)\.ts$/.test(file)) return file;
  throw new InvalidArgumentError("It must end in .json or .ts, and not in .d.ts.");
}

async function facts(world: World, args: readonly string[], options: Options): Promise<End> {
  const { stdin, stderr, folder, interrupted } = world;
  const { out, concurrency, ...flags } = options;
  const sharp = loadSharp();
  if (isFault(sharp)) return sharp;
  sharp.cache(false); // no picture is read twice
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const given = {
    ...flags,
    out,
    concurrency: concurrency === CONCURRENCY ? undefined : concurrency,
  };
  const instead = `${commandLine("facts", given, ["-"])} < keys.txt`;
  const here = { ...given, secretsFile: undefined, url: "http://localhost:8787" };
  const locally = commandLine("facts", here, args) + (args.includes("-") ? " < keys.txt" : "");
  const choice = choose(project.config.buckets, args);
  if (isFault(choice) || ("piped" in choice && stdin.isTTY)) {
    const hint = `Keys come on stdin, one on each line: ${instead}`;
    say(stderr, isFault(choice) ? choice.fault : hint);
    return EXIT.usage;
  }
  const unwritable = out && ownFileFault(folder, out, isOursFor(out));
  if (unwritable) return { fault: `${out}: ${unwritable}` };
  const { base } = project;
  const absent = isPlayed(project) && !isFault(base) && (await absenceFault(project, base));
  if (absent) return absent;
  const gathered = await gather(world, project, choice, { instead, locally });
  if (isFault(gathered)) return gathered;
  if (interrupted.aborted) return { fault: "interrupted before an original was read" };
  return readFacts(world, project, gathered, { ...options, locally });
}

async function readFacts(
  world: World,
  project: Project,
  gathered: Gathered,
  { out, concurrency, restart, record: file, locally }: Options & Pick<Commands, "locally">,
): Promise<End> {
  const { bucket, objects, prefixes, impossible } = gathered;
  const [slot, ...next] = slotsAtHand(project, bucket.name).usable;
  if (slot === undefined) {
    return { fault: whyNoKey(project, "facts has to read", bucket.name, locally) };
  }
  const { environment } = project.known;
  const place = file ?? recordFile("facts", bucket.base + bucket.prefix, environment);
  const record = await openRecord(world, place, restart === true);
  if (isFault(record)) return record;

  const changed = changedSince(objects.values(), record);
  const progress = createProgress(world, "originals", changed.length);
  const get = createGetter(world, bucket, [slot, ...next], createBudget(MOST_BYTES));
  // The pixels that are decoded at a time are at most those of one picture that is as large as may be.
  const withMemory = withinBudget(createBudget(MOST_PIXELS));
  const reading = { get, withMemory, record, progress, concurrency };
  const outcome = await readAll(world, objects, changed, reading);
  progress.end();
  const isListed = (key: string) => prefixes.some((prefix) => key.startsWith(prefix));
  const unclosed = await record.close((key) => isListed(key) && !objects.has(key));

  const exit = exitOf(outcome, impossible);
  // A file that was written before has more in it than nothing.
  const unwritten = exit === EXIT.failed ? undefined : writeFacts(world, out, outcome.facts);
  if (unwritten !== undefined) return unwritten;
  say(world.stderr, ...summaryLines(outcome, place));
  return unclosed ?? exit;
}

function exitOf({ facts, missing, left, stopped }: Outcome, impossible: number): Exit {
  if (stopped === undefined && missing.size + left + impossible === 0) return EXIT.done;
  return facts.size === 0 ? EXIT.failed : EXIT.partly;
}
