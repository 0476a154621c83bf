// The custom rule that shuts the side door: `/cdn-cgi/image/…` lets anybody transform what an allowed origin shows to
// everybody (E10). It blocks that path on the images hosts, and on every host of the zone where the path names an
// origin of ours. The path is decoded and in lower case first, because the edge may read `%2f` and capitals, too.
// Pure: what a foreign rule blocks is judged only if its expression is one that is known.

import type { Bucket } from "../../worker/config/bucket.ts";
import { isPathStyle } from "../config/buckets.ts";
import type { DoorRule } from "./zone-state.ts";

/** What has to be blocked in a zone. */
export type DoorNeed = {
  /** `images.example.com`, `*.example.com`. */
  readonly hosts: readonly string[];
  readonly origins: readonly Origin[];
  /** Every host of the zone, whatever the path names. */
  readonly isZoneWide: boolean;
};

/** The texts that each path to an origin has: its host, and its bucket where customers share the host. */
export type Origin = readonly string[];

/** A custom rule, as the API has it. */
export type CustomRule = {
  readonly id: string;
  readonly action: string;
  readonly description: string;
  readonly expression: string;
  readonly isEnabled: boolean;
  /** The rules behind it do not run for what it matches. */
  readonly skipsOthers: boolean;
};

export type Ruleset = {
  /** Undefined: the zone has none of this phase. */
  readonly id: string | undefined;
  readonly rules: readonly CustomRule[];
};

/** The origin of a bucket. The path of its URL may be spelt in ways that a rule does not see: only its name counts. */
export function originOf(bucket: Bucket): Origin {
  const { hostname } = new URL(bucket.baseUrl);
  const texts = isPathStyle(bucket) ? [hostname, bucket.bucket] : [hostname];
  return texts.map((text) => text.toLowerCase());
}

/** Several buckets of the configuration may have one origin. */
export function uniqueOrigins(origins: readonly Origin[]): Origin[] {
  const byTexts = new Map(origins.map((origin) => [origin.join(), origin]));
  return [...byTexts.values()];
}

/** By its description our rule is found again. Each Worker has one of its own. */
export function doorRuleDescription(worker: string): string {
  return `Vitrine ${worker}: nobody asks for /cdn-cgi/image/`;
}

/** `r`: what is encoded twice is decoded twice. */
const PATH = 'lower(url_decode(http.request.uri.path, "r"))';

/** Cloudflare joins slashes by default, before rules run. Where somebody has switched that off, this does it. */
const DOOR_PATHS = ["/cdn-cgi/image/", "//cdn-cgi/", "/cdn-cgi//"]
  .map((start) => `starts_with(${PATH}, "${start}")`)
  .join(" or ");

const IS_DOOR = `(${DOOR_PATHS})`;

/** The rule for those who write it by hand, on every host: docs/zone.md has it, too. */
export const RULE_BY_HAND = 'starts_with(http.request.uri.path, "/cdn-cgi/image/")';

/** Expressions that block the door on every host. */
const ZONE_WIDE: readonly string[] = [
  RULE_BY_HAND,
  'starts_with(lower(http.request.uri.path), "/cdn-cgi/image/")',
  'starts_with(lower(url_decode(http.request.uri.path)), "/cdn-cgi/image/")',
  'http.request.uri.path contains "/cdn-cgi/image/"',
  DOOR_PATHS,
];

export function doorExpression({ hosts, origins, isZoneWide }: DoorNeed): string {
  if (isZoneWide) return DOOR_PATHS;

  const clauses = [...hosts.map(hostClause), ...origins.map(originClause)];
  return `${IS_DOOR} and (${clauses.join(" or ")})`;
}

const HOST_STARTS = "starts_with(lower(http.host), ";
const HOST_CONTAINS = "lower(http.host) contains ";

/** A `Host` header may have capitals, and a port behind the name. All hosts of a zone end with the zone's name. */
function hostClause(host: string): string {
  if (host.startsWith("*")) return HOST_CONTAINS + quote(host.slice(1));
  return `${HOST_STARTS}${quote(host)})`;
}

function originClause(texts: Origin): string {
  const parts = texts.map((text) => `${PATH} contains ${quote(text)}`);
  return parts.length === 1 ? parts.join("") : `(${parts.join(" and ")})`;
}

/** A text as the language of rules writes it. */
function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Reads an expression that `doorExpression` made. @returns undefined if it is another one */
function readExpression(expression: string): DoorNeed | undefined {
  if (ZONE_WIDE.includes(expression)) return { hosts: [], origins: [], isZoneWide: true };

  const hosts: string[] = [];
  const origins: Origin[] = [];
  const [, list = ""] = expression.split(`${IS_DOOR} and (`);
  for (const clause of list.replace(/\)$/, "").split(" or ")) {
    const texts = textsOf(clause.replaceAll(PATH, ""));
    if (clause.startsWith(HOST_STARTS)) hosts.push(...texts);
    else if (clause.startsWith(HOST_CONTAINS)) hosts.push(...texts.map((text) => `*${text}`));
    else origins.push(texts);
  }

  // The clauses were split roughly: only if they make this very expression again, they were read right.
  const need = { hosts, origins, isZoneWide: false };
  return doorExpression(need) === expression ? need : undefined;
}

/** The quoted texts of a clause. */
function textsOf(clause: string): string[] {
  const matches = [...clause.matchAll(/"(?<text>[^"]*)"/g)];
  return matches.map(({ groups }) => groups?.["text"] ?? "");
}

