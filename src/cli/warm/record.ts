// Keeps what vitrine warm has done, to continue later: a file with a line of JSON for each object. Never keeps a
// signature.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { type Fault, isFault, type World } from "../command.ts";
import { openLines, RESTARTED, readLines } from "../project/line-file.ts";
import type { WarmRequest } from "./plan.ts";

/** A request in the queue, which has so many `siblings` for this source, itself counted. */
export type Queued = WarmRequest & { readonly siblings: number };

export type WarmRecord = {
  readonly file: string;
  /** The unique transformations of this month that are in it (L2). */
  readonly spent: number;
  /** Returns the options of a source that were done before. */
  before(source: string): ReadonlySet<string>;
  /** Returns what was billed for a source this month (L2). */
  paid(source: string): ReadonlySet<string>;
  /** Notes how a request ended. @returns a fault if the file cannot be written */
  add(request: Queued, isDone: boolean): Promise<Fault | undefined>;
  /** Notes also the objects that are done in part. */
  close(): Promise<Fault | undefined>;
};

type RecordOptions = {
  readonly file: string;
  /** Forgets what was done before, but not what it cost. */
  readonly restart?: true | undefined;
  readonly readOnly?: true | undefined;
};

export async function openRecord(
  world: World,
  { file, restart, readOnly }: RecordOptions,
): Promise<WarmRecord | Fault> {
  const { now } = world;
  let done = createSets();
  const paid = createSets();
  const month = monthOf(now());
  let spent = 0;
  const unread = await readLines(world, file, (line) => {
    if (line === RESTARTED) done = createSets(); // what was paid stays paid
    const entry = readEntry(line);
    if (entry === undefined) return;
    done.add(entry.id, entry.done);
    if (!entry.at.startsWith(month)) return;
    paid.add(entry.id, entry.paid);
    spent += entry.paid.length;
  });
  if (unread !== undefined) return unread;
  if (restart) done = createSets();
  const lines = readOnly ? undefined : await openLines(world, file, restart);
  if (isFault(lines)) return lines;

  /** The objects that have begun, with the requests that are done. */
  const begun = new Map<string, { left: number; requests: Queued[] }>();
  const write = async (requests: readonly Queued[]): Promise<Fault | undefined> => {
    const [first] = requests;
    if (first === undefined) return undefined;
    const old = paid.of(first.source);
    const entry: Entry = {
      id: first.source,
      done: requests.map(({ options }) => options),
      paid: [...new Set(requests.map(({ unique }) => unique))].filter((one) => !old.has(one)),
      key: first.name,
      at: new Date(now()).toISOString(),
    };
    return lines?.append(JSON.stringify(entry));
  };
  return {
    ...{ file, spent, before: done.of, paid: paid.of },
    async add(request, isDone) {
      const own = begun.get(request.source) ?? { left: request.siblings, requests: [] };
      begun.set(request.source, own);
      own.left -= 1;
      if (isDone) own.requests.push(request);
      if (own.left > 0) return undefined;
      begun.delete(request.source);
      return write(own.requests);
    },
    async close() {
      let fault: Fault | undefined;
      for (const { requests } of begun.values()) fault ??= await write(requests);
      await lines?.close();
      return fault;
    },
  };
}

/** A set of texts for each source. Most sources have equal sets, so these are shared to save memory. */
function createSets() {
  const bySource = new Map<string, ReadonlySet<string>>();
  const shared = new Map<string, ReadonlySet<string>>();
  const of = (source: string): ReadonlySet<string> => bySource.get(source) ?? new Set();
  return {
    of,
    add(source: string, more: readonly string[]) {
      const texts = [...new Set([...of(source), ...more])].sort();
      const name = texts.join(" ");
      const set = shared.get(name) ?? new Set(texts);
      shared.set(name, set);
      bySource.set(source, set);
    },
  };
}

/** A line: the requests of one object that succeeded. */
type Entry = {
  readonly id: string;
  readonly done: readonly string[];
  /** What is billed for them, and was not yet billed this month (L2). */
  readonly paid: readonly string[];
  readonly key: string;
  readonly at: string;
};

/** @returns undefined for a line that is incomplete, or does not belong to a record */
function readEntry(line: unknown): Omit<Entry, "key"> | undefined {
  const read = parseJson(line);
  if (!isPlainObject(read)) return undefined;
  const { id, done, paid, at } = read;
  if (typeof id !== "string" || !/^[\w-]{22}$/.test(id)) return undefined;
  if (!Array.isArray(done) || done.length === 0) return undefined;
  if (!Array.isArray(paid) || typeof at !== "string") return undefined;
  return { id, done: done.map(String), paid: paid.map(String), at };
}

/** `2026-11-`: Cloudflare bills by the month. */
function monthOf(now: number): string {
  return new Date(now).toISOString().slice(0, 8);
}
