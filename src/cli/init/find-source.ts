// Finds out where this Vitrine came from, because a new project gets it from the same place. It reads what npm wrote
// down when it installed this package, and never asks a registry.

import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { PACKAGE_ROOT } from "../command.ts";
import { shellQuote } from "../terminal/shell.ts";
import { VERSION } from "../wrangler/packages.ts";

/** What `npm pack` calls the package. */
const PACKED = `vitrine-${VERSION}.tgz`;

/** Where a project gets Vitrine from. */
export type Source = {
  /** The range or the file in its package.json. */
  readonly dependency: string;
  /** The command that installs its packages, in its folder. */
  readonly install: string;
};

/**
 * @param folder that of the project
 * @param root that of the running Vitrine
 */
export function findSource(folder: string, root = PACKAGE_ROOT): Source {
  if (existsSync(join(root, "src/cli/main.ts"))) {
    const install = `npm pack ${shellQuote(root)} && npm install`;
    return { dependency: `file:${PACKED}`, install };
  }
  const origin = readOrigin(join(root, "../.."));
  if (origin === "registry") return { dependency: `^${VERSION}`, install: "npm install" };
  if (origin === undefined) {
    const install = `npm install path/to/${PACKED} (or, if Vitrine came from npm: npm install)`;
    return { dependency: `^${VERSION}`, install };
  }
  const file = relative(folder, origin.file).replaceAll(sep, "/");
  return { dependency: `file:${file}`, install: "npm install" };
}

/**
 * Reads where npm, or npx, got the package `vitrine` of a folder from.
 * @returns undefined if it is not known: other package managers write down nothing that npm reads
 */
function readOrigin(folder: string): "registry" | { readonly file: string } | undefined {
  const record = join(folder, "node_modules/.package-lock.json");
  const lock = existsSync(record) ? parseJson(readFileSync(record, "utf8")) : undefined;
  const packages = isPlainObject(lock) ? lock["packages"] : undefined;
  const entry = isPlainObject(packages) ? packages["node_modules/vitrine"] : undefined;
  const resolved = isPlainObject(entry) ? `${entry["resolved"]}` : "";
  if (/^https?:/.test(resolved)) return "registry";
  const file = resolve(folder, resolved.replace(/^file:/, ""));
  return resolved.startsWith("file:") && existsSync(file) ? { file } : undefined;
}
