// One rotation at a time in a folder: two would take turns at one slot.

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Fault } from "../command.ts";

const FILE = ".wrangler/vitrine/rotation.lock";

/** Runs what no other process is to run in this folder at the same time. */
export async function alone<T>(folder: string, work: () => Promise<T>): Promise<T | Fault> {
  const file = join(folder, FILE);
  try {
    const fault = take(file);
    if (fault !== undefined) return fault;
  } catch (error) {
    return { fault: `${FILE} cannot be written: ${error}` };
  }
  try {
    return await work();
  } finally {
    if (holderOf(file) === process.pid) rmSync(file, { force: true });
  }
}

function take(file: string): Fault | undefined {
  mkdirSync(dirname(file), { recursive: true });
  if (make(file)) return undefined;
  const pid = holderOf(file);
  // Whoever made it may have been ended before it could remove it.
  if (!isRunning(pid) && moveAway(file, pid) && make(file)) return undefined;
  const who = `Another vitrine rotate runs in this folder, as process ${holderOf(file) ?? "unknown"}`;
  return { fault: `${who}: wait until it ends. If there is none, remove ${FILE}` };
}

/** @returns false where it is there already */
function make(file: string): boolean {
  // Whole from the first moment on: one that is empty would be nobody's.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n`, { mode: 0o600 });
  try {
    return link(own, file);
  } finally {
    rmSync(own, { force: true });
  }
}

/** @returns false where there is one already */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isA(error, "EEXIST")) return false;
    throw error;
  }
}

/** @returns false where another process took it over between two looks, whose it stays */
function moveAway(file: string, pid: number | undefined): boolean {
  const aside = `${file}.${process.pid}.old`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (isA(error, "ENOENT")) return true;
    throw error;
  }
  const moved = holderOf(aside);
  try {
    if (moved !== pid) link(aside, file);
    return moved === pid;
  } finally {
    rmSync(aside, { force: true, recursive: true });
  }
}

function holderOf(file: string): number | undefined {
  try {
    const text = readFileSync(file, "utf8").trim();
    return /^\d{1,10}$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** True of another process. This one's id may be that of one which ran here before, in a container. */
function isRunning(pid: number | undefined): boolean {
  if (pid === undefined || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isA(error, "EPERM");
  }
}

function isA(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
