// Proves that objects are gone. It asks for every rendition of an object as visitors do, with the token of the Worker,
// which then says why it refuses. A 404 alone proves nothing: a wrong signature, a route that is not deployed, or
// something in front of the Worker answers so, too. The proof is S3's own word, in every answer.
//
// It makes no pictures: of an object that S3 has, none is asked for; and after one that came, no other one.

import pMap from "p-map";
import { isFault, type World } from "../command.ts";
import {
  type Browser,
  createPictureClient,
  type NoPicture,
  type PictureAnswer,
} from "../http/ask-picture.ts";
import { count, counted, createProgress } from "../terminal/progress.ts";
import {
  createPlanner,
  lockedReason,
  type Planner,
  type RenditionRequest,
} from "../urls/rendition-requests.ts";
import type { SelectedObject } from "../urls/select-objects.ts";
import type { ObjectState, PurgeSite } from "./client.ts";
import type { PurgeResult } from "./purge-objects.ts";

/** The answer to a request for a rendition. */
type RenditionAnswer = {
  readonly variant: string;
  /** The path of its URL. The signature is not in it. */
  readonly path: string;
  readonly browser: Browser;
} & Judgement;

type Judgement = {
  /** The event of a refusal, `picture`, or what came in place of both. */
  readonly answer: string;
  /** Why this answer is no proof. Undefined: it is one. */
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

/** What one object is verified with. */
type Tools = {
  readonly purged: PurgeResult;
  readonly hasStore: boolean;
  readonly plan: Planner;
  /** Why the pictures of an object cannot be asked for at one of its routes. */
  readonly lockedReason: (object: SelectedObject) => string | undefined;
  readonly ask: (request: RenditionRequest) => Promise<RenditionAnswer>;
};

/** So many objects are asked for at once. The renditions of one object are asked for one after the other. */
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
  const ask = async ({ variant, path, browser, authorize }: RenditionRequest) => {
    progress.step();
    const rendition = { variant, path, browser };
    const access = await authorize(world.now());
    if (isFault(access)) {
      return { ...rendition, answer: "not sent", objection: access.fault, isFree: true };
    }

    const url = site.baseUrl + path + access.query;
    const answer = await fetchPicture(url, browser, access.headers);
    return { ...rendition, ...judge(answer, `${path} comes to a browser that reads ${browser}`) };
  };

  const tools: Tools = {
    purged,
    plan,
    lockedReason: (object) => lockedReason(site, object),
    ask,
    hasStore: site.config.store !== undefined,
  };
  const groups = [...Map.groupBy(objects, ([, { input }]) => input)];
  const verify = async ([object, entries]: (typeof groups)[number]) => {
    const verified = await verifyObject(new Map(entries), tools);
    return { object, ...verified, time: world.now() };
  };

  const results = await pMap(groups, verify, { concurrency: CONCURRENCY });
  progress.clear();
  return results;
}

/** @param objects those that one input stands for */
async function verifyObject(
  objects: ReadonlyMap<string, SelectedObject>,
  { purged, hasStore, plan, lockedReason, ask }: Tools,
): Promise<Omit<Verified, "object" | "time">> {
  const names = [...objects.keys()];
  const states = names.map((name) => purged.states.get(name) ?? "unknown");
  const early = concludeEarly(names, states, purged);
  if (early) return { names, states, ...early, answers: [] };

  const answers: RenditionAnswer[] = [];
  for (const request of planRequests(plan, objects.values())) {
    const answer = await ask(request);
    answers.push(answer);

    // Where the Worker may have made one picture, the next one may be billed, too.
    if (!answer.isFree) break;
  }

  const isStoreEmpty = !hasStore || names.every((name) => purged.emptied.has(name));
  const locked = [...objects.values()]
    .map((object) => lockedReason(object))
    .find((reason) => reason !== undefined);
  const conclusion = conclude(answers, states, isStoreEmpty, locked);
  return { names, states, ...conclusion, answers };
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

/** @returns undefined if pictures are to be asked for */
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

function conclude(
  answers: readonly RenditionAnswer[],
  states: readonly ObjectState[],
  isStoreEmpty: boolean,
  locked: string | undefined,
): Conclusion {
  const picture = answers.find(({ answer }) => answer === PICTURE);
  if (picture?.objection !== undefined) return { result: "still there", reason: picture.objection };

  const all = requestsText(answers);
  const reasons: string[] = [];

  const byObjection = Map.groupBy(answers, ({ objection }) => objection);
  for (const [objection, { length }] of byObjection) {
    if (objection !== undefined) reasons.push(`${count(length)} of ${all}: ${objection}`);
  }
  if (locked !== undefined) reasons.push(`${locked}, so nothing was asked for there`);
  else if (answers.length === 0) reasons.push("no route of wrangler.toml shows it");
  if (reasons.length === 0 && states.includes("denied")) reasons.push(DENIED);
  if (!isStoreEmpty) reasons.push("the Worker does not say that the store has nothing left of it");

  if (reasons.length > 0) return { result: "not known", reason: reasons.join("; ") };
  return { result: "proved", reason: `S3 says in each of ${all} that it is missing` };
}

const PICTURE = "picture";

/** @param comes says of a picture that it comes */
function judge(answer: PictureAnswer | undefined, comes: string): Judgement {
  if (answer === undefined) return { answer: "not sent", objection: "interrupted", isFree: false };
  if (answer.kind === "picture") {
    return { answer: PICTURE, objection: `${comes}: cache ${answer.cache}`, isFree: false };
  }

  const { status, event, reason } = answer;
  const isProof = status === 404 && event === "object-missing";
  if (isProof) return { answer: event, isFree: true };

  const isFree = event === undefined || Object.hasOwn(OBJECTIONS, event);
  return { answer: event ?? reason, objection: objectionTo(answer), isFree };
}

const DENIED = "S3 denies it. To a key that may list the bucket, S3 says whether it is there";
const OTHER_CONFIGURATION = "take the wrangler.toml that is deployed";

/** Why an answer is no proof, and what to do, by the events for which the Worker does not open the object. */
const OBJECTIONS: Readonly<Record<string, string>> = {
  "signature-wrong":
    "the signature is refused: take the Worker's URL_SIGNING_KEYS, and set this machine's clock",
  "url-expired": "the signature has expired for the Worker: set this machine's clock",
  "no-such-route": `the Worker has no such route: ${OTHER_CONFIGURATION}`,
  "no-such-variant": `the Worker has no such preset: ${OTHER_CONFIGURATION}`,
  "object-denied": DENIED,
};

function objectionTo({ event, reason, status }: NoPicture): string {
  if (event !== undefined && Object.hasOwn(OBJECTIONS, event)) return OBJECTIONS[event] ?? reason;
  if (event !== undefined) return `${reason} ${event}`;
  if (status !== 404) return reason;
  return "404 without a reason: the Worker is older than this command, or something in front of it answers";
}
