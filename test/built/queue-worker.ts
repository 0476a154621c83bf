// Runs the built Worker as the consumer of a queue, and records what the queue delivers, what becomes of each message, and
// what is purged. A test sends messages through it, and can make the purge, or the handler, fail. No pause of the Worker
// takes time.

import worker, { Renditions } from "built-worker";
import type { GatewayContext, PurgeOptions } from "../../src/worker/cache/loopback.ts";

export { Renditions };

type QueueEnv = { readonly EVENTS: Queue; readonly RENDITIONS: R2Bucket };

/** What a test sets before it sends messages. */
export type Setup = {
  readonly hasStore: boolean;
  /** So much older each message seems, and with each attempt: s. */
  readonly age: number;
  readonly agePerAttempt: number;
  /** What fails in the first runs, and in how many of them. */
  readonly fault: "purge" | "handler" | "none";
  readonly faultyRuns: number;
  /** In place of the delays that the Worker wishes: s. */
  readonly delay: number;
};

/** A message to send. `base64`: bytes. */
export type Sent =
  | { readonly kind: "json"; readonly body: unknown }
  | { readonly kind: "text"; readonly body: string }
  | { readonly kind: "bytes"; readonly base64: string };

export type Delivery = {
  readonly id: string;
  readonly attempts: number;
  readonly sentAt: number;
  readonly deliveredAt: number;
  /** What the Worker did: `silent` is an acknowledgement, too, unless the handler throws. */
  settled: "silent" | "ack" | "thrown" | { readonly retry: number | undefined };
};

export type Recorded = {
  readonly batches: Delivery[][];
  readonly purges: string[][];
  /** How many batches are not handled yet. */
  running: number;
};

const NO_FAULT: Setup = {
  hasStore: true,
  age: 3_600,
  agePerAttempt: 0,
  fault: "none",
  faultyRuns: 0,
  delay: 0,
};

/** The search for secrets in answers takes a whole tag for one. */
const shortTag = (tag: string) => tag.slice(0, 16);

let setup = NO_FAULT;
let recorded: Recorded = { batches: [], purges: [], running: 0 };

Object.assign(globalThis, { scheduler: { wait: async () => {} } });

async function send(queue: Queue, messages: readonly Sent[]): Promise<void> {
  for (let start = 0; start < messages.length; start += 100) {
    await queue.sendBatch(messages.slice(start, start + 100).map(requestOf));
  }
}

function requestOf(message: Sent): MessageSendRequest {
  if (message.kind !== "bytes") return { body: message.body, contentType: message.kind };

  const bytes = Uint8Array.from(atob(message.base64), (character) => character.charCodeAt(0));
  return { body: bytes, contentType: "bytes" };
}

/** The Worker remembers by its `env`, which is one object in an isolate. */
const envs = new Map<boolean, QueueEnv>();

function envOf(env: QueueEnv): QueueEnv {
  const answers = setup.hasStore ? { store: "RENDITIONS" } : {};
  const isolate = envs.get(setup.hasStore) ?? { ...env, ...{ ANSWERS: answers } };
  envs.set(setup.hasStore, isolate);
  return isolate;
}

/** A message that records what becomes of it. @param throws whether the handler fails at its acknowledgement */
function recordMessage(message: Message, deliveries: Delivery[], throws: boolean): Message {
  const { id, attempts, timestamp, body } = message;
  const sentAt = timestamp.getTime();
  const delivery: Delivery = { id, attempts, sentAt, deliveredAt: Date.now(), settled: "silent" };
  deliveries.push(delivery);

  const age = setup.age + setup.agePerAttempt * (attempts - 1);
  return {
    ...{ id, attempts, body },
    timestamp: new Date(sentAt - age * 1_000),
    ack() {
      if (throws) throw new Error("the isolate has no time left");
      delivery.settled = "ack";
      message.ack();
    },
    retry(options) {
      delivery.settled = { retry: options?.delaySeconds };
      message.retry({ delaySeconds: setup.delay });
    },
  };
}

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/test/setup":
        setup = { ...NO_FAULT, ...(await request.json<Partial<Setup>>()) };
        recorded = { batches: [], purges: [], running: 0 };
        envs.clear();
        return new Response();
      case "/test/send":
        await send(env.EVENTS, await request.json<Sent[]>());
        return new Response();
      case "/test/store":
        for (const name of await request.json<string[]>()) await env.RENDITIONS.put(name, "x");
        return new Response();
      case "/test/stored": {
        const names = await request.json<string[]>();
        const entries = await Promise.all(names.map((name) => env.RENDITIONS.head(name)));
        return Response.json(entries.filter((entry) => entry !== null).length);
      }
      case "/test/recorded":
        return Response.json(recorded);
      default:
        return worker.fetch(request, envOf(env), context);
    }
  },

  async queue(batch: MessageBatch, env: QueueEnv, { exports }: GatewayContext) {
    const deliveries: Delivery[] = [];
    recorded.batches.push(deliveries);
    const isFaulty = recorded.batches.length <= setup.faultyRuns;

    const middle = Math.floor(batch.messages.length / 2);
    const messages = batch.messages.map((message, index) => {
      const throws = isFaulty && setup.fault === "handler" && index === middle;
      return recordMessage(message, deliveries, throws);
    });

    const loopback = exports?.Renditions;
    if (!loopback) throw new Error("the runtime offers no entrypoint");
    const purge = async (options: PurgeOptions) => {
      recorded.purges.push((options.tags ?? []).map(shortTag));
      if (isFaulty && setup.fault === "purge") throw new Error("Too many subrequests.");
      return loopback.purge(options);
    };

    const { queue, metadata } = batch;
    const all = { ackAll: () => batch.ackAll(), retryAll: () => batch.retryAll() };
    const gateway = {
      waitUntil: () => {},
      exports: { Renditions: { fetch: loopback.fetch, purge } },
    };
    recorded.running += 1;
    try {
      await worker.queue({ queue, metadata, messages, ...all }, envOf(env), gateway);
    } catch (error) {
      for (const delivery of deliveries) delivery.settled = "thrown";
      throw error;
    } finally {
      recorded.running -= 1;
    }
  },
} satisfies ExportedHandler<QueueEnv>;
