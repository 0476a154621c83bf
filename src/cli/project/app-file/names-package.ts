// Finds out whether an app has Vitrine as a package. It reads what package.json says, never node_modules: the
// answer is the same on every machine.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isTable } from "../../../worker/base/json.ts";
import type { Fault } from "../../command.ts";

const LISTS = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/** Returns whether the nearest package.json above a file names Vitrine in a list of its packages. */
export function namesPackage(file: string): boolean | Fault {
  const path = findAbove(dirname(resolve(file)));
  if (path === undefined) return false;
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!isTable(found)) return { fault: `${path}: is not a JSON object: fix it` };
    return LISTS.some((name) => {
      const list = found[name];
      return isTable(list) && Object.hasOwn(list, "vitrine");
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
