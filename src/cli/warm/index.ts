// vitrine warm: requests variants before visitors do.

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import {
  EXIT,
  type Exit,
  type Fault,
  isFault,
  paint,
  type Run,
  type Screen,
  say,
  type World,
} from "../command.ts";
import { findBaseUrl, hostOf } from "../project/base-url.ts";
import { FREE, readBounds } from "../project/costs.ts";
import { readOperator } from "../project/operator.ts";
import type { Impossible } from "../terminal/lines.ts";
import { count, createProgress } from "../terminal/progress.ts";
import { visible } from "../terminal/visible.ts";
import { ACCEPTS, type Ask, createPlanner, type Reads } from "./asks.ts";
import { openRecord, recordOf, type WarmRecord } from "./record.ts";
import { warmAll } from "./run.ts";
import { createSupply, tellCost } from "./supply.ts";
import { createTally } from "./tally.ts";

const FORMATS: readonly Reads[] = ["avif", "webp", "none"];

type Options = {
  readonly url?: string | undefined;
  readonly preset?: readonly string[] | undefined;
  readonly route?: string | undefined;
  readonly accept: readonly Reads[];
  readonly concurrency: number;
  readonly record?: string | undefined;
  readonly restart?: true | undefined;
  readonly secretsFile?: string | undefined;
  readonly yes?: true | undefined;
  readonly dryRun?: true | undefined;
};

export function warmCommand(world: World, run: Run) {
  return new Command("warm")
    .description("requests variants of the keys on stdin, so that no visitor is the first one")
    .option(
      "-u, --url <url>",
      "where Vitrine is; else the first domain under routes in wrangler.toml",
    )
    .option(
      "-p, --preset <name>",
      "card: this preset with all of its variants; card@2x: that variant alone; may be repeated; else all",
      (name: string, before: readonly string[] = []) => [...before, name],
    )
    .option(
      "-r, --route <path>",
      "the path of the route, as in wrangler.toml; else the first that leads to the key",
    )
    .option("--accept <formats>", "of avif, webp, none: what browsers read", readFormats, FORMATS)
    .option("--concurrency <number>", "how many requests are under way, 1 to 100", readNumber, 6)
    .option("--record <file>", "what is done already; else one in .wrangler/vitrine/ for each URL")
    .option("--restart", "forgets what is done already")
    .option(
      "--secrets-file <file>",
      "where URL_SIGNING_KEYS stands; else the environment, or .dev.vars",
    )
    .option("--yes", "goes on beyond the 5,000 unique transformations of a month that are free")
    .option("--dry-run", "prints the URLs, without signatures, and what they may cost")
    .addHelpText(
      "after",
      `
An object is warmed by the first route that leads to it, at the presets that this route shows.
Keys are those below the prefix of their bucket, or public URLs, one a line.

Examples:
  vitrine warm --preset card < keys.txt
  vitrine warm --preset card --preset hero@640w --accept avif,webp < keys.txt
  vitrine warm --url https://images.example.com --dry-run < keys.txt`,
    )
    .action((options) => run(() => warm(world, options)));
}

function readFormats(text: string): Reads[] {
  const asked = text.split(",");
  const known = FORMATS.filter((format) => asked.includes(format));
  if (known.length === asked.length) return known;
  throw new InvalidArgumentError(`It is some of ${Object.keys(ACCEPTS).join(", ")}.`);
}

function readNumber(text: string): number {
  const number = Number(text);
  if (/^\d{1,3}$/.test(text) && number >= 1 && number <= 100) return number;
  throw new InvalidArgumentError("It is a number from 1 to 100.");
}

async function warm(world: World, options: Options): Promise<Exit | Fault> {
  const { url, secretsFile, preset: presets, route, accept: reads, dryRun, restart } = options;
  const { stdin, stdout, stderr, interrupted } = world;
  if (stdin.isTTY) {
    say(stderr, "Keys come on stdin, one a line: npx vitrine warm < keys.txt");
    return EXIT.usage;
  }
  const operator = readOperator(world, { url, secretsFile });
  if (isFault(operator)) return operator;
  const base = findBaseUrl(url, operator.known.patterns, "--url");
  if (isFault(base)) return base;
  if (base === "") return { fault: "--url is empty: say where Vitrine is" };
  const planner = createPlanner(operator, { presets, route, reads });
  if (isFault(planner)) return planner;

  const file = options.record ?? recordOf(base);
  const record = await openRecord(world, { file, restart, readOnly: dryRun });
  if (isFault(record)) return record;
  const stop = new AbortController();
  const domains = operator.known.domains.map(({ host }) => host);
  const supply = await createSupply(operator, {
    stdin,
    hosts: [...new Set([hostOf(base), ...domains])],
    planner,
    record,
    stop: AbortSignal.any([interrupted, stop.signal]),
  });
  // What is made on this machine costs nothing.
  const isFree = options.yes || operator.local;
  const most = isFree ? undefined : Math.max(0, FREE - record.spent);
  const bound = readBounds(operator.known.deployed, () => {}).most;
  say(stderr, ...tellCost(supply, record.spent, most, bound, operator.local));
  if (supply.keys === 0) return end(record, EXIT.done);

  const tally = createTally();
  const progress = createProgress(world, "requests", supply.whole ? supply.requests : undefined);
  let isBeyond = false;
  const tell = {
    skipped: tally.skipped,
    impossible: ({ given, reason }: Impossible) => {
      tally.failed("not asked for", JSON.stringify(given));
      progress.say(`${JSON.stringify(given)}: ${reason}`);
    },
    beyond: () => {
      isBeyond = true;
    },
  };
  if (dryRun) {
    await print(stdout, base, supply.asks(tell));
    return end(record, tally.failures > 0 ? EXIT.partly : EXIT.done);
  }
  const { concurrency } = options;
  const asks = supply.asks(tell, most);
  const run = { base, concurrency, record, tally, progress, stop };
  const stopped = await warmAll(world, operator, asks, run);
  progress.end();
  say(stdout, ...tally.tell(record.file));
  if (isBeyond) {
    const text = `Ended at the ${count(FREE)} unique transformations of a month that are free: the next ones are $0.50 for 1,000.`;
    say(stderr, paint(world, stderr, "red", text));
  }
  if (stopped !== undefined) {
    say(stderr, paint(world, stderr, "red", `Stopped before the end: ${visible(stopped)}.`));
  }
  const { failures, successes, done } = tally;
  const isWhole = stopped === undefined && failures === 0 && !isBeyond;
  if (!isWhole || interrupted.aborted) {
    const how = [restart && "without --restart", isBeyond && "with --yes"].filter(Boolean);
    const again = ["run the same again", ...how].join(" ");
    say(stderr, `To go on, ${again}: what is done is not asked for again.`);
  }
  if (isWhole) return end(record, EXIT.done);
  return end(record, successes + done === 0 ? EXIT.failed : EXIT.partly);
}

/** The URLs, each once, for as long as somebody reads them. */
async function print(stdout: Screen, base: string, asks: AsyncIterable<Ask>): Promise<void> {
  let isRead = true;
  let last = "";
  stdout.once("error", () => {
    isRead = false;
  });
  for await (const { path } of asks) {
    if (!isRead) return;
    if (path !== last) say(stdout, base + path);
    last = path;
  }
}

async function end(record: WarmRecord, exit: Exit): Promise<Exit | Fault> {
  return (await record.close()) ?? exit;
}
