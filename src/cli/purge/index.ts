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
import { count, counted } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import {
  type GivenObject,
  type GivenObjects,
  gatherObjects,
  reportNotDone,
} from "../urls/given-objects.ts";
import { askRenditions, createPlanner } from "../urls/renditions.ts";
import { openWorker, purgeNames, type Worker } from "./ask-worker.ts";

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
    return { fault: "The local run has no Workers Cache: nothing to purge" };
  }
  const project = openProject(world, place);
  if (isFault(project)) return project;
  const worker = openWorker(world, project);
  if (isFault(worker)) return worker;
  if (!areNamed) return purgeWhole(world, project, worker, bucket);
  const command = commandLine("purge", { verify, ...place });
  const given = await gatherObjects(world, project, names, prefix, command);
  if (isFault(given)) return given;
  const exit = await purgeGiven(world, worker, given);
  if (!verify || exit === EXIT.failed || given.objects.size === 0) return exit;
  const verified = await verifyGone(world, project, worker.base, [...given.objects.values()]);
  return exit === EXIT.done ? verified : exit;
}

/** @param bucket undefined: every bucket */
async function purgeWhole(
  world: World,
  { config }: Project,
  worker: Worker,
  bucket: string | undefined,
): Promise<End> {
  const buckets = config.buckets.map(({ name }) => name);
  if (bucket !== undefined && !buckets.includes(bucket)) {
    const known = buckets.join(", ");
    return { fault: `--bucket ${bucket}: there is no such bucket. There is ${known}` };
  }
  const [name, body] = bucket ? [`${bucket}/*`, { bucket }] : ["*", { everything: true }];
  const [reason] = (await purgeNames(world, worker, [name], () => body)).values();
  if (reason !== undefined) return { fault: `${name} is not purged: ${reason}` };
  say(world.stderr, `Purged ${name} of ${worker.base}.`);
  return EXIT.done;
}

async function purgeGiven(
  world: World,
  worker: Worker,
  { objects, impossible }: GivenObjects,
): Promise<Exit> {
  const all = counted(objects.size, "object");
  say(world.stderr, `Purging ${all} of ${worker.base}.`);
  const notPurged = await purgeNames(world, worker, [...objects.keys()]);
  const done = objects.size - notPurged.size;
  if (done > 0) {
    say(world.stderr, `Purged ${count(done)} of ${all}. Browsers keep what they have for max_age.`);
  }
  const left = [...notPurged].map(([name, reason]): [string, string] => {
    return [objects.get(name)?.given ?? name, reason];
  });
  return reportNotDone(world, "NOT PURGED", done, new Map(left), impossible);
}

/** Asks for objects as visitors do, in every variant and format, and says what still comes: nothing may. */
async function verifyGone(
  world: World,
  project: Project,
  base: string,
  objects: readonly GivenObject[],
): Promise<Exit> {
  const { stderr } = world;
  const plan = createPlanner(project, "all");
  if (isFault(plan)) throw new Error(plan.fault); // no preset is chosen that might be missing
  const problems: string[] = [];
  const requests = objects.flatMap((object) => {
    const planned = plan(object);
    // What is not asked for is no proof.
    if (planned.length === 0) problems.push(`${object.given} is not asked for: no route shows it`);
    return planned;
  });
  say(stderr, `Asking for ${counted(requests.length, "rendition")} of ${base}, as visitors do.`);
  const stopped = await askRenditions(world, base, requests, 6, (request, answer) => {
    const rendition = `${request.path}, by a browser that reads ${request.browser}`;
    if ("type" in answer) problems.push(`still comes: ${rendition}: cache ${answer.cache}`);
    else if (answer.reason !== "404") problems.push(`not known: ${rendition}: ${answer.reason}`);
    return undefined;
  });
  if (world.interrupted.aborted) return EXIT.interrupted;
  if (stopped) problems.push(`not asked for: ${stopped.fault}`);
  if (problems.length === 0) {
    say(stderr, `Nothing comes: ${counted(requests.length, "answer")}, all 404.`);
    return EXIT.done;
  }
  say(stderr, ...problems.map((problem) => visible(`  ${problem}`)));
  const summary = `NOT GONE, or not known, as named above: ${problems.length}.`;
  say(stderr, paint(world, stderr, "red", summary));
  return EXIT.partly;
}
