// Checks the side door of each bucket: `/cdn-cgi/image/…` on the deployed site, which anybody may ask (E10). It asks
// for an object of a bucket that does not exist, one beside the prefix, and one that Vitrine serves. That costs
// nothing, unless the door is open.

import { PROTECTION } from "../../worker/answer/answer.ts";
import type { UpstreamEvent } from "../../worker/base/refusal.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { failureFor } from "../../worker/edge/codes.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { bucketsOf, originOf } from "../config/buckets.ts";
import type { Project } from "../config/project.ts";
import type { Body } from "../http/body.ts";
import { type Finding, fail, note, ok, type Result } from "./finding.ts";
import { askSite, type NoAnswer } from "./image.ts";
import type { Sample } from "./objects.ts";

const PLACE = "/cdn-cgi/image/";

/**
 * @param samples an object of each bucket, by the bucket's name, if one is known
 * @param serves whether Vitrine has just shown images: then a plain 403 is not about this machine
 */
export async function checkSideDoors(
  { config }: Project,
  base: string,
  samples: ReadonlyMap<string, Sample>,
  serves: boolean,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const bucket of bucketsOf(config.routes)) {
    const { name, engine } = bucket;
    if (engine !== "cf") continue; // Sources has nothing of it.
    const result = await checkSideDoor(bucket, base, samples.get(name), serves);
    findings.push({ about: `${base}${PLACE}, for bucket ${name}`, bucket: name, ...result });
  }
  return findings;
}

async function checkSideDoor(
  bucket: Bucket,
  base: string,
  sample: Sample | undefined,
  serves: boolean,
): Promise<Result> {
  const ask = async (source: string, option = "") => {
    const path = `${PLACE}width=16${option}/${source}`;
    return readReply(path, await askSite(base + path));
  };
  const { prefix } = bucket;
  const absent = `vitrine-doctor-${crypto.randomUUID()}`;
  const key = sample?.key ?? `${prefix}${absent}.jpg`;
  const { host, url } = neighbourOf(bucket, absent);
  const neighbour = await ask(url);
  const inside = [await ask(originUrl(bucket.base, key))];
  const beside = originUrl(bucket.base, `${prefix.slice(0, -1)}-${absent}.jpg`);
  if (prefix) inside.push(await ask(beside));
  if (sample !== undefined && serves && inside[0]?.did === "fetched") {
    // With this option, the edge may answer from what it has kept for Vitrine (C1).
    const shared = await ask(originUrl(bucket.base, key), ",origin-auth=share-publicly");
    if (shared.did === "transformed") inside.push(shared);
  }
  const { entry } = originOf(bucket);
  return diagnoseDoor({ entry, host, key, neighbour, inside }, serves);
}

/**
 * The URL of an object in another bucket, which does not exist, and the host that all buckets share. With
 * path-style addressing, the other bucket's name begins with this one's: an entry such as `/acme` allows it.
 */
function neighbourOf({ base, bucket }: Bucket, absent: string): { host: string; url: string } {
  const { host, protocol, pathname } = new URL(base);
  if (originOf({ base, bucket, prefix: "" }).shared) {
    return { host, url: `${base.slice(0, -1)}-${absent}/none.jpg` };
  }
  const parent = host.slice(bucket.length + 1);
  return { host: parent, url: `${protocol}//${absent}.${parent}${pathname}none.jpg` };
}

/** What the edge did with a source, and the words for it: `… answers 9404`. */
type Reply = {
  readonly did: "transformed" | "fetched" | "refused" | "blocked" | "passed-on" | "unknown";
  readonly seen: string;
};

/** Events that are possible only if the edge has asked the origin. */
const FETCHED: readonly UpstreamEvent[] = [
  "object-missing",
  "object-denied",
  "source-unreadable",
  "origin-denied",
  "origin-failed",
];

