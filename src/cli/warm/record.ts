// What vitrine warm has done, in a file with a line of JSON for each object, so that it can go on.

import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isTable } from "../../worker/base/json.ts";
import type { Fault, World } from "../command.ts";
import { withoutSignature } from "../project/wanted.ts";
import { linesOf } from "../terminal/lines.ts";
import type { Due } from "./asks.ts";
import { createMarks } from "./marks.ts";

export type WarmRecord = {
  readonly file: string;
  /** Unique transformations of this month, as far as they are in it (L2). */
  readonly spent: number;
  /** The options that were asked for before of a source. */
  before(source: string): ReadonlySet<string>;
  /** What is billed for a source, and was made this month (L2). */
  paid(source: string): ReadonlySet<string>;
  /** Notes how a request ended. @returns a fault where the file cannot be written */
  add(ask: Due, isDone: boolean): Promise<Fault | undefined>;
  /** Notes also what is done of objects that are not. */
  close(): Promise<Fault | undefined>;
};

/** Where the record of a Vitrine is, if nobody says, from the project's folder. */
export function recordOf(base: string): string {
  const hash = createHash("sha256").update(base).digest("hex").slice(0, 12);
  return `.wrangler/vitrine/warm-${hash}.jsonl`;
}

export type RecordOptions = {
  readonly file: string;
  /** Forgets what was done before, but for what it cost. */
  readonly restart?: true | undefined;
  /** Leaves the file alone. */
  readonly readOnly?: true | undefined;
};

export async function openRecord(
  { folder, interrupted, now }: Pick<World, "folder" | "interrupted" | "now">,
  { file, restart, readOnly }: RecordOptions,
): Promise<WarmRecord | Fault> {
  const path = resolve(folder, file);
  let done = createDone();
  const paid = createDone();
  const month = monthOf(now());
  let spent = 0;
  let handle: FileHandle | undefined;
  try {
    if (existsSync(path)) {
      for await (const line of linesOf(createReadStream(path), interrupted)) {
        if (line === RESTARTED) done = createDone();
        const entry = readEntry(line);
        if (entry === undefined) continue;
        done.add(entry.id, entry.done);
        if (!entry.at.startsWith(month)) continue;
        paid.add(entry.id, entry.paid);
        spent += entry.paid.length;
      }
    }
    if (restart) done = createDone();
    if (!readOnly) {
      mkdirSync(dirname(path), { recursive: true });
      handle = await open(path, "a");
      // What was torn at its end is no line, and must not become the beginning of one.
      await handle.appendFile(restart ? `\n${RESTARTED}\n` : "\n");
    }
  } catch (error) {
    return faultOf(file, error);
  }

  /** The requests of objects of which some are still to end. */
  const begun = new Map<string, { left: number; asks: Due[] }>();
  const write = async (asks: readonly Due[]): Promise<Fault | undefined> => {
    const [first] = asks;
    if (first === undefined) return undefined;
    const old = paid.of(first.source);
    const entry: Entry = {
      id: first.source,
      done: asks.map(({ options }) => options),
      paid: [...new Set(asks.map(({ unique }) => unique))].filter((one) => !old.has(one)),
      key: withoutSignature(first.key),
      at: new Date(now()).toISOString(),
    };
    try {
      await handle?.appendFile(`${JSON.stringify(entry)}\n`);
      return undefined;
    } catch (error) {
      return faultOf(file, error);
    }
  };
  return {
    ...{ file, spent, before: done.of, paid: paid.of },
    async add(ask, isDone) {
      const own = begun.get(ask.source) ?? { left: ask.of, asks: [] };
      begun.set(ask.source, own);
      own.left -= 1;
      if (isDone) own.asks.push(ask);
      if (own.left > 0) return undefined;
      begun.delete(ask.source);
      return write(own.asks);
    },
    async close() {
      let fault: Fault | undefined;
      for (const { asks } of begun.values()) fault ??= await write(asks);
      await handle?.close();
      return fault;
    },
  };
}

/** A line after which nothing is done; what was paid stays paid. */
const RESTARTED = '{"restarted":true}';

/** What is done of each source: few sets of options, since most have the same. */
function createDone() {
  const marks = createMarks();
  const sets: ReadonlySet<string>[] = [new Set()];
  /** By how they came about, and by what is in them. */
  const known = new Map<string, number>();
  const of = (source: string): ReadonlySet<string> => sets[marks.get(source)] ?? new Set();
  const join = (mark: number, more: readonly string[]): number => {
    const both = [...new Set([...(sets[mark] ?? []), ...more])].sort();
    const name = both.join(" ");
    const found = known.get(name) ?? sets.push(new Set(both)) - 1;
    known.set(name, found);
    return found;
  };
  return {
    of,
    add(source: string, more: readonly string[]) {
      const mark = marks.get(source);
      const way = `${mark}+${more.join(" ")}`;
      const joined = known.get(way) ?? join(mark, more);
      known.set(way, joined);
      marks.set(source, joined);
    },
  };
}

/** A line: the requests of one object that succeeded. */
type Entry = {
  /** The source. */
  readonly id: string;
  /** Their options. */
  readonly done: readonly string[];
  /** What of it is billed, without what was this month already (L2). */
  readonly paid: readonly string[];
  /** For whoever reads it. */
  readonly key: string;
  readonly at: string;
};

/** @returns undefined for what is no line of a record, or half of one */
function readEntry(line: unknown): Omit<Entry, "key"> | undefined {
  if (typeof line !== "string") return undefined;
  try {
    const read: unknown = JSON.parse(line);
    if (!isTable(read)) return undefined;
    const { id, done, paid, at } = read;
    if (typeof id !== "string" || !/^[\w-]{22}$/.test(id)) return undefined;
    if (!Array.isArray(done) || done.length === 0) return undefined;
    if (!Array.isArray(paid) || typeof at !== "string") return undefined;
    const texts = (list: unknown[]) => list.map((one) => `${one}`);
    return { id, done: texts(done), paid: texts(paid), at };
  } catch {
    return undefined;
  }
}

/** `2026-11-`: Cloudflare counts by the month. */
function monthOf(now: number): string {
  return new Date(now).toISOString().slice(0, 8);
}

/** Of the file system's; what else is thrown is a bug. */
function faultOf(file: string, error: unknown): Fault {
  if (!(error instanceof Error && "code" in error)) throw error;
  return { fault: `the record ${file} cannot be used: ${error.message}` };
}
