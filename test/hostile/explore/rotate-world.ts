// The world of a rotation as a value, and all that may happen in it next: Cloudflare's secrets (S1, S3, S7), isolates of
// old versions, S3 that learns and forgets keys, one or two operators and their commands. Pure: what the command and the
// Worker answer comes from outside.
//
// Time is a number of ticks, and only `tick` moves it. A minute, in which the command watches, is `MINUTE` ticks. What a
// minute bounds: an old version that runs, a new key that not all of S3 knows, a put whose answer was lost.

import type { Call, Change, Moment, Reply } from "./rotate-command.ts";
import { KEYS, type KeyName, letterOf, SECRET_NAMES, type Slots } from "./rotate-visits.ts";

/** What a put writes, as `Slots`: the letter of a key, `-`, or `.` for a secret that it leaves as it is. */
type Letters = string;

type Isolate = {
  readonly slots: Slots;
  /** In how many ticks it has the newest version at the latest. */
  readonly left: number;
};

/** What S3 says to a key. `spreading`: some of its servers know it; `dead`: it is deactivated. */
type KeyState = "unknown" | "spreading" | "known" | "dead";

/** A put of which nobody waits any more for the answer. It takes effect later, or never. */
type Ghost = { readonly letters: Letters; readonly left: number };

type Idle = { readonly state: "idle" };
type Running = {
  readonly state: "running";
  readonly moment: Moment;
  /** It sleeps until the next tick. */
  readonly isAsleep: boolean;
  /** For how many ticks its call has waited. */
  readonly age: number;
  /** What it may say at the end: whether its key alone was in the slots, in the newest version, since its last put. */
  readonly wasDone: boolean;
};
type Ended = {
  readonly state: "ended";
  readonly moment: Moment;
  /** The commands that it has printed, which the operator has not run yet. */
  readonly remedy: readonly Remedy[];
  /** The keys that it has deactivatable the operator to deactivate. */
  readonly deactivatable: readonly KeyName[];
  readonly isDone: boolean;
};

/** One operator, who has one new key. */
export type Operator = { readonly key: KeyName; readonly command: Idle | Running | Ended };

/** A line that a command has printed for the operator to run. */
export type Remedy =
  | { readonly kind: "secret"; readonly at: number; readonly letter: string }
  | { readonly kind: "deploy" };

export type World = {
  /** The secrets of the newest version. */
  readonly slots: Slots;
  readonly isolates: readonly Isolate[];
  readonly keys: Readonly<Record<KeyName, KeyState>>;
  /** In how many ticks all of S3 knows the new keys that are spreading. */
  readonly spreadingLeft: Readonly<Record<"1" | "2", number>>;
  readonly ghosts: readonly Ghost[];
  readonly operators: readonly Operator[];
  /** A version was uploaded and not deployed: every put is refused (10215, S3). */
  readonly isUndeployed: boolean;
  readonly interruptions: number;
};

/** What the search may do. */
export type Bounds = {
  readonly minute: number;
  readonly interruptions: number;
  /** Whether S3 learns the new keys only some time after the commands begin. */
  readonly isNewKeySlow?: boolean;
  /** Whether the old key has leaked: the operator deactivates it as soon as the next slot serves everywhere. */
  readonly isLeaked?: boolean;
  /** Whether a version may be uploaded that is not deployed. */
  readonly mayBeUndeployed?: boolean;
  /** How many isolates may lag behind the newest version. With one, another one is always up to date. */
  readonly lagging: 1 | 2;
  /** A mistake that a test makes on purpose. */
  readonly planted?: {
    /** In what is put, as `Letters`. */
    readonly put?: (letters: string) => string;
    /** In what a command prints. */
    readonly printed?: (text: string) => string;
    /** Leaves out the check of what a command says at its end, which would find the mistake before another one does. */
    readonly isEndUnchecked?: true;
  };
};

/** Answers of the real command and of the real Worker. */
export type Real = {
  readonly start: Moment;
  readonly after: (moment: Moment, reply: Reply) => Moment;
  readonly healthOf: (slots: Slots, accepted: string) => string;
};

