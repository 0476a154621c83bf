// Tries what makes the renditions of a bucket, for /healthz.

import { isRefusal } from "./base/refusal.ts";
import { drop } from "./base/send.ts";
import type { Wanted } from "./cache/rendition-url.ts";
import type { Bucket } from "./config/bucket.ts";
import type { Slot } from "./config/slot.ts";
import { askEdge } from "./edge/ask-edge.ts";
import { readFailure } from "./edge/guard.ts";
import { judge } from "./edge/judge.ts";
import { originUrl } from "./origin/object-url.ts";
import type { Visit } from "./origin/probe.ts";
import { signWith } from "./origin/sign-request.ts";
import { makeBy } from "./renditions.ts";

export type EdgeHealth = {
  /**
   * `on`, `off`, the code of the edge or of the Images binding, `unreachable`, or `no canary`; of two
   * engines, of the one that does not work.
   */
  edge: string;
  /** The status of the answer if it is not a rendition: some codes mean two things. */
  answered?: number;
};

/** Has each engine make a rendition of the canary: always the same one, which is billed once (L2). */
export async function tryEngines(
  bucket: Bucket,
  slot: Slot | undefined,
  visit: Visit,
): Promise<EdgeHealth> {
  const { canary, engines } = bucket;
  if (!canary || !(slot || bucket.r2 || bucket.role)) return { edge: "no canary" };
  const tried = await Promise.all(
    engines.map((engine) =>
      engine === "cf"
        ? tryEdge(bucket, canary, slot, visit.deadline)
        : tryBinding(bucket, canary, visit),
    ),
  );
  return tried.find(({ edge }) => edge !== "on") ?? { edge: "on" };
}

async function tryBinding(bucket: Bucket, key: string, visit: Visit): Promise<EdgeHealth> {
  const made = await makeBy("binding", { bucket, key, ...TINY }, visit);
  if (!isRefusal(made)) return { edge: "on" };
  return { edge: ("edge" in made && made.edge) || made.event };
}

/** What the Images binding is asked to make of the canary. */
const TINY = {
  version: undefined,
  reads: "own",
  variant: {
    preset: "health",
    format: "png",
    avif: false,
    image: { width: 16, fit: "scale-down", metadata: "none", anim: false },
  },
} as const satisfies Omit<Wanted, "bucket" | "key">;

/** Asks the image edge for a rendition of the canary (R1). */
async function tryEdge(
  bucket: Bucket,
  canary: string,
  slot: Slot | undefined,
  deadline: number,
): Promise<EdgeHealth> {
  if (!slot) return { edge: "no canary" };
  const url = originUrl(bucket.base, canary);
  const headers = await signWith(slot, url, bucket.region, Date.now());
  const image = { width: 16, "origin-auth": "share-publicly" } as const;
  const answer = await askEdge(url, headers, image, deadline);
  if (isRefusal(answer)) return { edge: "unreachable" };
  drop(answer.body);
  if (judge(answer).result !== "not-made") return { edge: "on" };
  return { edge: readFailure(answer, TINY).edge ?? "off", answered: answer.status };
}
