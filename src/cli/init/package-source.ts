// Finds out where this Vitrine came from, because a new project gets it from the same place. It reads what npm wrote
// down when it installed this package, and never asks a registry: a package of this name there may be another one.

import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { PACKAGE_ROOT } from "../command.ts";
import { shellQuote } from "../terminal/shell.ts";
import { VERSION } from "../wrangler/packages.ts";

/** What `npm pack` calls the package. */
const PACKED = `vitrine-${VERSION}.tgz`;

/**
 * @param folder that of the project
 * @param root that of the running Vitrine
 * @returns the range or the file for package.json, and the command that installs the packages in the project's folder
 */
export function findPackageSource(folder: string, root = PACKAGE_ROOT) {
  if (existsSync(join(root, "src/cli/main.ts"))) {
    const install = `npm pack ${shellQuote(root)} && npm install`;
    return { dependency: `file:${PACKED}`, install };
  }
  const resolved = readResolved(join(root, ".."));
  const file = resolve(root, "../..", resolved.replace(/^file:/, ""));
  if (resolved.startsWith("file:") && existsSync(file)) {
    const path = relative(folder, file).replaceAll(sep, "/");
    return { dependency: `file:${path}`, install: "npm install" };
  }
  const unknown = `npm install path/to/${PACKED} (or, if Vitrine came from npm: npm install)`;
  const install = /^https?:/.test(resolved) ? "npm install" : unknown;
  return { dependency: `^${VERSION}`, install };
}

/** Where npm, or npx, got `vitrine` in a node_modules; "": not known, as with other package managers. */
function readResolved(modules: string): string {
  const record = join(modules, ".package-lock.json");
  const lock = existsSync(record) ? parseJson(readFileSync(record, "utf8")) : undefined;
  const packages = isPlainObject(lock) ? lock["packages"] : undefined;
  const entry = isPlainObject(packages) ? packages["node_modules/vitrine"] : undefined;
  return isPlainObject(entry) ? `${entry["resolved"]}` : "";
}
