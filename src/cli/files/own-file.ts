// Writes a file of an app whole or not at all, and never over a file that something else wrote.

import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { replaceFile } from "./replace-file.ts";

/** Returns whether a command wrote a text itself. */
export type IsOurs = (text: string) => boolean;

export const NOT_OURS = "this command did not write that file: remove it, or name another file";

/** @returns why the file must not be written, or cannot be */
export function ownFileFault(folder: string, file: string, isOurs: IsOurs): string | undefined {
  const path = resolve(folder, file);
  return tried(() => {
    if (!existsSync(dirname(path))) return "there is no such folder: make it first";
    if (!existsSync(path) || isOurs(readFileSync(path, "utf8"))) return undefined;
    return NOT_OURS;
  });
}

/** @returns why it was not written */
export function writeOwnFile(
  folder: string,
  file: string,
  text: string,
  isOurs: IsOurs,
): string | undefined {
  const fault = ownFileFault(folder, file, isOurs);
  if (fault !== undefined) return fault;
  return tried(() => void replaceFile(resolve(folder, file), text, 0o666));
}

/** Gives what the file system says as a value. */
function tried(work: () => string | undefined): string | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return error.message;
  }
}
