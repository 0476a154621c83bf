// The code of a thread that explores: see thread.ts.

import { registerHooks } from "node:module";
import { parentPort } from "node:worker_threads";
import type { ExploredWorker } from "./deliveries.ts";
import { PLANTS } from "./plants.ts";
import { installRuntime, setTurns } from "./runtime.ts";
import { explore, replay, walk } from "./search.ts";
import { snapshotOf } from "./start.ts";
import type { Exploration, Report } from "./thread.ts";
import { worldOf } from "./worlds.ts";

const RUNTIME = new URL("../../../src/emulator/cloudflare-workers.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === "cloudflare:workers" ? RUNTIME : specifier, context),
});
const worker = await loadWorker();

/** The tasks wait for each other: there is one clock. */
let last = Promise.resolve();
parentPort?.on("message", (exploration: Exploration) => {
  last = last.then(() => answer(exploration));
});

async function answer(exploration: Exploration): Promise<void> {
  try {
    parentPort?.postMessage({ report: await run(exploration) });
  } catch (error) {
    parentPort?.postMessage({ error: `${error instanceof Error ? error.stack : error}` });
  }
}

/** Loads the Worker, after the hooks. What Node.js loads with its first requests is loaded now: it takes several turns. */
async function loadWorker(): Promise<ExploredWorker> {
  installRuntime();
  const { default: gateway, Renditions } = await import("../../../src/worker/index.ts");
  const loaded = { ...gateway, Renditions };
  setTurns(100);
  await snapshotOf(worldOf("a replacement of what is stored"), loaded);
  setTurns(1);
  return loaded;
}

async function run(exploration: Exploration): Promise<Report> {
  const { world: name, plant: plantName, turns = 1 } = exploration;
  const world = worldOf(name);
  const plant = plantName === undefined ? undefined : PLANTS[plantName];
  setTurns(turns);
  switch (exploration.kind) {
    case "all":
      return explore(world, worker, exploration, plant);
    case "walk":
      return walk(world, worker, exploration, plant);
    case "replay":
      return replay(world, worker, exploration.choices, plant);
  }
}
