// `vitrine deploy --setup`: says what the zones of the Worker have and lack, asks once, and sets what is missing. What it
// cannot set, it names, with the steps in Cloudflare's dashboard. It takes nothing back by itself: it says how to.

import { type CommandFault, EXIT, isFault, log, type World } from "../command.ts";
import type { sleep } from "../http/retry.ts";
import { askYes, hasTerminal } from "../terminal/prompts.ts";
import { createZoneApi, findZoneToken, type ZoneApi } from "../zone/api.ts";
import { reasonText, takeBackLine } from "../zone/by-hand.ts";
import { observeZones, zoneNeedOf } from "../zone/observe-zones.ts";
import { PARTS, type Part, type PartResult, setPart } from "../zone/set-zone.ts";
import type { ZoneSettings, ZonesSeen } from "../zone/zone-state.ts";
import type { Deployment } from "./check-s3.ts";
import { handLines, PART_NAMES, partsThat, setupLines } from "./setup-plan.ts";

export type SetupOptions = {
  readonly setup?: true | undefined;
  /** Sets without a question. */
  readonly yes?: true | undefined;
};

/** Reads the zones, if the deploy is asked to set them up. */
export async function seeZones(
  world: World,
  { envConfig, config }: Deployment,
  { setup }: SetupOptions,
  wait: typeof sleep,
): Promise<ZonesSeen | undefined> {
  if (setup !== true) return undefined;
  return observeZones(world, envConfig, config, wait);
}

export function printSetup(world: World, deployment: Deployment, zones: ZonesSeen): void {
  log(world.stdout, ...setupLines(deployment, zones));
}

/** `complete`: all zones have all parts. `by-hand`: something is left, and its steps were printed. */
export type SetupResult = "complete" | "by-hand";

/**
 * Asks once, and sets what is missing.
 * @param zones undefined: the deploy is not asked to set them up
 * @returns a fault if nothing may be deployed
 */
export async function setUpZones(
  world: World,
  deployment: Deployment,
  zones: ZonesSeen | undefined,
  { yes }: SetupOptions,
  wait: typeof sleep,
): Promise<SetupResult | CommandFault | typeof EXIT.interrupted> {
  if (zones === undefined || zones.kind === "not-needed") return "complete";
  if (zones.kind !== "zones") return "by-hand";

  const settings = zones.zones.filter((zone) => zone.kind === "zone");
  const isEachRead = settings.length === zones.zones.length;
  const isPartLeft = settings.some((zone) => partsThat("stays", deployment, zone).length > 0);
  let result: SetupResult = isEachRead && !isPartLeft ? "complete" : "by-hand";

  const toSet = settings.filter((zone) => partsThat("set", deployment, zone).length > 0);
  if (toSet.length === 0) return result;

  const consent = await askConsent(world, toSet, yes === true);
  switch (consent) {
    case "yes":
      break;
    case "no":
      return { fault: "Nothing is set, and nothing is deployed" };
    case "cancelled":
      return EXIT.interrupted;
    case "no-terminal":
      log(world.stderr, ...unaskedLines(deployment, toSet));
      return "by-hand";
    default:
      return consent satisfies never;
  }

  const token = findZoneToken(world);
  if (token === undefined) return "by-hand";
  const api = createZoneApi(world, token, wait);
  if (isFault(api)) return "by-hand";

  for (const zone of toSet) {
    const results = await setZone(api, deployment, zone);
    if (world.interrupted.aborted) return { fault: "interrupted: nothing is deployed" };
    if (results.some(({ kind }) => kind === "failed")) result = "by-hand";
  }
  return result;
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

function unaskedLines(deployment: Deployment, zones: readonly ZoneSettings[]): string[] {
  const lines = [
    "Nothing is set in a zone: this is no terminal, so nobody was asked. To set it all the same, add --yes",
  ];
  for (const zone of zones) {
    const parts = partsThat("set", deployment, zone);
    lines.push(...handLines(deployment, zone.hosts, parts, zone));
  }
  return lines;
}

/** Sets the parts of a zone, one after the other, and says what it did, and how to take it back. */
async function setZone(
  api: ZoneApi,
  deployment: Deployment,
  zone: ZoneSettings,
): Promise<readonly PartResult[]> {
  const { stderr } = api.world;
  const need = zoneNeedOf(deployment.envConfig, deployment.config);

  const parts = partsToSet(deployment, zone);
  const results: PartResult[] = [];
  for (const part of parts) {
    const result = await setPart(api, zone, need, part);
    results.push(result);
    logResult(api.world, zone, result);
    if (result.kind === "failed" || result.kind === "interrupted") break;
  }

  // The last part first: the side door never stands open.
  const setResults = results.filter((result) => result.kind === "set").toReversed();
  if (setResults.length > 0) {
    log(
      stderr,
      `To take back what this has set in ${zone.name}, in Cloudflare's dashboard, in this order:`,
      ...setResults.map((result) => `  ${takeBackLine(zone.name, result)}`),
    );
  }

  const failed = results.findIndex(({ kind }) => kind === "failed");
  if (failed >= 0) {
    const leftParts = parts.slice(failed);
    log(stderr, ...handLines(deployment, zone.hosts, leftParts, zone));
  }
  return results;
}

/** What is not in the plan is not set: somebody may change it meanwhile. The rule is looked at in any case. */
function partsToSet(deployment: Deployment, zone: ZoneSettings): Part[] {
  const planned = partsThat("set", deployment, zone);
  return PARTS.filter((part) => part === "rule" || planned.includes(part));
}

/** Says what became of a part. A part that was there before is not worth a line. */
export function logResult(world: World, zone: ZoneSettings, result: PartResult): void {
  const name = PART_NAMES[result.part];
  switch (result.kind) {
    case "there":
      return;

    case "set": {
      const added = result.added.join(", ");
      const line = `${zone.name}: ${name} set, and read back`;
      log(world.stderr, added === "" ? line : `${line}: ${added}`);
      return;
    }

    case "failed": {
      const reason = reasonText(result.reason, result.right, zone.tokenName);
      log(
        world.stderr,
        `Warning: ${zone.name}: ${name} not set: ${reason}. What comes after it stays as it is`,
      );
      return;
    }

    case "interrupted":
      log(world.stderr, `${zone.name}: interrupted before ${name}`);
      return;

    default:
      result satisfies never;
  }
}