/** One thing that may happen next. A `fault` is what an invariant finds wrong with it. */
export type Step = {
  readonly title: string;
  readonly world: World;
  /** Keys whose fate changes in this step: a request under way may meet both. */
  readonly changedKey?: KeyName;
  readonly fault?: string;
  /** What the command of an operator has heard; without a reply, it begins. */
  readonly heard?: { readonly index: number; readonly reply?: Reply };
};

export function startWorld(keys: readonly KeyName[], { isNewKeySlow, lagging }: Bounds): World {
  const isolate = { slots: "oo--", left: 0 };
  const stateOf = (key: KeyName) => (isNewKeySlow && keys.includes(key) ? "unknown" : "known");
  return {
    slots: "oo--",
    isolates: Array.from({ length: lagging }, () => isolate),
    keys: { o: "known", "1": stateOf("1"), "2": stateOf("2") },
    spreadingLeft: { "1": 0, "2": 0 },
    ghosts: [],
    operators: keys.map((key) => ({ key, command: { state: "idle" } })),
    isUndeployed: false,
    interruptions: 0,
  };
}

/** The name of a world: what may happen next in two worlds of one name is the same. */
export function nameOf(world: World): string {
  const [first, second] = world.operators;
  const same = seenFrom(world, first, second, (text) => text);
  if (second === undefined) return same;

  // It does not matter who of the two is operatorName, and which of the new keys is called 1.
  const rename = first?.key === second.key ? (text: string) => text : exchange;
  const other = seenFrom(world, second, first, rename);
  const [smaller = same] = [same, other].toSorted();
  return smaller;
}

function seenFrom(
  { slots, isolates, keys, spreadingLeft, isUndeployed, ghosts }: World,
  first: Operator | undefined,
  second: Operator | undefined,
  rename: (text: string) => string,
): string {
  const newKeys = ([1, 2] as const).map((key) => `${keys[key]} ${spreadingLeft[key]}`);
  if (rename("1") === "2") newKeys.reverse();
  const parts = [
    rename(slots),
    isolates.map((isolate) => `${rename(isolate.slots)}${isolate.left}`).toSorted(),
    ghosts.map(({ letters, left }) => `${rename(letters)}${left}`).toSorted(),
    `${keys.o} ${newKeys} ${isUndeployed}`,
    first && `${rename(first.key)} ${nameOfCommand(first.command, rename)}`,
    second && `${rename(second.key)} ${nameOfCommand(second.command, rename)}`,
  ];
  return parts.join("|");
}

function nameOfCommand(command: Operator["command"], rename: (text: string) => string): string {
  switch (command.state) {
    case "idle":
      return "-";
    case "running": {
      const { isAsleep, age, wasDone, moment } = command;
      return `${moment.number} ${isAsleep} ${age} ${wasDone}`;
    }
    case "ended": {
      const remedy = command.remedy.map((one) =>
        one.kind === "deploy" ? "d" : `${one.at}${rename(one.letter)}`,
      );
      return `ended ${command.isDone} ${rename(command.deactivatable.join(""))} ${remedy}`;
    }
  }
}

/** All that may happen next. */
export function stepsFrom(world: World, bounds: Bounds, real: Real): Step[] {
  return [
    ...world.operators.flatMap((_, index) => stepsOfOperator(world, index, bounds, real)),
    ...stepsOfCloudflare(world, bounds),
    ...stepsOfS3(world, bounds),
    ...tick(world, bounds),
  ];
}

function stepsOfOperator(world: World, index: number, bounds: Bounds, real: Real): Step[] {
  const operator = world.operators[index];
  if (operator === undefined) return [];

  const operatorName = `operator ${"AB"[index]}`;
  const { command } = operator;
  switch (command.state) {
    case "idle":
      return [begin(world, index, `${operatorName} runs the command`, real)];
    case "running": {
      const replies = command.isAsleep ? [] : repliesTo(world, index, command, bounds, real);
      const steps = replies.map(({ title, ...step }) => ({
        ...step,
        title: `${operatorName}: ${title}`,
      }));
      return [...steps, ...kill(world, index, command, operatorName, bounds)];
    }
    case "ended":
      return [
        ...(command.isDone ? [] : [begin(world, index, `${operatorName} runs it again`, real)]),
        ...followRemedy(world, index, command, operatorName, bounds),
        ...deactivate(world, command, operatorName),
      ];
  }
}

