// vitrine purge: has the Worker drop all renditions of objects, by its own /purge. With --verify it then asks for them
// as visitors do. It deletes no object.

import { Command } from "@commander-js/extra-typings";
import {
  type End,
  EXIT,
  type Exit,
  isFault,
  paint,
  type Run,
  say,
  type World,
} from "../command.ts";
import { openProject, type Project } from "../config/project.ts";
import { isHere } from "../config/site-url.ts";
import { envOption, OBJECTS, urlOption } from "../options.ts";
import { count, counted, time } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import {
  type GivenObject,
  type GivenObjects,
  gatherObjects,
  reportNotDone,
} from "../urls/given-objects.ts";
import { askRenditions, createPlanner } from "../urls/renditions.ts";
import { openWorker, purgeObjects, purgeWhole, type Worker } from "./ask-worker.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function purgeCommand(world: World, run: Run) {
  return define().action((names, options) => run(() => purge(world, names, options)));
}

function define() {
  return new Command("purge")
    .description(
      "drops all variants of objects from Workers Cache; from the store, if they are gone",
    )
    .argument("[objects...]", "objects, or public URLs of them; - is stdin, one on each line")
    .option("--prefix <prefix>", "all objects that begin with it, if your S3 key may list them")
    .option("--bucket <name>", "all of this bucket")
    .option("--everything", "all of every bucket")
    .option("--verify", "then asks for every variant in every format, and says what still comes")
    .addOption(envOption())
    .addOption(urlOption())
    .addHelpText(
      "after",
      `
${OBJECTS}
All variants of an object are purged together. You cannot purge one preset alone.
The Worker's PURGE_TOKEN is in the environment, or in .dev.vars.
It prints the objects that were not purged on stdout. You can give them again.

Examples:
  npx vitrine purge photos/fig.jpg photos/friends.jpg
  npx vitrine purge https://images.example.com/images/card/photos/fig.jpg
  npx vitrine purge - < keys.txt > left.txt
  npx vitrine purge --prefix photos/2026/
  npx vitrine purge --verify photos/deleted.jpg`,
    );
}

async function purge(world: World, names: readonly string[], options: Options): Promise<End> {
  const { prefix, bucket, everything, verify, ...place } = options;
  const areNamed = names.length > 0 || prefix !== undefined;
  const isOne = [areNamed, bucket !== undefined, everything].filter(Boolean).length === 1;
  if (!isOne || (verify && !areNamed)) {
    const all = "objects, or a --prefix, or - for objects on stdin; or --bucket; or --everything";
    say(world.stderr, `Name ${all}. --verify needs objects: npx vitrine purge --help`);
    return EXIT.usage;
  }
  if (place.url !== undefined && isHere(place.url)) {
    return { fault: "The local run of --url has no Workers Cache: nothing to purge" };
  }
  const project = openProject(world, place);
  if (isFault(project)) return project;
  const worker = openWorker(world, project);
  if (isFault(worker)) return worker;
  if (everything) return purgeAll(world, worker, { everything }, "everything");
  if (bucket !== undefined) {
    const known = project.config.buckets.map(({ name }) => name);
    if (known.includes(bucket)) return purgeAll(world, worker, { bucket }, `bucket ${bucket}`);
    return { fault: `--bucket ${bucket}: there is no such bucket. There is ${known.join(", ")}` };
  }
  const instead = commandLine("purge", { verify, ...place }, ["-"]);
  const given = await gatherObjects(world, project, names, prefix, `${instead} < keys.txt`);
  if (isFault(given)) return given;
  const objects = [...given.objects.values()];
  const exit = await purgeGiven(world, project, worker, given);
  if (!verify || exit === EXIT.failed || objects.length === 0) return exit;
  const verified = await verifyGone(world, project, worker.base, objects);
  return exit === EXIT.done ? verified : exit;
}

async function purgeAll(
  world: World,
  worker: Worker,
  body: { readonly bucket: string } | { readonly everything: true },
  title: string,
): Promise<End> {
  const fault = await purgeWhole(world, worker, body);
  if (fault !== undefined) return { fault: `${title} is not purged: ${fault.fault}` };
  say(world.stderr, `Purged ${title} of ${worker.base}.`);
  return EXIT.done;
}

async function purgeGiven(
  world: World,
  { config }: Project,
  worker: Worker,
  { objects, impossible }: GivenObjects,
): Promise<Exit> {
  const { stderr } = world;
  const all = counted(objects.size, "object");
  const began = world.now();
  say(stderr, `Purging ${all} of ${worker.base}.`);
  const notPurged = await purgeObjects(world, worker, [...objects.keys()]);
  const done = objects.size - notPurged.size;
  if (done > 0) {
    const maxAge = `up to ${config.answers.max_age} s (max-age), or until a signed URL expires`;
    say(stderr, `Purged ${count(done)} of ${all} in ${time((world.now() - began) / 1000)}.`);
    say(stderr, `Browsers keep what they have for ${maxAge}.`);
  }
  const left = new Map<string, string>();
  for (const [name, reason] of notPurged) left.set(objects.get(name)?.given ?? name, reason);
  return reportNotDone(world, "NOT PURGED", done, left, impossible);
}

/** The answer for an object that is gone. */
const GONE = "404";
const CONCURRENCY = 6;

/** Asks for objects as visitors do, in every variant and format, and says what still comes: nothing may. */
async function verifyGone(
  world: World,
  project: Project,
  base: string,
  objects: readonly GivenObject[],
): Promise<Exit> {
  const { stderr } = world;
  const plan = createPlanner(project, { routes: "all" });
  if (isFault(plan)) throw new Error(plan.fault); // no preset is chosen that might be missing
  let problems = 0;
  const report = (problem: string) => {
    problems += 1;
    say(stderr, visible(`  ${problem}`));
  };
  const requests = objects.flatMap((object) => {
    const planned = plan(object);
    // What is not asked for is no proof.
    if (planned.length === 0) report(`${object.given} is not asked for: no route shows it`);
    return planned;
  });
  say(stderr, `Asking for ${counted(requests.length, "rendition")} of ${base}, as visitors do.`);
  const stopped = await askRenditions(world, base, requests, CONCURRENCY, (request, answer) => {
    const rendition = `${request.path}, by a browser that reads ${request.browser}`;
    if ("type" in answer) {
      report(`still comes: ${rendition}: ${answer.type}, cache ${answer.cache ?? "unknown"}`);
    } else if (answer.reason !== GONE) report(`not known: ${rendition}: ${answer.reason}`);
    return undefined;
  });
  if (world.interrupted.aborted) return EXIT.interrupted;
  if (stopped) report(`not asked for: ${stopped.fault}`);
  const summary =
    problems === 0
      ? `Nothing comes: ${counted(requests.length, "answer")}, all ${GONE}.`
      : paint(world, stderr, "red", `NOT GONE, or not known, as named above: ${problems}.`);
  say(stderr, summary);
  return problems === 0 ? EXIT.done : EXIT.partly;
}
