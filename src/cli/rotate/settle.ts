// Looks again and again until everything is as it must be, and has been for a while.

import { isFault } from "../command.ts";
import { observe } from "./observe.ts";
import type { Rotation } from "./plan.ts";
import { type Health, isOutage, type Seen } from "./slots.ts";
import type { Deviation } from "./steps.ts";

type Patience = {
  /** Says which slots are not as they must be. */
  readonly wrongIn: (health: Health) => readonly Deviation[];
  /** How long everything must stay right: seconds. */
  readonly lasting: number;
  /** How many looks may find something wrong. */
  readonly looks: number;
  /** `must come`: all the time. `will come`: they failed before. `may fail`: they do not matter yet. */
  readonly images: "must come" | "will come" | "may fail";
  /** Is told how many seconds it still has to watch, or what it waits for. */
  readonly tell: (state: number | Trouble) => void;
};

/** Why a step cannot begin, or did not succeed. */
export type Trouble = {
  readonly cause: "no-health" | "outage" | "slots" | "images";
  readonly wrong: readonly Deviation[];
  /** What failed, in words: images, or `/healthz`. */
  readonly failed: readonly string[];
  readonly health: Health;
};

/** How many looks in a row may find that images fail. After more, visitors would miss them. */
const MOST_FAILED = 3;

/** @returns what was seen last, or what is still wrong; undefined if it was interrupted */
export async function settle(
  { world, plan, tools }: Rotation,
  { wrongIn, lasting, looks, images, tell }: Patience,
): Promise<Health | Trouble | undefined> {
  const every = plan.local ? 0.25 : 2; // seconds
  let left = looks;
  let lasted = 0;
  let failures = 0;
  for (;;) {
    const seen = await observe(world, plan);
    if (world.interrupted.aborted) return undefined;
    const found = judge(images === "may fail" ? { ...seen, failed: [] } : seen, wrongIn);
    if ("cause" in found) {
      failures = seen.failed.length > 0 && images === "must come" ? failures + 1 : 0;
      left -= 1;
      lasted = 0;
      if (left <= 0 || failures >= MOST_FAILED) return found;
      tell(found);
    } else {
      if (lasted >= lasting) return found;
      tell(Math.ceil(lasting - lasted));
      lasted += every;
      failures = 0;
    }
    await tools.sleep(every * 1000, world.interrupted);
  }
}

function judge({ health, failed }: Seen, wrongIn: Patience["wrongIn"]): Health | Trouble {
  if (isFault(health)) {
    return { cause: "no-health", wrong: [], failed: [health.fault, ...failed], health: [] };
  }
  const wrong = wrongIn(health);
  if (wrong.length === 0 && failed.length === 0) return health;
  const isDown = health.some(({ slots }) => slots.some(isOutage));
  const cause = isDown ? "outage" : wrong.length > 0 ? "slots" : "images";
  return { cause, health, wrong, failed };
}
