// vitrine purge: has the Worker drop all renditions of objects from Workers Cache, by its own /purge.

import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, paint, print, type Run, say, type World } from "../command.ts";
import { openProject } from "../config/project.ts";
import { isHere, ownUrlsOf, refuseUnprovenUrl } from "../config/site-url.ts";
import { nameOf } from "../objects/object-name.ts";
import { envOption, OBJECTS, secretsFileOption, urlOption } from "../options.ts";
import { count, counted } from "../terminal/progress.ts";
import { askYes, hasTerminal } from "../terminal/prompts.ts";
import { commandLine } from "../terminal/shell.ts";
import { purgeByWorker, readWorker } from "./by-worker.ts";
import { gather } from "./names.ts";
import { tellLeft, tellOutcome } from "./outcome.ts";
import { verifyGone } from "./verify.ts";
import { purgeWhole, wholeOf } from "./whole.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function purgeCommand(world: World, run: Run) {
  return define().action((keys, options) => run(() => purge(world, keys, options)));
}

function define() {
  return new Command("purge")
    .description(
      "drops all variants of objects from Workers Cache, and from the store if they are gone",
    )
    .argument("[keys...]", "objects, or public URLs; - is stdin")
    .option("--prefix <prefix>", "all objects that begin with it, if your S3 key may list them")
    .option("--bucket <name>", "all of this bucket")
    .option("--everything", "all of every bucket")
    .addOption(envOption())
    .addOption(urlOption())
    .addOption(secretsFileOption())
    .option("--yes", "does not ask, even if many objects begin with the prefix")
    .option("--verify", "then asks for every variant in every format, and says what still comes")
    .option("--dry-run", "prints the objects that it would purge, and sends nothing")
    .addHelpText(
      "after",
      `
${OBJECTS}
All variants of an object are purged together. You cannot purge one preset alone.
The Worker's PURGE_TOKEN is in the environment or the file.
It prints the keys that were not purged on stdout. You can give them again.

Examples:
  npx vitrine purge photos/fig.jpg photos/friends.jpg
  npx vitrine purge https://images.example.com/images/card/photos/fig.jpg
  npx vitrine purge - < keys.txt > left.txt
  npx vitrine purge --prefix photos/2026/ --secrets-file secrets.env
  npx vitrine purge --verify photos/deleted.jpg`,
    );
}

async function purge(world: World, keys: readonly string[], options: Options): Promise<End> {
  const { url, prefix, dryRun } = options;
  if (url !== undefined && isHere(url)) {
    return {
      fault: "--url is on this machine. The local run has no Workers Cache: nothing to purge",
    };
  }
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const unproven = url && refuseUnprovenUrl(world.folder, project.known, url);
  if (isFault(unproven)) return unproven;
  const whole = wholeOf(options);
  if (whole) {
    const isGiven = keys.length > 0 || prefix !== undefined || options.verify === true;
    return purgeWhole(world, project, whole, options, isGiven);
  }
  const worker = readWorker(world, project);
  // Without a token, do not list a bucket. Keys that are given are printed as not purged.
  if (isFault(worker) && prefix !== undefined && !dryRun) return worker;

  const { prefix: _prefix, yes: _yes, ...same } = options;
  const instead = `${commandLine("purge", same, ["-"])} < keys.txt`;
  const own = ownUrlsOf(world.folder, project);
  const gathered = await gather(world, project, { keys, prefix, own, instead });
  if (isFault(gathered) || typeof gathered === "number") return gathered;
  if (world.interrupted.aborted) {
    return { fault: "interrupted before anything was sent: nothing is purged" };
  }
  const { objects, impossible } = gathered;
  const { answers, buckets } = project.config;
  if (objects.size === 0) {
    if (impossible === 0) say(world.stderr, "There is no key, so nothing is purged.");
    return impossible === 0 ? EXIT.done : EXIT.failed;
  }
  if (dryRun) {
    print(world.stdout, ...[...objects.values()].map((found) => nameOf(buckets, found)));
    return impossible === 0 ? EXIT.done : EXIT.partly;
  }
  if (isFault(worker)) {
    tellLeft(
      world,
      [...objects.values()].map(({ given }) => given),
    );
    return worker;
  }
  const asks = prefix !== undefined && !options.yes && objects.size > MANY;
  const isAgreed = !asks || (await askAgreement(world, objects.size, !keys.includes("-")));
  if (isAgreed !== true) return isAgreed ? EXIT.interrupted : EXIT.failed;

  const began = world.now();
  say(world.stderr, `Purging ${counted(objects.size, "object")} of ${worker.base}.`);
  const failed = await purgeByWorker(world, worker, [...objects.keys()]);
  const left = new Map(
    [...failed].map(([name, reason]) => [objects.get(name)?.given ?? name, reason]),
  );
  const seconds = (world.now() - began) / 1000;
  const outcome = { count: objects.size, left, impossible, seconds };
  const exit = tellOutcome(world, outcome, answers.max_age);
  if (!options.verify || world.interrupted.aborted) return exit;
  const verified = await verifyGone(world, project, own, worker.base, [...objects.values()]);
  return exit === EXIT.done ? verified : exit;
}

/** Above so many objects of a prefix, it asks. */
const MANY = 1_000;

/** @param canAsk whether stdin is free for an answer */
async function askAgreement(world: World, many: number, canAsk: boolean) {
  const what = `${count(many)} objects would be purged, and the next visitors would wait for each.`;
  if (canAsk && hasTerminal(world)) return askYes(world, `${what} Purge them?`, false);
  say(world.stderr, paint(world, world.stderr, "red", `${what} Use --yes to confirm.`));
  return false;
}
