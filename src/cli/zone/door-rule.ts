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

  const [, rest = ""] = expression.split(`${IS_DOOR} and (`);
  const clauses = rest.replace(/\)$/, "").split(" or ");
  const hosts: string[] = [];
  const origins: Origin[] = [];
  for (const clause of clauses) {
    const texts = textsOf(clause.replaceAll(PATH, ""));
    if (clause.startsWith(HOST_STARTS)) hosts.push(...texts);
    else if (clause.startsWith(HOST_CONTAINS)) hosts.push(...texts.map((text) => `*${text}`));
    else origins.push(texts);
  }

  const need = { hosts, origins, isZoneWide: false };
  return doorExpression(need) === expression ? need : undefined;
}

/** The quoted texts of a clause. */
function textsOf(clause: string): string[] {
  return [...clause.matchAll(/"(?<text>[^"]*)"/g)].map(({ groups }) => groups?.["text"] ?? "");
}

/** What is left to be blocked, if something blocks a part of it. */
function withoutBlocked(need: DoorNeed, blocked: DoorNeed): DoorNeed {
  if (blocked.isZoneWide) return { hosts: [], origins: [], isZoneWide: false };

  const isBlocked = (origin: Origin) =>
    blocked.origins.some((texts) => texts.every((text) => origin.includes(text)));
  return {
    hosts: need.hosts.filter((host) => !blocked.hosts.some((other) => coversHost(other, host))),
    origins: need.origins.filter((origin) => !isBlocked(origin)),
    isZoneWide: need.isZoneWide,
  };
}

function coversHost(blocked: string, host: string): boolean {
  if (!blocked.startsWith("*")) return blocked === host;
  return host.replace(/^\*/, "").endsWith(blocked.slice(1));
}

function isNothing({ hosts, origins, isZoneWide }: DoorNeed): boolean {
  return hosts.length === 0 && origins.length === 0 && !isZoneWide;
}

function unite(first: DoorNeed, second: DoorNeed): DoorNeed {
  const origins = new Map(
    [...first.origins, ...second.origins].map((origin) => [origin.join(), origin]),
  );
  return {
    hosts: [...new Set([...first.hosts, ...second.hosts])],
    origins: [...origins.values()],
    isZoneWide: first.isZoneWide || second.isZoneWide,
  };
}

/**
 * Judges the custom rules of a zone. Each paragraph decides, if it can.
 * @param maxRules how many rules the plan of the zone has room for; undefined: that is not known
 */
export function judgeDoor(
  { id: rulesetId, rules }: Ruleset,
  need: DoorNeed,
  worker: string,
  maxRules: number | undefined,
): DoorRule {
  const firstSkip = rules.findIndex(({ isEnabled, skipsOthers }) => isEnabled && skipsOthers);
  const certain = firstSkip < 0 ? rules : rules.slice(0, firstSkip);
  const blocking = certain.filter(({ isEnabled, action }) => isEnabled && action === "block");

  let left = need;
  let isZoneWide = false;
  const descriptions: string[] = [];
  for (const { expression, description } of blocking) {
    const blocked = readExpression(normalised(expression));
    if (blocked === undefined) continue;
    left = withoutBlocked(left, blocked);
    if (blocked.isZoneWide) isZoneWide = true;
    descriptions.push(description);
  }
  if (isNothing(left)) return { kind: "shut", description: descriptions.join("; "), isZoneWide };

  const ownRule = rules.find(({ description }) => description === doorRuleDescription(worker));
  if (ownRule === undefined || rulesetId === undefined) {
    const expression = doorExpression(need);
    if (maxRules === undefined || rules.length < maxRules) {
      return { kind: "missing", rulesetId, expression };
    }
    return { kind: "full", count: rules.length, expression };
  }

  const ownBlocked = readExpression(normalised(ownRule.expression));
  if (ownBlocked === undefined) return { kind: "edited", expression: doorExpression(need) };

  const expression = doorExpression(unite(ownBlocked, need));
  const ruleId = ownRule.id;
  const fault = faultOf(ownRule, certain);
  return { kind: "incomplete", rulesetId, ruleId, expression, fault, previous: ruleText(ownRule) };
}

/** What a rule is, for whoever wants it back. */
function ruleText({ isEnabled, action, expression }: CustomRule): string {
  return `${isEnabled ? "switched on" : "switched off"}, with the action ${action} and the expression ${expression}`;
}

/** Why our own rule does not block all of it. */
function faultOf(ownRule: CustomRule, certain: readonly CustomRule[]): string {
  if (!ownRule.isEnabled) return "it is switched off";
  if (ownRule.action !== "block") return `its action is ${ownRule.action}`;
  if (!certain.includes(ownRule)) return "it stands behind a rule that skips it";
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
