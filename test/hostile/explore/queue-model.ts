// A queue of Cloudflare, as a value: at least once, in no order (Q2). Pure functions change it; deliveries.ts decides
// when. The harshest reading of each rule: an `ack()` counts at once, and not only when the handler returns; a batch is any
// choice of what waits, in any order; a message may be there twice.

export type Message = {
  readonly id: string;
  readonly body: unknown;
  /** ms since 1970. */
  readonly sentAt: number;
  /** How often it was delivered. */
  readonly attempts: number;
  readonly state: MessageState;
};

type MessageState =
  | { readonly kind: "waiting"; readonly dueAt: number }
  | { readonly kind: "delivered" }
  | { readonly kind: "acknowledged" }
  /** It was retried too often. */
  | { readonly kind: "lost" };

export type Queue = readonly Message[];

/** After so many deliveries a message is lost: far fewer than `max_retries`, since no fault of a world lasts. */
const MAX_DELIVERIES = 30;

/** @param dueAt when it can be delivered first: ms since 1970 */
export function send(
  queue: Queue,
  message: Pick<Message, "id" | "body" | "sentAt" | "attempts">,
  dueAt: number,
): Queue {
  return [...queue, { ...message, state: { kind: "waiting", dueAt } }];
}

/** Returns the messages that can be delivered. */
export function dueMessages(queue: Queue, now: number): Message[] {
  return queue.filter(({ state }) => state.kind === "waiting" && state.dueAt <= now);
}

export function deliver(queue: Queue, ids: readonly string[]): Queue {
  return queue.map((message) => {
    const isTaken = ids.includes(message.id);
    if (!isTaken) return message;
    return { ...message, attempts: message.attempts + 1, state: { kind: "delivered" } };
  });
}

/** What is not acknowledged and not retried when the handler returns is acknowledged, too. The first word counts. */
export function acknowledge(queue: Queue, ids: readonly string[]): Queue {
  return settle(queue, ids, () => ({ kind: "acknowledged" }));
}

/** @param dueAt ms since 1970 */
export function retry(queue: Queue, ids: readonly string[], dueAt: number): Queue {
  return settle(queue, ids, ({ attempts }) => {
    return attempts < MAX_DELIVERIES ? { kind: "waiting", dueAt } : { kind: "lost" };
  });
}

function settle(
  queue: Queue,
  ids: readonly string[],
  nextState: (message: Message) => MessageState,
): Queue {
  return queue.map((message) => {
    const isSettled = ids.includes(message.id) && message.state.kind === "delivered";
    return isSettled ? { ...message, state: nextState(message) } : message;
  });
}
