// What is to be seen from outside while keys are rotated: the health of the slots, and images.

import { type Fault, isFault, type World } from "../command.ts";
import { reasonOf } from "../net/body.ts";
import { type BucketSeen, seeHealth } from "./health-check.ts";
import type { Plan } from "./plan.ts";
import { type Ends, unmet, type Wanted } from "./steps.ts";

/** Waits so many milliseconds, or until it is interrupted. */
export type Sleep = (ms: number, interrupted: AbortSignal) => Promise<void>;

export type Seen = {
  /** Of the buckets that it is about. */
  readonly health: readonly BucketSeen[] | Fault;
  /** Of the others, which another key opens. */
  readonly elsewhere: readonly BucketSeen[];
  /** The images that did not come, and what came in their place. */
  readonly failed: readonly string[];
};

/** Milliseconds that an image may take. */
const PATIENCE_MS = 30_000;

/** Looks once. */
export async function look({ interrupted, now }: World, plan: Plan): Promise<Seen> {
  const [health, ...images] = await Promise.all([
    seeHealth(plan.base, plan.token, interrupted),
    ...plan.images.map(async (image) => {
      const url = await image(now());
      return isFault(url) ? url.fault : askImage(url, interrupted);
    }),
  ]);
  const failed = images.filter((failure) => failure !== undefined);
  if (isFault(health)) return { health, elsewhere: [], failed };
  const chosen = choose(health, plan);
  const elsewhere = health.filter(
    ({ bucket }) => !plan.buckets.some(({ name }) => name === bucket),
  );
  return { health: chosen, elsewhere, failed };
}

function choose(health: readonly BucketSeen[], { buckets, base }: Plan) {
  const known = health.filter(({ bucket }) => buckets.some(({ name }) => name === bucket));
  const missing = buckets.find(({ name }) => !known.some(({ bucket }) => bucket === name));
  if (missing === undefined) return known;
  return {
    fault: `${base}/healthz has no bucket "${missing.name}": deploy this wrangler.toml first`,
  };
}

/** @returns what is wrong, if anything is */
async function askImage(url: string, interrupted: AbortSignal): Promise<string | undefined> {
  const shown = url.replace(/\?.*/s, ""); // a signature opens what it is of
  try {
    const answer = await fetch(url, {
      headers: { accept: "image/webp,image/*" },
      redirect: "manual",
      signal: AbortSignal.any([interrupted, AbortSignal.timeout(PATIENCE_MS)]),
    });
    await answer.arrayBuffer();
    const type = answer.headers.get("content-type") ?? "no type";
    if (answer.status === 200 && type.startsWith("image/")) return undefined;
    return `${shown} answers ${answer.status}${answer.status === 200 ? `, ${type}` : ""}`;
  } catch (error) {
    return `${shown} does not answer: ${reasonOf(error)}`;
  }
}

export type Patience = {
  /** For how long what is right has to last: seconds. */
  readonly lasting: number;
  /** How many looks may find something wrong. */
  readonly tries: number;
  /** Whether images come all the time, or will come since they failed before, or are of no matter yet. */
  readonly images: "come" | "will come" | "may fail";
  readonly sleep: Sleep;
  /** Is told what is waited for. */
  readonly tell: (line: string) => void;
};

/** What is not as it must be, all of it in `fault`. */
export type Unsettled = Fault & {
  /** What was seen last; undefined where it could not be. */
  readonly health: readonly BucketSeen[] | undefined;
  /** What is wrong with the slots. */
  readonly slots: readonly string[];
};

/** How many looks in a row may find images that fail: more, and visitors are without them. */
const MOST_FAILED = 3;

/**
 * Looks again and again until all is as it must be, and has been for so long.
 * @returns the health that was seen last, or what is not as it must be
 */
export async function settle(
  world: World,
  plan: Plan,
  wanted: Wanted,
  ends: Ends,
  { lasting, tries, images, sleep, tell }: Patience,
): Promise<readonly BucketSeen[] | Unsettled> {
  const every = plan.local ? 0.25 : 2; // seconds
  let left = tries;
  let lasted = 0;
  let failures = 0;
  for (;;) {
    const { health, failed } = await look(world, plan);
    if (world.interrupted.aborted) return { fault: "interrupted", health: undefined, slots: [] };
    const slots = isFault(health) ? [] : unmet(health, wanted, ends);
    const wrong = [
      ...(isFault(health) ? [health.fault] : slots),
      ...(images === "may fail" ? [] : failed),
    ];
    if (!isFault(health) && wrong.length === 0) {
      if (lasted >= lasting) return health;
      tell(`All is well; watching for ${Math.ceil(lasting - lasted)} s more`);
      lasted += every;
      failures = 0;
    } else {
      failures = failed.length > 0 && images === "come" ? failures + 1 : 0;
      left -= 1;
      lasted = 0;
      if (left <= 0 || failures >= MOST_FAILED) {
        return { fault: wrong.join("\n"), health: isFault(health) ? undefined : health, slots };
      }
      tell(`Waiting: ${wrong.join("; ")}`);
    }
    await sleep(every * 1000, world.interrupted);
  }
}
