// Looks again and again until everything is as it must be, and has been for a while.

import { isFault } from "../command.ts";
import type { Rotation } from "./plan.ts";
import { type Health, isOutage, type Seen } from "./slots.ts";
import type { Deviation } from "./steps.ts";

export type Patience = Progress & {
  /** Says which slots are not as they must be. */
  readonly wrongIn: (health: Health) => readonly Deviation[];
  /** How long everything must stay right: seconds. */
  readonly lasting: number;
  /** How many looks may find something wrong. */
  readonly looks: number;
  /** `must come`: all the time. `will come`: they failed before. `may fail`: they do not matter yet. */
  readonly images: "must come" | "will come" | "may fail";
};

/** Why a step cannot begin, or did not succeed. */
export type Trouble = {
  readonly cause: "no-health" | "outage" | "slots" | "images";
  readonly wrong: readonly Deviation[];
  /** What failed, in words: images, or `/healthz`. */
  readonly failed: readonly string[];
  readonly health: Health;
};

export type Progress = {
  readonly watching: (seconds: number) => void;
  readonly waiting: (trouble: Trouble) => void;
};

/** How many looks in a row may find that images fail. After more, visitors would miss them. */
const MOST_FAILED = 3;

/** @returns what was seen last, or what is still wrong; undefined if it was interrupted */
export async function settle(
  { world: { interrupted }, plan, tools, observe }: Rotation,
  { wrongIn, lasting, looks, images, watching, waiting }: Patience,
): Promise<Health | Trouble | undefined> {
  const every = plan.local ? 0.25 : 2; // seconds
  let left = looks;
  let lasted = 0;
  let failures = 0;
  for (;;) {
    const seen = await observe();
    if (interrupted.aborted) return undefined;
    const found = judge(images === "may fail" ? { ...seen, failed: [] } : seen, wrongIn);
    if ("cause" in found) {
      failures = seen.failed.length > 0 && images === "must come" ? failures + 1 : 0;
      left -= 1;
      lasted = 0;
      if (left <= 0 || failures >= MOST_FAILED) return found;
      waiting(found);
    } else {
      if (lasted >= lasting) return found;
      watching(Math.ceil(lasting - lasted));
      lasted += every;
      failures = 0;
    }
    await tools.sleep(every * 1000, interrupted);
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
