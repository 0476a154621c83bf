// Which of Cloudflare's zones keep what a Vitrine shows: all that its domains lie in (C3).

import type { Api, Zone } from "../net/cloudflare.ts";
import type { Domain } from "../project/known-vars.ts";
import { isOf } from "../project/wanted.ts";

/** A zone, and how it is known. */
export type KnownZone = { readonly id: string; readonly from: string };

export type Zones = {
  readonly zones: readonly KnownZone[];
  /** Why there may be more, which are not known, and what to do about it. */
  readonly faults: readonly string[];
};

/** What is known of them. */
export type ZoneHints = {
  /** What `--zone` says: these alone. */
  readonly given: readonly string[];
  /** `CLOUDFLARE_ZONE_ID`. */
  readonly env: string | undefined;
  /** The host that `--url` names, or the first one of wrangler.toml. */
  readonly host: string | undefined;
  readonly domains: readonly Domain[];
};

const ID = /^[0-9a-f]{32}$/;
const SAY = "--zone <id>, with the Zone ID of the zone's overview in Cloudflare's dashboard";

/** Looks which zones these are, and asks the API, by their names, only where nothing says it. */
export async function findZones(hints: ZoneHints, api: Pick<Api, "zones">): Promise<Zones> {
  const { given, env, host, domains } = hints;
  const zones = new Map<string, KnownZone>();
  const faults: string[] = [];
  const add = (id: string, from: string) => {
    if (!ID.test(id))
      faults.push(`${from} ${id}: is no zone's id, of 32 digits and letters a to f`);
    else if (!zones.has(id)) zones.set(id, { id, from });
  };
  const end = () => ({ zones: [...zones.values()], faults });
  for (const id of given) add(id, "--zone");
  if (given.length > 0) return end();

  const isNamed = host === undefined || domains.some((one) => isOf(host, one.host));
  const all: readonly Domain[] = isNamed ? domains : [...domains, { host }];
  if (all.length === 0 && env === undefined) {
    faults.push(`which zone is Vitrine on? wrangler.toml has no domain under routes: ${SAY}`);
  }
  /** The names of zones, or of hosts in these, that are purged. */
  const covered = new Set<string>();
  const unknown = new Set<string>();
  for (const { host: name, zoneId, zoneName } of all) {
    if (zoneId === undefined) unknown.add(zoneName ?? bare(name));
    else {
      add(zoneId, "wrangler.toml");
      covered.add(bare(name));
    }
  }
  if (env !== undefined) {
    const isOther = !all.some(({ zoneId }) => zoneId === env);
    add(env, "CLOUDFLARE_ZONE_ID");
    // Of several domains nobody says which one it is of.
    if (isOther && unknown.size === 1) for (const name of unknown) covered.add(name);
  }
  for (const domain of all) {
    if (domain.zoneId !== undefined) continue;
    const found = await lookUp(domain, covered, api);
    if (typeof found === "string") faults.push(found);
    else if (found !== undefined) {
      add(found.id, found.name);
      covered.add(found.name);
    }
  }
  return end();
}

/** @returns undefined where it is in a zone that is covered, and words where none is found */
async function lookUp(
  { host, zoneName }: Domain,
  covered: ReadonlySet<string>,
  api: Pick<Api, "zones">,
): Promise<Zone | string | undefined> {
  const names = zoneName === undefined ? parentsOf(bare(host)) : [zoneName];
  for (const name of names) {
    if (covered.has(name)) return undefined;
    const zones = await api.zones(name);
    if ("kind" in zones) {
      return `the zone of ${names[0]} cannot be looked up: ${zones.reason}. Say ${SAY}`;
    }
    const zone = zones.find((one) => one.name === name && ID.test(one.id));
    if (zone !== undefined) return zone;
  }
  return `the token sees no zone named ${names.join(", ") || host}: it needs Zone, Zone, Read to look one up. Or say ${SAY}`;
}

/** A host without what stands for others below it, and without a port. */
function bare(host: string): string {
  return host.replace(/^\*\.?/, "").replace(/:\d+$/, "");
}

/** A host and the domains above it, from the longest on; none of one label. */
function parentsOf(host: string): string[] {
  const labels = host.split(".");
  return labels.slice(0, -1).map((_label, at) => labels.slice(at).join("."));
}
