// What the Worker's code finds as globals: fetch, timers, the clock and the log, all of the stage in use. It replaces
// those of this thread, so only a thread of its own may install it.

import type { Checker } from "./invariants.ts";
import { installMemoCrypto } from "./memo-crypto.ts";
import type { Plant } from "./plants.ts";
import type { S3Model } from "./s3-model.ts";
import { currentActor, type Scheduler } from "./scheduler.ts";
import { objectOfUrl } from "./worlds.ts";

type Used = {
  readonly scheduler: Scheduler;
  readonly s3: S3Model;
  readonly checker: Checker;
  readonly plant: Plant | undefined;
  /** Makes the condition under which a question of the running code may be answered. */
  readonly isReady: () => () => boolean;
};

let used: Used | undefined;

export function use(stage: Used): void {
  used = stage;
}

function stageInUse(): Used {
  if (!used) throw new Error("no stage is in use");
  return used;
}

const { setImmediate } = globalThis;

/** How often the event loop turns after a step. One turn runs all that a step leads to: explore.test.ts compares. */
let turns = 1;

export function setTurns(count: number): void {
  turns = count;
}

/** Lets code run until all of it waits for a step. */
export async function drain(): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function installRuntime(): void {
  installMemoCrypto();
  Date.now = () => stageInUse().scheduler.now();
  const wait = (ms: number) =>
    new Promise<void>((resolve) => void stageInUse().scheduler.setTimer(ms, resolve));
  const setTimeout = (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    stageInUse().scheduler.setTimer(ms, () => {
      stageInUse().checker.didTimeOut(currentActor().process);
      callback(...args);
    });
  const clearTimeout = (timerId: number) => stageInUse().scheduler.clearTimer(timerId);
  Object.assign(globalThis, {
    scheduler: { wait },
    setTimeout,
    clearTimeout,
    fetch: fetchUpstream,
  });
  for (const level of ["info", "warn", "error"] as const) console[level] = () => {};
}

/** A fetch with `cf` goes to the edge, any other one to S3. */
function fetchUpstream(input: string, init: RequestInit = {}): Promise<Response> {
  const { scheduler, s3, checker, plant, isReady } = stageInUse();
  const key = objectOfUrl(input);
  const { process } = currentActor();
  if (init.cf) {
    checker.didAskEdge(process);
    return scheduler.call<Response>("edge", [`S3 ${key}`], () => s3.render(key, plant?.edge));
  }
  checker.didAskS3(process);
  const effect = () => {
    const isRepeated = plant?.isNotAskedAgain && checker.hasAskedEdge(process);
    return isRepeated ? s3.get(key, checker.beganAt(process, key)) : s3.get(key);
  };
  const asking = scheduler.call("S3", [`S3 ${key}`], effect, isReady());
  return asking.then(
    (response) => {
      checker.didHearS3(process, response.ok || response.headers.has("about-object"));
      return response;
    },
    (error) => {
      checker.didHearS3(process, false);
      throw error;
    },
  );
}
