// What is not an image, although its first bytes are those of one.

import type { Fault } from "./faults.ts";

/** Does a work with pixels. An image that cannot be decoded is a fault. */
export async function decodes<Result>(work: () => Promise<Result>): Promise<Result | Fault> {
  try {
    return await work();
  } catch (error) {
    // sharp throws a plain Error if it cannot decode. Any other class is a bug in this code.
    if (error instanceof Error && error.constructor === Error) return { code: 9516, status: 422 };
    throw error;
  }
}
