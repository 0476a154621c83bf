// A file of lines that a command appends to while it works, to continue later.

import { hash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Fault, World } from "../command.ts";
import { type Impossible, linesOf } from "../terminal/lines.ts";

type LineFile = {
  /** @returns a fault if the file cannot be written */
  append(line: string): Promise<Fault | undefined>;
  close(): Promise<void>;
};

/**
 * The default file of a command, relative to the project's folder.
 * @param of what it is about, such as a URL: only its hash is in the name
 */
export function recordFile(command: string, of: string, environment: string | undefined): string {
  const named = environment === undefined ? command : `${command}-${environment}`;
  return `.wrangler/vitrine/${named}-${hash("sha256", of).slice(0, 12)}.jsonl`;
}

/** Gives each line of a file, if there is such a file. */
export async function readLines(
  { folder, interrupted }: World,
  file: string,
  take: (line: string | Impossible) => void,
): Promise<Fault | undefined> {
  const path = resolve(folder, file);
  try {
    if (!existsSync(path)) return undefined;
    for await (const line of linesOf(createReadStream(path), interrupted)) take(line);
    return undefined;
  } catch (error) {
    return recordFault(file, error);
  }
}

/** The line after which nothing counts as done. */
export const RESTARTED = '{"restarted":true}';

/**
 * Opens a file to append to. If there is none, it is made.
 * @param restart appends `RESTARTED`
 */
export async function openLines(
  { folder }: World,
  file: string,
  restart?: boolean,
): Promise<LineFile | Fault> {
  const path = resolve(folder, file);
  try {
    mkdirSync(dirname(path), { recursive: true });
    const handle = await open(path, "a", 0o600);
    await handle.chmod(0o600);
    // The last line may be incomplete. End it, so that it does not become the beginning of the next one.
    await handle.appendFile(restart ? `\n${RESTARTED}\n` : "\n");
    return {
      async append(line) {
        try {
          await handle.appendFile(`${line}\n`);
          return undefined;
        } catch (error) {
          return recordFault(file, error);
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    return recordFault(file, error);
  }
}

/** Explains an error of the file system. Any other error is a bug. */
export function recordFault(file: string, error: unknown): Fault {
  if (!(error instanceof Error && "code" in error)) throw error;
  return { fault: `the record ${file} cannot be used: ${error.message}` };
}
