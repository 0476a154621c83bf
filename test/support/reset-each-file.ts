// Runs before each test file. Files share a process, in which packages stay loaded: wrangler alone takes a
// second. Modules of this project are loaded anew, and what a file changed of the process is undone.

import { afterAll, vi } from "vitest";

vi.resetModules();

const { fetch } = globalThis;
const { env } = process;
process.env = { ...env };

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  globalThis.fetch = fetch;
  process.env = env;
});
