// Keeps what vitrine facts has read, to read only what changes: a file with a line of JSON for each object.

import { resolve } from "node:path";
import type { Fact } from "../../client/types.ts";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { type Fault, isFault, type World } from "../command.ts";
import { openLines, RESTARTED, readLines, recordFault } from "../files/line-file.ts";
import { replaceFile } from "../files/write-file.ts";
import type { NoFact } from "../picture/small.ts";
import { isFact } from "./fact-text.ts";

/** What an object was when it was read. */
export type Entry = {
  /** Below the bucket's prefix. */
  readonly key: string;
  readonly etag: string;
  readonly read: Fact | NoFact;
};

export type FactRecord = {
  /** By key. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** @returns a fault if the file cannot be written */
  add(entry: Entry): Promise<Fault | undefined>;
  /** Closes it. If most of its lines are out of date, it is written anew, without the keys that are gone. */
  close(isGone: (key: string) => boolean): Promise<Fault | undefined>;
};

/** A line of another version is not used: facts are read in another way now. */
const VERSION = 1;
/** Fewer lines are not worth a new file. */
const FEW = 1_000;

/** @param restart forgets what was read before */
export async function openRecord(
  world: World,
  file: string,
  restart: boolean,
): Promise<FactRecord | Fault> {
  const entries = new Map<string, Entry>();
  let lines = 0;
  let isOurs = true;
  const unread = await readLines(world, file, (line) => {
    const entry = readEntry(line);
    lines += 1;
    if (line === RESTARTED) entries.clear();
    else if (entry !== undefined) entries.set(entry.key, entry);
    else if (lines === 1) isOurs = false;
  });
  if (unread !== undefined) return unread;
  if (!isOurs) return { fault: `${file} is no record of this command. Name another --record` };
  const opened = await openLines(world, file, restart);
  if (isFault(opened)) return opened;
  if (restart) entries.clear();
  return {
    entries,
    add(entry) {
      entries.set(entry.key, entry);
      lines += 1;
      return opened.append(lineOf(entry));
    },
    async close(isGone) {
      await opened.close();
      const kept = [...entries.values()].filter(({ key }) => !isGone(key));
      if (lines <= 2 * kept.length + FEW) return undefined;
      try {
        replaceFile(resolve(world.folder, file), kept.map((one) => `${lineOf(one)}\n`).join(""));
        return undefined;
      } catch (error) {
        return recordFault(file, error);
      }
    },
  };
}

function lineOf({ key, etag, read }: Entry): string {
  return JSON.stringify({ v: VERSION, key, etag, ...read });
}

/** @returns undefined for a line that is incomplete, of another version, or does not belong to a record */
function readEntry(line: unknown): Entry | undefined {
  const told = parseJson(line);
  if (!isPlainObject(told)) return undefined;
  const { v, key, etag, why, foreign, ...fact } = told;
  if (v !== VERSION || typeof key !== "string" || typeof etag !== "string") return undefined;
  if (typeof why === "string") {
    return { key, etag, read: { why, ...(foreign === true && { foreign }) } };
  }
  return isFact(fact) ? { key, etag, read: fact } : undefined;
}
