// After a deploy with --setup, where the edge refuses an origin that Sources has with a path: offers to allow its host
// without the path. Whether the edge understands paths that come by the API is not known (E14). All that the host shows is
// allowed then, so first the rule has to block all of it.

import { isFault, log, type World } from "../command.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import type { sleep } from "../http/retry.ts";
import { askYes, hasTerminal } from "../terminal/prompts.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { createZoneApi, findZoneToken, type ZoneApi } from "../zone/api.ts";
import { takeBackLine } from "../zone/by-hand.ts";
import { readSources, type ZoneNeed, zoneNeedOf } from "../zone/observe-zones.ts";
import { addBareHosts, setPart } from "../zone/set-zone.ts";
import type { ZoneSettings, ZonesSeen } from "../zone/zone-state.ts";
import type { Deployment } from "./check-s3.ts";
import { logResult } from "./setup.ts";

/** @returns whether something was added */
export async function offerBareHosts(
  world: World,
  { envConfig, config }: Deployment,
  zones: ZonesSeen,
  wait: typeof sleep,
): Promise<boolean> {
  if (zones.kind !== "zones") return false;

  const need = zoneNeedOf(envConfig, config);
  if (entriesWithPath(need).length === 0) return false;

  const token = findZoneToken(world);
  if (token === undefined) return false;
  const api = createZoneApi(world, token, wait);
  if (isFault(api)) return false;

  let isAdded = false;
  for (const zone of zones.zones) {
    if (zone.kind !== "zone") continue;

    const isAddedHere = await offerInZone(api, envConfig, zone, need);
    if (isAddedHere) isAdded = true;
  }
  return isAdded;
}

function entriesWithPath({ entries }: ZoneNeed): string[] {
  return entries.filter((entry) => entry.includes("/"));
}

/** @returns whether the hosts were added */
async function offerInZone(
  api: ZoneApi,
  envConfig: EnvironmentConfig,
  zone: ZoneSettings,
  need: ZoneNeed,
): Promise<boolean> {
  const { world } = api;
  const entries = entriesWithPath(need);
  const hosts = [...new Set(entries.map((entry) => entry.replace(/\/.*/, "")))];

  // If Sources lacks an entry, the edge refuses its origin for that reason.
  const sources = await readSources(api, zone.id, need);
  if (sources.kind !== "list" || sources.missing.length > 0) return false;

  const question = `The edge refuses ${entries.join(", ")} (9401), although Sources of ${zone.name} has it. It may not read paths that come by the API; or the paid plan is only days old. Allow ${hosts.join(", ")} without a path? That allows all that this host shows to everybody`;
  if (!hasTerminal(world)) {
    const command = `${commandFor(envConfig, "npx vitrine deploy")} --setup`;
    log(world.stderr, `${question}: at a terminal, ${command} asks for that`);
    return false;
  }

  const answer = await askYes(world, question);
  if (answer !== true) return false;

  const isShut = await shutHosts(api, zone, need, hosts);
  if (!isShut) return false;

  const result = await addBareHosts(api, zone, hosts);
  logResult(world, zone, result);
  if (result.kind !== "set") return false;

  log(world.stderr, `To take it back: ${takeBackLine(zone.name, result)}`);
  return true;
}

/**
 * Has the rule block all that hosts have, whatever their bucket: other customers of the provider show pictures there.
 * @returns whether it certainly does
 */
async function shutHosts(
  api: ZoneApi,
  zone: ZoneSettings,
  need: ZoneNeed,
  hosts: readonly string[],
): Promise<boolean> {
  const hostOrigins = hosts.map((host) => [host.replace(/:\d+$/, "")]);
  const origins = [...need.origins, ...hostOrigins];

  const result = await setPart(api, zone, { ...need, origins }, "rule");
  logResult(api.world, zone, result);
  return result.kind === "there" || result.kind === "set";
}
