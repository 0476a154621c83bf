// Tries all orders in which a rotation may happen, within bounds, and checks after each step what must always hold. A world
// that was seen before, after as many interruptions or fewer, is not followed again.

import type { CommandTable, Moment, Reply } from "./rotate-command.ts";
import { KEYS, type KeyName, type Slots, type Visits } from "./rotate-visits.ts";
import {
  acceptedBy,
  type Bounds,
  nameOf,
  type Operator,
  type Real,
  type Remedy,
  type Step,
  startWorld,
  stepsFrom,
  type World,
} from "./rotate-world.ts";

/** Something that is not known yet: the real code has to be asked for it. */
class Unknown extends Error {
  readonly ask: () => Promise<unknown>;
  constructor(ask: () => Promise<unknown>) {
    super("not known yet");
    this.ask = ask;
  }
}

/** Calls a function until it knows everything. */
async function knowing<T>(run: () => T): Promise<T> {
  for (;;) {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof Unknown)) throw error;
      await error.ask();
    }
  }
}

/** The real command and the real Worker, as far as they were asked already. @throws Unknown */
function realOf(table: CommandTable, visits: Visits): Real {
  return {
    start: table.start,
    after: (moment: Moment, reply: Reply) => {
      const next = table.after(moment, reply);
      if (next === undefined) throw new Unknown(() => table.learn(moment, reply));
      return next;
    },
    healthOf: (slots: Slots, accepted: string) => {
      const text = visits.healthOf(slots, accepted);
      if (text === undefined) throw new Unknown(() => visits.askHealth(slots, accepted));
      return text;
    },
  };
}

export type Exploration = {
  /** Worlds that differ. */
  readonly worlds: number;
  /** Steps that were tried. */
  readonly steps: number;
  /** If something is wrong: how it came to that, a line a step, and then what is wrong. */
  readonly story: readonly string[];
};

type Visited = {
  readonly world: World;
  readonly title: string;
  readonly parent: Visited | undefined;
};

/** Tries all orders. It ends at the first fault, and a shorter story with fewer interruptions is found first. */
export async function explore(
  keys: readonly KeyName[],
  bounds: Bounds,
  table: CommandTable,
  visits: Visits,
): Promise<Exploration> {
  const real = realOf(table, visits);
  const check = createChecks(bounds, real, visits);
  const first = { world: startWorld(keys, bounds), title: "the old key serves", parent: undefined };
  const seen = new Set([nameOf(first.world)]);

  // Worlds by how often something was interrupted on the way: all with none come first.
  const queues: Visited[][] = [[first]];
  let steps = 0;

  for (const queue of iterate(queues)) {
    for (const visited of queue) {
      const next = await knowing(() => stepsFrom(visited.world, bounds, real));
      for (const step of next) {
        steps += 1;
        const name = nameOf(step.world);
        const isNew = !seen.has(name);
        if (!isNew && step.changedKey === undefined && step.fault === undefined) continue;

        const fault = step.fault ?? (await knowing(() => check(visited.world, step)));
        const reached = { world: step.world, title: step.title, parent: visited };
        if (fault !== undefined) {
          return { worlds: seen.size, steps, story: [...storyOf(reached), fault] };
        }
        if (!isNew) continue;

        const { interruptions } = step.world;
        const isInterrupted = interruptions > visited.world.interruptions;
        if (!isInterrupted) {
          seen.add(name);
          queue.push(reached);
          continue;
        }
        queues[interruptions] ??= [];
        queues[interruptions].push(reached);
      }
    }
  }
  return { worlds: seen.size, steps, story: [] };

  /** Each queue in turn, without the worlds that were seen since they were put there. */
  function* iterate(all: Visited[][]) {
    yield all[0] ?? [];
    for (let at = 1; at < all.length; at += 1) {
      const fresh = (all[at] ?? []).filter(({ world }) => {
        const name = nameOf(world);
        const isNew = !seen.has(name);
        seen.add(name);
        return isNew;
      });
      all[at] = [];
      yield fresh;
    }
  }
}

function storyOf(reached: Visited): string[] {
  const lines: string[] = [];
  for (let at: Visited | undefined = reached; at; at = at.parent) {
    const { slots, isolates, keys } = at.world;
    const states = KEYS.map((name) => `${name} ${keys[name]}`).join(", ");
    const running = isolates.map((isolate) => isolate.slots).join(" ");
    lines.unshift(`${at.title}. Secrets ${slots}, isolates ${running}, S3: ${states}`);
  }
  return lines;
}

