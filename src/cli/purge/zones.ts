// Finds the Cloudflare zones that keep what a Vitrine shows: all zones of its domains (C3).

import type { Api, Zone } from "../net/cloudflare.ts";
import type { Domain } from "../project/known-vars.ts";
import type { KnownZone, Zones } from "./outcome.ts";

/** What names the zones: `--zone`, `CLOUDFLARE_ZONE_ID`, or the domains. */
export type ZoneHints = {
  readonly given: readonly string[];
  readonly env: string | undefined;
  readonly domains: readonly Domain[];
  /** The file that names the domains. */
  readonly file: string;
};

const ID = /^[0-9a-f]{32}$/;
const USE =
  "use --zone <id>, with the Zone ID from the zone's overview page in Cloudflare's dashboard";

/** Asks the API for a zone by its name only if nothing else names its id. */
export async function findZones(hints: ZoneHints, api: Pick<Api, "zones">): Promise<Zones> {
  const { given, env, domains, file } = hints;
  const zones = new Map<string, KnownZone>();
  const faults: string[] = [];
  const add = (id: string, from: string) => {
    if (!ID.test(id)) faults.push(`${from} ${id}: is not a zone ID (32 digits and letters a to f)`);
    else if (!zones.has(id)) zones.set(id, { id, from });
  };
  const end = () => ({ zones: [...zones.values()], faults });
  for (const id of given) add(id, "--zone");
  if (given.length > 0) return end();

  if (domains.length === 0 && env === undefined) {
    faults.push(`which zone is Vitrine in? ${file} has no domain under routes: ${USE}`);
  }
  /** The names of zones that are found, or of hosts in them. */
  const covered = new Set<string>();
  const unknown = new Set<string>();
  for (const { host: name, zoneId, zoneName } of domains) {
    if (zoneId === undefined) unknown.add(zoneName ?? bare(name));
    else {
      add(zoneId, file);
      covered.add(bare(name));
    }
  }
  if (env !== undefined) {
    const isOther = !domains.some(({ zoneId }) => zoneId === env);
    add(env, "CLOUDFLARE_ZONE_ID");
    // With several unknown domains, nothing says which of them this zone contains.
    if (isOther && unknown.size === 1) for (const name of unknown) covered.add(name);
  }
  for (const domain of domains) {
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

/** @returns undefined if the domain is in a covered zone; a text if no zone is found */
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
      return `the zone of ${names[0]} cannot be looked up: ${zones.reason}. Instead, ${USE}`;
    }
    const zone = zones.find((one) => one.name === name && ID.test(one.id));
    if (zone !== undefined) return zone;
  }
  return `the token sees no zone named ${names.join(", ") || host}: it needs the permission Zone, Zone, Read. Or ${USE}`;
}

function bare(host: string): string {
  return host.replace(/^\*\.?/, "").replace(/:\d+$/, "");
}

/** A host and the domains above it, the longest first, without top-level domains. */
function parentsOf(host: string): string[] {
  const labels = host.split(".");
  return labels.slice(0, -1).map((_label, at) => labels.slice(at).join("."));
}
