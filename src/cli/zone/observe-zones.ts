// Reads what the zones of a Worker's hosts have: the custom rules, the allowed origins, and transformations. It sends
// GETs alone. A zone of another account than the Worker's is not read: a zone of the same name may wait in any account.

import type { Config } from "../../worker/config/config.ts";
import { tableOf } from "../../worker/util/json.ts";
import { isFault, type World } from "../command.ts";
import { edgeBucketsOf, sourceEntryOf } from "../config/buckets.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { hostOf } from "../config/site-url.ts";
import { sleep } from "../http/retry.ts";
import {
  type ApiReply,
  createZoneApi,
  findZoneToken,
  isForbidden,
  readApi,
  type ZoneApi,
} from "./api.ts";
import {
  type CustomRule,
  type DoorNeed,
  judgeDoor,
  originOf,
  type Ruleset,
  uniqueOrigins,
} from "./door-rule.ts";
import { judgeSources, wildcardEntries } from "./sources.ts";
import type {
  DoorRule,
  NoZone,
  Sources,
  Transformations,
  Unread,
  Zone,
  ZoneSeen,
  ZonesSeen,
} from "./zone-state.ts";

/** The permissions of a token, in the words of Cloudflare's dashboard. */
export const RIGHTS = {
  zone: "Zone → Zone: Read",
  settings: "Zone → Zone Settings: Edit",
  rules: "Zone → Zone WAF: Edit",
} as const;

/** The phase in which a zone's custom rules run. */
export const RULES_PHASE = "http_request_firewall_custom";

/** How many custom rules the plans have room for. */
const MAX_RULES: Readonly<Record<string, number>> = {
  free: 5,
  pro: 20,
  business: 100,
  enterprise: 1000,
};

/** What the Worker needs of a zone. */
export type ZoneNeed = {
  readonly worker: string;
  /** As `sourceEntryOf` writes them. */
  readonly entries: readonly string[];
  readonly origins: DoorNeed["origins"];
};

/** @param wait a test does not wait */
export async function observeZones(
  world: World,
  envConfig: EnvironmentConfig,
  config: Config,
  wait = sleep,
): Promise<ZonesSeen> {
  const need = zoneNeedOf(envConfig, config);
  if (need.entries.length === 0) return { kind: "not-needed" };

  const hosts = findHosts(envConfig);
  if (hosts.size === 0) return { kind: "no-host" };

  const token = findZoneToken(world);
  if (token === undefined) return { kind: "no-token" };

  const api = createZoneApi(world, token, wait);
  if (isFault(api)) return { kind: "no-package", fault: api.fault };

  // In the order of wrangler: the zone has to be in the account that gets the Worker.
  const account = envConfig.wrangler.account_id || world.env["CLOUDFLARE_ACCOUNT_ID"] || undefined;
  const matches = await findZones(api, hosts, account);
  const zones: ZoneSeen[] = [];
  for (const match of matches) {
    if (match.kind === "no-zone") {
      zones.push(match);
      continue;
    }

    const zone = await readZone(api, match.zone, need);
    zones.push(zone);
  }
  return { kind: "zones", tokenName: token.name, zones };
}

export function zoneNeedOf(envConfig: EnvironmentConfig, { routes }: Config): ZoneNeed {
  const buckets = edgeBucketsOf(routes);
  const entries = buckets.map(sourceEntryOf);
  const origins = buckets.map(originOf);
  return {
    worker: envConfig.worker ?? "",
    // Several buckets of the configuration may be one of S3.
    entries: [...new Set(entries)],
    origins: uniqueOrigins(origins),
  };
}

/** Reads the settings of a zone. */
async function readZone(api: ZoneApi, zone: Zone, need: ZoneNeed): Promise<ZoneSeen> {
  const { id } = zone;
  const transformations = await readTransformations(api, id);
  const sources = await readSources(api, id, need);
  const rule = await readDoorRule(api, zone, need, { sources, transformations });
  return { kind: "zone", ...zone, rule, sources, transformations };
}

export async function readTransformations(api: ZoneApi, id: string): Promise<Transformations> {
  const reply = await readApi(api, (client, signal) =>
    client.zones.settings.get("image_resizing", { zone_id: id }, { signal }),
  );
  if (reply.kind !== "answered") return unread(reply, RIGHTS.settings);

  const { value } = tableOf(reply.result);
  if (value === "on" || value === "off" || value === "open") return { kind: value };

  const reason = `the setting of transformations has a value that is not known: ${JSON.stringify(value)}`;
  return { kind: "unread", reason, right: undefined };
}

