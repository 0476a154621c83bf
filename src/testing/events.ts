// The queue of events: it delivers what the buckets report to the Worker's consumer, and again what the consumer sends back,
// when that is due (Q2).

import type { VirtualClock } from "./clock.ts";

type Waiting = {
  readonly id: string;
  readonly body: unknown;
  readonly sentAt: number;
  readonly attempts: number;
  readonly dueAt: number;
};

/** A batch has so many messages at most (Q3). */
const MAX_BATCH = 100;

/** A message is delivered so often, if the configuration does not say more. */
const MAX_ATTEMPTS = 100;

export function createEventQueue(
  clock: VirtualClock,
  consume: (batch: MessageBatch) => Promise<void>,
) {
  let count = 0;
  let waiting: readonly Waiting[] = [];

  const send = (bodies: readonly unknown[]): void => {
    const sentAt = clock.now();
    const sent = bodies.map((body) => {
      count += 1;
      return { id: `${count}`, body, sentAt, attempts: 1, dueAt: sentAt };
    });
    waiting = [...waiting, ...sent];
  };

  return {
    send,
    binding: {
      async sendBatch(messages: Iterable<MessageSendRequest>): Promise<void> {
        send([...messages].map(({ body }) => body));
      },
    },

    /** When the next message is due: ms since 1970. */
    nextDueAt(): number | undefined {
      const times = waiting.map(({ dueAt }) => dueAt);
      return times.length === 0 ? undefined : Math.min(...times);
    },

    /** Delivers what is due. */
    async deliver(): Promise<void> {
      for (;;) {
        const due = waiting.filter(({ dueAt }) => dueAt <= clock.now()).slice(0, MAX_BATCH);
        if (due.length === 0) return;

        waiting = waiting.filter((message) => !due.includes(message));
        const retried = new Map<Waiting, number>();
        const messages = due.map((message) => messageOf(message, retried));
        await consume(batchOf(messages));

        const again: Waiting[] = [];
        for (const [message, delayS] of retried) {
          const attempts = message.attempts + 1;
          if (attempts > MAX_ATTEMPTS) continue;
          again.push({ ...message, attempts, dueAt: clock.now() + Math.max(1, delayS) * 1000 });
        }
        waiting = [...waiting, ...again];
      }
    },
  };
}

/** @param retried gets the message and its delay in s, if the consumer sends it back */
function messageOf(message: Waiting, retried: Map<Waiting, number>): Message {
  const { id, body, sentAt, attempts } = message;
  return {
    id,
    body,
    attempts,
    timestamp: new Date(sentAt),
    ack: () => void retried.delete(message),
    retry: (options) => void retried.set(message, options?.delaySeconds ?? 0),
  };
}

function batchOf(messages: readonly Message[]): MessageBatch {
  return {
    queue: "events",
    messages,
    metadata: { metrics: { backlogCount: messages.length, backlogBytes: 0 } },
    ackAll: () => messages.forEach((message) => void message.ack()),
    retryAll: (options) => messages.forEach((message) => void message.retry(options)),
  };
}
