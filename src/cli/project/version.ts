// The version of this package, and with which versions of others it is tested. Its own package.json has both.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isTable } from "../../worker/base/json.ts";

const MANIFEST = readManifest(join(import.meta.dirname, "../../../package.json"));

/** The version of Vitrine that is running. */
export const VERSION = String(MANIFEST["version"]);

/** The range of another package that this version is tested with. */
export function testedRange(name: string): string {
  const { devDependencies } = MANIFEST;
  const range = isTable(devDependencies) ? devDependencies[name] : undefined;
  if (typeof range === "string") return range;
  throw new Error(`package.json has no ${name}`);
}

function readManifest(file: string): Readonly<Record<string, unknown>> {
  const read: unknown = JSON.parse(readFileSync(file, "utf8"));
  return isTable(read) ? read : {};
}
