// Asks for images at the side door of a bucket: `/cdn-cgi/image/…` on the deployed site, which anybody may request (E10).
// One is an object of a missing bucket, and one that Vitrine serves. That costs nothing, unless the door is open.

import type { Bucket } from "../../worker/config/bucket.ts";
import { failureFor } from "../../worker/edge/codes.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { isPathStyle } from "../config/buckets.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import { askSite } from "./ask-site.ts";

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
  const prefix = `${baseUrl}/cdn-cgi/image/`;

  const neighbourUrl = `${prefix}width=16/${neighbourOf(bucket, absentName)}`;
  const neighbour = await tryDoor(neighbourUrl, isReached);

  // With `origin-auth`, the edge may answer with an image that it has cached for Vitrine (C1).
  const options = "width=16,origin-auth=share-publicly";
  const objectUrl = `${prefix}${options}/${originUrl(bucket.baseUrl, key)}`;
  const object = await tryDoor(objectUrl, isReached);

  return { bucket, about: `${prefix}, for bucket ${bucket.name}`, key, neighbour, object };
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

/** Asks for an image. A state that is not certain is `unknown`, never `blocked`. */
async function tryDoor(url: string, isReached: boolean): Promise<Door> {
  const { pathname } = new URL(url);
  const result = await askSite(url);
  if (isNoAnswer(result)) return { state: "unknown", text: `${pathname}: ${result.reason}` };

  const { status, headers, text: body } = result;
  const resized = headers.get("cf-resized") ?? "";
  const code = edgeCodeOf(resized, body);
  const text = `${pathname} answers ${code ?? status}`;

  if (code === "9401" && status === 403) return { state: "refused", text };

  if (code !== undefined) {
    // Whether the edge looks the host up (9407) before it reads Sources is not known.
    const { event } = failureFor(status, code, "");
    const isFetched = code !== "9407" && FETCHED.test(event);
    return { state: isFetched ? "fetches" : "unknown", text };
  }

  const isTransformed = status === 200 && /^internal=(?:ok|ram)\b/.test(resized);
  if (isTransformed) return { state: "open", text };

  // A challenge is no block: a browser can pass it.
  const isRefusal = status === 403 && !headers.has("cf-mitigated") && isReached;
  const isOfWorker = status === 404 && isOfVitrine(headers);
  const isBlocked = isRefusal || isOfWorker;
  return { state: isBlocked ? "blocked" : "unknown", text };
}

/** The code with which the edge refuses: in the header `cf-resized`, or else in the body. */
function edgeCodeOf(resized: string, body: string): string | undefined {
  const inHeader = /^err=(?<code>\d{4})/.exec(resized);
  const inBody = /^ERROR (?<code>\d{4})\b/.exec(body);
  const match = inHeader ?? inBody;
  return match?.groups?.["code"];
}

/** Returns whether anybody can have images transformed. */
export function isOpenDoor({ neighbour, object }: SideDoorSeen): boolean {
  return isOpenToNeighbours(neighbour) || object.state === "open";
}

export function isOpenToNeighbours({ state }: Door): boolean {
  return state === "open" || state === "fetches";
}

/** Returns whether something blocks every request. */
export function isBlockedDoor({ neighbour, object }: SideDoorSeen): boolean {
  return neighbour.state === "blocked" && object.state === "blocked";
}
