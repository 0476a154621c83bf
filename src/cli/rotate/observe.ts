// Looks at a Vitrine from outside while keys are rotated: the health of its slots, and images.

import { type Fault, isFault, type World } from "../command.ts";
import { askHealth } from "../http/ask-health.ts";
import { isOutOfCache } from "../http/ask-picture.ts";
import { reasonOf } from "../http/body.ts";
import type { Plan } from "./plan.ts";
import type { BucketSeen, Seen } from "./slots.ts";

/** A bucket as /healthz tells it, with what the edge makes of its canary. */
type Told = BucketSeen & { readonly edge: string };

export async function observe({ interrupted, now }: World, plan: Plan): Promise<Seen> {
  const [health, ...images] = await Promise.all([
    seeHealth(plan, interrupted),
    ...plan.images.map(async (image) => {
      const url = await image(now());
      return isFault(url) ? url.fault : askImage(url, plan, interrupted);
    }),
  ]);
  const came = images.filter((image) => typeof image === "string");
  if (isFault(health)) return { health, elsewhere: [], failed: came };
  const names = new Set(plan.buckets.map(({ name }) => name));
  const own = health.filter(({ bucket }) => names.has(bucket));
  const failed = [...came, ...(images.includes(KEPT) ? edgeFaults(plan, own) : [])];
  const elsewhere = health.filter(({ bucket }) => !names.has(bucket));
  const missing = [...names].find((name) => !own.some(({ bucket }) => bucket === name));
  if (missing === undefined) return { health: own, elsewhere, failed };
  const fault = `${plan.base}/healthz has no bucket "${missing}". Deploy this ${plan.place.file} first`;
  return { health: { fault }, elsewhere, failed };
}

async function seeHealth(
  { base, token }: Plan,
  interrupted: AbortSignal,
): Promise<readonly Told[] | Fault> {
  const health = await askHealth(base, token, interrupted);
  const url = `${base}/healthz`;
  if (!("buckets" in health)) return { fault: `${url}: ${health.reason}` };
  const slots = health.buckets.flatMap((bucket) => bucket.slots);
  if (slots.some(({ state, access_key: end }) => state !== "incomplete" && end === undefined)) {
    const fault = "does not name the key of a slot. Deploy this version of Vitrine first";
    return { fault: `${url} ${fault}` };
  }
  return health.buckets.map(({ bucket, slots, edge }) => ({
    bucket,
    edge,
    slots: slots.map(({ slot, state, access_key: end }) => {
      return { slot, state, end: state === "incomplete" ? undefined : end };
    }),
  }));
}

/** How long an image may take: ms. */
const PATIENCE_MS = 30_000;

/** An image that came out of Workers Cache: it would come as well if nothing worked behind it (W8). */
const KEPT = Symbol("kept");

/** What the health of the edge says, where a kept image says nothing. Without a canary it is not known. */
function edgeFaults({ base }: Plan, buckets: readonly Told[]): string[] {
  return buckets
    .filter(({ edge }) => edge !== "on" && edge !== "no canary")
    .map(
      ({ bucket, edge }) => `${base}/healthz: the edge answers ${edge} for the canary of ${bucket}`,
    );
}

/** @returns what is wrong; KEPT, or undefined if an image was made */
async function askImage(
  url: string,
  { signedFrom }: Pick<Plan, "signedFrom">,
  interrupted: AbortSignal,
): Promise<string | typeof KEPT | undefined> {
  const shown = url.replace(/\?.*/s, ""); // A signature is a credential: never print it.
  try {
    const answer = await fetch(url, {
      headers: { accept: "image/webp,image/*" },
      redirect: "manual",
      signal: AbortSignal.any([interrupted, AbortSignal.timeout(PATIENCE_MS)]),
    });
    await answer.arrayBuffer();
    const type = answer.headers.get("content-type") ?? "no type";
    if (answer.status === 200 && type.startsWith("image/")) {
      return isOutOfCache(answer.headers) ? KEPT : undefined;
    }
    if (answer.status === 404 && url !== shown) {
      const signed = `it was signed with URL_SIGNING_KEYS of ${signedFrom}`;
      return `${shown} answers 404: ${signed}, which may not be the deployed ones`;
    }
    return `${shown} answers ${answer.status}${answer.status === 200 ? `, ${type}` : ""}`;
  } catch (error) {
    return `${shown} does not answer: ${reasonOf(error)}`;
  }
}
