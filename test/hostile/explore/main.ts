// npm run explore: explores worlds, and then walks at random. See test/README.md.

import { parseArgs } from "node:util";
import { MAX_INTERRUPTIONS } from "./search.ts";
import { storyOf } from "./story.ts";
import { runExploration, startThread } from "./thread.ts";
import { WORLDS } from "./worlds.ts";

const HELP = `Explores the orders in which calls take effect and are answered: npm run explore -- [options]

  --world <name>       explores only worlds whose name begins like this
  --executions <n>     ends a world after so many executions, and says how many branches it left out (1000000)
  --steps <n>          takes so many random steps in each world, beyond the bounds (0)
  --seed <n>           of the random steps (1)

A run is interrupted ${MAX_INTERRUPTIONS} times at most. The exit code is 1 if a promise is broken.
`;

const { values } = parseArgs({
  options: {
    world: { type: "string", default: "" },
    executions: { type: "string", default: "1000000" },
    steps: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}

const thread = startThread();
const steps = Number(values.steps);
const seed = Number(values.seed);
const maxExecutions = Number(values.executions);
let broken = 0;
for (const { name: world } of WORLDS.filter(({ name }) => name.startsWith(values.world))) {
  const began = performance.now();
  const report = await runExploration(thread, { kind: "all", world, maxExecutions });
  console.log(storyOf(report, performance.now() - began));
  if (report.finding) broken++;
  if (steps === 0) continue;

  const walked = await runExploration(thread, { kind: "walk", world, seed, steps });
  console.log(`at random, seed ${seed}: ${storyOf(walked)}`);
  if (walked.finding) broken++;
}
await thread.terminate();
process.exitCode = broken > 0 ? 1 : 0;