/** What must hold after each step. */
function createChecks(bounds: Bounds, real: Real, visits: Visits) {
  const completed = new Map<string, string>();

  const visitorsOf = (slots: Slots, before: string, after: string): string => {
    const failure = visits.failureOf(slots, before, after);
    if (failure === undefined) throw new Unknown(() => visits.visit(slots, before, after));
    return failure;
  };

  /** No visitor's request fails, in no isolate that may run. */
  const findFailure = (world: World, from: World, without: readonly KeyName[] = []) => {
    for (const slots of new Set([world, ...world.isolates].map((one) => one.slots))) {
      for (const before of acceptedBy(from, slots)) {
        for (const accepted of acceptedBy(world, slots)) {
          const after = [...accepted]
            .filter((name) => !without.some((key) => key === name))
            .join("");
          const failure = visitorsOf(slots, without.length > 0 ? after : before, after);
          if (failure === "") continue;
          return `a visitor of ${slots} fails, S3 accepts [${before}] and then [${after}]: ${failure}`;
        }
      }
    }
    return undefined;
  };

  /** If all is calm from now on, the command of an operator comes to its end, and its key serves. */
  const findDeadEnd = (world: World, index: number): string | undefined => {
    const operator = world.operators[index];
    if (operator === undefined || world.keys[operator.key] === "dead") return undefined;

    const { key, command } = operator;
    if (command.state === "ended" && command.isDone) return undefined;

    const { keys, slots, isUndeployed } = world;
    const name = JSON.stringify([slots, keys, isUndeployed, key, remedyOf(operator)]);
    let failure = completed.get(name);
    if (failure === undefined) failure = complete(world, index, bounds, real, findFailure);
    completed.set(name, failure);
    return failure === "" ? undefined : failure;
  };

  return (from: World, { world, changedKey }: Step): string | undefined => {
    const [currentId, currentSecret, nextId, nextSecret] = world.slots;
    if (currentId !== currentSecret && nextId !== nextSecret) {
      return `${world.slots} is deployed: both slots have the id of one key and the secret of another`;
    }

    const failure = findFailure(world, changedKey === undefined ? world : from);
    if (failure !== undefined) return failure;

    for (const { command, key } of world.operators) {
      if (command.state !== "ended" || !command.isDone) continue;
      for (const name of command.deactivatable) {
        if (from.operators.some((one) => one.command === command)) continue;
        if (name === key) return `it says that its own key ${key} may be deactivated`;
        const needed = findFailure(world, world, [name]);
        if (needed !== undefined) return `it says that ${name} may be deactivated, but ${needed}`;
      }
    }

    const isAnyRunning = world.operators.some(({ command }) => command.state === "running");
    if (isAnyRunning) return undefined;
    for (const index of world.operators.keys()) {
      const deadEnd = findDeadEnd(world, index);
      if (deadEnd !== undefined) return deadEnd;
    }
    return undefined;
  };
}

function remedyOf({ command }: Operator): readonly Remedy[] {
  return command.state === "ended" ? command.remedy : [];
}

/** How many steps a command may take to its end, with the remedies that it prints. */
const MAX_STEPS = 200;

/**
 * Lets one operator go on alone, who runs what the command prints, then the command.
 * @returns why the command does not come to its end; "" if it does
 */
function complete(
  from: World,
  index: number,
  bounds: Bounds,
  real: Real,
  findFailure: (world: World, from: World) => string | undefined,
): string {
  const calm = { ...bounds, interruptions: 0, isLeaked: false, mayBeUndeployed: false };
  let world = settleAll(from);
  let last = "";
  for (let count = 0; count < MAX_STEPS; count += 1) {
    const failure = findFailure(world, world);
    if (failure !== undefined) return `alone from ${from.slots}, ${failure}`;

    const operator = world.operators[index];
    const command = operator?.command;
    if (command?.state === "ended" && command.isDone) {
      const isRotated = world.slots === `${operator?.key}${operator?.key}--`;
      return isRotated ? "" : `it says that it is done, with ${world.slots}`;
    }

    const operatorName = `operator ${"AB"[index]}`;
    const steps = stepsFrom(world, calm, real).filter(({ title }) =>
      title.startsWith(operatorName),
    );
    const remedied = steps.find(({ title }) => /deploys what is live|as printed/.test(title));
    const step = remedied ?? steps[0];
    const waiting = stepsFrom(world, calm, real).find(({ title }) => title === "time goes on");
    const next = step ?? waiting;
    if (next === undefined) return `alone from ${from.slots}, nothing goes on after ${last}`;
    last = next.title;
    world = settleAll(next.world);
  }
  return `alone from ${from.slots}, no end after ${MAX_STEPS} steps: ${last}`;
}

/** What a minute settles. */
function settleAll(world: World): World {
  const isolates = world.isolates.map(() => ({ slots: world.slots, left: 0 }));
  const settle = (name: KeyName) => (world.keys[name] === "dead" ? "dead" : "known");
  const keys = { o: settle("o"), "1": settle("1"), "2": settle("2") } as const;
  return { ...world, isolates, keys, ghosts: [], spreadingLeft: { "1": 0, "2": 0 } };
}

/** How many steps a walk has. */
const WALK_STEPS = 200;

export type Walk = {
  /** All that the command of the first operator has heard since it began for the last time, and what it waits for. */
  readonly history: readonly Reply[];
  readonly moment: Moment;
  readonly story: readonly string[];
};

/** Takes steps by chance, and ends at the first fault. */
export async function walk(
  keys: readonly KeyName[],
  bounds: Bounds,
  table: CommandTable,
  visits: Visits,
  random: () => number,
): Promise<Walk> {
  const real = realOf(table, visits);
  const check = createChecks(bounds, real, visits);
  let world = startWorld(keys, bounds);
  let history: readonly Reply[] = [];
  let moment = table.start;
  const titles: string[] = [];

  for (let count = 0; count < WALK_STEPS; count += 1) {
    const from = world;
    const next = await knowing(() => stepsFrom(from, bounds, real));
    const step = next[Math.floor(random() * next.length)];
    if (step === undefined) break;

    titles.push(step.title);
    world = step.world;
    const fault = step.fault ?? (await knowing(() => check(from, step)));
    if (fault !== undefined) return { history, moment, story: [...titles, fault] };

    const { heard } = step;
    const command = world.operators[0]?.command;
    if (heard?.index !== 0 || command === undefined || command.state === "idle") continue;
    history = heard.reply === undefined ? [] : [...history, heard.reply];
    moment = command.moment;
  }
  return { history, moment, story: [] };
}
