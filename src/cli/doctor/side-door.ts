// Checks the side door of each bucket: `/cdn-cgi/image/…` on the deployed site, which anybody may request (E10). It asks
// for an object of a missing bucket, and for one that Vitrine serves. That costs nothing, unless the door is open.

import type { Bucket } from "../../worker/config/bucket.ts";
import { failureFor } from "../../worker/edge/codes.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { isPathStyle, sourceEntryOf } from "../config/buckets.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import type { ZoneSettings } from "../zone/zone-state.ts";
import { askSite } from "./ask-site.ts";
import {
  error,
  type Finding,
  note,
  ok,
  type Problem,
  SETUP,
  type Subject,
  TRANSFORMATIONS_PAGE,
  warning,
} from "./finding.ts";
import { DOOR_IMPACT, explainRule, isWrongRule } from "./zone-rule.ts";

const SIDE_DOOR = "/cdn-cgi/image/";
const RULE =
  'the domain → Security → Security rules → Create rule → Custom rules, with the expression starts_with(http.request.uri.path, "/cdn-cgi/image/") and the action Block';

/**
 * What the edge does with a source. `fetches`: it asks the origin, and gets no image. `refused`: it is not among the zone's
 * Sources (E5). `blocked`: the request does not come to the edge.
 */
type DoorState = "open" | "fetches" | "refused" | "blocked" | "unknown";

/** `text`: what was requested, and what answers. */
type Door = { readonly state: DoorState; readonly text: string };

export type SideDoorSeen = {
  readonly bucket: Bucket;
  readonly about: string;
  /** The key of the object that Vitrine serves, or of one that cannot exist. */
  readonly key: string;
  /** What the edge does for an object of another bucket. */
  readonly neighbour: Door;
  readonly object: Door;
};

/**
 * Asks the edge for a picture of another bucket, and for one of this bucket.
 * @param sampleKey an object of the bucket, if one is known
 * @param isReached whether the Worker has just answered for a picture: if so, a plain 403 is not a block of this machine
 */
export async function trySideDoor(
  bucket: Bucket,
  baseUrl: string,
  sampleKey: string | undefined,
  isReached: boolean,
): Promise<SideDoorSeen> {
  const absentName = `vitrine-doctor-${crypto.randomUUID()}`;
  const key = sampleKey ?? `${bucket.prefix}${absentName}.jpg`;
  const prefix = baseUrl + SIDE_DOOR;

  const neighbourUrl = `${prefix}width=16/${neighbourOf(bucket, absentName)}`;
  // With `origin-auth`, the edge may answer with an image that it has cached for Vitrine (C1).
  const options = "width=16,origin-auth=share-publicly";
  const objectUrl = `${prefix}${options}/${originUrl(bucket.baseUrl, key)}`;

  return {
    bucket,
    about: `${prefix}, for bucket ${bucket.name}`,
    key,
    neighbour: await tryDoor(neighbourUrl, isReached),
    object: await tryDoor(objectUrl, isReached),
  };
}

/**
 * The URL of an object in a bucket that does not exist. With path-style addressing, the name of that bucket begins
 * with the name of this one: an entry such as `/acme` in Sources allows both.
 */
function neighbourOf(bucket: Bucket, absentName: string): string {
  const { baseUrl } = bucket;
  if (isPathStyle(bucket)) return `${baseUrl.slice(0, -1)}-${absentName}/none.jpg`;
  return `${baseUrl.replace(`//${bucket.bucket}.`, `//${absentName}.`)}none.jpg`;
}

/** Events that are possible only if the edge has asked the origin. */
const FETCHED = /^(?:object-(?:missing|denied)|source-unreadable|origin-(?:denied|failed))$/;

/** Asks for an image. A state that is not certain is `unknown`, never `shut`. */
async function tryDoor(url: string, isReached: boolean): Promise<Door> {
  const { pathname } = new URL(url);
  const result = await askSite(url);
  if (isNoAnswer(result)) return { state: "unknown", text: `${pathname}: ${result.reason}` };

  const { status, headers, text: body } = result;
  const resized = headers.get("cf-resized") ?? "";
  const codeInHeader = /^err=(\d{4})/.exec(resized)?.[1];
  const code = codeInHeader ?? /^ERROR (\d{4})\b/.exec(body)?.[1];
  const text = `${pathname} answers ${code ?? status}`;

  if (code === "9401" && status === 403) return { state: "refused", text };

  if (code !== undefined) {
    // Whether the edge looks the host up (9407) before it reads Sources is not known.
    const isFetched = code !== "9407" && FETCHED.test(failureFor(status, code, "").event);
    return { state: isFetched ? "fetches" : "unknown", text };
  }
  if (status === 200 && /^internal=(?:ok|ram)\b/.test(resized)) return { state: "open", text };

  // A challenge is no block: a browser can pass it.
  const isRefusal = status === 403 && !headers.has("cf-mitigated") && isReached;
  const isOfWorker = status === 404 && isOfVitrine(headers);
  return { state: isRefusal || isOfWorker ? "blocked" : "unknown", text };
}

