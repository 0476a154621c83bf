import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: import.meta.dirname,
  resolve: {
    alias: {
      "cloudflare:workers": join(import.meta.dirname, "../../src/emulator/cloudflare-workers.ts"),
    },
  },
  test: {
    server: { deps: { inline: ["http-cache-tests"] } },
    include: ["*/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    maxWorkers: availableParallelism(),
  },
});
