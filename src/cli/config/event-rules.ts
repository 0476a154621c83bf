// Whether the rules of an R2 bucket write the events of what Vitrine shows into its queue. R2 refuses a rule whose keys
// overlap with those of another one, whatever its queue and its events are (Q5), so nothing is added to what is there. Pure.

import type { EventRule } from "../wrangler/queues.ts";

export type Coverage =
  | { readonly kind: "covered"; readonly rule: EventRule }
  /** No rule is about a key below the prefix: one can be added. */
  | { readonly kind: "none" }
  /** Rules write into other queues alone. */
  | { readonly kind: "elsewhere"; readonly queues: readonly string[] }
  /** Rules write into a queue of this Worker what happens to a part of the keys. */
  | { readonly kind: "some-keys"; readonly rules: readonly EventRule[] }
  /** A rule is about all keys, and not about all that happens to them. */
  | {
      readonly kind: "some-actions";
      readonly rule: EventRule;
      readonly missing: readonly string[];
    };

/** What R2 calls all that creates, replaces or deletes an object (Q5). */
const ACTIONS = [
  "PutObject",
  "CopyObject",
  "CompleteMultipartUpload",
  "DeleteObject",
  "LifecycleDeletion",
];

/** @param queues those that the Worker reads */
export function coverageOf(
  rules: readonly EventRule[],
  queues: readonly string[],
  prefix: string,
): Coverage {
  const touching = rules.filter(
    (rule) => rule.prefix.startsWith(prefix) || prefix.startsWith(rule.prefix),
  );
  if (touching.length === 0) return { kind: "none" };

  const direct = touching.filter((rule) => queues.includes(rule.queue));
  if (direct.length === 0) {
    const otherQueues = new Set(touching.map((rule) => rule.queue));
    return { kind: "elsewhere", queues: [...otherQueues] };
  }

  const whole = direct.find((rule) => rule.suffix === "" && prefix.startsWith(rule.prefix));
  if (whole === undefined) return { kind: "some-keys", rules: direct };

  const missing = ACTIONS.filter((action) => !whole.actions.includes(action));
  if (missing.length > 0) return { kind: "some-actions", rule: whole, missing };
  return { kind: "covered", rule: whole };
}
