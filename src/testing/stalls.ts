// Calls that never end, such as that of an S3 that stalls. While the Worker waits for one, the clock goes on from timer to
// timer: so the Worker's limits end the wait, or the runtime does. The clock stands still while a picture is made, so it does
// not matter how long that really takes.

import type { R2 } from "../emulator/r2/r2.ts";
import { nextTurn, type VirtualClock } from "./clock.ts";

/** The runtime ends what a Worker does in the background after this: ms. */
const BACKGROUND_MS = 30_000;

/** After so many turns without real work, the Worker has set its timers: what it does between two calls takes few turns. */
const QUIET_TURNS = 20;

export type Stalls = ReturnType<typeof createStalls>;

export function createStalls(clock: VirtualClock) {
  const stalledCalls = new Set<symbol>();
  let realWork = 0;
  let waits = 0;
  let isPassing = false;

  /** Waits until all that still goes on waits for a stalled call. */
  const becomeQuiet = async (): Promise<void> => {
    let quietTurns = 0;
    while (quietTurns < QUIET_TURNS) {
      await nextTurn();
      quietTurns = realWork > 0 ? 0 : quietTurns + 1;
    }
  };

  /** Lets the time go on while somebody waits and a call is stalled. */
  const passTime = async (): Promise<void> => {
    if (isPassing) return;

    isPassing = true;
    while (waits > 0 && stalledCalls.size > 0) {
      await becomeQuiet();
      if (waits > 0) clock.moveToNextTimer();
    }
    isPassing = false;
  };

  return {
    /** Waits for work that goes on in another thread. The time stands still meanwhile. */
    async during<Value>(work: Promise<Value>): Promise<Value> {
      realWork += 1;
      try {
        return await work;
      } finally {
        realWork -= 1;
      }
    },

    /** Notes that a call never ends. @param onEnd called when the runtime ends it */
    begin(onEnd: () => void = () => {}): void {
      const call = Symbol("stalled call");
      stalledCalls.add(call);
      clock.setTimer(() => {
        stalledCalls.delete(call);
        onEnd();
      }, BACKGROUND_MS);
      void passTime();
    },

    /** Waits for work of the Worker, which may wait for a stalled call. */
    async wait<Value>(work: Promise<Value>): Promise<Value> {
      waits += 1;
      void passTime();
      try {
        return await work;
      } finally {
        waits -= 1;
      }
    },
  };
}

/** Returns an R2 binding whose stalled calls take no real time, and end as the runtime ends them. */
export function withStalls(r2: R2, stalls: Stalls): R2 {
  const faults: ReadonlySet<string> = r2.faults;
  return withResults(r2, (result, method) => {
    const isStalled = faults.has("stall") || faults.has(`stall-${method}`);
    if (isStalled) return Promise.race([result, rejectAtEnd(stalls)]);

    if (method === "get" && faults.has("stall-midway")) void beginIfBody(result, stalls);
    return result;
  });
}

/** Notes the body of an object, of which only half comes. A bucket without the object has no body. */
async function beginIfBody(result: unknown, stalls: Stalls): Promise<void> {
  const object: unknown = await Promise.resolve(result).catch(() => null); // the Worker gets the error
  if (object !== null) stalls.begin();
}

function rejectAtEnd(stalls: Stalls): Promise<never> {
  return new Promise((_resolve, reject) => {
    const error = new Error("the bucket did not answer, and the runtime ended the work");
    stalls.begin(() => reject(error));
  });
}

/** Returns the functions of a table, such as those that make pictures, as work for which the time stands still. */
export function asRealWork<Table extends object>(table: Table, stalls: Stalls): Table {
  return withResults(table, (result) => {
    return result instanceof Promise ? stalls.during(result) : result;
  });
}

/** Returns an object whose methods return something else: what `change` makes of their results. */
function withResults<Target extends object>(
  object: Target,
  change: (result: unknown, method: string) => unknown,
): Target {
  return new Proxy(object, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;

      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(member, target, args);
        return change(result, String(name));
      };
    },
  });
}
