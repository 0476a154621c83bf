// The versions of Vitrine that a project was made with, and that its package-lock.json has.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isPlainObject } from "../../worker/base/json.ts";
import { isFault } from "../command.ts";
import { findConfigFile } from "../wrangler/config-file.ts";
import { compareNumbers } from "../wrangler/packages.ts";
import type { Warning } from "./mistakes.ts";

/** The comment of TOML or JSON with comments, at the beginning of a line. */
const COMMENT =
  /^[^\S\n]*(?:#|\/\/|\/\*)[^\S\n]*Made by vitrine (\d{1,9}\.\d{1,9}\.\d{1,9})(?!\d|\.\d)/m;

/** The version that a configuration says it was made with, without the name of a prerelease. */
export function readMadeWith(text: string): string | undefined {
  return COMMENT.exec(text)?.[1];
}

/** What the two versions mean for the operator. */
type Versions = {
  readonly told?: string;
  readonly warning?: Warning;
  /** Whether the project is known to be older: mistakes may come from that. */
  readonly isUpgraded: boolean;
};

/** Compares the version that made the configuration of a folder with the one that runs. */
export function compareVersions(folder: string, running: string): Versions {
  const file = findConfigFile(folder);
  try {
    if (isFault(file)) return { isUpgraded: false };
    return tellVersions(readMadeWith(readFileSync(join(folder, file), "utf8")), running);
  } catch {
    return { isUpgraded: false }; // `readVars` says that the file cannot be read, and why
  }
}

const NEWS = "docs/upgrade.md says what is new";

/** @param made the version that made the project; undefined: its configuration does not say it */
export function tellVersions(made: string | undefined, running: string): Versions {
  const told = (text: string) => `Vitrine ${running}. This project was made ${text}.`;
  if (made === undefined) {
    return { told: told(`before 0.2.0, or by hand: ${NEWS}`), isUpgraded: false };
  }
  const order = compareNumbers(made, running);
  if (order === 0) return { told: told("with the same version"), isUpgraded: false };
  if (order < 0) return { told: told(`with ${made}: ${NEWS}`), isUpgraded: true };
  const what = `this project was made with Vitrine ${made}, and ${running} is installed`;
  return { warning: { what, remedy: "npm install" }, isUpgraded: false };
}

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