/** Reads an answer about a source. What is not sure is `unknown`, never `refused`. */
function readReply(source: string, answer: Body | NoAnswer): Reply {
  if ("reason" in answer) return { did: "unknown", seen: `${source}: ${answer.reason}` };
  const { status, headers, bytes } = answer;
  const resized = headers.get("cf-resized") ?? "";
  const text = new TextDecoder().decode(bytes.subarray(0, 64));
  const code = /^err=(\d{4})/.exec(resized)?.[1] ?? /^ERROR (\d{4})\b/.exec(text)?.[1]; // R1, R3
  const seen = `${source} answers ${code ?? status}`;
  if (code === undefined) return { did: readStatus(status, headers, resized), seen };
  if (code === "9401" && status === 403) return { did: "refused", seen }; // E5
  // Whether the edge looks the host up before it reads Sources is not known.
  const isFetched = code !== "9407" && FETCHED.includes(failureFor(status, code, "").event);
  return { did: isFetched ? "fetched" : "unknown", seen };
}

function readStatus(status: number, headers: Headers, resized: string): Reply["did"] {
  if (status === 200 && /^internal=(?:ok|ram)\b/.test(resized)) return "transformed";
  const policy = "content-security-policy";
  if (status === 404 && headers.get(policy) === PROTECTION[policy]) return "passed-on";
  // A challenge is no block: a browser can pass it.
  return status === 403 && !headers.has("cf-mitigated") ? "blocked" : "unknown";
}

type Door = {
  /** What to list under Sources, and the host that others may have buckets on. */
  readonly entry: string;
  readonly host: string;
  /** The key of the object inside. */
  readonly key: string;
  /** The answers for another bucket, and for this one: what Vitrine serves, and what is beside the prefix. */
  readonly neighbour: Reply;
  readonly inside: readonly Reply[];
};

const BILL = "$0.50 for 1,000 above the 5,000 a month that are free, without a limit";
const SHUT =
  'block it by a rule: the domain → Security → Security rules → Create rule → Custom rules, with the expression starts_with(http.request.uri.path, "/cdn-cgi/image/") and the action Block';

/** How open the side door of one bucket is. It is shut only if every answer says so. */
function diagnoseDoor({ entry, host, key, neighbour, inside }: Door, serves: boolean): Result {
  const all = [neighbour, ...inside];
  if (neighbour.did === "transformed" || neighbour.did === "fetched") {
    return fail("side-door", {
      seen: `anyone can have images of other buckets at ${host} transformed: ${neighbour.seen}`,
      impact: `each image and size is on your bill: ${BILL}. On the free plan your own new images are 503 when those are used up`,
      remedy: `in Cloudflare's dashboard, Images → Transformations → the domain → Sources: replace every wider entry by ${entry} (domain, then path). And ${SHUT}. If others share the bucket's host: addressing = "virtual", where the provider has it`,
      bearing: "harmless",
    });
  }
  const shown = all.find(({ did }) => did === "transformed");
  if (shown !== undefined) {
    return fail("side-door", {
      seen: `anyone can have ${key} at any size, without Vitrine: ${shown.seen}`,
      impact: `presets and signatures protect nothing then, and each size is on your bill: ${BILL}`,
      remedy: `${SHUT}. If the bucket is public, close it`,
      bearing: "harmless",
    });
  }
  const isShut = ({ did }: Reply) =>
    did === "refused" || did === "passed-on" || (did === "blocked" && serves);
  const unknown = all.find((one) => one.did !== "fetched" && !isShut(one));
  if (unknown !== undefined) {
    return note("side-door", `whether the side door is open is unknown: ${unknown.seen}`);
  }
  const half = all.find(({ did }) => did === "fetched");
  if (half !== undefined) {
    return fail("side-door", {
      severity: "warning",
      seen: `anyone can make the edge ask the bucket for an object: ${half.seen}`,
      impact:
        "each costs one request to the bucket, and no transformation while the bucket is private. Whether others ever get what the edge has kept for Vitrine is not known",
      ...{ remedy: SHUT, bearing: "harmless" },
    });
  }
  const { did, seen } = neighbour;
  const by = did === "passed-on" ? "the Worker itself answers" : "something in front blocks it";
  return ok("side-door", `it is shut at this host: ${did === "refused" ? seen : by}`);
}
