// Checks the side door of each bucket: `/cdn-cgi/image/…` on the deployed site, which anybody may request (E10). It asks
// for an object of a missing bucket, and for one that Vitrine serves. That costs nothing, unless the door is open.

import type { Bucket } from "../../worker/config/bucket.ts";
import { failureFor } from "../../worker/edge/codes.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { isPathStyle, sourceEntryOf } from "../config/buckets.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import type { Sample } from "./bucket.ts";
import { note, ok, problem, type Result } from "./finding.ts";
import { askSite } from "./image.ts";

export const SIDE_DOOR = "/cdn-cgi/image/";
const RULE =
  'block it by a rule: the domain → Security → Security rules → Create rule → Custom rules, with the expression starts_with(http.request.uri.path, "/cdn-cgi/image/") and the action Block';
const IMPACT =
  "each image and size is on your bill: $0.50 for 1,000 above the 5,000 a month that are free, without a limit. On the free plan your own new images are 503 when those are used up";

/**
 * @param sample an object of the bucket, if one is known
 * @param hasShownImages whether Vitrine has just shown images: if so, a plain 403 is not a block of this machine
 */
export async function checkSideDoor(
  bucket: Bucket,
  baseUrl: string,
  sample: Sample | undefined,
  hasShownImages: boolean,
): Promise<Result> {
  const absentName = `vitrine-doctor-${crypto.randomUUID()}`;
  const key = sample?.key ?? `${bucket.prefix}${absentName}.jpg`;
  const prefix = baseUrl + SIDE_DOOR;
  const neighbourUrl = `${prefix}width=16/${neighbourOf(bucket, absentName)}`;
  const neighbour = await trySideDoor(neighbourUrl, hasShownImages);
  // With `origin-auth`, the edge may answer with an image that it has cached for Vitrine (C1).
  const options = "width=16,origin-auth=share-publicly";
  const objectUrl = `${prefix}${options}/${originUrl(bucket.baseUrl, key)}`;
  const object = await trySideDoor(objectUrl, hasShownImages);
  const isOpenToNeighbours = neighbour.state === "open" || neighbour.state === "fetches";
  if (isOpenToNeighbours || object.state === "open") {
    const seen = isOpenToNeighbours
      ? `anyone can have images of other buckets transformed: ${neighbour.seen}`
      : `anyone can have ${key} at any size, whatever presets and signatures say: ${object.seen}`;
    const remedy = `in Cloudflare's dashboard, Images → Transformations → the domain → Sources: replace every wider entry by ${sourceEntryOf(bucket)} (domain, then path). And ${RULE}. If the bucket is public, close it`;
    return problem("side-door", { seen, impact: IMPACT, remedy, bearing: "harmless" });
  }
  const unclear = [neighbour, object].find(({ state }) => state !== "shut");
  if (unclear === undefined) return ok("side-door", `it is shut at this host: ${neighbour.seen}`);
  const seen = `whether the side door is open is unknown: ${unclear.seen}. To be sure, ${RULE}`;
  return note("side-door", seen);
}

/**
 * The URL of an object in a bucket that does not exist. With path-style addressing, the name of that bucket begins
 * with the name of this one: an entry such as `/acme` in Sources allows both.
 */
function neighbourOf(bucket: Bucket, absentName: string): string {
  const { baseUrl } = bucket;
  return isPathStyle(bucket)
    ? `${baseUrl.slice(0, -1)}-${absentName}/none.jpg`
    : `${baseUrl.replace(`//${bucket.bucket}.`, `//${absentName}.`)}none.jpg`;
}

/** Events that are possible only if the edge has asked the origin. */
const FETCHED = /^(?:object-(?:missing|denied)|source-unreadable|origin-(?:denied|failed))$/;

/** What the edge does with a source. `fetches`: it asks the origin, and gets no image. */
type State = "open" | "fetches" | "shut" | "unknown";

/** Asks for an image. A state that is not certain is `unknown`, never `shut`. */
async function trySideDoor(url: string, hasShownImages: boolean) {
  const result = await askSite(url);
  const { pathname } = new URL(url);
  const stateOf = (state: State, seen: string) => ({ state, seen });
  if (isNoAnswer(result)) return stateOf("unknown", `${pathname}: ${result.reason}`);

  const { status, headers, text } = result;
  const resized = headers.get("cf-resized") ?? "";
  const code = /^err=(\d{4})/.exec(resized)?.[1] ?? /^ERROR (\d{4})\b/.exec(text)?.[1]; // R1, R3
  const seen = `${pathname} answers ${code ?? status}`;

  if (code === "9401" && status === 403) return stateOf("shut", seen); // E5
  if (code !== undefined) {
    // Whether the edge looks the host up before it reads Sources is not known.
    const isFetched = code !== "9407" && FETCHED.test(failureFor(status, code, "").event);
    return stateOf(isFetched ? "fetches" : "unknown", seen);
  }
  if (status === 200 && /^internal=(?:ok|ram)\b/.test(resized)) return stateOf("open", seen);

  // A challenge is no block: a browser can pass it.
  const isBlocked = status === 403 && !headers.has("cf-mitigated") && hasShownImages;
  const isRefused = status === 404 && isOfVitrine(headers);
  return stateOf(isBlocked || isRefused ? "shut" : "unknown", seen);
}