export async function readSources(
  api: ZoneApi,
  id: string,
  { entries }: Pick<ZoneNeed, "entries">,
): Promise<Sources> {
  const reply = await readApi(api, (client, signal) =>
    client.zones.transformationsAllowedOrigins.get({ zone_id: id }, { signal }),
  );
  if (reply.kind !== "answered") return unread(reply, RIGHTS.settings);

  const { value } = tableOf(reply.result);
  return judgeSources(value, entries);
}

/** What decides how much the rule has to block. */
type OtherSettings = {
  readonly sources: Sources;
  readonly transformations: Transformations;
};

export async function readDoorRule(
  api: ZoneApi,
  zone: Zone,
  need: ZoneNeed,
  settings: OtherSettings,
): Promise<DoorRule> {
  const reply = await readApi(api, (client, signal) =>
    client.rulesets.phases.get(RULES_PHASE, { zone_id: zone.id }, { signal }),
  );
  const ruleset = rulesetOf(reply);
  if (ruleset.kind === "unread") return ruleset;

  const doorNeed = doorNeedOf(zone, need, settings);
  return judgeDoor(ruleset, doorNeed, need.worker, zone.maxRules);
}

/**
 * Where all origins are allowed, or all hosts of a domain, and transformations are off, nobody uses `/cdn-cgi/image/` yet.
 * So the rule shuts it on every host: otherwise anybody could have pictures of anybody transformed from the moment they
 * are on.
 */
export function doorNeedOf(
  { hosts }: Pick<Zone, "hosts">,
  { origins }: ZoneNeed,
  { sources, transformations }: OtherSettings,
): DoorNeed {
  const isUnused = transformations.kind === "off";
  return { hosts, origins, isZoneWide: isUnused && allowsMany(sources) };
}

/** Returns whether all origins are allowed, or all hosts of a domain. */
function allowsMany(sources: Sources): boolean {
  switch (sources.kind) {
    case "any":
      return true;
    case "list":
      return wildcardEntries(sources.text).length > 0;
    case "unread":
      return false;
    default:
      return sources satisfies never;
  }
}

type ReadRuleset = Ruleset & { readonly kind: "ruleset" };

function rulesetOf(reply: ApiReply): ReadRuleset | Unread {
  // The phase has no ruleset yet.
  if (reply.kind === "refused" && reply.status === 404) {
    return { kind: "ruleset", id: undefined, rules: [] };
  }
  if (reply.kind !== "answered") return unread(reply, RIGHTS.rules);

  const { id, rules = [] } = tableOf(reply.result);
  if (typeof id !== "string" || !Array.isArray(rules)) {
    const reason = "the list of custom rules has a form that is not known";
    return { kind: "unread", reason, right: undefined };
  }
  return { kind: "ruleset", id, rules: rules.map(customRuleOf) };
}

function customRuleOf(rule: unknown): CustomRule {
  const { id, action, description, expression, enabled } = tableOf(rule);
  return {
    id: `${id}`,
    action: `${action}`,
    description: `${description ?? ""}`.replaceAll(/\s+/g, " "),
    expression: `${expression ?? ""}`,
    isEnabled: enabled !== false,
    skipsOthers: action === "skip",
  };
}

function unread(reply: Exclude<ApiReply, { kind: "answered" }>, right: string): Unread {
  return {
    kind: "unread",
    reason: reply.reason,
    right: isForbidden(reply) ? right : undefined,
  };
}

/** The hosts of a Worker's routes. */
export function routeHosts(envConfig: EnvironmentConfig): readonly string[] {
  return [...findHosts(envConfig).keys()];
}

/** The zone that a route names for its host. */
type NamedZone = {
  readonly name: string | undefined;
  readonly id: string | undefined;
};

/** The hosts of a Worker's routes, and the zone that a route names for its host, if it names one. */
function findHosts({ wrangler }: EnvironmentConfig): ReadonlyMap<string, NamedZone> {
  const onlyRoute = wrangler.route === undefined ? [] : [wrangler.route];
  const routes = wrangler.routes ?? onlyRoute;

  const hosts = new Map<string, NamedZone>();
  for (const route of routes) {
    const settings = typeof route === "string" ? { pattern: route } : route;
    const { pattern, zone_name, zone_id } = tableOf(settings);
    const host = plainHost(`${pattern}`);
    if (host === undefined) continue;

    // Of several routes of a host, one may name the zone.
    const earlier = hosts.get(host);
    hosts.set(host, {
      name: typeof zone_name === "string" ? zone_name : earlier?.name,
      id: typeof zone_id === "string" ? zone_id : earlier?.id,
    });
  }
  return hosts;
}