function begin(world: World, index: number, title: string, { start }: Real): Step {
  const begun = setCommand(world, index, runningAt(world, index, start));
  return { title, world: begun, heard: { index } };
}

function runningAt({ slots, operators }: World, index: number, moment: Moment): Running {
  const { call } = moment;
  const isAsleep = (call.kind === "poll" || call.kind === "try") && call.isLater;
  const wasDone = slots === doneSlots(operators[index]?.key);
  return { state: "running", moment, isAsleep, age: 0, wasDone };
}

const doneSlots = (key: string | undefined) => `${key}${key}--`;

function setCommand(world: World, index: number, command: Operator["command"]): World {
  const operators = world.operators.map((operator, at) =>
    at === index ? { ...operator, command } : operator,
  );
  return { ...world, operators };
}

/** The replies that a call may get now, and the worlds after them. */
function repliesTo(
  world: World,
  index: number,
  command: Running,
  bounds: Bounds,
  real: Real,
): Step[] {
  const { call } = command.moment;
  const { key } = world.operators[index] ?? { key: "o" };
  const go = (title: string, reply: Reply, next = world): Step =>
    advance(next, index, reply, title, bounds, real);
  const canFail = world.interruptions < bounds.interruptions;
  const interrupted = { ...world, interruptions: world.interruptions + 1 };

  switch (call.kind) {
    case "poll": {
      const prompt = bounds.lagging === 1 ? [world] : [];
      const reached = new Set([...world.isolates, ...prompt].map(({ slots }) => slots));
      const steps = [...reached].flatMap((slots) =>
        acceptedBy(world, slots).map((accepted) => {
          // The command knows its own key as 1.
          const [seen, seenAccepted] = [seenBy(key, slots), seenBy(key, accepted)];
          const text = real.healthOf(seen, seenAccepted);
          const reply = { kind: "health", name: `${seen} ${seenAccepted}`, text } as const;
          return go(`/healthz of ${slots}, S3 accepts ${accepted}`, reply);
        }),
      );
      const lost = { kind: "health", name: "lost", text: undefined } as const;
      return canFail ? [...steps, go("the answer of /healthz is lost", lost, interrupted)] : steps;
    }
    case "try": {
      const state = world.keys[key];
      const answers = state === "spreading" ? [true, false] : [state === "known"];
      return answers.map((isAccepted) => {
        const title = `S3 ${isAccepted ? "knows" : "does not know"} key ${key}`;
        return go(title, { kind: "tried", isAccepted });
      });
    }
    case "put": {
      const letters = lettersOf(key, call.change, bounds);
      const title = `puts ${letters}`;
      if (world.isUndeployed) {
        return [go(`${title}: refused`, { kind: "put", code: 1, output: "[code: 10215]\n" })];
      }
      const done = go(title, { kind: "put", code: 0, output: "" }, deploy(world, letters, bounds));
      const failed = { kind: "put", code: 1, output: "fetch failed\n" } as const;
      const haunted = addGhost(interrupted, letters, bounds);
      return canFail ? [done, go(`${title}: the answer is lost`, failed, haunted)] : [done];
    }
    case "end":
      return [];
  }
}

/** Gives a reply to the command of an operator. */
function advance(
  world: World,
  index: number,
  reply: Reply,
  title: string,
  bounds: Bounds,
  real: Real,
): Step {
  const command = world.operators[index]?.command;
  if (command?.state !== "running") throw new Error("no command waits for this");

  const moment = real.after(command.moment, reply);
  if (moment.call.kind !== "end") {
    const next = runningAt(world, index, moment);
    const wasDone = next.wasDone || (reply.kind !== "put" && command.wasDone);
    return {
      title,
      world: setCommand(world, index, { ...next, wasDone }),
      heard: { index, reply },
    };
  }

  const { key } = world.operators[index] ?? { key: "o" };
  const ended = endedAt(moment, moment.call, world, index, bounds);
  const after = setCommand(world, index, ended);
  const says = `${title}; it ends: ${lastLines(moment.call)}`;
  const isChecked = ended.isDone && !bounds.planted?.isEndUnchecked;
  const fault = isChecked ? findFalseEnd(command, key) : undefined;
  return {
    title: says,
    world: after,
    heard: { index, reply },
    ...(fault !== undefined && { fault }),
  };
}

