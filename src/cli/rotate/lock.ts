// Allows one rotation at a time of an environment in a folder: two would overwrite each other's slot.

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Fault } from "../command.ts";
import type { Place } from "../wrangler/config-file.ts";
import { fileOf } from "./record.ts";

/** Each environment has its own slots. */
export async function alone<T>(
  folder: string,
  place: Pick<Place, "environment">,
  work: () => Promise<T>,
): Promise<T | Fault> {
  const name = fileOf(place, "lock");
  const file = join(folder, name);
  try {
    const fault = take(file, name);
    if (fault !== undefined) return fault;
  } catch (error) {
    return { fault: `${name} cannot be written: ${error}` };
  }
  try {
    return await work();
  } finally {
    if (holderOf(file) === process.pid) rmSync(file, { force: true });
  }
}

function take(file: string, name: string): Fault | undefined {
  mkdirSync(dirname(file), { recursive: true });
  // A link appears with its whole content. An empty lock would belong to nobody.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n`, { mode: 0o600 });
  try {
    if (link(own, file)) return undefined;
    const pid = holderOf(file);
    // A process that was killed leaves its lock behind.
    if (!isRunning(pid) && moveAway(file, pid) && link(own, file)) return undefined;
  } finally {
    rmSync(own, { force: true });
  }
  const who = `Another vitrine rotate runs in this folder, as process ${holderOf(file) ?? "unknown"}`;
  return { fault: `${who}. Wait until it ends. If there is no such process, remove ${name}` };
}

/** @returns false if `to` exists already */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isA(error, "EEXIST")) return false;
    throw error;
  }
}

/** @returns false if another process took the lock in the meantime: then it keeps it */
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

/** Returns whether another process runs. In a container, an earlier one can have had this process's id. */
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
