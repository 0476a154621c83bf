// The real `vitrine rotate` as a table: in a state of the command, what it asks next after each reply. The command runs
// for real once for each state and reply, and its history is given to it again for that. So a search may visit millions of
// moments of two commands, and nothing that it sees was written for the test.

import { isFault, type Outcome } from "../../../src/cli/command.ts";
import { rotate } from "../../../src/cli/rotate/index.ts";
import type { RotateTools } from "../../../src/cli/rotate/rotation.ts";
import { decideStep, STEPS } from "../../../src/cli/rotate/steps.ts";
import { maskKeyId } from "../../../src/worker/config/slot.ts";
import type { BucketHealth } from "../../../src/worker/operator.ts";
import { NEW_KEY, site, URL } from "../../support/cli/rotating-site.ts";
import { createWorld } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, NEXT_CREDENTIALS } from "../../support/env.ts";
import { stage } from "../../support/run-worker.ts";

/** What the command waits for. `isLater`: it has slept before. */
export type Call =
  | { readonly kind: "poll"; readonly isLater: boolean }
  | { readonly kind: "try"; readonly isLater: boolean }
  | { readonly kind: "put"; readonly change: Change }
  | { readonly kind: "end"; readonly outcome: Outcome; readonly text: string };

/** The secrets that a put changes; null: deleted. */
export type Change = Readonly<Record<string, string | null>>;

export type Reply =
  /** The JSON of /healthz; undefined: the answer is lost. `name` is short, and another one for another text. */
  | { readonly kind: "health"; readonly name: string; readonly text: string | undefined }
  /** Whether S3 accepts the new key. */
  | { readonly kind: "tried"; readonly isAccepted: boolean }
  /** How wrangler ends. */
  | { readonly kind: "put"; readonly code: number; readonly output: string };

/** A moment of the command: it waits for a reply, or has ended. */
export type Moment = {
  /** Two moments with the same number go on alike. */
  readonly number: number;
  readonly call: Call;
  readonly history: readonly Reply[];
  readonly local: Local;
};

/** What the command remembers while it runs, as far as it decides what it does later. */
type Local = {
  readonly phase: "begin" | "try" | "wait" | "recheck" | "put" | "end";
  /** What it says of the old key at the end. */
  readonly oldKey: string;
  readonly tries: number;
  /** The indexes of steps; -1: none. */
  readonly last: number;
  readonly step: number;
  readonly blockedPolls: number;
  readonly watched: number;
};

export type Polling = NonNullable<RotateTools["polling"]>;

export type CommandTable = Awaited<ReturnType<typeof createCommandTable>>;

/** What the command remembers before the first reply. */
const BEGIN: Local = {
  ...{ phase: "begin", oldKey: "", tries: 0, last: -1, step: -1 },
  ...{ blockedPolls: 0, watched: 0 },
};

/** @param polling how often the command polls: its sleeps take no time here */
export async function createCommandTable(polling: Polling) {
  const moments = new Map<string, Moment>();
  const nextMoments = new Map<string, Moment>();
  const first = await replay([], polling);
  const start: Moment = { number: 0, call: first, history: [], local: BEGIN };
  const counts = { runs: 1, replies: 0 };

  // Runs that wait at a moment, by its number: one of them can go on from there once.
  const waiting = new Map<number, Run>();

  const learn = async (moment: Moment, reply: Reply): Promise<void> => {
    let run = waiting.get(moment.number);
    waiting.delete(moment.number);
    if (run === undefined) {
      run = await runTo(moment.history, polling);
      counts.runs += 1;
    }
    const history = [...moment.history, reply];
    const call = await run.goOn(reply);
    counts.replies += 1;
    const local = advanceLocal(moment.local, reply, call, polling);
    const id = JSON.stringify([local, actedOn(call)]);
    const sameMoment = moments.get(id);
    const next = sameMoment ?? { number: moments.size + 1, call, history, local };
    moments.set(id, next);
    if (next !== sameMoment && call.kind === "poll") waiting.set(next.number, run);
    nextMoments.set(nameOf(moment, reply), next);
  };

  return {
    start,
    counts,
    /** @returns undefined if it is not known yet: call `learn` */
    after: (moment: Moment, reply: Reply) => nextMoments.get(nameOf(moment, reply)),
    learn,
    /** Runs the whole command with these replies, and returns what it waits for then. */
    replay: (history: readonly Reply[]) => replay(history, polling),
  };
}

const nameOf = ({ number }: Moment, reply: Reply) => {
  switch (reply.kind) {
    case "health":
      return `${number} ${reply.name}`;
    case "tried":
      return `${number} ${reply.isAccepted}`;
    case "put":
      return `${number} ${reply.output}`;
  }
};

/** A call, without the parts on which nobody acts. */
export function actedOn(call: Call): unknown {
  if (call.kind !== "end") return call;
  const { outcome, text } = call;
  if (isFault(outcome)) return outcome.fault;
  return text.replace(/[\s\S]*?(?=The key is rotated)/, "");
}

const NEW_MASK = maskKeyId({ credentials: NEXT_CREDENTIALS });