/** The command may only say that it is done if that was true since its last put. */
function findFalseEnd({ wasDone }: Running, key: KeyName): string | undefined {
  return wasDone ? undefined : `it says that ${key} is rotated, and the slots were never so`;
}

type End = Extract<Call, { kind: "end" }>;

function lastLines({ outcome, text }: End): string {
  const fault = typeof outcome === "object" ? outcome.fault : text;
  return fault.trimEnd().split("\n").slice(0, 3).join(" | ");
}

function endedAt(
  moment: Moment,
  { outcome, text }: End,
  world: World,
  index: number,
  { planted }: Bounds,
): Ended {
  const { key } = world.operators[index] ?? { key: "o" };
  if (typeof outcome === "object") {
    const printed = planted?.printed?.(outcome.fault) ?? outcome.fault;
    const remedy = remedyIn(printed, key, world);
    return { state: "ended", moment, remedy, deactivatable: [], isDone: false };
  }

  // The name of the old key, as its last four letters.
  const [, ending] = /whose id ends in …(\S+)\./.exec(text) ?? [];
  const named = KEYS.filter((name) => ending !== undefined && seenEnding(key, name) === ending);
  const others = KEYS.filter((name) => name !== key);
  const old = ending === undefined ? others : named;
  const deactivatable = old.filter((name) => {
    return world.keys[name] !== "dead" && !isOfOtherRotation(world, name, index);
  });
  return { state: "ended", moment, remedy: [], deactivatable, isDone: true };
}

/** How the ids of the keys end, as the command of an operator sees them: its own key is 1. */
const ENDINGS: Readonly<Record<string, string>> = { o: "MPLE", "1": "TKEY", "2": "IRD3" };
const seenEnding = (key: KeyName, name: KeyName) => ENDINGS[seenBy(key, name)];

const SECRET_NAME_LIST: readonly string[] = SECRET_NAMES;

/** The commands of wrangler and of Vitrine that a fault prints. */
function remedyIn(fault: string, key: KeyName, { slots }: World): Remedy[] {
  if (/deploy it: npx vitrine deploy/.test(fault)) return [{ kind: "deploy" }];

  const lines = [...fault.matchAll(/npx wrangler secret (put|delete) (\w+)/g)];
  return lines.map(([, verb, name = ""]) => {
    const at = SECRET_NAME_LIST.indexOf(name);
    if (at < 0) throw new Error(`the command names another secret: ${name}`);
    if (verb === "delete") return { kind: "secret", at, letter: "-" };
    const letter = fault.includes("Put the old key") ? "o" : (slots[2] ?? key);
    return { kind: "secret", at, letter };
  });
}

/** Runs the next command of a remedy. It begins with “If another rotation runs, let it end.” */
function followRemedy(
  world: World,
  index: number,
  command: Ended,
  operatorName: string,
  bounds: Bounds,
): Step[] {
  const [next, ...remedy] = command.remedy;
  if (next === undefined) return [];

  const after = setCommand(world, index, { ...command, remedy });
  if (next.kind === "deploy") {
    return [
      { title: `${operatorName} deploys what is live`, world: { ...after, isUndeployed: false } },
    ];
  }

  // wrangler refuses with 10215: docs/rotate.md says what to do.
  if (world.isUndeployed) {
    return [
      { title: `${operatorName} deploys what is live`, world: { ...world, isUndeployed: false } },
    ];
  }

  const isOtherRunning = world.operators.some(({ command: { state } }) => state === "running");
  if (isOtherRunning) return [];

  const name = SECRET_NAMES[next.at];
  const slots = [...world.slots].map((letter, at) => (at === next.at ? next.letter : letter));
  const title = `${operatorName} runs wrangler as printed: ${name} becomes ${next.letter}`;
  return [{ title, world: deploySlots(after, slots.join(""), bounds) }];
}

