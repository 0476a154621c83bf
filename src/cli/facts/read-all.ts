// Reads the facts of many objects, a few at a time: only of those that changed. What cannot be read is named.

import type { Fact } from "../../client/types.ts";
import { isFault, type World } from "../command.ts";
import { MOST_BYTES } from "../http/ask-s3.ts";
import { shareOut } from "../http/crew.ts";
import type { Listed } from "../objects/list-page.ts";
import type { Within } from "../picture/budget.ts";
import { readFact, TOO_LARGE } from "../picture/read-fact.ts";
import type { NoFact } from "../picture/small.ts";
import type { Progress } from "../terminal/progress.ts";
import type { GetOriginal, Missing } from "./get-original.ts";
import type { FactRecord } from "./record.ts";

export type Outcome = {
  readonly facts: ReadonlyMap<string, Fact>;
  /** Why there is no fact, by key. */
  readonly missing: ReadonlyMap<string, string>;
  /** The objects that are no pictures. */
  readonly foreign: readonly string[];
  /** How many originals were read now. */
  readonly read: number;
  /** How many were not asked for, because it ended before. */
  readonly left: number;
  /** Why it ended before, unless it was interrupted. */
  readonly stopped?: string | undefined;
};

type Reading = {
  readonly get: GetOriginal;
  readonly withMemory: Within;
  readonly record: FactRecord;
  readonly progress: Progress;
  readonly concurrency: number;
};

/** So many objects in a row that S3 fails to give: it is out of order. */
const MOST_TROUBLE = 20;

/** Returns the objects that have to be asked for. The record knows the facts of the others. */
export function changedSince(
  objects: Iterable<Listed>,
  { entries }: Pick<FactRecord, "entries">,
): Listed[] {
  return [...objects].filter(({ key, etag }) => {
    return etag === undefined || entries.get(key)?.etag !== etag;
  });
}

export async function readAll(
  { interrupted }: World,
  objects: ReadonlyMap<string, Listed>,
  changed: readonly Listed[],
  { get, withMemory, record, progress, concurrency }: Reading,
): Promise<Outcome> {
  const facts = new Map<string, Fact>();
  const missing = new Map<string, string>();
  const foreign: string[] = [];
  const stop = new AbortController();
  let [read, done, trouble] = [0, 0, 0];
  let stopped: string | undefined;
  const halt = (why: string) => {
    stopped ??= why;
    stop.abort();
  };
  const note = (key: string, known: Fact | NoFact) => {
    if (!("why" in known)) facts.set(key, known);
    else if (known.foreign) foreign.push(key);
    else missing.set(key, known.why);
  };
  const fail = (key: string, { why, kind }: Missing) => {
    missing.set(key, why);
    trouble = kind === "trouble" ? trouble + 1 : 0;
    if (kind === "halt") halt(why);
    else if (trouble === MOST_TROUBLE) {
      halt(`the last ${MOST_TROUBLE} requests failed, the last one with: ${why}`);
    }
  };

  const asked = new Set(changed);
  for (const object of objects.values()) {
    const known = record.entries.get(object.key);
    if (known !== undefined && !asked.has(object)) note(object.key, known.read);
  }
  await shareOut(changed, concurrency, AbortSignal.any([interrupted, stop.signal]), async (one) => {
    const { key } = one;
    const known = record.entries.get(key);
    const got = await readOne(one, known?.etag, get, withMemory);
    if (got === undefined) return;
    done += 1;
    progress.step();
    if (got === "unchanged") note(key, known?.read ?? { why: "S3 says 304, and was not asked to" });
    else if ("kind" in got) return fail(key, got);
    else {
      read += 1;
      note(key, got.read);
      const fault = got.etag && (await record.add({ key, etag: got.etag, read: got.read }));
      if (isFault(fault)) halt(fault.fault);
    }
    trouble = 0;
  });
  return { facts, missing, foreign, read, left: changed.length - done, stopped };
}

/** @param known the ETag of what the record knows: S3 need not send that again */
async function readOne(
  { key, etag, bytes = 0 }: Listed,
  known: string | undefined,
  get: GetOriginal,
  withMemory: Within,
) {
  const tooLarge: Missing = { why: TOO_LARGE, kind: "object" };
  // By the list; what comes is measured, too.
  const got = await (bytes > MOST_BYTES
    ? tooLarge
    : get(key, etag === undefined ? known : undefined, async (original) => ({
        etag: original.etag ?? etag,
        read: await readFact(original.bytes, withMemory),
      })));
  return got === "too-large" ? tooLarge : got;
}
