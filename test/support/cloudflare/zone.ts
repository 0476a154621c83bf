// A zone of Cloudflare: what it has set, and what becomes of a request to `/cdn-cgi/image/` on its hosts (E5, E10, E14).

import { hash } from "node:crypto";
import { parseExpression, type RuleRequest } from "./rule-expression.ts";

/** A custom rule. Whatever else somebody has set on it stays as it is. */
export type Rule = {
  readonly id: string;
  readonly ref: string;
  readonly version: string;
  readonly last_updated: string;
  readonly action: string;
  readonly expression: string;
  readonly description?: string;
  readonly enabled: boolean;
  readonly [other: string]: unknown;
};

export type Ruleset = {
  readonly id: string;
  readonly name: string;
  readonly kind: "zone";
  readonly phase: string;
  readonly version: string;
  readonly last_updated: string;
  readonly rules: readonly Rule[];
};

export const TRANSFORMATIONS = ["on", "off", "open"] as const;
type Transformations = (typeof TRANSFORMATIONS)[number];

export type Zone = {
  readonly id: string;
  readonly name: string;
  readonly account: string;
  status: "active" | "pending";
  plan: Plan;
  transformations: Transformations;
  /** The text of Sources: entries with commas between them. `*`: all. */
  sources: string;
  /** Undefined: the zone has never had a custom rule. */
  ruleset: Ruleset | undefined;
  /** False: the plan does not let anybody change the settings. */
  isEditable: boolean;
};

type Plan = "free" | "pro" | "business" | "enterprise";

/** How many custom rules a plan has room for. */
export const MAX_RULES: Readonly<Record<Plan, number>> = {
  free: 5,
  pro: 20,
  business: 100,
  enterprise: 1000,
};

export const PHASE = "http_request_firewall_custom";
export const ACTIONS = [
  ...["block", "challenge", "js_challenge", "managed_challenge"],
  ...["log", "skip", "execute"],
];

export const ACCOUNT = "0123456789abcdef0123456789abcdef";

/** An id as Cloudflare's are. The same text has always the same one. */
export const idOf = (text: string) => hash("md5", text);

const TIME = "2026-11-01T08:00:00.000000Z";

/** A zone in which nothing is set: transformations are off, and Sources is empty. */
export function createZone(name: string, settings: Partial<Zone> = {}): Zone {
  return {
    id: idOf(name),
    name,
    account: ACCOUNT,
    status: "active",
    plan: "free",
    transformations: "off",
    sources: "",
    ruleset: undefined,
    isEditable: true,
    ...settings,
  };
}

/** A rule that somebody made by hand. */
export function createRule(
  action: string,
  expression: string,
  more: Readonly<Record<string, unknown>> = {},
): Rule {
  const id = idOf(`${action} ${expression} ${JSON.stringify(more)}`);
  const usual = { id, ref: id, version: "3", last_updated: TIME, enabled: true };
  return { ...usual, description: "made by hand", action, expression, ...more };
}

export function createRuleset(rules: readonly Rule[]): Ruleset {
  const id = idOf(JSON.stringify(rules));
  return {
    id,
    name: "default",
    kind: "zone",
    phase: PHASE,
    version: "7",
    last_updated: TIME,
    rules,
  };
}

/**
 * What becomes of a request. `blocked`: by a custom rule; `depends`: the rules block it only as it was sent, or only after
 * Cloudflare has normalised the URL; `off`: transformations are off; `refused`: the zone does not allow the source.
 * `passes`: it is no such request.
 */
type Door = "blocked" | "depends" | "passes" | "off" | "refused" | "open";

/** @param url on a host of the zone. Its path is used as it is spelt */
export function doorOf(zone: Zone, url: string): Door {
  const { host = "", path = "" } =
    /^https:\/\/(?<host>[^/]+)(?<path>[^?#]*)/.exec(url)?.groups ?? {};
  const spellings = [path, normalise(path)].map((spelling) => isBlocked(zone, host, spelling));
  if (spellings.every(Boolean)) return "blocked";
  if (spellings.some(Boolean)) return "depends";

  // The worst edge: it decodes what is encoded, however often, and takes capitals.
  const decoded = decodeWholly(path);
  const source = /^\/+cdn-cgi\/+image\/+[^/]+\/+(?<source>.+)$/is.exec(decoded)?.groups?.["source"];
  if (source === undefined) return "passes";
  if (zone.transformations === "off") return "off";

  return isAllowed(zone, source) ? "open" : "refused";
}

/** What Cloudflare makes of a path before rules see it, unless the zone's owner has switched it off. */
function normalise(path: string): string {
  const decoded = path.replaceAll(/%[\da-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
  });
  return decoded.replaceAll("\\", "/").replaceAll(/\/{2,}/g, "/");
}

function decodeWholly(path: string): string {
  const decoded = path.replaceAll(/%(?<byte>[\da-f]{2})/gi, (_all, byte: string) =>
    String.fromCharCode(Number.parseInt(byte, 16)),
  );
  return decoded === path ? path : decodeWholly(decoded);
}

/** Runs the custom rules. A challenge is no block: a browser passes it. */
function isBlocked({ ruleset }: Zone, host: string, path: string): boolean {
  const request: RuleRequest = {
    "http.host": host,
    "http.request.uri.path": path,
    "http.request.uri": path,
    "http.request.method": "GET",
    "ip.src": "203.0.113.7",
    "ip.src.country": "FR",
  };

  for (const { action, expression, enabled, action_parameters } of ruleset?.rules ?? []) {
    const parsed = parseExpression(expression);
    if (parsed.kind === "fault") throw new Error(`a rule of a test: ${parsed.message}`);
    if (!enabled || !parsed.matches(request)) continue;
    if (action === "block") return true;
    const skipped = Object(action_parameters).ruleset;
    if (action === "skip" && skipped === "current") return false;
  }

  return false;
}

/** Returns whether the zone transforms an original from there: its own are always allowed (E5). */
function isAllowed({ name, transformations, sources }: Zone, source: string): boolean {
  const { host, path = "" } = /^https?:\/+(?<host>[^/]+)(?<path>.*)$/is.exec(source)?.groups ?? {};
  const isOwn = host === undefined || `.${host.toLowerCase()}`.endsWith(`.${name}`);
  if (isOwn || transformations === "open") return true;
  return entriesOf(sources).some((entry) => entry === "*" || allows(entry, host, path));
}

export const entriesOf = (sources: string): string[] =>
  sources
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");

function allows(entry: string, host: string, path: string): boolean {
  const { name = "", prefix = "" } = /^(?<name>[^/]+)(?<prefix>.*)$/.exec(entry)?.groups ?? {};
  const isHost = name.startsWith("*.")
    ? host.toLowerCase().endsWith(name.slice(1).toLowerCase())
    : host.toLowerCase() === name.toLowerCase();
  return isHost && path.startsWith(prefix);
}