/** Kills a command with SIGKILL. Its wrangler may go on. */
function kill(
  world: World,
  index: number,
  { moment }: Running,
  operatorName: string,
  bounds: Bounds,
): Step[] {
  if (world.interruptions >= bounds.interruptions) return [];

  const killed = setCommand(world, index, { state: "idle" });
  const counted = { ...killed, interruptions: world.interruptions + 1 };
  const title = `${operatorName}: killed`;
  if (moment.call.kind !== "put") return [{ title, world: counted }];

  const { key } = world.operators[index] ?? { key: "o" };
  const letters = lettersOf(key, moment.call.change, bounds);
  return [{ title: `${title} in a put`, world: addGhost(counted, letters, bounds) }];
}

/** Deactivates a key that the command has named. */
function deactivate(world: World, { deactivatable }: Ended, operatorName: string): Step[] {
  return deactivatable
    .filter((name) => world.keys[name] !== "dead")
    .map((name) => ({
      title: `${operatorName} deactivates key ${name}`,
      world: { ...world, keys: { ...world.keys, [name]: "dead" } },
      changedKey: name,
    }));
}

/**
 * Whether another operator has not come to the end with this key. Nobody deactivates it then, even if a command names it:
 * that is what operators have to agree on (docs/environments.md).
 */
function isOfOtherRotation({ operators }: World, name: KeyName, index: number): boolean {
  return operators.some(({ key, command }, at) => {
    const isDone = command.state === "ended" && command.isDone;
    return at !== index && key === name && !isDone;
  });
}

/** A new version with changed secrets is live at once, and reaches each isolate within a minute (S1, S7). */
function deploy(world: World, letters: Letters, bounds: Bounds): World {
  const slots = [...letters].map((letter, at) => (letter === "." ? world.slots[at] : letter));
  return deploySlots(world, slots.join(""), bounds);
}

function deploySlots(world: World, slots: Slots, { minute }: Bounds): World {
  if (slots === world.slots) return world;

  const isolates = world.isolates.map((isolate) => {
    if (isolate.slots === slots) return { slots, left: 0 };
    return { slots: isolate.slots, left: isolate.left > 0 ? isolate.left : minute };
  });
  const operators = world.operators.map((operator) => {
    const { key, command } = operator;
    if (command.state !== "running" || slots !== doneSlots(key)) return operator;
    return { ...operator, command: { ...command, wasDone: true } };
  });
  return { ...world, slots, isolates, operators };
}

function addGhost(world: World, letters: Letters, { minute }: Bounds): World {
  return { ...world, ghosts: [...world.ghosts, { letters, left: minute }] };
}

function stepsOfCloudflare(world: World, bounds: Bounds): Step[] {
  const landed = world.ghosts.map(({ letters }, at) => {
    const ghosts = world.ghosts.filter((_, index) => index !== at);
    const after = { ...world, ghosts };
    const title = `a put of which nobody waits takes effect: ${letters}`;
    return { title, world: world.isUndeployed ? after : deploy(after, letters, bounds) };
  });

  const moved = world.isolates.flatMap(({ slots }, at) => {
    if (slots === world.slots) return [];
    const isolates = world.isolates.map((isolate, index) =>
      index === at ? { slots: world.slots, left: 0 } : isolate,
    );
    const title = `isolate ${at} goes from ${slots} to ${world.slots}`;
    return [{ title, world: { ...world, isolates } }];
  });

  const mayUpload =
    bounds.mayBeUndeployed && !world.isUndeployed && world.interruptions < bounds.interruptions;
  const { interruptions } = world;
  const uploaded = { ...world, isUndeployed: true, interruptions: interruptions + 1 };
  const uploads = mayUpload ? [{ title: "somebody uploads a version", world: uploaded }] : [];
  return [...landed, ...moved, ...uploads];
}

