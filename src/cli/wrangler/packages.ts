// The version of this package, and the packages that it needs of the project: wrangler and sharp. They are loaded
// when they are first used.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { isPlainObject } from "../../worker/base/json.ts";
import { type Fault, isFault, PACKAGE_ROOT } from "../command.ts";

const MANIFEST = readManifest(join(PACKAGE_ROOT, "package.json"));

/** The version of Vitrine that is running. */
export const VERSION = String(MANIFEST["version"]);

/** The oldest version of an optional peer that this version works with. */
export function oldestPeer(name: string): string {
  const peers = MANIFEST["peerDependencies"];
  const range = isPlainObject(peers) ? peers[name] : undefined;
  if (typeof range === "string") return range.replace(/^\D+/, "");
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

/** In a workspace, a package may be beside the project and not beside Vitrine. */
const REQUIRES = [import.meta.url, resolve("package.json")].map((from) => createRequire(from));

/** The `require` that finds a package, or what to install. */
export function requireOf(name: "wrangler" | "sharp"): NodeJS.Require | Fault {
  const found = REQUIRES.find((require) => {
    try {
      return require.resolve(name);
    } catch {
      return false;
    }
  });
  return found ?? missingFault(name, resolve("package.json"));
}

/** @param manifest the package.json of the project: what it lists is there after `npm ci` */
export function missingFault(name: string, manifest: string): Fault {
  return namesPackage(manifest, name) === true
    ? { fault: `${name} is not installed, but package.json lists it. Run: npm ci` }
    : { fault: `${name} is not installed. Run: npm install --save-dev ${name}` };
}

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

export function loadWrangler(): typeof import("wrangler") | Fault {
  const require = requireOf("wrangler");
  if (isFault(require)) return require;
  return oldFault(require("wrangler/package.json").version) ?? require("wrangler");
}

/** What to install, if wrangler is too old: other package managers than npm install it all the same. */
export function oldFault(installed: string): Fault | undefined {
  const oldest = oldestPeer("wrangler");
  if (compareNumbers(installed, oldest) >= 0) return undefined;
  const remedy = `npm install --save-dev wrangler@^${oldest}`;
  return { fault: `wrangler ${installed} is too old: Vitrine needs ${oldest}. Run: ${remedy}` };
}

/** The file that runs wrangler. @throws if it is not installed: `loadWrangler` says what to do */
export function wranglerProgram(): string {
  const require = requireOf("wrangler");
  if (isFault(require)) throw new Error(require.fault);
  return join(dirname(require.resolve("wrangler/package.json")), "bin/wrangler.js");
}
