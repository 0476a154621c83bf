// Writes all files of a new project or none, and never over one that is there.

import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Fault } from "../command.ts";
import type { ProjectFile } from "./templates/index.ts";

/** wrangler would read these and ignore wrangler.toml. */
const RIVALS = ["wrangler.json", "wrangler.jsonc"];

/**
 * @param folder is made if it is not there
 * @param shown its name in messages
 * @returns why nothing is written
 */
export function writeProject(
  folder: string,
  files: readonly ProjectFile[],
  shown: string,
): Fault | undefined {
  try {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
      return { fault: `${shown}: is a file. Name a folder` };
    }
    const names = [...files.map(({ path }) => path), ...RIVALS];
    const there = names.filter((name) => exists(join(folder, name)));
    if (there.length > 0) {
      const reason = `${there.join(", ")}: there already, and init overwrites nothing`;
      return { fault: `${shown}: ${reason}. Nothing is written: name another folder` };
    }
    writeAll(folder, files);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: `${shown}: cannot be written: ${error.message}. Nothing is written` };
  }
}

/** Removes again what it has made, if it cannot make the rest. */
function writeAll(folder: string, files: readonly ProjectFile[]): void {
  const undo: (() => void)[] = [];
  try {
    for (const { path, text } of files) {
      const file = join(folder, path);
      for (const missing of missingFolders(dirname(file))) {
        mkdirSync(missing);
        undo.unshift(() => rmdirSync(missing));
      }
      const made = openSync(file, "wx");
      undo.unshift(() => rmSync(file));
      try {
        writeFileSync(made, text); // a full disk leaves a part of it
      } finally {
        closeSync(made);
      }
    }
  } catch (error) {
    for (const step of undo) step();
    throw error;
  }
}

/** The folders to make for a folder, the outermost first. */
function missingFolders(folder: string): string[] {
  return exists(folder) ? [] : [...missingFolders(dirname(folder)), folder];
}

/** Returns whether there is anything of that name, also a link that leads nowhere. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
