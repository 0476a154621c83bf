// vitrine warm: asks for renditions before visitors do. It says first how many, and what they may cost at most.

import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, paint, type Run, say, type World } from "../command.ts";
import { openSite } from "../config/project.ts";
import { money, PRICE } from "../config/transformations.ts";
import { envOption, OBJECTS, urlOption } from "../options.ts";
import { count, counted, createProgress } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { type GivenObject, gatherObjects, reportNotDone } from "../urls/object-arguments.ts";
import {
  askRenditions,
  createPlanner,
  type Planner,
  type TakeAnswer,
} from "../urls/rendition-requests.ts";
import { hintFor } from "../wrangler/config-file.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function warmCommand(world: World, run: Run) {
  return define().action((names, options) => run(() => warm(world, names, options)));
}

function define() {
  return new Command("warm")
    .description("asks for the variants of objects, before the first visitor does")
    .argument("[objects...]", "objects, or public URLs of them; - is stdin, one on each line")
    .option("--prefix <prefix>", "all objects that begin with it, if your S3 key may list them")
    .option("-p, --preset <name>", "a preset, or a variant such as card@2x; repeatable", addPreset)
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
  npx vitrine warm - < keys.txt`,
    );
}

function addPreset(preset: string, others: readonly string[] = []): readonly string[] {
  return [...others, preset];
}

/** After so many failures in a row that are not the object's fault, it stops. */
const MAX_TROUBLE = 20;

async function warm(world: World, names: readonly string[], options: Options): Promise<End> {
  const { stderr, interrupted } = world;
  const { prefix, preset: presets, ...place } = options;
  if (names.length === 0 && prefix === undefined) {
    say(stderr, "Name objects, or a --prefix, or - for objects on stdin: npx vitrine warm --help");
    return EXIT.usage;
  }
  const site = openSite(world, place);
  if (isFault(site)) return site;
  const plan = createPlanner(site, "first", presets);
  if (isFault(plan)) return plan;
  const command = commandLine("warm", { ...place, preset: presets });
  const given = await gatherObjects(world, site, names, prefix, command);
  if (isFault(given)) return given;

  const objects = [...given.objects.values()];
  const progress = createProgress(world, "requests", sayCosts(world, plan, objects));
  const unshown = objects.filter((object) => plan(object).length === 0);
  const unshownReason = "no route shows it at what is chosen";
  const failed = new Map(unshown.map((object) => [object.given, unshownReason]));
  const sum = { images: 0, bytes: 0, trouble: 0 };
  const take: TakeAnswer = ({ given, variant, browser }, answer) => {
    progress.step();
    if ("bytes" in answer) {
      sum.images += 1;
      sum.bytes += answer.bytes;
      sum.trouble = 0;
      return undefined;
    }
    const { reason, isTrouble } = answer;
    if (!failed.has(given)) progress.say(`${reason}  ${given}  ${variant}  ${browser}`);
    failed.set(given, reason);
    sum.trouble = isTrouble ? sum.trouble + 1 : 0;
    if (sum.trouble < MAX_TROUBLE) return undefined;
    const last = `the last ${MAX_TROUBLE} requests failed, the last one with ${reason}`;
    return { fault: `${last}. Is it running? ${hintFor(site.known, "npx wrangler tail")}` };
  };
  const requests = objects.values().flatMap(plan);
  const stopped = await askRenditions(world, site.base, requests, take);
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

/** Says what warming may cost, as if nothing were made yet (L2). @returns how many requests there are */
function sayCosts({ stderr }: World, plan: Planner, objects: readonly GivenObject[]): number {
  const plans = objects.map((object) => plan(object).map(({ billedAs }) => billedAs));
  const requests = plans.reduce((sum, { length }) => sum + length, 0);
  const unique = plans.reduce((sum, billed) => sum + new Set(billed).size, 0);
  const counts = `${counted(requests, "request")}, with up to ${counted(unique, "unique transformation")}`;
  const costs = `at most ${money(unique * PRICE)} after the free ones of a month`;
  say(stderr, `${counted(objects.length, "object")}: ${counts} (${costs}).`);
  return requests;
}
