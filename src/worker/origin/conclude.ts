// What S3 did with a request: whether it accepted what signed, and what a denial means. Pure.

import { type Denied, isRefusal, type Refusal } from "../base/refusal.ts";
import type { Verdict } from "./verdict.ts";

/** What a denial means, now that it is known whose fault it is. */
export function conclude(
  { said: _said, ...denied }: Denied,
  verdict: Verdict,
  certain: boolean,
): Refusal {
  const { origin, reason } = verdict;
  switch (verdict.fault) {
    case "object": {
      const missing = origin === "NoSuchKey" || origin === "404";
      const event = missing ? "object-missing" : "object-denied";
      return { ...denied, event, origin, reason, certain };
    }
    case "none": {
      const alone = "S3 gives it to the Worker, not to the edge; or an overlay is denied";
      return { ...denied, reason: alone };
    }
    case "slot":
    case "setup":
    case "unknown":
      return { ...denied, origin, reason };
  }
}

/** Returns whether S3 accepted what signed: it gave the object, or said what is wrong with the object. */
export function hasServed(made: object | Refusal): boolean {
  if (!isRefusal(made)) return true;
  return made.event === "object-missing" || made.event === "source-unreadable";
}