/** What the command remembers after a reply: that of `src/cli/rotate/index.ts` and `watch.ts`, by the same decisions. */
function advanceLocal(local: Local, reply: Reply, next: Call, polling: Polling): Local {
  if (next.kind === "end") {
    // Nothing else matters any more.
    const nothing = { oldKey: "", tries: 0, last: -1, step: -1, blockedPolls: 0, watched: 0 };
    return { phase: "end", ...nothing };
  }

  const waiting = { phase: "wait", step: -1, blockedPolls: 0, watched: 0 } as const;
  switch (local.phase) {
    case "begin":
      return { ...local, phase: "try", tries: 1, oldKey: currentSlotsIn(reply) };
    case "try":
      if (next.kind === "try") return { ...local, tries: local.tries + 1 };
      return { ...local, ...waiting, tries: 0 };
    case "wait": {
      const decision = decideAfter(local, reply);
      if (decision.kind === "blocked") {
        return { ...local, blockedPolls: local.blockedPolls + 1, watched: 0 };
      }
      const step = STEPS.indexOf(decision.step);
      const watched = step === local.step ? local.watched : 0;
      if (next.kind === "poll" && next.isLater) {
        return { ...local, step, watched: watched + polling.intervalS };
      }
      return { ...local, ...waiting, phase: "recheck", step };
    }
    case "recheck":
      if (next.kind === "put") return { ...local, phase: "put" };
      return { ...local, ...waiting };
    default:
      return { ...local, ...waiting, last: local.step };
  }
}

function decideAfter({ last }: Local, reply: Reply) {
  const buckets = bucketsIn(reply);
  return decideStep(NEW_MASK, buckets ?? { fault: "lost" }, STEPS[last]);
}

function bucketsIn(reply: Reply): BucketHealth[] | undefined {
  if (reply.kind !== "health" || reply.text === undefined) return undefined;
  return JSON.parse(reply.text).buckets;
}

function currentSlotsIn(reply: Reply): string {
  const slots = bucketsIn(reply)?.flatMap((bucket) => bucket.slots) ?? [];
  const current = slots.filter(({ slot }) => slot === "current");
  return current.map(({ access_key, state }) => `${access_key} ${state}`).join();
}

async function replay(history: readonly Reply[], polling: Polling): Promise<Call> {
  const { lastCall } = await runTo(history, polling);
  return lastCall();
}

/** Runs the command from its beginning with these replies. */
async function runTo(history: readonly Reply[], polling: Polling): Promise<Run> {
  const run = startCommand(polling);
  await run.lastCall();
  for (const reply of history) await run.goOn(reply);
  return run;
}

/** A real command, which waits for a reply. It is never ended: nothing of it is left but its promises. */
type Run = ReturnType<typeof startCommand>;

function startCommand(polling: Polling) {
  const { world, readScreens } = createWorld({ folder: site.folder, env: { HEALTH_TOKEN } });
  let called = Promise.withResolvers<Call>();
  let replied = Promise.withResolvers<Reply>();
  let tried: Promise<Reply> | undefined;
  let isLater = false;

  const wait = (call: Call): Promise<Reply> => {
    isLater = false;
    tried = undefined;
    called.resolve(call);
    return replied.promise;
  };

  const answer = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    if (`${input}`.startsWith(URL)) {
      const reply = await wait({ kind: "poll", isLater });
      if (reply.kind !== "health") throw new Error("no reply to a poll");
      if (reply.text === undefined) throw new TypeError("fetch failed");
      return new Response(reply.text);
    }

    // The command asks S3 twice for each try, at the same time.
    const trying = tried ?? wait({ kind: "try", isLater });
    tried = trying;
    const reply = await trying;
    stage.s3.keys.clear();
    if (reply.kind === "tried" && reply.isAccepted) stage.s3.keys.set(NEW_KEY.id, NEW_KEY.secret);
    return stage.s3.fetch(`${input}`, init);
  };

  const tools: RotateTools = {
    polling,
    sleep: async () => {
      isLater = true;
      tried = undefined;
    },
    run: async (_world, _args, input = "", hear) => {
      const reply = await wait({ kind: "put", change: JSON.parse(input) });
      if (reply.kind !== "put") throw new Error("no reply to a put");
      hear(reply.output);
      return reply.code;
    },
  };

  /** Lets the command run until it waits again: only this one runs meanwhile. */
  const untilCalled = async (resume: () => void): Promise<Call> => {
    const send = globalThis.fetch;
    globalThis.fetch = answer;
    try {
      resume();
      return await called.promise;
    } finally {
      globalThis.fetch = send;
    }
  };

  const begin = () => {
    rotate(world, { keyFile: "key.json", yes: true }, tools).then(
      (outcome) => {
        const { out, err } = readScreens();
        called.resolve({ kind: "end", outcome, text: err + out });
      },
      (error) => called.reject(error),
    );
  };
  const first = untilCalled(begin);

  return {
    lastCall: async () => {
      await first;
      return called.promise;
    },
    goOn: (reply: Reply): Promise<Call> => {
      const { resolve } = replied;
      called = Promise.withResolvers();
      replied = Promise.withResolvers();
      return untilCalled(() => resolve(reply));
    },
  };
}
