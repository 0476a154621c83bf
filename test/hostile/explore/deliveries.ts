// Delivers the messages of a queue to the Worker's own consumer, in passes: one after the other, as `max_concurrency = 1`
// has it. A pass takes one message, or all of them in either order. An isolate that dies in a pass leaves what it has not
// acknowledged to the next one.

import type { GatewayContext } from "../../../src/worker/cache/loopback.ts";
import type { Worker } from "../world.ts";
import { EPOCHS, FLOORS } from "./cache-model.ts";
import {
  acknowledge,
  deliver,
  dueMessages,
  type Message,
  type Queue,
  retry,
  send,
} from "./queue-model.ts";
import { type Actor, runAs, type Scheduler } from "./scheduler.ts";

/** The Worker, and its consumer. */
export type ExploredWorker = Worker & {
  queue(batch: Batch, env: object, context: GatewayContext): Promise<void>;
};

/** What the runtime gives to the handler `queue`: the part of MessageBatch that a Worker may use. */
export type Batch = {
  readonly queue: string;
  readonly messages: readonly BatchMessage[];
  readonly ackAll: () => void;
  readonly retryAll: (options?: RetryOptions) => void;
};

export type BatchMessage = {
  readonly id: string;
  readonly timestamp: Date;
  readonly body: unknown;
  readonly attempts: number;
  readonly ack: () => void;
  readonly retry: (options?: RetryOptions) => void;
};

type RetryOptions = { readonly delaySeconds?: number };

type DeliveryListeners = {
  /** What the first step of a pass touches, and the changes before it. */
  readonly touches: () => readonly string[];
  /** The ids of messages that are still to come. A pass may take them: then their objects change first, in the same step. */
  readonly comingIds: () => readonly string[];
  /** Sends the messages that are still to come, up to this one. @returns the words of the story */
  readonly sendUpTo: (id: string) => string;
  /** Runs the Worker's handler. */
  readonly consume: (actor: Actor, batch: Batch) => Promise<void>;
  /** A pass begins. */
  readonly willBegin: () => void;
  /** Many seconds are over. */
  readonly didWait: () => void;
  readonly didAcknowledge: (id: string) => void;
};

/** @param isolateOf names the isolate of the consumer, by how many have died */
export function createDeliveries(
  scheduler: Scheduler,
  isolateOf: (deaths: number) => string,
  listeners: DeliveryListeners,
) {
  let queue: Queue = [];
  let isInPass = false;
  let passes = 0;
  let deaths = 0;
  /** The isolates that have each message and have not yet given it back. */
  const holders = new Map<string, string>();
  /** The ids of the steps that would begin the next pass, by what it takes. */
  const offered = new Map<string, string>();

  /** Offers what the next pass may take. */
  function offer(): void {
    if (isInPass) return;

    const waiting = dueMessages(queue, scheduler.now()).map(({ id }) => id);
    for (const ids of batchesOf([...waiting, ...listeners.comingIds()])) {
      const name = `takes ${ids.join(" and ")}`;
      if (offered.has(name)) continue;

      const isolate = isolateOf(deaths);
      const actor = { process: `pass ${passes + 1}`, isRun: true, isolate };
      const take = () => begin(actor, ids);
      offered.set(name, scheduler.addStep(actor, name, "start", listeners.touches(), take));
    }
  }

  function begin(actor: Actor, ids: readonly string[]): string {
    const { isolate = "" } = actor;
    passes++;
    isInPass = true;
    for (const id of ids) holders.set(id, isolate);
    for (const stepId of offered.values()) scheduler.cancel(stepId);
    offered.clear();

    listeners.willBegin();
    const changes = ids.map((id) => listeners.sendUpTo(id)).join("");
    queue = deliver(queue, ids);
    void run(actor, ids);
    return `${changes}the queue delivers ${ids.join(" and ")}`;
  }

  async function run(actor: Actor, ids: readonly string[]): Promise<void> {
    /** The first word about a message counts. */
    const open = new Set(ids);
    const ack = (id: string) => {
      if (open.delete(id)) acknowledgeSoon(actor, id);
    };
    const retryOne = (id: string, options?: RetryOptions) => {
      if (open.delete(id)) retryLater(id, options);
    };
    const ackAll = () => ids.forEach(ack);
    const retryAll = (options?: RetryOptions) => {
      for (const id of ids) retryOne(id, options);
    };
    const messages = ids.map((id): BatchMessage => {
      const { body, sentAt, attempts } = messageOf(id);
      const timestamp = new Date(sentAt);
      const settle = {
        ack: () => ack(id),
        retry: (options?: RetryOptions) => retryOne(id, options),
      };
      return { id, body, attempts, timestamp, ...settle };
    });
    try {
      await runAs(actor, () => {
        return listeners.consume(actor, { queue: "events", messages, ackAll, retryAll });
      });
      ackAll();
    } catch {
      retryAll();
    }
    isInPass = false;
    offer();
  }

  function messageOf(id: string): Message {
    const message = queue.find((candidate) => candidate.id === id);
    if (!message) throw new Error(`no message is called ${id}`);
    return message;
  }

  /** The queue hears of it in a step of its own, unless the isolate dies before. From then on, all is promised. */
  function acknowledgeSoon({ process, isRun, isolate }: Actor, id: string): void {
    const actor = { process, isRun, isolate };
    scheduler.addStep(actor, `acknowledges ${id}`, "effect", [FLOORS], () => {
      queue = acknowledge(queue, [id]);
      holders.delete(id);
      listeners.didAcknowledge(id);
      return "the queue forgets it";
    });
  }

  function retryLater(id: string, { delaySeconds = 0 }: RetryOptions = {}): void {
    const dueAt = scheduler.now() + delaySeconds * 1000;
    queue = retry(queue, [id], dueAt);
    holders.delete(id);
    offerAt(dueAt);
  }

  /** Time that passes is a run of its own: it comes when no other run could go on. By then, all purges have arrived. */
  function offerAt(dueAt: number): void {
    const delay = dueAt - scheduler.now();
    if (delay <= 0) {
      offer();
      return;
    }
    const pass = () => {
      listeners.didWait();
      offer();
    };
    runAs(THE_QUEUE, () => scheduler.setTimer(delay, pass, [EPOCHS]));
  }

  return {
    offer,
    /** @param attempts how often it was delivered before: that was one second ago for each */
    send: (id: string, body: unknown, delayMs: number, attempts: number) => {
      const now = scheduler.now();
      const sentAt = now - attempts * 1000;
      queue = send(queue, { id, body, sentAt, attempts }, now + delayMs);
      offerAt(now + delayMs);
    },
    /** What the dead isolate has not acknowledged comes again. */
    didDie: (isolate: string) => {
      if (isolate !== isolateOf(deaths)) return;

      // The steps that this isolate would have taken are gone.
      offered.clear();
      deaths++;
      const held = [...holders].filter(([, holder]) => holder === isolate);
      for (const [id] of held) retryLater(id);
      isInPass = false;
      offer();
    },
    messages: (): Queue => queue,
    describe: () => JSON.stringify([queue, [...holders], isInPass, deaths]),
  };
}

const THE_QUEUE: Actor = { process: "the queue", isRun: true };

/** One message alone, or all of them in either order. */
function batchesOf(ids: readonly string[]): string[][] {
  const single = ids.map((id) => [id]);
  if (ids.length < 2) return single;
  return [[...ids], ids.toReversed(), ...single];
}