/** What is left to be blocked, if something blocks a part of it. */
function withoutBlocked(need: DoorNeed, blocked: DoorNeed): DoorNeed {
  if (blocked.isZoneWide) return { hosts: [], origins: [], isZoneWide: false };

  const isHostBlocked = (host: string) => blocked.hosts.some((other) => coversHost(other, host));
  const isOriginBlocked = (origin: Origin) =>
    blocked.origins.some((other) => coversOrigin(other, origin));
  return {
    hosts: need.hosts.filter((host) => !isHostBlocked(host)),
    origins: need.origins.filter((origin) => !isOriginBlocked(origin)),
    isZoneWide: need.isZoneWide,
  };
}

function coversHost(blocked: string, host: string): boolean {
  if (!blocked.startsWith("*")) return blocked === host;
  return host.replace(/^\*/, "").endsWith(blocked.slice(1));
}

/** A clause with fewer texts blocks more. */
function coversOrigin(blocked: Origin, origin: Origin): boolean {
  return blocked.every((text) => origin.includes(text));
}

function isNothing({ hosts, origins, isZoneWide }: DoorNeed): boolean {
  return hosts.length === 0 && origins.length === 0 && !isZoneWide;
}

function unite(first: DoorNeed, second: DoorNeed): DoorNeed {
  const origins = [...first.origins, ...second.origins];
  const hosts = [...first.hosts, ...second.hosts];
  return {
    hosts: [...new Set(hosts)],
    origins: uniqueOrigins(origins),
    isZoneWide: first.isZoneWide || second.isZoneWide,
  };
}

/**
 * Judges the custom rules of a zone.
 * @param maxRules how many rules the plan of the zone has room for; undefined: that is not known
 */
export function judgeDoor(
  { id: rulesetId, rules }: Ruleset,
  need: DoorNeed,
  worker: string,
  maxRules: number | undefined,
): DoorRule {
  // Rules of others may block it already. A rule behind one that skips it may not run.
  const runningRules = rulesBeforeSkip(rules);
  const shut = findShut(runningRules, need);
  if (shut !== undefined) return shut;

  const description = doorRuleDescription(worker);
  const ownRule = rules.find((rule) => rule.description === description);
  if (ownRule === undefined || rulesetId === undefined) {
    const expression = doorExpression(need);
    const isFull = maxRules !== undefined && rules.length >= maxRules;
    if (isFull) return { kind: "full", count: rules.length, expression };
    return { kind: "missing", rulesetId, expression };
  }

  const ownBlocked = readExpression(normalised(ownRule.expression));
  if (ownBlocked === undefined) return { kind: "edited", expression: doorExpression(need) };

  // What our rule blocks already stays blocked: it may be meant for another host.
  return {
    kind: "incomplete",
    rulesetId,
    ruleId: ownRule.id,
    expression: doorExpression(unite(ownBlocked, need)),
    fault: faultOf(ownRule, runningRules),
    previous: ruleText(ownRule),
  };
}

function rulesBeforeSkip(rules: readonly CustomRule[]): readonly CustomRule[] {
  const firstSkip = rules.findIndex(({ isEnabled, skipsOthers }) => isEnabled && skipsOthers);
  if (firstSkip < 0) return rules;
  return rules.slice(0, firstSkip);
}

/** @returns undefined if the rules do not certainly block all of it */
function findShut(rules: readonly CustomRule[], need: DoorNeed): DoorRule | undefined {
  let left = need;
  let isZoneWide = false;
  const descriptions: string[] = [];

  for (const { isEnabled, action, expression, description } of rules) {
    if (!isEnabled || action !== "block") continue;

    const blocked = readExpression(normalised(expression));
    if (blocked === undefined) continue;

    left = withoutBlocked(left, blocked);
    if (blocked.isZoneWide) isZoneWide = true;
    descriptions.push(description);
  }

  if (!isNothing(left)) return undefined;
  return { kind: "shut", description: descriptions.join("; "), isZoneWide };
}

/** What a rule is, for whoever wants it back. */
function ruleText({ isEnabled, action, expression }: CustomRule): string {
  const state = isEnabled ? "switched on" : "switched off";
  return `${state}, with the action ${action} and the expression ${expression}`;
}

/** Why our own rule does not block all of it. */
function faultOf(ownRule: CustomRule, runningRules: readonly CustomRule[]): string {
  if (!ownRule.isEnabled) return "it is switched off";
  if (ownRule.action !== "block") return `its action is ${ownRule.action}`;
  if (!runningRules.includes(ownRule)) return "it stands behind a rule that skips it";
  return "it leaves out a host or an origin of the configuration";
}

/** An expression on one line, without the parentheses that the dashboard writes around it. */
function normalised(expression: string): string {
  let text = expression.trim().replaceAll(/\s+/g, " ");
  while (isInParentheses(text)) text = text.slice(1, -1).trim();
  return text;
}

/** Returns whether the last character closes the parenthesis that the first one opens. */
function isInParentheses(text: string): boolean {
  if (!text.startsWith("(")) return false;

  let depth = 0;
  let isQuoted = false;
  for (const [index, character] of [...text].entries()) {
    if (character === '"') isQuoted = !isQuoted;
    if (isQuoted) continue;

    if (character === "(") depth += 1;
    if (character === ")") depth -= 1;
    if (depth === 0) return index === text.length - 1;
  }
  return false;
}
