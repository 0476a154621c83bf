// The tests against a real S3. Their names end with .real.ts, so npm test does not run them.

import { defineConfig } from "vitest/config";
import OverheardReporter from "../support/overheard.ts";

export default defineConfig({
  root: new URL("../../", import.meta.url).pathname,
  test: {
    include: ["test/s3/*.real.ts"],
    globalSetup: ["test/support/built.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 1, // they share one server, and a key is revoked
    reporters: ["default", new OverheardReporter()],
  },
});
