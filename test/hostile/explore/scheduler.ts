// Decides when each call takes effect and when its answer arrives. Between two steps, code runs until it waits. Nothing
// here knows what a step does: models.ts and stage.ts make the steps, search.ts chooses among them.

import { AsyncLocalStorage } from "node:async_hooks";
import { hash } from "node:crypto";

/** Who does something: code of one run of the Worker, a data centre's cache, or the world outside. */
export type Actor = {
  /** The run or visit that a switch leaves, and so interrupts: `visitor 1`. */
  readonly process: string;
  /** Whether a switch away from it counts: it is a run of the Worker, and not a change of the world. */
  readonly isRun: boolean;
  /** The isolate that runs the code. Undefined: code that no isolate takes with it when it dies. */
  readonly isolate?: string | undefined;
  /** What each of its steps touches besides. */
  readonly touches?: readonly string[];
};

export type StepKind = "start" | "effect" | "delivery" | "timer" | "death";

export type Step = {
  /** The same in each order: the process, what it does, how often it did so before, and the kind. */
  readonly id: string;
  readonly actor: Actor;
  readonly kind: StepKind;
  /** The objects that it reads or changes. Steps commute if they touch no common one, and not each other's isolate. */
  readonly touches: readonly string[];
  /** Whether it can be taken yet. */
  readonly isReady?: () => boolean;
  /** What arrives with a delivery: a part of the state until then. */
  readonly content?: string | undefined;
  /** Does the step. @returns what happened, for the story and for the history of who sees it */
  readonly take: () => string;
};

/** What a call leads to. `never`: no answer comes. */
export type Effect<T> =
  | { readonly kind: "answer"; readonly value: () => T; readonly says: string }
  | { readonly kind: "error"; readonly error: Error; readonly says: string }
  | { readonly kind: "never"; readonly says: string };

type Timer = { readonly due: number; readonly step: Step };

export type Scheduler = ReturnType<typeof createScheduler>;

/** What a step touches that commutes with none. */
export const EVERYTHING = "everything";

const als = new AsyncLocalStorage<Actor>();

/** The running code's actor. */
export function currentActor(): Actor {
  return als.getStore() ?? NOBODY;
}

const NOBODY: Actor = { process: "nobody", isRun: false };

/** Runs code as an actor, and what follows from it. */
export function runAs<T>(actor: Actor, work: () => T): T {
  return als.run(actor, work);
}

/** @param startTime ms since 1970 */
export function createScheduler(startTime: number) {
  let now = startTime;
  let timerIds = 0;
  const pending: Step[] = [];
  const timers = new Map<number, Timer>();
  const counts = new Map<string, number>();
  /** What each isolate, or process outside of one, has seen, as a hash. Its code is a function of that. */
  const histories = new Map<string, string>();
  const dead = new Set<string>();

  function nextId(actor: Actor, name: string): string {
    const id = `${actor.process}: ${name}`;
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return count === 1 ? id : `${id} (${count})`;
  }

  function isDead({ isolate }: Actor): boolean {
    return isolate !== undefined && dead.has(isolate);
  }

  function see({ isolate, process }: Actor, text: string): void {
    const observer = isolate ?? process;
    const last = histories.get(observer) ?? "";
    histories.set(observer, hash("sha1", `${last}|${now}|${text}`, "base64"));
  }

  function add(step: Step): void {
    if (isDead(step.actor)) return;
    const touches = [...step.touches, ...(step.actor.touches ?? [])];
    pending.push({ ...step, touches });
  }

  /** Adds a step that nobody waits for. @returns its id */
  function addStep(
    actor: Actor,
    name: string,
    kind: StepKind,
    touches: readonly string[],
    take: () => string,
  ): string {
    const id = nextId(actor, name);
    add({ id, actor, kind, touches, take });
    return id;
  }

  /** Takes back a step that was not yet taken. @returns whether there was one */
  function cancel(id: string): boolean {
    const index = pending.findIndex((step) => step.id === id);
    if (index < 0) return false;
    pending.splice(index, 1);
    return true;
  }

  /** A call of the running code: it takes effect in one step, and its answer arrives in another. */
  function call<T>(
    name: string,
    touches: readonly string[],
    effect: () => Effect<T>,
    isReady: () => boolean = () => true,
  ): Promise<T> {
    const actor = currentActor();
    const id = nextId(actor, name);
    return new Promise<T>((resolve, reject) => {
      const take = () => {
        const result = effect();
        const { kind, says } = result;
        if (kind === "never") return says;
        const deliver = () => {
          see(actor, `${id} ${says}`);
          if (kind === "error") reject(result.error);
          else resolve(result.value());
          return says;
        };
        const content = says;
        add({ id: `${id}, answer`, actor, kind: "delivery", touches: [], content, take: deliver });
        return says;
      };
      add({ id, actor, kind: "effect", touches, isReady, take });
    });
  }

  /** A step whose result the running code has at once: one of the cache itself. */
  function hop<T>(
    name: string,
    touches: readonly string[],
    effect: () => { value: T; says: string },
  ): Promise<T> {
    const actor = currentActor();
    const id = nextId(actor, name);
    return new Promise<T>((resolve) => {
      const take = () => {
        const { value, says } = effect();
        see(actor, `${id} ${says}`);
        resolve(value);
        return says;
      };
      add({ id, actor, kind: "effect", touches, take });
    });
  }

  /** @param touches by default all, since runs see the time */
  function setTimer(
    ms: number,
    callback: () => void,
    touches: readonly string[] = [EVERYTHING],
  ): number {
    const actor = currentActor();
    const due = now + Math.max(0, ms);
    const timerId = ++timerIds;
    const id = nextId(actor, `timer of ${ms} ms`);
    const take = () => {
      timers.delete(timerId);
      now = Math.max(now, due);
      see(actor, id);
      callback();
      return `${ms} ms are over`;
    };
    timers.set(timerId, { due, step: { id, actor, kind: "timer", touches, take } });
    return timerId;
  }

  /** The timer that is due first. @returns undefined if nobody waits for one */
  function nextTimer(): Step | undefined {
    let first: Timer | undefined;
    for (const timer of timers.values()) {
      if (isDead(timer.step.actor)) continue;
      if (!first || timer.due < first.due) first = timer;
    }
    return first?.step;
  }

  function take(step: Step): string {
    const index = pending.indexOf(step);
    if (index >= 0) pending.splice(index, 1);
    return runAs(step.actor, step.take);
  }

  /** No code of the isolate runs any more, and nobody hears of what it has asked for. */
  function kill(isolate: string): void {
    dead.add(isolate);
    const alive = pending.filter(({ actor }) => !isDead(actor));
    pending.splice(0, pending.length, ...alive);
  }

  /** Everything of the scheduler that decides what can still happen. What has ended has no history. */
  function describe(): string {
    const active = new Set<string>();
    for (const { actor } of pending) active.add(actor.isolate ?? actor.process);
    for (const { step } of timers.values()) active.add(step.actor.isolate ?? step.actor.process);
    const seen = [...histories].filter(([observer]) => active.has(observer));
    const steps = pending.map(({ id, content = "" }) => `${id}=${content}`);
    return JSON.stringify([now, steps.toSorted(), seen.toSorted(), [...dead].toSorted()]);
  }

  return {
    ...{ addStep, cancel, call, hop, setTimer, nextTimer, take, kill, describe, isDead },
    clearTimer: (timerId: number) => void timers.delete(timerId),

    now: () => now,
    pending: (): readonly Step[] => pending,
  };
}
