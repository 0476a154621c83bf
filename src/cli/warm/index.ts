// vitrine warm: requests variants before visitors do. It says first what that may cost.

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, paint, print, type Run, say, type World } from "../command.ts";
import { openSite, type Site } from "../config/project.ts";
import { ownUrlsOf } from "../config/site-url.ts";
import { FREE, readBounds } from "../config/transformations.ts";
import { ALL_READS, type Reads } from "../http/ask-picture.ts";
import {
  collect,
  envOption,
  OBJECTS,
  routeOption,
  secretsFileOption,
  urlOption,
  wholeNumber,
} from "../options.ts";
import { count, createProgress } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { absenceFault } from "../urls/absence.ts";
import { createPlanner, type Planner, type VariantRequest } from "../urls/variant-requests.ts";
import { createQueue, estimateLines } from "./queue.ts";
import { sendAll } from "./send.ts";
import { createSummary } from "./summary.ts";

const CONCURRENCY = 6;

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function warmCommand(world: World, run: Run) {
  return define().action((options, { args }) => run(() => warm(world, options, args)));
}

function define() {
  return new Command("warm")
    .description("requests variants of the keys on stdin, before the first visitor does")
    .addOption(envOption())
    .addOption(urlOption())
    .option(
      "-p, --preset <name>",
      "a preset with its variants, or one variant; repeatable",
      collect,
    )
    .addOption(routeOption())
    .option("--accept <formats>", "what browsers read: avif, webp, none", readFormats, ALL_READS)
    .option(
      "--concurrency <number>",
      "requests at once, 1 to 100",
      wholeNumber(1, 100),
      CONCURRENCY,
    )
    .addOption(secretsFileOption("URL_SIGNING_KEYS"))
    .allowExcessArguments() // warm() says where objects go
    .option(
      "--yes",
      "does not stop after 5,000 unique transformations, as many as are free in a month",
    )
    .option("--dry-run", "prints the URLs without signatures, and what they may cost")
    .addHelpText(
      "after",
      `
It uses the first route that leads to an object, and the presets that this route shows.
Write one object on each line, or a public URL.
${OBJECTS}

Examples:
  npx vitrine warm --preset card < keys.txt
  npx vitrine warm --preset card --preset hero@640w --accept avif,webp < keys.txt
  npx vitrine warm --url https://images.example.com --dry-run < keys.txt`,
    );
}

function readFormats(text: string): Reads[] {
  const asked = text.split(",");
  const known = ALL_READS.filter((format) => asked.includes(format));
  if (known.length === asked.length) return known;
  throw new InvalidArgumentError(`It must be some of ${ALL_READS.join(", ")}.`);
}

/** @param excess objects that were given as arguments, as other commands take them */
async function warm(world: World, options: Options, excess: readonly string[]): Promise<End> {
  const { preset: presets, route, accept: reads, dryRun } = options;
  if (world.stdin.isTTY || excess.length > 0) {
    say(world.stderr, `Keys come on stdin, one on each line: ${commandOf(options)} < keys.txt`);
    return EXIT.usage;
  }
  const site = openSite(world, options);
  if (isFault(site)) return site;
  const { base } = site;
  const own = ownUrlsOf(world.folder, site);
  const planner = createPlanner(site, own, { presets, route, reads });
  if (isFault(planner)) return planner;
  const absent = site.local && !dryRun && (await absenceFault(site, base));
  if (absent) return absent;
  return warmKeys(world, options, site, planner);
}

/** The command that was given. */
function commandOf({ accept, concurrency, ...options }: Options): string {
  return commandLine("warm", {
    ...options,
    accept: accept.length === ALL_READS.length ? undefined : accept.join(","),
    concurrency: concurrency === CONCURRENCY ? undefined : concurrency,
  });
}

async function warmKeys(
  world: World,
  { yes, dryRun, concurrency }: Options,
  { base, known, local }: Site,
  planner: Planner,
): Promise<End> {
  const { stdin, stdout, stderr, interrupted } = world;
  const stop = new AbortController();
  const ends = AbortSignal.any([interrupted, stop.signal]);
  const queue = await createQueue(stdin, planner, ends);
  const { estimate } = queue;
  // The local run costs nothing.
  const most = yes || local ? undefined : FREE;
  const bound = readBounds(known.deployed, () => {}).most;
  say(stderr, ...estimateLines(estimate, { most, bound, local }));
  if (estimate.keys === 0) return EXIT.done;

  const total = estimate.isWhole ? estimate.requests : undefined;
  const progress = createProgress(world, "requests", total);
  const summary = createSummary(progress);
  if (dryRun) {
    await printUrls(world, base, queue.requests(summary));
    return summary.failures > 0 ? EXIT.partly : EXIT.done;
  }
  const sending = { base, concurrency, summary, progress, stop };
  const stopped = await sendAll(world, queue.requests(summary, most), sending);
  progress.end();
  say(stdout, ...summary.lines());
  const warn = (text: string) => say(stderr, paint(world, stderr, "red", text));
  const { failures, successes, isBeyond } = summary;
  if (isBeyond) {
    warn(`Stopped at ${count(FREE)} unique transformations. More cost $0.50 for 1,000.`);
  }
  if (stopped !== undefined) warn(`Stopped before the end: ${visible(stopped)}.`);
  const isWhole = stopped === undefined && failures === 0 && !isBeyond;
  if (!isWhole || interrupted.aborted) {
    say(
      stderr,
      `To continue, run it again${isBeyond ? " with --yes" : ""}. What is done comes quickly.`,
    );
  }
  if (isWhole) return EXIT.done;
  return successes === 0 ? EXIT.failed : EXIT.partly;
}

/** Prints each URL once, as long as somebody reads them. */
async function printUrls({ stdout }: World, base: string, requests: AsyncIterable<VariantRequest>) {
  let isRead = true;
  let last = "";
  stdout.once("error", () => {
    isRead = false;
  });
  for await (const { path } of requests) {
    if (!isRead) return;
    if (path !== last) print(stdout, base + path);
    last = path;
  }
}
