// What vitrine warm has done, in a file with a line of JSON for each request, so that it can go on.

import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isTable } from "../schema.ts";
import { linesOf } from "./lines.ts";
import { withoutSignature } from "./wanted.ts";
import type { Ask } from "./warm-asks.ts";
import type { Fault, World } from "./world.ts";

export type WarmRecord = {
  readonly file: string;
  /** The ids of what was done before. */
  readonly before: ReadonlySet<string>;
  /** Adds a line. @returns a fault where it cannot be written */
  add(ask: Ask, now: number): Promise<Fault | undefined>;
  close(): Promise<void>;
};

/** Where the record of a Vitrine is, if nobody says, from the project's folder. */
export function recordOf(base: string): string {
  const hash = createHash("sha256").update(base).digest("hex").slice(0, 12);
  return `.wrangler/vitrine/warm-${hash}.jsonl`;
}

export type RecordOptions = {
  readonly file: string;
  /** Forgets what was done before. */
  readonly restart?: true | undefined;
  /** Leaves the file alone. */
  readonly readOnly?: true | undefined;
};

export async function openRecord(
  { folder, interrupted }: Pick<World, "folder" | "interrupted">,
  { file, restart, readOnly }: RecordOptions,
): Promise<WarmRecord | Fault> {
  const path = resolve(folder, file);
  const before = new Set<string>();
  let handle: FileHandle | undefined;
  try {
    if (!restart && existsSync(path)) {
      for await (const line of linesOf(createReadStream(path), interrupted)) {
        const id = idIn(line);
        if (id !== undefined) before.add(id);
      }
    }
    if (!readOnly) {
      mkdirSync(dirname(path), { recursive: true });
      handle = await open(path, restart ? "w" : "a");
      // What was torn at its end is no line, and must not become the beginning of one.
      await handle.appendFile("\n");
    }
  } catch (error) {
    return faultOf(file, error);
  }
  return {
    file,
    before,
    async add({ id, key, variant, reads }, now) {
      const told = withoutSignature(key);
      const line = JSON.stringify({
        id,
        key: told,
        variant,
        reads,
        at: new Date(now).toISOString(),
      });
      try {
        await handle?.appendFile(`${line}\n`);
        return undefined;
      } catch (error) {
        return faultOf(file, error);
      }
    },
    close: async () => handle?.close(),
  };
}

/** @returns undefined for what is no line of a record, or half of one */
function idIn(line: unknown): string | undefined {
  if (typeof line !== "string") return undefined;
  try {
    const read: unknown = JSON.parse(line);
    return isTable(read) && typeof read["id"] === "string" ? read["id"] : undefined;
  } catch {
    return undefined;
  }
}

/** Of the file system's; what else is thrown is a bug. */
function faultOf(file: string, error: unknown): Fault {
  if (!(error instanceof Error && "code" in error)) throw error;
  return { fault: `the record ${file} cannot be used: ${error.message}` };
}
