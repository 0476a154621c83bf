// Proves that objects are gone. It requests every rendition of an object (a picture in one size and format) as a visitor
// does. If that is refused, it asks again with PURGE_TOKEN, and the Worker says why. A 404 alone proves nothing: a wrong
// signature, a missing route, or a server in front of the Worker answers 404, too. The proof is that each answer reports
// that S3 has no such object.
//
// It causes as few pictures as possible: it requests none of an object that S3 has, and no further one of an object
// after one picture came.

import pMap from "p-map";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isFault, type World } from "../command.ts";
import { type Browser, createPictureClient, type NoPicture } from "../http/ask-picture.ts";
import { count, counted, createProgress, type Progress } from "../terminal/progress.ts";
import {
  createPlanner,
  findTokenRoute,
  type Planner,
  type RenditionRequest,
} from "../urls/rendition-requests.ts";
import type { SelectedObject } from "../urls/select-objects.ts";
import type { ObjectState, PurgeSite } from "./client.ts";
import type { PurgeResult } from "./purge-objects.ts";

/** The answer to a request for a rendition. */
type RenditionAnswer = Judgement & {
  readonly variant: string;
  /** The path of its URL. The signature is not in it. */
  readonly path: string;
  readonly browser: Browser;
};

type Judgement = {
  /** The event of a refusal, `picture`, or what came in place of both. */
  readonly answer: string;
  /** Why this answer does not prove that the object is gone; undefined: it does. */
  readonly objection?: string;
  /** Whether the Worker has certainly made no picture for it. */
  readonly isFree: boolean;
};

/** What is known of an object after its purge. */
export type Verified = {
  /** As the operator has named it. */
  readonly object: string;
  /** As the Worker names it: BUCKET/key. A public URL may stand for one in each of several buckets. */
  readonly names: readonly string[];
  readonly result: "proved" | "still there" | "not known" | "not purged";
  readonly reason: string;
  /** What S3 says of each name. */
  readonly states: readonly ObjectState[];
  readonly answers: readonly RenditionAnswer[];
  /** When the last answer came: ms since 1970. */
  readonly time: number;
};

/** What objects are verified with. */
type Tools = {
  readonly world: World;
  readonly site: PurgeSite;
  readonly purged: PurgeResult;
  readonly plan: Planner;
  readonly fetchPicture: ReturnType<typeof createPictureClient>;
  readonly progress: Progress;
};

/** The number of objects that are verified at once. The renditions of one object are requested one after the other. */
const CONCURRENCY = 6;

/** @param objects by the names that the Worker uses */
export async function verifyObjects(
  world: World,
  site: PurgeSite,
  objects: ReadonlyMap<string, SelectedObject>,
  purged: PurgeResult,
): Promise<readonly Verified[]> {
  const plan = createPlanner(site, "all");
  if (isFault(plan)) throw new Error(plan.fault); // no preset is chosen that might be missing

  const progress = createProgress(world, "answers");
  const fetchPicture = createPictureClient(world, site.token);
  const tools: Tools = { world, site, purged, plan, fetchPicture, progress };

  const inputs = groupByInput(objects);
  const results = await pMap(inputs, ([input, group]) => verifyInput(input, group, tools), {
    concurrency: CONCURRENCY,
  });

  progress.clear();
  return results;
}

/** Groups objects by their inputs: a public URL may stand for an object of each of several buckets. */
function groupByInput(
  objects: ReadonlyMap<string, SelectedObject>,
): ReadonlyMap<string, ReadonlyMap<string, SelectedObject>> {
  const inputs = new Map<string, Map<string, SelectedObject>>();
  for (const [name, object] of objects) {
    const group = inputs.get(object.input) ?? new Map<string, SelectedObject>();
    group.set(name, object);
    inputs.set(object.input, group);
  }
  return inputs;
}

/** @param objects those that the input stands for, by the names that the Worker uses */
async function verifyInput(
  input: string,
  objects: ReadonlyMap<string, SelectedObject>,
  tools: Tools,
): Promise<Verified> {
  const { world, purged, plan } = tools;
  const names = [...objects.keys()];
  const states = names.map((name) => purged.states.get(name) ?? "unknown");

  const early = concludeEarly(names, states, purged);
  if (early) return { object: input, names, ...early, states, answers: [], time: world.now() };

  const answers: RenditionAnswer[] = [];
  for (const request of planRequests(plan, objects.values())) {
    const answer = await askForRendition(request, tools);
    answers.push(answer);

    // Where the Worker may have made one picture, the next one may be billed, too.
    if (!answer.isFree) break;
  }

  const doubts = doubtsOf(names, objects, answers, states, tools);
  const conclusion = conclude(answers, doubts);
  return { object: input, names, ...conclusion, states, answers, time: world.now() };
}

async function askForRendition(
  { variant, path, browser, authorize }: RenditionRequest,
  { world, site, fetchPicture, progress }: Tools,
): Promise<RenditionAnswer> {
  progress.step();
  const rendition = { variant, path, browser };

  const access = await authorize(world.now());
  if (isFault(access)) {
    return { ...rendition, answer: "not sent", objection: access.fault, isFree: true };
  }

  const url = site.baseUrl + path + access.query;
  const answer = await fetchPicture(url, browser, access.headers);
  if (answer === undefined) {
    return { ...rendition, answer: "not sent", objection: "interrupted", isFree: false };
  }

  if (answer.kind === "picture") {
    const objection = `${path} comes to a browser that reads ${browser}: cache ${answer.cache}`;
    return { ...rendition, answer: PICTURE, objection, isFree: false };
  }

  return { ...rendition, ...judge(answer, site.envConfig.file) };
}

