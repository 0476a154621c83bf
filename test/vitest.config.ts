import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import LongestFirst from "./support/order.ts";
import OverheardReporter from "./support/overheard.ts";
import RulesReporter from "./support/rules.ts";

// Many tests load wrangler, and some start it: its ten megabytes are compiled once.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "../.wrangler/test/compiled");

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  resolve: {
    alias: {
      "cloudflare:workers": join(
        import.meta.dirname,
        "../src/emulator/cache/cloudflare-workers.ts",
      ),
    },
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/loaders", "test/package"], // they have their own packages, and runners
    globalSetup: ["test/support/built.ts"],
    isolate: false, // see there what keeps files apart
    setupFiles: ["test/support/fresh.ts"],
    testTimeout: 40_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    maxWorkers: availableParallelism() + 1, // the longest files wait for other processes at times
    sequence: { sequencer: LongestFirst },
    reporters: ["default", new RulesReporter(), new OverheardReporter()],
  },
});
