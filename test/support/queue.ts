// A batch as Cloudflare's queue delivers it, and what the consumer does with each message.

import { r2Notification } from "./events.ts";

type Settled =
  /** The handler returned without a word: the queue takes that as an acknowledgement (Q2). */
  "silent" | "ack" | { readonly retry: number | undefined };

type QueuedMessage = Message & { readonly settled: () => Settled };

type MessageOptions = {
  /** How long ago it was sent: s. */
  readonly age?: number;
  readonly attempts?: number;
};

let messageCount = 0;

/** A message with a body, sent this very moment, which is delivered for the first time. */
export function messageOf(body: unknown, { age = 0, attempts = 1 }: MessageOptions = {}) {
  let settled: Settled = "silent";

  const message: QueuedMessage = {
    id: `${++messageCount}`,
    timestamp: new Date(Date.now() - age * 1000),
    body,
    attempts,
    ack() {
      settled = "ack";
    },
    retry(options) {
      settled = { retry: options?.delaySeconds };
    },
    settled: () => settled,
  };

  return message;
}

/** An event of R2 about the deletion of an object. */
export const deletionOf = (key: string, options?: MessageOptions) =>
  messageOf(r2Notification("acme-media", key, "DeleteObject"), options);

export function batchOf(messages: readonly Message[]): MessageBatch {
  return {
    queue: "images-events",
    messages,
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll() {
      for (const message of messages) message.ack();
    },
    retryAll(options) {
      for (const message of messages) message.retry(options);
    },
  };
}