/** Returns whether anybody can have images transformed. */
export function isOpenDoor({ neighbour, object }: SideDoorSeen): boolean {
  return isOpenToNeighbours(neighbour) || object.state === "open";
}

function isOpenToNeighbours({ state }: Door): boolean {
  return state === "open" || state === "fetches";
}

/** Returns whether something blocks every request. */
export function isBlockedDoor({ neighbour, object }: SideDoorSeen): boolean {
  return neighbour.state === "blocked" && object.state === "blocked";
}

/** What is known of the zone, and of the Worker whose rule it has. */
type DoorSettings = {
  /** Undefined: it was not read. */
  readonly zone: ZoneSettings | undefined;
  readonly worker: string | undefined;
  /** How the doctor learns more. */
  readonly advice: string;
};

export function checkSideDoor(sideDoor: SideDoorSeen, settings: DoorSettings): Finding {
  const { bucket, about, neighbour, object } = sideDoor;
  const subject: Subject = { about, bucket: bucket.name };
  if (isOpenDoor(sideDoor)) {
    const problem = { ...explainOpenDoor(sideDoor, settings), impact: DOOR_IMPACT };
    return error("side-door", subject, problem);
  }

  const rule = settings.zone?.rule;
  const unclear = [neighbour, object].find(
    ({ state }) => state !== "refused" && state !== "blocked",
  );
  if (unclear === undefined) {
    return ok("side-door", subject, `it is shut at this host: ${neighbour.text}`);
  }
  if (rule?.kind === "shut" && unclear.state === "fetches") {
    return warning("side-door", subject, {
      seen: `the edge asks the bucket for others, although the zone has the rule “${rule.description}”: ${unclear.text}`,
      impact:
        "if the bucket, or what the edge has kept, shows an image, anybody has it at any size",
      remedy: RULE_WITHOUT_EFFECT,
    });
  }

  const unknown = `whether the side door is open is unknown: ${unclear.text}`;
  // The finding about the rule says what to do.
  const isRuleKnown = rule !== undefined && rule.kind !== "unread";
  const advice = isRuleKnown ? "" : `. To be sure, ${SETUP} blocks it by a rule. By hand: ${RULE}`;
  return note("side-door", subject, unknown + advice);
}

const RULE_WITHOUT_EFFECT =
  "wait a minute if the rule is new, then run the doctor again. If it is the same then, look under Security → Events in Cloudflare's dashboard which rule lets the request pass";

function explainOpenDoor(
  { bucket, key, neighbour, object }: SideDoorSeen,
  { zone, worker, advice }: DoorSettings,
): Pick<Problem, "seen" | "remedy"> {
  const answer = isOpenToNeighbours(neighbour)
    ? `anyone can have images of other buckets transformed: ${neighbour.text}`
    : `anyone can have ${key} at any size, whatever presets and signatures say: ${object.text}`;
  const domain = zone?.name ?? "the domain";
  const narrow = `And ${TRANSFORMATIONS_PAGE} → ${domain} → Sources: replace every wider entry by ${sourceEntryOf(bucket)} (domain, then path), and by those of all other environments and Workers of the zone: npx vitrine check --all prints them. If the bucket is public, close it`;

  const rule = zone?.rule;
  if (rule === undefined || rule.kind === "unread") {
    const remedy = `${SETUP} adds a rule that blocks it. By hand: ${RULE}. ${narrow}${advice}`;
    return { seen: answer, remedy };
  }
  if (!isWrongRule(rule)) {
    const seen = `${answer}, although the zone has the rule “${rule.description}”`;
    return { seen, remedy: `${RULE_WITHOUT_EFFECT}. ${narrow}` };
  }
  const { seen, remedy } = explainRule({ name: domain }, rule, worker);
  return { seen: `${answer}. The cause: ${seen}`, remedy: `${remedy}. ${narrow}` };
}
