// Loads sharp, which not every project has: it is an optional peer of this package.

import { type Fault, isFault } from "../command.ts";
import { requireOf } from "../wrangler/packages.ts";

export type LoadSharp = typeof import("sharp").default;

/** @returns a fault that says what to do if it is not installed, or does not run on this machine */
export function loadSharp(): LoadSharp | Fault {
  const require = requireOf("sharp");
  if (isFault(require)) return require;
  try {
    return require("sharp");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: error.message };
  }
}
