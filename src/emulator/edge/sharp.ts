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
export function requireSharp(): Sharp {
  try {
    return load("sharp");
  } catch (error) {
    // Any other error, such as a missing build for this machine, has a message of sharp that says what to do.
    const isMissing = error instanceof Error && /^Cannot find module 'sharp'/.test(error.message);
    if (isMissing) throw new Error(MISSING, { cause: error });
    throw error;
  }
}
