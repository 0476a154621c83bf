// Asks for objects as visitors do, in every variant and format, and says what still comes. After a deletion, nothing
// may come.

import { EXIT, type Exit, isFault, paint, say, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import type { OwnUrls } from "../config/site-url.ts";
import { ALL_READS, askPicture, type PictureAnswer } from "../http/ask-picture.ts";
import { shareOut } from "../http/crew.ts";
import { createPace } from "../http/retrying.ts";
import { type Found, nameOf } from "../objects/object-name.ts";
import { counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { ALL_ROUTES, createPlanner, type VariantRequest } from "../urls/variant-requests.ts";

const CONCURRENCY = 6;

/** The answer for an object that is gone. */
const GONE = "404";

/** @param base where its Vitrine is */
export async function verifyGone(
  world: World,
  project: Project,
  own: OwnUrls,
  base: string,
  objects: readonly Found[],
): Promise<Exit> {
  const { stderr, now, interrupted } = world;
  const choice = { presets: undefined, route: ALL_ROUTES, reads: ALL_READS };
  const planner = createPlanner(project, own, choice);
  if (isFault(planner)) throw new Error(planner.fault); // nothing is chosen that might be missing
  const pace = createPace(now, interrupted);
  const left: string[] = [];
  let asked = 0;
  const tell = (what: string) => left.push(what) && say(stderr, visible(`  ${what}`));
  const ask = async (request: VariantRequest) => {
    const { path, reads } = request;
    const query = await request.sign(now());
    if (isFault(query)) return tell(`${path} is not asked for: ${query.fault}`);
    const answer = await askPicture(base + path + query, reads, pace, interrupted, now);
    asked += 1;
    return answer && leftText(answer, `${path}, by a browser that reads ${reads}`, tell);
  };
  const requests = objects.flatMap((object) => {
    const name = nameOf(project.config.buckets, object);
    const planned = planner(name);
    if (!("reason" in planned)) return planned;
    tell(`${name} is not asked for: ${planned.reason}`); // what is not asked for is no proof
    return [];
  });
  say(stderr, `Asking for ${counted(requests.length, "rendition")} of ${base}, as visitors do.`);
  await shareOut(requests, CONCURRENCY, interrupted, async (request) => void (await ask(request)));
  if (interrupted.aborted) return EXIT.interrupted;
  if (left.length === 0) {
    say(stderr, `Nothing comes: ${counted(asked, "answer")}, all ${GONE}.`);
    return EXIT.done;
  }
  const what = `NOT GONE, or not known, as named above: ${left.length}.`;
  say(stderr, paint(world, stderr, "red", what));
  return EXIT.partly;
}

function leftText(answer: PictureAnswer, where: string, tell: (what: string) => void): void {
  if ("type" in answer)
    tell(`still comes: ${where}: ${answer.type}, cache ${answer.cache ?? "unknown"}`);
  else if (answer.why !== GONE) tell(`not known: ${where}: ${answer.why}`);
}
