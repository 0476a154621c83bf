// vitrine warm: asks for renditions before visitors do. It says first how many, and what they may cost at most.

import { Command } from "@commander-js/extra-typings";
import {
  type End,
  EXIT,
  type Fault,
  isFault,
  paint,
  type Run,
  say,
  type World,
} from "../command.ts";
import { openSite } from "../config/project.ts";
import { FREE, money, PRICE } from "../config/transformations.ts";
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

  const objects = [...given.objects.values()];
  const progress = createProgress(world, "requests", sayCosts(world, plan, objects, site.local));
  /** Why an object failed, by its name. */
  const failed = new Map<string, string>();
  const sum = { images: 0, bytes: 0, trouble: 0 };
  const requests = requestsFor(plan, objects, failed);
  const stopped = await askRenditions(
    world,
    site.base,
    requests,
    concurrency,
    (request, answer) => {
      progress.step();
      sum.trouble = "reason" in answer && answer.isTrouble ? sum.trouble + 1 : 0;
      if ("type" in answer) {
        sum.images += 1;
        sum.bytes += answer.bytes;
        return undefined;
      }
      const { name, variant, browser } = request;
      const { reason } = answer;
      if (!failed.has(name)) progress.say(`${reason}  ${name}  ${variant}  ${browser}`);
      failed.set(name, reason);
      return sum.trouble < MAX_TROUBLE ? undefined : troubleFault(reason, site.local);
    },
  );
  progress.end();
  say(stderr, `${counted(sum.images, "image")}, ${count(sum.bytes)} bytes.`);
  const done = objects.length - failed.size;
  const exit = reportNotDone(world, "NOT WARMED", done, failed, given.impossible);
  if (stopped) say(stderr, paint(world, stderr, "red", `Stopped: ${visible(stopped.fault)}`));
  const isWhole = stopped === undefined && !interrupted.aborted;
  if (!isWhole) say(stderr, "To continue, run it again. What is done comes quickly.");
  if (isWhole && exit === EXIT.done) return EXIT.done;
  return sum.images === 0 ? EXIT.failed : EXIT.partly;
}

/** @param failed gets the objects that no route shows */
function* requestsFor(plan: Planner, objects: readonly GivenObject[], failed: Map<string, string>) {
  for (const object of objects) {
    const requests = plan(object);
    if (requests.length === 0) failed.set(object.given, "no route shows it at what is chosen");
    for (const request of requests) yield { ...request, name: object.given };
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

function troubleFault(reason: string, isLocal: boolean): Fault {
  const advice = isLocal
    ? "Is the local run started there? npx vitrine dev"
    : "Check the log: npx wrangler tail";
  const last = `the last ${MAX_TROUBLE} requests failed, the last one with ${reason}`;
  return { fault: `${last}. ${advice}` };
}