function stepsOfS3(world: World, bounds: Bounds): Step[] {
  const learns = KEYS.filter((name) => world.keys[name] === "unknown").map((name) => {
    const keys = { ...world.keys, [name]: "spreading" as const };
    const spreadingLeft = { ...world.spreadingLeft, [name]: bounds.minute };
    const after = { ...world, keys, spreadingLeft };
    return { title: `a server of S3 knows key ${name}`, world: after };
  });

  // By docs/rotate.md, “When a key has leaked”.
  const serves = ({ slots }: { readonly slots: Slots }) => {
    const [id = "-", secret] = slots.slice(2);
    return id === secret && KEYS.some((name) => name === id && world.keys[name] === "known");
  };
  const isNextReady = [world, ...world.isolates].every(serves);
  if (!bounds.isLeaked || !isNextReady || world.keys.o === "dead") return learns;

  // From then on nobody can go back (docs/rotate.md, “Roll back”): what was printed before is not run any more.
  const operators = world.operators.map((operator) => {
    const { command } = operator;
    return command.state === "ended"
      ? { ...operator, command: { ...command, remedy: [] } }
      : operator;
  });
  const keys = { ...world.keys, o: "dead" as const };
  const title = "the leaked key is deactivated";
  return [...learns, { title, world: { ...world, keys, operators }, changedKey: "o" }];
}

/** Time goes on if somebody waits for it. A put that is under way takes effect within a minute. */
function tick(world: World, { minute }: Bounds): Step[] {
  const commands = world.operators.map(({ command }) => command);
  const isAnyAsleep = commands.some((command) => command.state === "running" && command.isAsleep);
  const isSpreading = Object.values(world.keys).includes("spreading");
  const isStale = world.isolates.some(({ slots }) => slots !== world.slots);
  if (!isAnyAsleep && !isSpreading && !isStale && world.ghosts.length === 0) return [];

  const isPutLate = commands.some(
    (command) =>
      command.state === "running" && command.moment.call.kind === "put" && command.age >= minute,
  );
  if (isPutLate) return [];

  const isolates = world.isolates.map(({ slots, left }) =>
    left <= 1 ? { slots: world.slots, left: 0 } : { slots, left: left - 1 },
  );
  const ghosts = world.ghosts.flatMap(({ letters, left }) =>
    left <= 1 ? [] : [{ letters, left: left - 1 }],
  );
  const { keys: before, spreadingLeft: left } = world;
  const spreadingLeft = { "1": Math.max(0, left[1] - 1), "2": Math.max(0, left[2] - 1) };
  const settle = (key: 1 | 2) =>
    before[key] === "spreading" && spreadingLeft[key] === 0 ? "known" : before[key];
  const keys = { o: before.o, "1": settle(1), "2": settle(2) };
  const operators = world.operators.map((operator) => {
    const { command } = operator;
    if (command.state !== "running") return operator;
    // Only the age of a put matters.
    const age = command.moment.call.kind === "put" ? command.age + 1 : 0;
    return { ...operator, command: { ...command, isAsleep: false, age } };
  });
  const after = { ...world, isolates, ghosts, spreadingLeft, keys, operators };
  return [{ title: "time goes on", world: after }];
}

/** What S3 may accept of the keys in the slots: a key that is spreading, or not. */
export function acceptedBy({ keys }: World, slots: Slots): string[] {
  let all = [""];
  for (const name of KEYS.filter((one) => slots.includes(one))) {
    const state = keys[name];
    if (state === "known") all = all.map((accepted) => accepted + name);
    if (state === "spreading") all = all.flatMap((accepted) => [accepted, accepted + name]);
  }
  return all;
}

const EXCHANGED: Readonly<Record<string, string>> = { "1": "2", "2": "1" };

const exchanges = new Map<string, string>();

function exchange(text: string): string {
  const remembered = exchanges.get(text);
  if (remembered !== undefined) return remembered;
  const exchanged = [...text].map((letter) => EXCHANGED[letter] ?? letter).join("");
  exchanges.set(text, exchanged);
  return exchanged;
}

/** The operator of key 2 has a command that sees its own key as 1. */
const seenBy = (key: KeyName, text: string) => (key === "2" ? exchange(text) : text);

/** What a put of a command writes, as the world sees it. */
function lettersOf(key: KeyName, change: Change, { planted }: Bounds): Letters {
  const letters = SECRET_NAMES.map((name) => {
    const text = change[name];
    return text === undefined ? "." : letterOf(text);
  });
  const put = seenBy(key, letters.join(""));
  return planted?.put ? planted.put(put) : put;
}
