// The built Worker in Cloudflare's runtime never holds more than an isolate has, however many visitors ask for large
// pictures at once. `npm run bench:memory` measures more cases.

import { expect, test } from "vitest";
import { CASES, type MemoryCase, measure } from "../bench/memory/cases.ts";

const MB = 1_000_000;

/** What the Worker may hold of the 128 MB of an isolate. */
const MAX_LIVE = 100 * MB;

test.for<MemoryCase>([CASES.six, CASES.facts, CASES.stored, CASES.unread])(
  "$name: each visitor gets an answer, and the memory suffices",
  { timeout: 120_000 },
  async (memoryCase) => {
    const { live, isRefusedWell } = await measure(memoryCase);
    expect(live).toBeLessThan(MAX_LIVE);
    expect(isRefusedWell).toBe(true);
  },
);
