// vitrine warm: requests renditions before visitors do. It first prints how many, and what they cost at most.

import { Command } from "@commander-js/extra-typings";
import { EXIT, isFault, log, logInColour, type Outcome, type Run, type World } from "../command.ts";
import { openProjectSite, type ProjectSite } from "../config/project.ts";
import { money, PRICE } from "../config/transformations.ts";
import { envOption, OBJECTS, tokenOption, urlOption } from "../options.ts";
import { readVisitorToken } from "../secrets/visitor-token.ts";
import { count, counted, createProgress } from "../terminal/progress.ts";
import { commandLine } from "../terminal/shell.ts";
import { GIVE_TOKEN } from "../urls/public-url.ts";
import {
  createPlanner,
  lockedReason,
  type Planner,
  sendRenditionRequests,
} from "../urls/rendition-requests.ts";
import { reportNotDone, type SelectedObject, selectObjects } from "../urls/select-objects.ts";
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
    .addOption(tokenOption())
    .addHelpText("after", HELP);
}

const HELP = `
${OBJECTS}
It uses the first route that leads to an object, and asks in each format that browsers read. A route that only
tokens open is left out, unless there is a token: that of one visitor, so it warms what this visitor may see.
It prints the objects that failed on stdout. You can give them again.

Examples:
  npx vitrine warm photos/fig.jpg --preset card
  npx vitrine warm --prefix photos/2026/ --preset card --preset hero@640w
  npx vitrine warm - < keys.txt`;

function addPreset(preset: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, preset];
}

/** The command stops after so many failures in a row that no object causes. */
const MAX_FAILURES_IN_A_ROW = 20;

async function warm(world: World, names: readonly string[], options: Options): Promise<Outcome> {
  const { stderr, interrupted } = world;
  const { prefix, preset: presets, token: tokenFile, ...siteOptions } = options;
  if (names.length === 0 && prefix === undefined) {
    log(stderr, "Name objects, or a --prefix, or - for objects on stdin: npx vitrine warm --help");
    return EXIT.usage;
  }
  const site = openProjectSite(world, siteOptions);
  if (isFault(site)) return site;
  if (tokenFile === "-" && names.includes("-")) {
    return { fault: "--token -: stdin has the objects already. Put the token into VITRINE_TOKEN" };
  }
  const token = await readVisitorToken(world, tokenFile);
  if (isFault(token)) return token;
  const plan = createPlanner(site, "first", { presets, token });
  if (isFault(plan)) return plan;
  const command = commandLine("warm", { ...siteOptions, preset: presets });
  const selection = await selectObjects(world, site, names, prefix, command);
  if (isFault(selection)) return selection;

  const objects = [...selection.objects.values()];
  const progress = createProgress(world, "requests", reportCosts(world, plan, objects));
  const unshown = objects.filter((object) => plan(object).length === 0);
  const failed = new Map(
    unshown.map((object) => [object.input, unshownReason(site, object, token)]),
  );
  const totals = { images: 0, bytes: 0, failuresInARow: 0 };
  const requests = objects.values().flatMap(plan);
  const stopped = await sendRenditionRequests(world, site.baseUrl, requests, (request, answer) => {
    const { input, variant, browser } = request;
    progress.step();
    if (answer.kind === "picture") {
      totals.images += 1;
      totals.bytes += answer.bytes;
      totals.failuresInARow = 0;
      return undefined;
    }
    const { reason, isOutage } = answer;
    if (!failed.has(input)) progress.log(`${reason}  ${input}  ${variant}  ${browser}`);
    failed.set(input, reason);
    totals.failuresInARow = isOutage ? totals.failuresInARow + 1 : 0;
    if (totals.failuresInARow < MAX_FAILURES_IN_A_ROW) return undefined;
    const latest = `the last ${MAX_FAILURES_IN_A_ROW} requests failed, the last one with ${reason}`;
    return { fault: `${latest}. Is it running? ${hintFor(site.envConfig, "npx wrangler tail")}` };
  });
  progress.clear();
  log(stderr, `${counted(totals.images, "image")}, ${count(totals.bytes)} bytes.`);
  const done = objects.length - failed.size;
  const exit = reportNotDone(world, "NOT WARMED", done, failed, selection.invalid);
  if (stopped) logInColour(world, "red", `Stopped: ${stopped.fault}`);
  const isWhole = stopped === undefined && !interrupted.aborted;
  if (!isWhole) log(stderr, "To continue, run it again. What is done comes quickly.");
  if (isWhole && exit === EXIT.done) return EXIT.done;
  return totals.images === 0 ? EXIT.failed : EXIT.partly;
}

/** @param token a visitor's */
function unshownReason(site: ProjectSite, object: SelectedObject, token: string | undefined) {
  const locked = token === undefined ? lockedReason(site, object) : undefined;
  if (locked !== undefined) return `${locked}: ${GIVE_TOKEN}`;
  return "no route shows it at what is chosen";
}

/** Prints what warming costs at most (L2). @returns the number of requests */
function reportCosts({ stderr }: World, plan: Planner, objects: readonly SelectedObject[]) {
  const plans = objects.map((object) => plan(object));
  const requests = plans.reduce((sum, { length }) => sum + length, 0);
  const unique = plans.reduce((sum, requestsOfObject) => {
    const sets = requestsOfObject.flatMap(({ billedSets }) => billedSets);
    return sum + new Set(sets).size;
  }, 0);
  const counts = `${counted(requests, "request")}, with up to ${counted(unique, "unique transformation")}`;
  const costs = `at most ${money(unique * PRICE)} after the free ones of a month`;
  log(stderr, `${counted(objects.length, "object")}: ${counts} (${costs}).`);
  return requests;
}
