// The version of this package, and with which versions of others it is tested. Its own package.json has both.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isPlainObject } from "../../worker/base/json.ts";
import { PACKAGE_ROOT } from "../command.ts";

const MANIFEST = readManifest(join(PACKAGE_ROOT, "package.json"));

/** The version of Vitrine that is running. */
export const VERSION = String(MANIFEST["version"]);

/** The range of another package that this version is tested with. */
export function testedRange(name: string): string {
  return rangeIn("devDependencies", name);
}

/** The oldest version of an optional peer that this version works with. */
export function oldestPeer(name: string): string {
  return rangeIn("peerDependencies", name).replace(/^\D+/, "");
}

function rangeIn(list: "devDependencies" | "peerDependencies", name: string): string {
  const packages = MANIFEST[list];
  const range = isPlainObject(packages) ? packages[name] : undefined;
  if (typeof range === "string") return range;
  throw new Error(`package.json has no ${name}`);
}

/** Compares the three numbers of two versions: below 0 if the first one is older. */
export function compareNumbers(one: string, other: string): number {
  const [theirs = [], ours = []] = [one, other].map((version) => version.split(/[.-]/).map(Number));
  const at = [0, 1, 2].find((index) => theirs[index] !== ours[index]);
  return at === undefined ? 0 : (theirs[at] ?? 0) - (ours[at] ?? 0);
}

function readManifest(file: string): Readonly<Record<string, unknown>> {
  const read: unknown = JSON.parse(readFileSync(file, "utf8"));
  return isPlainObject(read) ? read : {};
}
