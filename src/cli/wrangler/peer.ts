// Packages that not everybody needs who installs Vitrine, so they are optional peers in package.json.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { Fault } from "../command.ts";
import { namesPackage } from "./names-package.ts";

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
