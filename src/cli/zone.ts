// Which of Cloudflare's zones keeps what a Vitrine shows: the one that it is on (C3).

import type { Api, Zone } from "./cloudflare.ts";
import type { Domain } from "./vars.ts";
import type { Fault } from "./world.ts";

/** A zone, and how it is known. */
export type KnownZone = { readonly id: string; readonly from: string };

/** What is known of it. */
export type ZoneHints = {
  /** What `--zone` says. */
  readonly given: string | undefined;
  /** `CLOUDFLARE_ZONE_ID`. */
  readonly env: string | undefined;
  /** The host that `--url` names, or the first one of wrangler.toml. */
  readonly host: string | undefined;
  readonly domains: readonly Domain[];
};

const ID = /^[0-9a-f]{32}$/;
const SAY = "--zone <id>, with the Zone ID of the zone's overview in Cloudflare's dashboard";

/** Looks which zone it is, and asks the API, by its name, only where nothing says it. */
export async function findZone(
  hints: ZoneHints,
  api: Pick<Api, "zones">,
): Promise<KnownZone | Fault> {
  const { given, env, host, domains } = hints;
  const domain =
    domains.find((one) => one.host === host) ?? (host === undefined ? domains[0] : undefined);
  for (const [id, from] of [
    [given, "--zone"],
    [env, "CLOUDFLARE_ZONE_ID"],
    [domain?.zoneId, "wrangler.toml"],
  ] as const) {
    if (id === undefined) continue;
    if (ID.test(id)) return { id, from };
    return { fault: `${from} ${id}: is no zone's id, of 32 digits and letters a to f` };
  }
  const names =
    domain?.zoneName === undefined ? parentsOf(host ?? domain?.host ?? "") : [domain.zoneName];
  if (names.length === 0) {
    return { fault: `which zone is Vitrine on? wrangler.toml has no domain under routes: ${SAY}` };
  }
  for (const name of names) {
    const zones = await api.zones(name);
    if ("kind" in zones) {
      return { fault: `the zone of ${names[0]} cannot be looked up: ${zones.reason}. Say ${SAY}` };
    }
    const zone = zones.find((one: Zone) => one.name === name && ID.test(one.id));
    if (zone !== undefined) return { id: zone.id, from: zone.name };
  }
  return {
    fault: `the token sees no zone named ${names.join(", ")}: it needs Zone, Zone, Read to look one up. Or say ${SAY}`,
  };
}

/** A host and the domains above it, from the longest on; none of one label. */
function parentsOf(host: string): string[] {
  const labels = host.replace(/^\*\./, "").replace(/:\d+$/, "").split(".");
  return labels.slice(0, -1).map((_label, at) => labels.slice(at).join("."));
}
