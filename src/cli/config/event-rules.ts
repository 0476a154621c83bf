// Whether the rules of an R2 bucket write the events of what Vitrine shows into its queue, and what is to be done if they do
// not. R2 refuses a rule whose keys and events overlap with those of another one (Q5). Others write that it goes by the keys
// alone: so a deploy adds nothing to rules that are there, and advice says what to do if R2 refuses. Pure.

import { EVENT_KINDS, type EventKind, type EventRule } from "../wrangler/queues.ts";

export type Coverage =
  /** `queues`: those of this Worker that get the events. */
  | { readonly kind: "covered"; readonly queues: readonly string[] }
  /** No rule is about a key below the prefix: one can be added. */
  | { readonly kind: "none" }
  /** Rules write into other queues alone. */
  | { readonly kind: "elsewhere"; readonly queues: readonly string[] }
  /** Rules write into a queue of this Worker what happens to a part of the keys. */
  | { readonly kind: "some-keys"; readonly rules: readonly EventRule[] }
  /** Rules are about all keys, and all together not about all that happens to them. */
  | {
      readonly kind: "some-actions";
      readonly queues: readonly string[];
      readonly missing: readonly string[];
    };

/** What R2 calls all that creates, replaces or deletes an object, by the kind in a command of wrangler (Q5). */
const ACTIONS_OF: Readonly<Record<EventKind, readonly string[]>> = {
  "object-create": ["PutObject", "CopyObject", "CompleteMultipartUpload"],
  "object-delete": ["DeleteObject", "LifecycleDeletion"],
};
const ACTIONS = EVENT_KINDS.flatMap((kind) => ACTIONS_OF[kind]);

/** @param queues those that the Worker reads */
export function coverageOf(
  rules: readonly EventRule[],
  queues: readonly string[],
  prefix: string,
): Coverage {
  const touching = rules.filter((rule) => isTouching(rule, prefix));
  if (touching.length === 0) return { kind: "none" };

  const direct = touching.filter((rule) => queues.includes(rule.queue));
  if (direct.length === 0) return { kind: "elsewhere", queues: queuesOf(touching) };

  const whole = direct.filter((rule) => isWhole(rule, prefix));
  if (whole.length === 0) return { kind: "some-keys", rules: direct };

  const missing = missingActions(direct, prefix);
  if (missing.length > 0) return { kind: "some-actions", queues: queuesOf(whole), missing };
  return { kind: "covered", queues: queuesOf(whole) };
}

/** What leads to rules that cover all. */
export type Repair = {
  /** Rules of this Worker that are taken away first, because the new rule overlaps with them. */
  readonly removals: readonly EventRule[];
  /** What the new rule is about; empty: none can be added. */
  readonly kinds: readonly EventKind[];
  /** All rules of this Worker about these keys. */
  readonly present: readonly EventRule[];
  /** Other queues that get what is missing, or a part of it. */
  readonly otherQueues: readonly string[];
  /** Whether these get all that is missing. */
  readonly isAllElsewhere: boolean;
};

/** @param queues those that the Worker reads */
export function repairOf(
  rules: readonly EventRule[],
  queues: readonly string[],
  prefix: string,
): Repair {
  const touching = rules.filter((rule) => isTouching(rule, prefix));
  const present = touching.filter((rule) => queues.includes(rule.queue));
  const missing = missingActions(present, prefix);

  const others = touching.filter((rule) => !queues.includes(rule.queue) && isAbout(rule, missing));
  if (others.length > 0) {
    // Without the other queue's owner, only what no rule is about can be added.
    const left = missingActions(others, prefix);
    return {
      removals: [],
      kinds: kindsOf(missing).filter((kind) => !isAnyAbout(touching, kind)),
      present,
      otherQueues: queuesOf(others),
      isAllElsewhere: !missing.some((action) => left.includes(action)),
    };
  }

  // wrangler makes rules of whole kinds. Where a rule has a part of one, what else it has must be made again.
  const missingKinds = kindsOf(missing);
  const rest = present.filter((rule) => !isAboutKinds(rule, missingKinds));
  const kinds = kindsOf(missingActions(rest, prefix));

  return {
    removals: present.filter((rule) => isAboutKinds(rule, kinds)),
    kinds,
    present,
    otherQueues: [],
    isAllElsewhere: false,
  };
}

function isAnyAbout(rules: readonly EventRule[], kind: EventKind): boolean {
  return rules.some((rule) => isAbout(rule, ACTIONS_OF[kind]));
}

/** Returns whether a rule is about any key below the prefix. */
function isTouching(rule: EventRule, prefix: string): boolean {
  return rule.prefix.startsWith(prefix) || prefix.startsWith(rule.prefix);
}

/** Returns whether a rule is about all keys below the prefix. */
function isWhole(rule: EventRule, prefix: string): boolean {
  return rule.suffix === "" && prefix.startsWith(rule.prefix);
}

/** What no rule has for all keys below the prefix. */
function missingActions(rules: readonly EventRule[], prefix: string): readonly string[] {
  const whole = rules.filter((rule) => isWhole(rule, prefix));
  const present = new Set(whole.flatMap((rule) => rule.actions));
  return ACTIONS.filter((action) => !present.has(action));
}

function kindsOf(actions: readonly string[]): readonly EventKind[] {
  return EVENT_KINDS.filter((kind) => {
    const actionsOfKind = ACTIONS_OF[kind];
    return actionsOfKind.some((action) => actions.includes(action));
  });
}

function isAboutKinds(rule: EventRule, kinds: readonly EventKind[]): boolean {
  const actions = kinds.flatMap((kind) => ACTIONS_OF[kind]);
  return isAbout(rule, actions);
}

/** A rule whose actions have other names than those known here may be about all. */
function isAbout(rule: EventRule, actions: readonly string[]): boolean {
  const actionsOfRule = rule.actions.filter((action) => ACTIONS.includes(action));
  if (actionsOfRule.length === 0) return true;
  return actionsOfRule.some((action) => actions.includes(action));
}

function queuesOf(rules: readonly EventRule[]): readonly string[] {
  return [...new Set(rules.map((rule) => rule.queue))];
}
