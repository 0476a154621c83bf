// Which custom rules of a zone shut the side door, and what ours has to be. test/support has the account that runs them.

import { expect, test } from "vitest";
import {
  type CustomRule,
  type DoorNeed,
  doorExpression,
  doorRuleDescription,
  judgeDoor,
} from "../../../src/cli/zone/door-rule.ts";

const IMAGES = "images.example.com";
const ORIGIN = ["acme.s3.eu-west-1.amazonaws.com"];
const SHARED = ["s3.eu-central-1.wasabisys.com", "acme"];
const NEED: DoorNeed = { hosts: [IMAGES], origins: [ORIGIN, SHARED], isZoneWide: false };
const OWN = doorRuleDescription("acme");
const BY_HAND = 'starts_with(http.request.uri.path, "/cdn-cgi/image/")';

const rule = (change: Partial<CustomRule>): CustomRule => ({
  ...{ id: "1", action: "block", description: "by hand", expression: BY_HAND },
  ...{ isEnabled: true, skipsOthers: false },
  ...change,
});
const ownRule = (need: DoorNeed, change: Partial<CustomRule> = {}) =>
  rule({ id: "7", description: OWN, expression: doorExpression(need), ...change });
const skip = rule({ action: "skip", description: "office", skipsOthers: true });

const judge = (rules: readonly CustomRule[], need = NEED) =>
  judgeDoor({ id: "set", rules }, need, "acme", 5);

const SHUT: readonly (readonly [string, readonly CustomRule[]])[] = [
  ["the docs' rule", [rule({})]],
  ["in parentheses, as the dashboard writes it", [rule({ expression: `(${BY_HAND})` })]],
  ["on two lines", [rule({ expression: BY_HAND.replace(", ", ",\n   ") })]],
  ["our own", [ownRule(NEED)]],
  ["our own for more hosts", [ownRule({ ...NEED, hosts: ["old.example.com", IMAGES] })]],
  ["our own for all hosts", [ownRule({ ...NEED, hosts: ["*.example.com"] })]],
  ["our own for the whole zone", [ownRule({ ...NEED, isZoneWide: true })]],
  [
    "two rules together, such as of two environments",
    [ownRule({ ...NEED, origins: [] }), ownRule({ ...NEED, hosts: ["staging.example.com"] })],
  ],
  ["in front of a rule that skips others", [ownRule(NEED), skip]],
  ["behind such a rule that is off", [{ ...skip, isEnabled: false }, ownRule(NEED)]],
];

test.each(SHUT)("the door is shut: %s (E10)", (_name, rules) => {
  expect(judge(rules)).toMatchObject({ kind: "shut" });
});

const MISSING: readonly (readonly [string, readonly CustomRule[]])[] = [
  ["no rule", []],
  ["a rule that is off", [rule({ isEnabled: false })]],
  ["a rule that only challenges", [rule({ action: "managed_challenge" })]],
  ["behind a rule that skips others", [skip, rule({})]],
  [
    "on one host, as the origin is open on the others",
    [rule({ expression: `${BY_HAND} and http.host eq "${IMAGES}"` })],
  ],
  ["another path", [rule({ expression: BY_HAND.replace("image", "media") })]],
  ["with an exception", [rule({ expression: `${BY_HAND} and ip.src ne 192.0.2.1` })]],
  [
    "parentheses that do not belong together",
    [rule({ expression: `(${BY_HAND}) and (ip.src ne 192.0.2.1)` })],
  ],
];

test.each(MISSING)("our own is added: %s (E10)", (_name, rules) => {
  const expression = doorExpression(NEED);
  expect(judge(rules)).toEqual({ kind: "missing", rulesetId: "set", expression });
});

test("without a ruleset, our own is added to a new one", () => {
  const state = judgeDoor({ id: undefined, rules: [] }, NEED, "acme", 5);
  expect(state).toMatchObject({ kind: "missing", rulesetId: undefined });
});

const foreign = rule({ expression: "ip.src eq 192.0.2.1" });

test.each([
  [5, 5, "full"],
  [4, 5, "missing"],
  [20, 20, "full"],
  [5, undefined, "missing"],
] as const)("of %d rules with room for %s: %s", (count, maxRules, kind) => {
  const rules = Array.from({ length: count }, () => foreign);
  expect(judgeDoor({ id: "set", rules }, NEED, "acme", maxRules).kind).toBe(kind);
});

/** Our own rule, and what it must become. What it blocks already stays blocked. */
const INCOMPLETE: readonly (readonly [string, readonly CustomRule[], DoorNeed])[] = [
  ["switched off", [ownRule(NEED, { isEnabled: false })], NEED],
  ["another action", [ownRule(NEED, { action: "log" })], NEED],
  ["behind a rule that skips others", [skip, ownRule(NEED)], NEED],
  ["without an origin", [ownRule({ ...NEED, origins: [ORIGIN] })], NEED],
  [
    "for another host",
    [ownRule({ ...NEED, hosts: ["old.example.com"] })],
    { ...NEED, hosts: ["old.example.com", IMAGES] },
  ],
  [
    "with another bucket on the same host",
    [ownRule({ ...NEED, origins: [ORIGIN, [SHARED[0] ?? "", "acme-2"]] })],
    { ...NEED, origins: [ORIGIN, [SHARED[0] ?? "", "acme-2"], SHARED] },
  ],
];

test.each(INCOMPLETE)("our own is completed: %s", (_name, rules, need) => {
  const expression = doorExpression(need);
  expect(judge([...rules, foreign, foreign, foreign, foreign])).toMatchObject({
    ...{ kind: "incomplete", rulesetId: "set", ruleId: "7", expression },
  });
});

test("all origins are allowed: a rule for some is completed to the whole zone", () => {
  const need = { ...NEED, isZoneWide: true };
  expect(judge([ownRule(NEED)], need)).toMatchObject({
    ...{ kind: "incomplete", expression: doorExpression(need) },
  });
});

test("our own, changed by hand, is not touched", () => {
  const expression = `${doorExpression(NEED)} and ip.src ne 192.0.2.1`;
  expect(judge([ownRule(NEED, { expression })])).toMatchObject({ kind: "edited" });
});
