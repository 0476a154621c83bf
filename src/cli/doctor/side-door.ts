// Checks the side door of each bucket: `/cdn-cgi/image/…` on the deployed site, which anybody may request (E10). It asks
// for an object of a missing bucket, and for one that Vitrine serves. That costs nothing, unless the door is open.

import type { Bucket } from "../../worker/config/bucket.ts";
import { failureFor } from "../../worker/edge/codes.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { isPathStyle, sourceEntryOf } from "../config/buckets.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import { askSite } from "./ask-site.ts";
import { error, type Finding, note, ok, type Subject } from "./finding.ts";

const SIDE_DOOR = "/cdn-cgi/image/";
const RULE =
  'block it by a rule: the domain → Security → Security rules → Create rule → Custom rules, with the expression starts_with(http.request.uri.path, "/cdn-cgi/image/") and the action Block';

/** What the edge does with a source. `fetches`: it asks the origin, and gets no image. */
type DoorState = "open" | "fetches" | "shut" | "unknown";

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

  // The origin is not among the zone's Sources (E5).
  if (code === "9401" && status === 403) return { state: "shut", text };

  if (code !== undefined) {
    // Whether the edge looks the host up (9407) before it reads Sources is not known.
    const isFetched = code !== "9407" && FETCHED.test(failureFor(status, code, "").event);
    return { state: isFetched ? "fetches" : "unknown", text };
  }
  if (status === 200 && /^internal=(?:ok|ram)\b/.test(resized)) return { state: "open", text };

  // A challenge is no block: a browser can pass it.
  const isBlocked = status === 403 && !headers.has("cf-mitigated") && isReached;
  const isRefused = status === 404 && isOfVitrine(headers);
  return { state: isBlocked || isRefused ? "shut" : "unknown", text };
}

export function checkSideDoor({ bucket, about, key, neighbour, object }: SideDoorSeen): Finding {
  const subject: Subject = { about, bucket: bucket.name };
  const isOpenToNeighbours = neighbour.state === "open" || neighbour.state === "fetches";

  if (isOpenToNeighbours || object.state === "open") {
    const seen = isOpenToNeighbours
      ? `anyone can have images of other buckets transformed: ${neighbour.text}`
      : `anyone can have ${key} at any size, whatever presets and signatures say: ${object.text}`;
    return error("side-door", subject, {
      seen,
      impact:
        "each image and size is on your bill: $0.50 for 1,000 above the 5,000 a month that are free, without a limit. On the free plan your own new images are 503 when those are used up",
      remedy: `in Cloudflare's dashboard, Images → Transformations → the domain → Sources: replace every wider entry by ${sourceEntryOf(bucket)} (domain, then path), and by those of all other environments and Workers of the zone: npx vitrine check --all prints them. And ${RULE}. If the bucket is public, close it`,
    });
  }

  const unclear = [neighbour, object].find(({ state }) => state !== "shut");
  if (unclear === undefined) {
    return ok("side-door", subject, `it is shut at this host: ${neighbour.text}`);
  }
  const seen = `whether the side door is open is unknown: ${unclear.text}. To be sure, ${RULE}`;
  return note("side-door", subject, seen);
}
