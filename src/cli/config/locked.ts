// Whether the version of Vitrine that is installed is the one that package-lock.json has. After a switch of
// commits it is another one until `npm ci`, and a deploy would bundle that.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isPlainObject } from "../../worker/base/json.ts";
import type { Warning } from "./config-fault.ts";

/** A warning if the lock file of a folder has another version than the one that runs. */
export function lockWarning(folder: string, running: string): Warning | undefined {
  const locked = readLocked(folder);
  if (locked === undefined || locked === running) return undefined;
  return {
    what: `package-lock.json has vitrine ${locked}, and ${running} is installed`,
    remedy: "npm ci",
  };
}

/** The version in the lock file of npm; undefined if there is no such file, or no such package in it. */
function readLocked(folder: string): string | undefined {
  try {
    const lock: unknown = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
    const packages = isPlainObject(lock) && isPlainObject(lock["packages"]) ? lock["packages"] : {};
    const own = packages["node_modules/vitrine"];
    return isPlainObject(own) && typeof own["version"] === "string" ? own["version"] : undefined;
  } catch {
    return undefined; // npm says what is wrong with its file
  }
}
