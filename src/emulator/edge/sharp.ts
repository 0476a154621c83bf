// Loads sharp, which not every project has: it is an optional peer of this package.

import { createRequire } from "node:module";

type Sharp = typeof import("sharp").default;

const MISSING = `sharp is not installed. The strict edge makes its images with it. Install it:

  npm install --save-dev sharp
`;

const load = createRequire(import.meta.url);

/**
 * Returns sharp.
 * @throws if it is not installed; the message says how to install it
 */
export function loadSharp(): Sharp {
  try {
    return load("sharp");
  } catch (error) {
    if (isMissing(error)) throw new Error(MISSING, { cause: error });
    throw error; // for example no build of sharp for this machine: its own message says what to do
  }
}

/** Returns whether sharp itself is missing, and not a file that it needs. */
function isMissing(error: unknown): boolean {
  const isNotFound = error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND";
  return isNotFound && error.message.startsWith("Cannot find module 'sharp'");
}
