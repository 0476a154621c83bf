// Finds out whether an app names a package. It reads what package.json says, never node_modules: the
// answer is the same on every machine.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Fault } from "../command.ts";

const LISTS = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/** Returns whether the nearest package.json above a file names a package in one of its lists. */
export function namesPackage(file: string, name: string): boolean | Fault {
  const path = findAbove(dirname(resolve(file)));
  if (path === undefined) return false;
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof found !== "object" || found === null || Array.isArray(found)) {
      return { fault: `${path}: is not a JSON object: fix it` };
    }
    return LISTS.some((field) => {
      const list: unknown = Reflect.get(found, field);
      return typeof list === "object" && list !== null && Object.hasOwn(list, name);
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: `${path}: ${error.message}: fix it` };
  }
}

function findAbove(folder: string): string | undefined {
  const path = join(folder, "package.json");
  if (existsSync(path)) return path;
  const above = dirname(folder);
  return above === folder ? undefined : findAbove(above);
}