/** Plans each request once: a public URL may show an object of each of several buckets. */
export function planRequests(
  plan: Planner,
  objects: Iterable<SelectedObject>,
): readonly RenditionRequest[] {
  const requests = new Map<string, RenditionRequest>();
  for (const object of objects) {
    for (const request of plan(object)) {
      requests.set(`${request.browser} ${request.path}`, request);
    }
  }
  return [...requests.values()];
}

/** `27 requests of 9 URLs`: a URL has a rendition for each kind of browser. */
export function requestsText(requests: readonly Pick<RenditionRequest, "path">[]): string {
  const urls = new Set(requests.map(({ path }) => path));
  return `${counted(requests.length, "request")} of ${counted(urls.size, "URL")}`;
}

type Conclusion = Pick<Verified, "result" | "reason">;

/** Concludes from the states alone, without a request. @returns undefined if pictures must be requested */
function concludeEarly(
  names: readonly string[],
  states: readonly ObjectState[],
  { notPurged }: PurgeResult,
): Conclusion | undefined {
  const failures = names.map((name) => notPurged.get(name));
  const failure = failures.find((reason) => reason !== undefined);
  if (failure !== undefined) return { result: "not purged", reason: failure };

  if (states.includes("there")) {
    const reason = "S3 has it. No picture was asked for, since that would make it anew";
    return { result: "still there", reason };
  }

  if (states.includes("unknown")) {
    return { result: "not known", reason: "S3 does not say whether it exists" };
  }

  return undefined;
}

function conclude(answers: readonly RenditionAnswer[], doubts: readonly string[]): Conclusion {
  const picture = answers.find(({ answer }) => answer === PICTURE);
  if (picture?.objection !== undefined) return { result: "still there", reason: picture.objection };

  if (doubts.length > 0) return { result: "not known", reason: doubts.join("; ") };

  const requests = requestsText(answers);
  return { result: "proved", reason: `S3 says in each of ${requests} that it is missing` };
}

/** Returns why the answers do not prove that the object is gone. */
function doubtsOf(
  names: readonly string[],
  objects: ReadonlyMap<string, SelectedObject>,
  answers: readonly RenditionAnswer[],
  states: readonly ObjectState[],
  { site, purged }: Tools,
): readonly string[] {
  const { config, envConfig } = site;
  const doubts: string[] = [];

  const requests = requestsText(answers);
  const byObjection = Map.groupBy(answers, ({ objection }) => objection);
  for (const [objection, { length }] of byObjection) {
    if (objection !== undefined) doubts.push(`${count(length)} of ${requests}: ${objection}`);
  }

  const tokenRoute = findTokenRouteOfAny(site, objects.values());
  if (tokenRoute !== undefined) {
    doubts.push(`only a visitor's token opens ${tokenRoute.path}, so nothing was asked for there`);
  } else if (answers.length === 0) {
    doubts.push(`no route of ${envConfig.file} shows it`);
  }

  // With a key that may list the bucket, S3 would say whether the object exists.
  if (doubts.length === 0 && states.includes("denied")) doubts.push(DENIED);

  const isStoreEmpty =
    config.store === undefined || names.every((name) => purged.emptied.has(name));
  if (!isStoreEmpty) doubts.push("the Worker does not say that the store has nothing left of it");

  return doubts;
}

/** Finds a route where the pictures cannot be asked for: only a visitor's token opens it. */
function findTokenRouteOfAny(
  site: PurgeSite,
  objects: Iterable<SelectedObject>,
): BoundRoute | undefined {
  for (const object of objects) {
    const route = findTokenRoute(site, object);
    if (route !== undefined) return route;
  }
  return undefined;
}

const PICTURE = "picture";

const DENIED = "S3 denies it. To a key that may list the bucket, S3 says whether it is there";

/** Judges an answer that is no picture. @param file the name of the configuration file */
function judge({ status, event, reason }: NoPicture, file: string): Judgement {
  // This is the proof.
  if (status === 404 && event === "object-missing") return { answer: event, isFree: true };

  if (event === undefined) {
    const objection = status === 404 ? NO_REASON : reason;
    return { answer: reason, objection, isFree: true };
  }

  const objection = unopenedText(event, file);
  if (objection !== undefined) return { answer: event, objection, isFree: true };

  return { answer: event, objection: `${reason} ${event}`, isFree: false };
}

const NO_REASON =
  "404 without a reason: the Worker is older than this command, or something in front of it answers";

/** Says what is wrong after a refusal for which the Worker has not got the object; undefined: it may have got it. */
function unopenedText(event: string, file: string): string | undefined {
  switch (event) {
    case "signature-wrong":
      return "the signature is refused: take the Worker's URL_SIGNING_KEYS, and set this machine's clock";
    case "url-expired":
      return "the signature has expired for the Worker: set this machine's clock";
    case "no-such-route":
      return `the Worker has no such route: take the ${file} that is deployed`;
    case "no-such-variant":
      return `the Worker has no such preset: take the ${file} that is deployed`;
    case "object-denied":
      return DENIED;
    default:
      return undefined;
  }
}
