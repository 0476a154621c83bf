// Proves that objects are not shown any more, as far as they are gone: it asks for every rendition as visitors do.
import { EXIT, isFault, log, type Outcome, paint, type World } from "../command.ts";
import type { ProjectSite } from "../config/project.ts";
import { counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { createPlanner, sendRenditionRequests } from "../urls/rendition-requests.ts";
import type { SelectedObject, Selection } from "../urls/select-objects.ts";
import type { ObjectState } from "./client.ts";
import { browsersText } from "./purge-objects.ts";

/** Proves that objects are not shown any more, as far as they are gone. */
export async function verifyObjects(
  world: World,
  site: ProjectSite,
  { objects }: Selection,
  states: ReadonlyMap<string, ObjectState>,
): Promise<Outcome> {
  const { stderr } = world;
  const gone = new Map<string, SelectedObject>();
  const existing: string[] = [];
  const unknown: string[] = [];

  // A public URL may stand for an object in each of several buckets.
  for (const [input, entries] of Map.groupBy(objects, ([, { input }]) => input)) {
    const inputStates = entries.map(([name]) => states.get(name) ?? "unknown");
    if (inputStates.includes("there")) existing.push(input);
    else if (inputStates.includes("unknown")) unknown.push(input);
    else for (const [name, object] of entries.slice(0, 1)) gone.set(name, object);
  }

  if (existing.length > 0) {
    const text = `S3 has ${counted(existing.length, "object")}`;
    log(stderr, `${text}: of these, no picture is asked for. ${browsersText(site)}`);
  }
  const problems = unknown.map(
    (input) => `  not known: ${input}: S3 does not say whether it exists`,
  );
  log(stderr, ...problems.map(visible));

  const isUnknown = unknown.length > 0;
  if (gone.size === 0) return isUnknown ? EXIT.partly : EXIT.done;

  const exit = await verifyNotShown(world, site, { objects: gone, invalid: 0 });
  return isUnknown && exit === EXIT.done ? EXIT.partly : exit;
}

/** Requests objects as visitors do, in every variant and format, and prints each answer that is not a 404. */
async function verifyNotShown(
  world: World,
  site: ProjectSite,
  selection: Selection,
): Promise<Outcome> {
  const { stderr } = world;
  const { baseUrl } = site;
  const objects = [...selection.objects.values()];
  const plan = createPlanner(site, "all");
  if (isFault(plan)) throw new Error(plan.fault); // no preset is chosen that might be missing
  const requests = objects.flatMap(plan);
  const requested = new Set(requests.map(({ input }) => input));
  const notRequested = objects.filter(({ input }) => !requested.has(input));
  const problems = notRequested.map(({ input }) => `not asked for: ${input}: no route shows it`);
  log(stderr, `Asking for ${counted(requests.length, "rendition")} of ${baseUrl}, as visitors do.`);
  const stopped = await sendRenditionRequests(world, baseUrl, requests, (request, answer) => {
    const rendition = `${request.path}, by a browser that reads ${request.browser}`;
    if (answer.kind === "picture") {
      problems.push(`still comes: ${rendition}: cache ${answer.cache}`);
    } else if (answer.reason !== "404") {
      problems.push(`not known: ${rendition}: ${answer.reason}`);
    }
    return undefined;
  });
  if (world.interrupted.aborted) return EXIT.interrupted;
  if (stopped) problems.push(`not asked for: ${stopped.fault}`);
  log(stderr, ...problems.map((problem) => visible(`  ${problem}`)));
  if (problems.length === 0) {
    log(stderr, `Nothing comes: ${counted(requests.length, "answer")}, all 404.`);
    return EXIT.done;
  }
  const summary = `NOT GONE, or not known: ${problems.length}, as named above.`;
  log(stderr, paint(world, stderr, "red", summary));
  return EXIT.partly;
}
