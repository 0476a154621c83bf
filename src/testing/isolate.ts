// An isolate: a copy of the Worker with a memory and globals of its own. `fetch`, `console`, `crypto`, the clock and the timers
// are parameters of the function that the Worker is compiled to. So the globals of the test stay as they are, and several
// isolates in one process do not disturb each other.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compileFunction } from "node:vm";
import type { EdgeInit } from "../emulator/edge/settings.ts";
import type { FetchInput } from "../emulator/fetch.ts";
import type worker from "../worker/index.ts";
import type { Renditions } from "../worker/index.ts";
import type { VirtualClock } from "./clock.ts";

export type Isolate = {
  readonly worker: typeof worker;
  readonly Renditions: typeof Renditions;
};

type Level = "debug" | "log" | "info" | "warn" | "error";

export type Surroundings = {
  readonly fetch: (input: FetchInput, init?: EdgeInit) => Promise<Response>;
  readonly clock: VirtualClock;
  readonly subtle: SubtleCrypto;
  readonly log: (level: Level, line: unknown) => void;
};

const FILE = join(import.meta.dirname, "worker.js");
const PARAMETERS = [
  "module",
  "fetch",
  "console",
  "crypto",
  "Date",
  "setTimeout",
  "clearTimeout",
  "scheduler",
  "AbortSignal",
];

let reading: Promise<string> | undefined;

/** The Worker's code. In the repository there is no bundle of it yet. */
async function readWorker(): Promise<string> {
  if (existsSync(FILE)) return readFileSync(FILE, "utf8");
  const { bundleWorker } = await import("./bundle-worker.ts");
  return bundleWorker();
}

/** Returns a function that starts an isolate. */
export async function loadWorker(): Promise<(surroundings: Surroundings) => Isolate> {
  reading ??= readWorker();
  const code = await reading;

  return (surroundings) => {
    const start = compileFunction(code, PARAMETERS, { filename: FILE });
    const module: { exports: Partial<Record<string, unknown>> } = { exports: {} };
    const { clock, fetch, log, subtle } = surroundings;

    start(
      module,
      fetch,
      consoleOf(log),
      cryptoOf(subtle),
      dateOf(clock),
      (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
        clock.setTimer(() => run(...args), ms),
      (id: number) => clock.clearTimer(id),
      { wait: (ms: number) => clock.pause(ms) },
      { timeout: (ms: number) => timeoutSignal(clock, ms) },
    );

    const { default: gateway, Renditions: entrypoint } = module.exports;
    if (!isGateway(gateway) || !isEntrypoint(entrypoint)) {
      throw new Error(`${FILE} is no Worker: install the package vitrine again`);
    }
    return { worker: gateway, Renditions: entrypoint };
  };
}

function isGateway(value: unknown): value is Isolate["worker"] {
  return typeof value === "object" && value !== null && "fetch" in value && "queue" in value;
}

function isEntrypoint(value: unknown): value is Isolate["Renditions"] {
  return typeof value === "function";
}

function consoleOf(log: Surroundings["log"]) {
  const levels: readonly Level[] = ["debug", "log", "info", "warn", "error"];
  return Object.fromEntries(levels.map((level) => [level, (line: unknown) => log(level, line)]));
}

function cryptoOf(subtle: SubtleCrypto) {
  return {
    subtle,
    getRandomValues: crypto.getRandomValues.bind(crypto),
    randomUUID: crypto.randomUUID.bind(crypto),
  };
}

function dateOf(clock: VirtualClock): DateConstructor {
  return new Proxy(Date, {
    construct: (target, args) => Reflect.construct(target, args.length > 0 ? args : [clock.now()]),
    get: (target, name) => (name === "now" ? clock.now : Reflect.get(target, name)),
  });
}

function timeoutSignal(clock: VirtualClock, ms: number): AbortSignal {
  const controller = new AbortController();
  const reason = new DOMException("The operation was aborted due to timeout", "TimeoutError");
  clock.setTimer(() => controller.abort(reason), ms);
  return controller.signal;
}
