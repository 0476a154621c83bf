// Writes all files of a new project or none, and never over one that is there.

import { lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Fault } from "../command.ts";
import type { ProjectFiles } from "./project-files.ts";

/** wrangler would read these and ignore wrangler.toml. */
const RIVALS = ["wrangler.json", "wrangler.jsonc"];

/**
 * @param folder is made if it is not there
 * @param shown its name in messages
 * @returns why nothing is written
 */
export function writeProject(
  folder: string,
  files: ProjectFiles,
  shown: string,
): Fault | undefined {
  const made: string[] = [];
  try {
    const there = [...Object.keys(files), ...RIVALS].filter((path) => exists(join(folder, path)));
    if (there.length > 0) {
      const reason = `${there.join(", ")}: there already, and init overwrites nothing`;
      return { fault: `${shown}: ${reason}. Nothing is written: name another folder` };
    }
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, path);
      made.push(outermostMissing(file));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { flag: "wx" });
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // A full disk leaves a part of a file.
    for (const path of made) rmSync(path, { recursive: true, force: true });
    return { fault: `${shown}: cannot be written: ${error.message}. Nothing is written` };
  }
}

/** The outermost of what has to be made for a file: one of its folders, or the file. */
function outermostMissing(file: string): string {
  return exists(dirname(file)) ? file : outermostMissing(dirname(file));
}

/** Returns whether there is anything of that name, also a link that leads nowhere. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
