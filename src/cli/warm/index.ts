// vitrine warm: asks for renditions before visitors do. It says first how many, and what they may cost at most.

import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, paint, type Run, say, type World } from "../command.ts";
import { openSite } from "../config/project.ts";
import { FREE, money, PRICE } from "../config/transformations.ts";
import type { PictureAnswer } from "../http/ask-picture.ts";
import { collect, envOption, OBJECTS, urlOption, wholeNumber } from "../options.ts";
import { count, counted, createProgress } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { type GivenObject, gatherObjects, reportNotDone } from "../urls/given-objects.ts";
import { askRenditions, createPlanner, type Planner } from "../urls/renditions.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function warmCommand(world: World, run: Run) {
  return define().action((names, options) => run(() => warm(world, names, options)));
}

function define() {
  return new Command("warm")
    .description("asks for the variants of objects, before the first visitor does")
    .argument("[objects...]", "objects, or public URLs of them; - is stdin, one on each line")
    .option("--prefix <prefix>", "all objects that begin with it, if your S3 key may list them")
    .option("-p, --preset <name>", "a preset, or a variant such as card@2x; repeatable", collect)
    .option("--concurrency <number>", "requests at once, 1 to 100", wholeNumber(1, 100), 6)
    .addOption(envOption())
    .addOption(urlOption())
    .addHelpText(
      "after",
      `
${OBJECTS}
It uses the first route that leads to an object, and asks in each format that browsers read.
It prints the objects that failed on stdout. You can give them again.

Examples:
  npx vitrine warm photos/fig.jpg --preset card
  npx vitrine warm --prefix photos/2026/ --preset card --preset hero@640w
  npx vitrine warm - --concurrency 10 < keys.txt`,
    );
}

async function warm(world: World, names: readonly string[], options: Options): Promise<End> {
  const { stderr, interrupted } = world;
  const { prefix, preset: presets, concurrency, ...place } = options;
  if (names.length === 0 && prefix === undefined) {
    say(stderr, "Name objects, or a --prefix, or - for objects on stdin: npx vitrine warm --help");
    return EXIT.usage;
  }
  const site = openSite(world, place);
  if (isFault(site)) return site;
  const plan = createPlanner(site, { presets, routes: "first" });
  if (isFault(plan)) return plan;
  const instead = commandLine("warm", { ...place, preset: presets }, ["-"]);
  const given = await gatherObjects(world, site, names, prefix, `${instead} < keys.txt`);
  if (isFault(given)) return given;
  if (interrupted.aborted) return { fault: "interrupted before anything was asked for" };

  const objects = [...given.objects.values()];
  const total = sayCosts(world, plan, objects, site.local);
  const progress = createProgress(world, "requests", total);
  const tally = createTally(site.local, progress);
  for (const { given } of objects.filter((object) => plan(object).length === 0)) {
    tally.failed.set(given, "no route leads to it and shows what is chosen");
  }
  const requests = requestsFor(plan, objects);
  const stopped = await askRenditions(world, site.base, requests, concurrency, tally.take);
  progress.end();

  const { failed, images, bytes } = tally;
  say(stderr, `${counted(images, "image")}, ${count(bytes)} bytes.`);
  reportNotDone(world, "NOT WARMED", objects.length, failed, given.impossible);
  if (stopped) say(stderr, paint(world, stderr, "red", `Stopped: ${visible(stopped.fault)}`));
  if (stopped || interrupted.aborted) {
    say(stderr, "To continue, run it again. What is done comes quickly.");
  } else if (failed.size + given.impossible === 0) return EXIT.done;
  return images === 0 ? EXIT.failed : EXIT.partly;
}

function* requestsFor(plan: Planner, objects: readonly GivenObject[]) {
  for (const object of objects) {
    for (const request of plan(object)) yield { ...request, name: object.given };
  }
}

/** Says what warming may cost, as if nothing were made yet (L2). @returns how many requests there are */
function sayCosts(
  { stderr }: World,
  plan: Planner,
  objects: readonly GivenObject[],
  isLocal: boolean,
): number {
  let requests = 0;
  let transformations = 0;
  for (const object of objects) {
    const planned = plan(object);
    requests += planned.length;
    transformations += new Set(planned.map(({ billedAs }) => billedAs)).size;
  }
  const counts = `${counted(requests, "request")}, with up to ${counted(transformations, "unique transformation")}`;
  say(stderr, `${counted(objects.length, "object")}: ${counts}.`);
  if (transformations > 0 && !isLocal) {
    const dollars = Math.ceil(transformations * PRICE * 100 - 1e-6) / 100;
    const price = `$0.50 for 1,000, after the ${count(FREE)} free ones of a month`;
    say(stderr, `At most ${money(dollars)}: ${price}. What is stored costs nothing.`);
  }
  return requests;
}

/** After so many failures in a row that are not the object's fault, it stops. */
const MAX_TROUBLE = 20;

function createTally(isLocal: boolean, progress: ReturnType<typeof createProgress>) {
  let trouble = 0;
  const tally = {
    images: 0,
    bytes: 0,
    /** Why an object failed, by its name. */
    failed: new Map<string, string>(),
    take(
      { name, variant, browser }: { name: string; variant: string; browser: string },
      answer: PictureAnswer,
    ) {
      progress.step();
      trouble = "reason" in answer && answer.isTrouble ? trouble + 1 : 0;
      if ("type" in answer) {
        tally.images += 1;
        tally.bytes += answer.bytes;
        return undefined;
      }
      const { reason } = answer;
      if (!tally.failed.has(name)) progress.say(`${reason}  ${name}  ${variant}  ${browser}`);
      tally.failed.set(name, reason);
      if (trouble < MAX_TROUBLE) return undefined;
      const advice = isLocal
        ? "Is the local run started there? npx vitrine dev"
        : "Check the log: npx wrangler tail";
      return {
        fault: `the last ${MAX_TROUBLE} requests failed, the last one with ${reason}. ${advice}`,
      };
    },
  };
  return tally;
}
