// Asks a second time after a failure that may be over soon, such as a busy origin (A9).

import { isRefusal, type Refusal } from "../base/refusal.ts";
import type { Asked } from "../request/format.ts";

/** How long to wait before a failing origin is asked again: ms. */
const PAUSE_MS = 300;

/**
 * Makes a rendition, and tries once more after a pause if the failure may be over by then. So a failing
 * origin is asked for one object at most twice. The second time, the edge is not asked to describe the
 * original.
 * @param deadline ms since 1970. If it leaves no time to ask again, the failure is returned
 */
export async function tryTwice<Made extends object>(
  asked: Asked,
  deadline: number,
  make: (asked: Asked) => Promise<Made | Refusal>,
): Promise<Made | Refusal> {
  const first = await make(asked);
  const isPassing = isRefusal(first) && "passing" in first && first.passing;
  if (!isPassing || Date.now() + PAUSE_MS >= deadline) return first;
  await scheduler.wait(PAUSE_MS);
  return make({ ...asked, original: "unknown" });
}
