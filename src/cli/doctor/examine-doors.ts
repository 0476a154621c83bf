// Asks the deployed site for `/cdn-cgi/image/…`, as anybody may (E10): for an object in a bucket that does not
// exist, one beside the prefix, and one that Vitrine serves. It costs nothing, unless the door is open.

import type { Bucket } from "../../worker/config/bucket.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { bucketsOf, originOf } from "../config/buckets.ts";
import type { Project } from "../config/project.ts";
import { askSite } from "./ask-site.ts";
import { diagnoseDoor, type Said, saidBy } from "./diagnose-door.ts";
import type { Sample } from "./examine-objects.ts";
import type { Finding } from "./finding.ts";

const PLACE = "/cdn-cgi/image/";

/**
 * Examines the side door of each bucket.
 * @param samples an object of each bucket, by the bucket's name, if one is known
 * @param serves whether Vitrine has just shown images
 */
export async function examineDoors(
  { config }: Project,
  base: string,
  samples: ReadonlyMap<string, Sample>,
  serves: boolean,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const bucket of bucketsOf(config.routes)) {
    const { name, engine } = bucket;
    if (engine !== "cf") continue; // Sources has nothing of it.
    const diagnosis = await examineDoor(bucket, base, samples.get(name), serves);
    findings.push({ about: `${base}${PLACE}, for bucket ${name}`, bucket: name, ...diagnosis });
  }
  return findings;
}

async function examineDoor(
  bucket: Bucket,
  base: string,
  sample: Sample | undefined,
  serves: boolean,
) {
  const ask = async (source: string, more = ""): Promise<Said> => {
    const path = `${PLACE}width=16${more}/${source}`;
    return saidBy(path, await askSite(base + path, {}));
  };
  const { prefix } = bucket;
  const absent = `vitrine-doctor-${crypto.randomUUID()}`;
  const key = sample?.key ?? `${prefix}${absent}.jpg`;
  const { host, url } = neighbourOf(bucket, absent);
  const neighbour = await ask(url);
  const beside = prefix
    ? await ask(originUrl(bucket.base, `${prefix.slice(0, -1)}-${absent}.jpg`))
    : undefined;
  const inside = [await ask(originUrl(bucket.base, key))];
  if (sample !== undefined && serves && inside[0]?.did === "fetched") {
    // With this option, the edge may answer from what it has kept for Vitrine (C1).
    const kept = await ask(originUrl(bucket.base, key), ",origin-auth=share-publicly");
    if (kept.did === "transformed") inside.push(kept);
  }
  const { entry } = originOf(bucket);
  return diagnoseDoor({ entry, host, key, neighbour, beside, inside }, serves);
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
