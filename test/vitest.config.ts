import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import OverheardReporter from "./support/overheard.ts";
import RulesReporter from "./support/rules-reporter.ts";
import SlowestFirst from "./support/slowest-first.ts";

// Many tests load wrangler, and some start it: its ten megabytes are compiled once.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "../.wrangler/test/compiled");

/**
 * `npm run test:long` runs what takes long: a browser, whole local runs, compilers, each option with each engine.
 */
const LONG = [
  "test/browser/*.test.ts",
  "test/bench/{import-long,keep}.test.ts",
  "test/dev/{closed,start}.test.ts",
  "test/cloudflare/{cloudflare,planted-faults}.test.ts",
  "test/docs/{alert,examples,testing}.test.ts",
  "test/built/{build-version,hostile-objects,local-run,memory,queue}.test.ts",
  "test/hostile/explore/worlds.test.ts",
  "test/worker/matrix/*.test.ts",
  "test/worker/corpus/pairs.test.ts",
  "test/editor/schema-long.test.ts",
  "test/emulator/declarations.test.ts",
  "test/client/types.test.ts",
  "test/cli/{check/types,client/client}.test.ts",
  "test/cli/{installed,program}.test.ts",
  "test/cli/ci/{action,ci}.test.ts",
  "test/cli/complete/shells.test.ts",
  "test/cli/deploy/{setup-long,setup-wrangler,variable-limits,wrangler}.test.ts",
  "test/cli/doctor/{events,faults,faults-long,token,zone}.test.ts",
  "test/cli/rotate/{local,wrangler}.test.ts",
  "test/cli/wrangler/queues.test.ts",
  "test/hostile/explore/rotate-long.test.ts",
  "test/support/cloudflare/account.test.ts",
  "test/testing/app/before.test.ts",
  "test/structure/install.test.ts",
];
const OWN_RUNNERS = ["test/cms", "test/judges", "test/loaders", "test/package", "test/site"]; // they have packages of their own

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  resolve: {
    alias: {
      "cloudflare:workers": join(import.meta.dirname, "../src/emulator/cloudflare-workers.ts"),
    },
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "short", include: ["test/**/*.test.ts"], exclude: [...LONG, ...OWN_RUNNERS] },
      },
      { extends: true, test: { name: "long", include: LONG } },
    ],
    globalSetup: ["test/support/built.ts"],
    isolate: false, // see there what keeps files apart
    setupFiles: ["test/support/reset-each-file.ts"],
    testTimeout: 40_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    taskTitleValueFormatTruncate: 0, // a title names its case, and its rules, whole
    maxWorkers: availableParallelism() + 1, // the longest files wait for other processes at times
    sequence: { sequencer: SlowestFirst },
    reporters: ["default", new RulesReporter(), new OverheardReporter()],
  },
});
