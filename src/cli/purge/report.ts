// Prints what a purge has come to: the names that can be given again, or a line about each object, or JSON; and writes
// the protocol as a page.

import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { EXIT, type Exit, log, logInColour, print, type World } from "../command.ts";
import { ownFileFault, writeOwnFile } from "../files/write-file.ts";
import { count, counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { logNotDone, reportNotDone, type SelectedObject } from "../urls/select-objects.ts";
import type { PurgeSite } from "./client.ts";
import { createProtocol, isoTime, type PurgeRun } from "./protocol.ts";
import { protocolPage } from "./protocol-page.ts";
import type { Verified } from "./verify.ts";

export type ReportOptions = {
  readonly json?: true | undefined;
  /** The file of the page. */
  readonly protocol?: string | undefined;
};

/** @param objects by the names that the Worker uses */
export function reportPurge(
  world: World,
  site: PurgeSite,
  objects: ReadonlyMap<string, SelectedObject>,
  run: Omit<PurgeRun, "ended" | "exit">,
  { json, protocol: file }: ReportOptions,
): Exit {
  const { verified } = run;

  // Print what is not done.
  const purgeExit = reportFailures(world, objects, run, json === true);
  if (verified && !json) printVerified(world, verified);
  const unproved = verified ? logUnproved(world, verified) : 0;

  let exit = purgeExit;
  if (purgeExit === EXIT.done && unproved > 0) exit = EXIT.partly;
  if (world.interrupted.aborted) exit = EXIT.interrupted;

  // Write the protocol.
  const protocol = createProtocol(site, { ...run, exit, ended: world.now() });
  if (json) print(world.stdout, visible(JSON.stringify(protocol, null, 2)));
  if (file === undefined) return exit;

  const fault = writeOwnFile(world.folder, file, protocolPage(protocol), () => false);
  if (fault === undefined) {
    log(world.stderr, `Wrote ${file}.`);
    return exit;
  }

  logInColour(world, "red", `${file} is not written: ${fault}`);
  return exit === EXIT.done ? EXIT.partly : exit;
}

/** Returns why no protocol can be written there. One that is there is never written over: it may be a proof. */
export function protocolFileFault(folder: string, file: string): string | undefined {
  const path = resolve(folder, file);
  if (existsSync(path)) return "is there already: name a new file";

  const fault = ownFileFault(folder, file, () => false);
  if (fault !== undefined) return fault;

  // After the purge it would be too late: the proof would be lost.
  try {
    closeSync(openSync(path, "wx"));
    rmSync(path);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    return `cannot be written: ${reason}`;
  }
}

/** Logs what was not purged. Where stdout has no other result, it gets the names, which can be given again. */
function reportFailures(
  world: World,
  objects: ReadonlyMap<string, SelectedObject>,
  { purged: result, verified, invalid }: Pick<PurgeRun, "purged" | "verified" | "invalid">,
  json: boolean,
): Exit {
  const { purged, notPurged } = result;
  if (verified !== undefined || json) {
    return logNotDone(world, "NOT PURGED", purged.length, notPurged, invalid);
  }

  const failures = new Map<string, string>();
  for (const [name, reason] of notPurged) {
    const input = objects.get(name)?.input ?? name;
    failures.set(input, reason);
  }
  return reportNotDone(world, "NOT PURGED", purged.length, failures, invalid);
}

/** Prints a line about each object. */
function printVerified({ stdout }: World, verified: readonly Verified[]): void {
  for (const { result, object, reason, time } of verified) {
    print(stdout, visible(`${result}: ${object}: ${reason}, ${isoTime(time)}`));
  }
}

/** @returns how many objects are not proved */
function logUnproved(world: World, verified: readonly Verified[]): number {
  const all = counted(verified.length, "object");
  const unproved = verified.filter(({ result }) => result !== "proved").length;

  if (unproved > 0) {
    const text = `NOT PROVED: ${count(unproved)} of ${all}. See stdout for the reasons.`;
    logInColour(world, "red", text);
  } else if (verified.length > 0) {
    log(world.stderr, `Proved: ${all}.`);
  }
  return unproved;
}
