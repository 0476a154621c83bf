// Loads the Worker's code in Node.js, outside of the tests' runner.

import { registerHooks } from "node:module";
import type { WorkerCode } from "./simulate.ts";

const RUNTIME = new URL("../../../src/emulator/cloudflare-workers.ts", import.meta.url).href;

export async function loadWorker(): Promise<WorkerCode> {
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === "cloudflare:workers" ? RUNTIME : specifier, context),
  });
  const { default: worker, Renditions } = await import("../../../src/worker/index.ts");
  const createPurger = (context: ExecutionContext, env: object) => new Renditions(context, env);
  return { ...worker, createPurger };
}