/** `*.example.com`, or a host as a URL has it: `xn--…` for other scripts. @returns undefined if it names no host */
function plainHost(pattern: string): string | undefined {
  const host = hostOf(pattern);
  const wildcard = /^\*\.?/.exec(host)?.[0] ?? "";

  const url = URL.parse(`https://${host.slice(wildcard.length)}`);
  const name = url?.hostname.replace(/\.$/, "");
  if (!name?.includes(".")) return undefined;
  return wildcard + name;
}

type ZoneMatch = { readonly kind: "zone"; readonly zone: Zone } | NoZone;

/** Finds the zone of each host. Hosts of one zone are together. */
async function findZones(
  api: ZoneApi,
  hosts: ReadonlyMap<string, NamedZone>,
  account: string | undefined,
): Promise<readonly ZoneMatch[]> {
  const zones = new Map<string, Zone>();
  const failures: NoZone[] = [];
  for (const [host, namedZone] of hosts) {
    const match = await findZone(api, host, namedZone, account);
    if (match.kind === "no-zone") {
      failures.push(match);
      continue;
    }

    const { zone } = match;
    const earlierHosts = zones.get(zone.id)?.hosts ?? [];
    zones.set(zone.id, { ...zone, hosts: [...earlierHosts, host] });
  }

  const matches = [...zones.values()].map((zone): ZoneMatch => ({ kind: "zone", zone }));
  return [...matches, ...failures];
}

/** Finds the zone that the route names, or the one with the longest name: a zone may be of a subdomain. */
async function findZone(
  api: ZoneApi,
  host: string,
  namedZone: NamedZone,
  account: string | undefined,
): Promise<ZoneMatch> {
  const names = namedZone.name === undefined ? possibleZones(host) : [namedZone.name.toLowerCase()];
  const noZone = (reason: string, right?: string): NoZone => {
    return { kind: "no-zone", tokenName: api.tokenName, hosts: [host], reason, right };
  };

  for (const name of names) {
    const reply = await readApi(api, (client, signal) => client.zones.list({ name }, { signal }));
    if (reply.kind !== "answered") {
      return noZone(reply.reason, isForbidden(reply) ? RIGHTS.zone : undefined);
    }

    const all = zonesIn(reply.result).filter((zone) => zone.name === name);
    if (all.length === 0) continue;

    const choice = chooseZone(all, account);
    if (choice.kind === "none") return noZone(choice.reason);

    const { id, plan } = choice.zone;
    if (namedZone.id !== undefined && namedZone.id !== id) {
      return noZone(`the route of ${host} has the zone_id of another zone than ${name}`);
    }

    const maxRules = MAX_RULES[plan];
    const zone = { id, name, hosts: [host], maxRules, tokenName: api.tokenName };
    return { kind: "zone", zone };
  }

  return noZone(
    `the token sees no zone of ${host}: the zone is in another account, or the token is for other zones`,
    RIGHTS.zone,
  );
}

/** `images.example.com` may be of the zone `images.example.com`, or of `example.com`. */
function possibleZones(host: string): string[] {
  const labels = host.replace(/^\*\.?/, "").split(".");
  const names: string[] = [];
  for (let first = 0; first < labels.length - 1; first += 1) {
    names.push(labels.slice(first).join("."));
  }
  return names;
}

type ListedZone = {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly account: string;
  readonly plan: string;
};

type Choice =
  | { readonly kind: "chosen"; readonly zone: ListedZone }
  | { readonly kind: "none"; readonly reason: string };

/** @param account the Worker's; undefined: that is not known */
function chooseZone(zones: readonly ListedZone[], account: string | undefined): Choice {
  const candidates =
    account === undefined ? zones : zones.filter((zone) => zone.account === account);
  const [zone] = candidates;

  if (zone === undefined) {
    const reason = `${zones[0]?.name} is a zone of another account than the Worker's: nothing is set there`;
    return { kind: "none", reason };
  }

  if (candidates.length > 1) {
    const reason = `several accounts have the zone ${zone.name}: name the Worker's by CLOUDFLARE_ACCOUNT_ID`;
    return { kind: "none", reason };
  }

  if (zone.status !== "active") {
    const reason = `the zone ${zone.name} is not active, but ${zone.status}: Cloudflare's dashboard says which name servers it needs`;
    return { kind: "none", reason };
  }

  return { kind: "chosen", zone };
}

function zonesIn(page: unknown): ListedZone[] {
  const list = Object(page).result;
  if (!Array.isArray(list)) return [];
  return list.map(listedZoneOf);
}

function listedZoneOf(entry: unknown): ListedZone {
  const { id, name, status, account, plan } = tableOf(entry);
  return {
    id: `${id}`,
    name: `${name}`,
    status: `${status}`,
    account: `${tableOf(account)["id"]}`,
    plan: `${tableOf(plan)["legacy_id"]}`,
  };
}
