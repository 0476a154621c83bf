// Lists the files of a folder of originals. Links have an end here, and what cannot be read is named, and stops nothing.

import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { hasProperty } from "../../worker/util/json.ts";

/** Gets a file that is no original, and why. */
export type OnLeftOut = (file: string, reason: string) => void;

/**
 * The names of all files below a folder, without those that editors and systems hide, such as `.fig.jpg.swp` and
 * `.DS_Store`. Links to folders are followed, but none that is behind another link: a circle of links has no end.
 * @returns undefined while a folder is being deleted
 */
export function listFiles(folder: string, onLeftOut: OnLeftOut): readonly string[] | undefined {
  const files: string[] = [];
  const folders = [{ name: "", isLinked: false }];

  for (const { name: inner, isLinked } of folders) {
    const entries = tryToRead(join(folder, inner), readFolder, onLeftOut);
    if (entries === undefined) {
      if (!existsSync(join(folder, inner))) return undefined;
      continue;
    }

    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;

      const name = join(inner, entry.name);
      const path = join(folder, name);
      const isLink = entry.isSymbolicLink();
      const isFolder = isLink ? tryToRead(path, leadsToFolder, onLeftOut) : entry.isDirectory();

      // A link that leads to nothing is no file.
      if (isFolder === undefined) continue;
      if (!isFolder) files.push(name);
      else if (isLink && isLinked)
        onLeftOut(path, "a link in a folder that is a link is not followed");
      else folders.push({ name, isLinked: isLinked || isLink });
    }
  }
  return files;
}

/** @returns undefined if a file or folder was deleted meanwhile, or is left out, because it cannot be read */
export function tryToRead<T>(
  path: string,
  read: (path: string) => T,
  onLeftOut: OnLeftOut,
): T | undefined {
  try {
    return read(path);
  } catch (error) {
    if (!hasProperty(error, "code")) throw error;
    if (error.code !== "ENOENT") onLeftOut(path, `it cannot be read (${error.code})`);
    return undefined;
  }
}

const readFolder = (path: string): Dirent[] => readdirSync(path, { withFileTypes: true });
const leadsToFolder = (path: string): boolean => statSync(path).isDirectory();
