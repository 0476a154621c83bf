// The version of this package, and the packages that it takes from the project: wrangler, sharp and cloudflare. They are loaded
// when they are first used: wrangler takes a second.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { hasProperty, tableOf } from "../../worker/util/json.ts";
import { type CommandFault, isFault, PACKAGE_ROOT } from "../command.ts";

const MANIFEST = tableOf(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8"));

/** The version of the package. Its file is called by it, so it names no commit: `BUILD_VERSION` does. */
export const VERSION = String(MANIFEST["version"]);

/** In a workspace, a package may be beside the project and not beside Vitrine. */
const REQUIRES = [import.meta.url, resolve("package.json")].map((path) => createRequire(path));

/** The `require` that finds an optional peer, or what to install. */
export function requireOf(
  name: "wrangler" | "sharp" | "cloudflare",
): NodeJS.Require | CommandFault {
  for (const require of REQUIRES) {
    try {
      require.resolve(name);
      return require;
    } catch {
      // The package may be at the other place.
    }
  }
  return { fault: `${name} is not installed. Run: npm ci, or: npm install --save-dev ${name}` };
}

/** The wrangler of this project, or what to do if there is none, or if it is too old. */
export function loadWrangler(): typeof import("wrangler") | CommandFault {
  const require = requireOf("wrangler");
  if (isFault(require)) return require;

  const fault = oldFault(require("wrangler/package.json").version);
  return fault ?? require("wrangler");
}

/** The package for Cloudflare's API, or what to do if there is none. */
export function loadCloudflare(): typeof import("cloudflare") | CommandFault {
  const require = requireOf("cloudflare");
  return isFault(require) ? require : require("cloudflare");
}

/** The folder of wrangler. @throws if wrangler is not installed: the message says what to do */
export function wranglerFolder(): string {
  const require = requireOf("wrangler");
  if (isFault(require)) throw new Error(require.fault);
  return dirname(require.resolve("wrangler/package.json"));
}

/** The newest `compatibility_date` that the runtime of this project's wrangler knows; undefined: it does not say. */
export function runtimeDate(): string | undefined {
  const require = requireOf("wrangler");
  if (isFault(require)) return undefined;

  try {
    const requireOfWrangler = createRequire(require.resolve("wrangler/package.json"));
    const workerd: unknown = requireOfWrangler("workerd");
    if (!hasProperty(workerd, "compatibilityDate")) return undefined;

    const { compatibilityDate: date } = workerd;
    return typeof date === "string" ? date : undefined;
  } catch {
    // Another package manager may hide it.
    return undefined;
  }
}

/** What to install, if wrangler is too old: package managers other than npm may install an old one. */
export function oldFault(installed: string): CommandFault | undefined {
  const range = tableOf(MANIFEST["peerDependencies"])["wrangler"];
  const oldest = `${range}`.replace(/^\D+/, "");
  if (installed.localeCompare(oldest, "en", { numeric: true }) >= 0) return undefined;

  return {
    fault: `wrangler ${installed} is too old: Vitrine needs ${oldest}. Run: npm install --save-dev wrangler@^${oldest}`,
  };
}

/**
 * A warning if the lock file of npm names another Vitrine than the installed one, such as after a switch of commits:
 * a deploy would bundle the installed one.
 */
export function lockWarning(
  folder: string,
): { message: string; remedy: string; source: string } | undefined {
  const source = "package-lock.json";
  const locked = readLock(join(folder, source));
  if (typeof locked["version"] !== "string") return undefined;

  // Two files of one version differ only in their integrity. npm writes that of the installed one, others may not.
  const installed = readLock(join(folder, "node_modules/.package-lock.json"));
  const integrity = installed["integrity"] ?? locked["integrity"];
  if (locked["version"] === VERSION && locked["integrity"] === integrity) return undefined;

  return {
    message: `${source} has vitrine ${locked["version"]}, and another file (${VERSION}) is installed`,
    remedy: "npm ci",
    source,
  };
}

/** What a lock file of npm says of Vitrine; nothing, if there is no such file. */
function readLock(file: string): Readonly<Record<string, unknown>> {
  if (!existsSync(file)) return {};
  const lock = tableOf(readFileSync(file, "utf8"));
  return tableOf(tableOf(lock["packages"])["node_modules/vitrine"]);
}
