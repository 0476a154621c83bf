// `vitrine deploy --setup`: says what the zones of the Worker have and lack, asks once, and sets what is missing. What it
// cannot set, it names, with the steps in Cloudflare's dashboard. It takes nothing back by itself: it says how to.

import { type CommandFault, EXIT, isFault, log, type World } from "../command.ts";
import type { sleep } from "../http/retry.ts";
import { askYes, hasTerminal } from "../terminal/prompts.ts";
import { hintFor } from "../wrangler/config-file.ts";
import { createZoneApi, findZoneToken, type ZoneApi } from "../zone/api.ts";
import { missingRightText, takeBackLine } from "../zone/by-hand.ts";
import { observeZones, readSources, type ZoneNeed, zoneNeedOf } from "../zone/observe-zones.ts";
import { addBareHosts, PARTS, type PartResult, setPart } from "../zone/set-zone.ts";
import type { ZoneSettings, ZonesSeen } from "../zone/zone-state.ts";
import type { Deployment } from "./check-s3.ts";
import { handLines, PART_NAMES, planZone, setupLines } from "./setup-plan.ts";

export type SetupOptions = {
  readonly setup?: true | undefined;
  /** Sets without a question. */
  readonly yes?: true | undefined;
};

type Wait = typeof sleep;

/** `complete`: all zones have all parts. `by-hand`: something is left, and its steps were printed. */
export type SetupResult = "complete" | "by-hand";

/** Asks once, and sets what is missing. @returns a fault if nothing may be deployed */
export async function setUpZones(
  world: World,
  deployment: Deployment,
  zones: ZonesSeen,
  { yes }: SetupOptions,
  wait: Wait,
): Promise<SetupResult | CommandFault | typeof EXIT.interrupted> {
  if (zones.kind === "not-needed") return "complete";
  if (zones.kind !== "zones") return "by-hand";

  const settings = zones.zones.filter((zone) => zone.kind === "zone");
  const isToSet = (zone: ZoneSettings) =>
    planZone(deployment, zone).some(({ kind }) => kind === "set");
  const incomplete = settings.filter(isToSet);
  if (incomplete.length === 0) return resultOf(deployment, zones, settings);

  const consent = await askConsent(world, incomplete, yes === true);
  switch (consent) {
    case "yes":
      break;
    case "no":
      return { fault: "Nothing is set, and nothing is deployed" };
    case "cancelled":
      return EXIT.interrupted;
    case "no-terminal":
      log(world.stderr, ...unaskedLines(deployment, incomplete));
      return "by-hand";
    default:
      return consent satisfies never;
  }

  const token = findZoneToken(world);
  const api = token === undefined ? undefined : createZoneApi(world, token, wait);
  if (api === undefined || isFault(api)) return "by-hand";

  let isComplete = resultOf(deployment, zones, settings) === "complete";
  for (const zone of incomplete) {
    const results = await setZone(api, deployment, zone);
    if (world.interrupted.aborted) return { fault: "interrupted: nothing is deployed" };
    if (results.some(({ kind }) => kind === "failed")) isComplete = false;
  }
  return isComplete ? "complete" : "by-hand";
}

/** What is known before anything is set: whether a part has to be done by hand. */
function resultOf(
  deployment: Deployment,
  zones: Extract<ZonesSeen, { kind: "zones" }>,
  settings: readonly ZoneSettings[],
): SetupResult {
  const stays = settings.some((zone) =>
    planZone(deployment, zone).some(({ kind }) => kind === "stays"),
  );
  const isEachKnown = settings.length === zones.zones.length;
  return isEachKnown && !stays ? "complete" : "by-hand";
}

function unaskedLines(deployment: Deployment, zones: readonly ZoneSettings[]): string[] {
  const steps = zones.flatMap((zone) => {
    const parts = planZone(deployment, zone)
      .filter(({ kind }) => kind === "set")
      .map(({ part }) => part);
    return handLines(deployment, zone.hosts, parts, zone);
  });
  return [
    "Nothing is set in a zone: this is no terminal, so nobody was asked. To set it all the same, add --yes",
    ...steps,
  ];
}

type Consent = "yes" | "no" | "cancelled" | "no-terminal";

async function askConsent(
  world: World,
  zones: readonly ZoneSettings[],
  isGiven: boolean,
): Promise<Consent> {
  if (isGiven) return "yes";
  if (!hasTerminal(world)) return "no-terminal";

  const names = zones.map(({ name }) => name).join(" and ");
  const answer = await askYes(world, `Set this in ${names}, and deploy?`);
  if (answer === "cancelled") return "cancelled";
  return answer ? "yes" : "no";
}

