// Loads sharp, which not every project has: it is an optional peer of this package.

import { createRequire } from "node:module";

type Sharp = typeof import("sharp").default;

const MISSING =
  "sharp is not installed. The strict edge makes its images with it. Install it:\n\n  npm install --save-dev sharp\n";

const load = createRequire(import.meta.url);

/**
 * Returns sharp.
 * @throws if it is not installed; the message says how to install it
 */
export function loadSharp(): Sharp {
  try {
    return load("sharp");
  } catch (error) {
    // Else, for example, there is no build of sharp for this machine: its own message says what to do.
    const isMissing =
      error instanceof Error && error.message.startsWith("Cannot find module 'sharp'");
    throw isMissing ? new Error(MISSING, { cause: error }) : error;
  }
}
