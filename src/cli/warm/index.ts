// vitrine warm: requests renditions before visitors do. It first prints how many, and what they cost at most.

import { Command } from "@commander-js/extra-typings";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, log, logInColour } from "../command.ts";
import { openProjectSite, type ProjectSite } from "../config/project.ts";
import { money, PRICE } from "../config/transformations.ts";
import type { PictureAnswer } from "../http/ask-picture.ts";
import { envOption, OBJECTS, tokenOption, urlOption } from "../options.ts";
import { readVisitorToken } from "../secrets/visitor-token.ts";
import { count, counted, createProgress, type Progress } from "../terminal/progress.ts";
import { commandLine } from "../terminal/shell.ts";
import { tokenMissingText } from "../urls/public-url.ts";
import {
  createPlanner,
  findTokenRoute,
  type Planner,
  type RenditionRequest,
  sendRenditionRequests,
} from "../urls/rendition-requests.ts";
import { reportNotDone, type SelectedObject, selectObjects } from "../urls/select-objects.ts";
import { commandFor } from "../wrangler/config-file.ts";

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

async function warm(world: World, names: readonly string[], options: Options): Promise<Outcome> {
  const { stderr, interrupted } = world;
  const { prefix, preset: presets, token: tokenFile, env, url } = options;

  // Read the project, the token and the objects.
  if (names.length === 0 && prefix === undefined) {
    log(stderr, "Name objects, or a --prefix, or - for objects on stdin: npx vitrine warm --help");
    return EXIT.usage;
  }

  const site = openProjectSite(world, { env, url });
  if (isFault(site)) return site;

  if (tokenFile === "-" && names.includes("-")) {
    return { fault: "--token -: stdin has the objects already. Put the token into VITRINE_TOKEN" };
  }
  const token = await readVisitorToken(world, tokenFile);
  if (isFault(token)) return token;

  const plan = createPlanner(site, "first", { presets, token });
  if (isFault(plan)) return plan;

  const command = commandLine("warm", { env, url, preset: presets });
  const selection = await selectObjects(world, site, names, prefix, command);
  if (isFault(selection)) return selection;

  // Say what it costs, and request the renditions.
  const objects = [...selection.objects.values()];
  const requestCount = logCosts(world, plan, objects);
  const progress = createProgress(world, "requests", requestCount);

  const tally: Tally = {
    images: 0,
    bytes: 0,
    failuresInARow: 0,
    failed: unshownObjects(site, plan, objects, token),
  };
  const requests = objects.values().flatMap(plan);
  const stopped = await sendRenditionRequests(world, site.baseUrl, requests, (request, answer) =>
    takeAnswer(tally, progress, site, request, answer),
  );
  progress.clear();

  // Report.
  log(stderr, `${counted(tally.images, "image")}, ${count(tally.bytes)} bytes.`);
  const done = objects.length - tally.failed.size;
  const exit = reportNotDone(world, "NOT WARMED", done, tally.failed, selection.invalid);
  if (stopped) logInColour(world, "red", `Stopped: ${stopped.fault}`);

  const isWhole = stopped === undefined && !interrupted.aborted;
  if (!isWhole) log(stderr, "To continue, run it again. What is done comes quickly.");

  if (isWhole && exit === EXIT.done) return EXIT.done;
  return tally.images === 0 ? EXIT.failed : EXIT.partly;
}

/**
 * Prints what warming costs at most. One set of options is billed once for an object, in whatever format (L2).
 * @returns the number of requests
 */
function logCosts({ stderr }: World, plan: Planner, objects: readonly SelectedObject[]): number {
  let requestCount = 0;
  let transformations = 0;
  for (const object of objects) {
    const requests = plan(object);
    const sets = requests.flatMap(({ billedSets }) => billedSets);
    requestCount += requests.length;
    transformations += new Set(sets).size;
  }

  const all = counted(objects.length, "object");
  const requests = counted(requestCount, "request");
  const unique = counted(transformations, "unique transformation");
  const dollars = money(transformations * PRICE);
  log(
    stderr,
    `${all}: ${requests}, with up to ${unique} (at most ${dollars} after the free ones of a month).`,
  );
  return requestCount;
}

/** Finds the objects that no request is sent for. @returns the reasons by the objects' inputs */
function unshownObjects(
  site: ProjectSite,
  plan: Planner,
  objects: readonly SelectedObject[],
  token: string | undefined,
): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const object of objects) {
    const isShown = plan(object).length > 0;
    if (!isShown) reasons.set(object.input, unshownReason(site, object, token));
  }
  return reasons;
}

/** @param token a visitor's */
function unshownReason(
  site: ProjectSite,
  object: SelectedObject,
  token: string | undefined,
): string {
  const route = token === undefined ? findTokenRoute(site, object) : undefined;
  if (route !== undefined) return tokenMissingText(route);
  return "no route shows it at what is chosen";
}

/** What the answers have come to so far. */
type Tally = {
  images: number;
  bytes: number;
  /** How many requests have failed one after the other, and not because of their objects. */
  failuresInARow: number;
  /** Why an object is not warmed, by its input. */
  readonly failed: Map<string, string>;
};

/** The command stops after so many failures in a row that no object causes. */
const MAX_FAILURES_IN_A_ROW = 20;

/** Counts an answer. @returns a fault if no more requests are to be sent */
function takeAnswer(
  tally: Tally,
  progress: Progress,
  { envConfig }: ProjectSite,
  { input, variant, browser }: RenditionRequest,
  answer: PictureAnswer,
): CommandFault | undefined {
  progress.step();

  if (answer.kind === "picture") {
    tally.images += 1;
    tally.bytes += answer.bytes;
    tally.failuresInARow = 0;
    return undefined;
  }

  const { reason, isOutage } = answer;
  if (!tally.failed.has(input)) progress.log(`${reason}  ${input}  ${variant}  ${browser}`);
  tally.failed.set(input, reason);

  tally.failuresInARow = isOutage ? tally.failuresInARow + 1 : 0;
  if (tally.failuresInARow < MAX_FAILURES_IN_A_ROW) return undefined;

  const command = commandFor(envConfig, "npx wrangler tail");
  return {
    fault: `the last ${MAX_FAILURES_IN_A_ROW} requests failed, the last one with ${reason}. Is it running? ${command}`,
  };
}
