// Denies other users of this machine the files of the local run: secrets, and code that the local run executes.

import { chmodSync, lstatSync, rmSync, type Stats, statSync } from "node:fs";
import type { CommandFault } from "../cli/command.ts";
import { LOCAL_ISSUER_KEY_FILE } from "../cli/config/local-issuer.ts";
import { LOCAL_KEY_FILE, UPLOAD_KEY_FILE } from "../cli/config/local-run.ts";

const FOLDERS = ["", "/vitrine", "/tmp", "/state"].map((name) => `.wrangler${name}`);

/** The bits of a mode by which others may write. */
const WRITE_BY_OTHERS = 0o022;

/** The bits of a mode by which others may do anything. */
const ALL_BY_OTHERS = 0o077;

/**
 * Closes the folder of wrangler. If others could write to it, they may know the local keys: the keys are deleted, and new
 * ones are made when they are needed.
 * @returns a fault if a folder leads elsewhere, or belongs to somebody else
 */
export function restrictFolder(): CommandFault | undefined {
  let wasOpen = false;

  for (const folder of FOLDERS) {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) continue;

    if (!stats.isDirectory() || !isOurs(stats)) {
      return {
        fault: `${folder} is a link, or belongs to another user. Remove it and start again.`,
      };
    }

    wasOpen ||= (stats.mode & WRITE_BY_OTHERS) !== 0;
    chmodSync(folder, 0o700);
  }

  if (wasOpen) {
    const keyFiles = [LOCAL_KEY_FILE, UPLOAD_KEY_FILE, LOCAL_ISSUER_KEY_FILE];
    for (const file of keyFiles) rmSync(file, { force: true });
  }
  return undefined;
}

/** Returns whether a folder belongs to this user, or to whom the project belongs. Windows has no such users. */
function isOurs({ uid }: Stats): boolean {
  const user = process.getuid?.();
  return user === undefined || uid === user || uid === statSync(".").uid;
}

/**
 * Lets only its owner read and write a file, if there is such a file. A link is refused: somebody else may need the file
 * that it leads to, and did not mean this run to write to it.
 * @returns why that is not possible
 */
export function restrictFile(file: string): CommandFault | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;

  if (stats.isSymbolicLink()) {
    return {
      fault: `${file} is a link, and the local run would write to what it leads to, and change its mode. Put a copy in its place and start again.`,
    };
  }

  try {
    const isOpen = (stats.mode & ALL_BY_OTHERS) !== 0;
    if (isOpen) chmodSync(file, stats.mode & ~ALL_BY_OTHERS & 0o777);
    return undefined;
  } catch (error) {
    return { fault: `Other users of this machine may read ${file}: ${error}` };
  }
}