/** Sets the parts of a zone, one after the other, and says what it did, and how to take it back. */
async function setZone(
  api: ZoneApi,
  deployment: Deployment,
  zone: ZoneSettings,
): Promise<readonly PartResult[]> {
  const { stderr } = api.world;
  const need = zoneNeedOf(deployment.envConfig, deployment.config);
  const say = (text: string) => log(stderr, text);

  const results: PartResult[] = [];
  // What is not in the plan is not set: somebody may change it meanwhile. The rule is looked at in any case.
  const planned = planZone(deployment, zone).filter(({ kind }) => kind === "set");
  const parts = PARTS.filter(
    (part) => part === "rule" || planned.some((plan) => plan.part === part),
  );
  for (const part of parts) {
    const result = await setPart(api, zone, need, part);
    results.push(result);
    const line = resultLine(zone, result);
    if (line !== undefined) say(line);
    if (result.kind === "failed" || result.kind === "interrupted") break;
  }

  const back = results.filter((result) => result.kind === "set").toReversed();
  if (back.length > 0) {
    say(
      `To take back what this has set in ${zone.name}, in Cloudflare's dashboard, in this order:`,
    );
    for (const result of back) say(`  ${takeBackLine(zone.name, result)}`);
  }

  const left = PARTS.slice(results.findIndex(({ kind }) => kind === "failed"));
  if (results.some(({ kind }) => kind === "failed")) {
    for (const line of handLines(deployment, zone.hosts, left, zone)) say(line);
  }
  return results;
}

/** @returns undefined if there is nothing to say */
function resultLine(
  { name: zone, tokenName }: ZoneSettings,
  result: PartResult,
): string | undefined {
  const name = PART_NAMES[result.part];
  switch (result.kind) {
    case "there":
      return undefined;
    case "set": {
      const added = result.added.length === 0 ? "" : `: ${result.added.join(", ")}`;
      return `${zone}: ${name} set, and read back${added}`;
    }
    case "failed": {
      const text = `${result.reason}${missingRightText(result.right, tokenName)}`;
      return `Warning: ${zone}: ${name} not set: ${text}. What comes after it stays as it is`;
    }
    case "interrupted":
      return `${zone}: interrupted before ${name}`;
    default:
      return result satisfies never;
  }
}

/**
 * Offers to allow the hosts of origins without their paths, where the edge refuses an origin that Sources has with a
 * path: whether it understands paths that come by the API is not known (E14).
 * @returns whether something was added
 */
export async function offerBareHosts(
  world: World,
  { envConfig, config }: Deployment,
  zones: ZonesSeen,
  wait: Wait,
): Promise<boolean> {
  const token = findZoneToken(world);
  if (zones.kind !== "zones" || token === undefined) return false;
  const api = createZoneApi(world, token, wait);
  if (isFault(api)) return false;

  const need = zoneNeedOf(envConfig, config);
  const withPath = need.entries.filter((entry) => entry.includes("/"));
  const hosts = [...new Set(withPath.map((entry) => entry.replace(/\/.*/, "")))];
  if (hosts.length === 0) return false;

  let isAdded = false;
  for (const zone of zones.zones) {
    if (zone.kind !== "zone") continue;
    const sources = await readSources(api, zone.id, need);
    if (sources.kind !== "list" || sources.missing.length > 0) continue;

    const question = `The edge refuses ${withPath.join(", ")} (9401), although Sources of ${zone.name} has it. It may not read paths that come by the API; or the paid plan is only days old. Allow ${hosts.join(", ")} without a path? That allows all that this host shows to everybody`;
    if (!hasTerminal(world)) {
      const command = hintFor(envConfig, "npx vitrine deploy");
      log(world.stderr, `${question}: at a terminal, ${command} --setup asks for that`);
      continue;
    }
    const answer = await askYes(world, question);
    if (answer !== true) continue;

    const isShut = await shutHosts(api, zone, need, hosts);
    if (!isShut) continue;

    const result = await addBareHosts(api, zone, hosts);
    const line = resultLine(zone, result);
    if (line !== undefined) log(world.stderr, line);
    if (result.kind !== "set") continue;
    isAdded = true;
    log(world.stderr, `To take it back: ${takeBackLine(zone.name, result)}`);
  }
  return isAdded;
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
  const origins = [...need.origins, ...hosts.map((host) => [host.replace(/:\d+$/, "")])];
  const result = await setPart(api, zone, { ...need, origins }, "rule");
  const line = resultLine(zone, result);
  if (line !== undefined) log(api.world.stderr, line);
  return result.kind === "there" || result.kind === "set";
}

/** Reads the zones, if the deploy is asked to set them up. */
export function seeZones(
  world: World,
  { envConfig, config }: Deployment,
  { setup }: SetupOptions,
  wait: Wait,
): Promise<ZonesSeen | undefined> {
  if (setup !== true) return Promise.resolve(undefined);
  return observeZones(world, envConfig, config, wait);
}

export function printSetup(world: World, deployment: Deployment, zones: ZonesSeen): void {
  log(world.stdout, ...setupLines(deployment, zones));
}
