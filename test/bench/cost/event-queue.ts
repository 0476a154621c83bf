// The queue of events, and its consumer (src/worker/purge/consume.ts). What came within ten seconds is one batch, and after
// a purge the queue is held for some time. Each event is purged until a late pass finds nothing in the store. It leaves out
// purges that are refused, and messages that come twice.

/** Of the consumer in the wrangler.toml of `vitrine init`: messages, and seconds. */
const BATCH_SIZE = 100;
const BATCH_SECONDS = 10;

/** From one purge to the next batch, unless there was a single message: seconds. */
const PURGE_PERIOD = 15;

/** Until a purge holds in all data centres: seconds. Cloudflare says "within seconds" (W10); so many are assumed. */
const SPREAD = 5;

/** `timeout` and 30 s: a run that began before the change may be on its way for so long. Seconds. */
const RUN_SECONDS = 20 + 30;

/** A message has so many passes at most. */
const MAX_ATTEMPTS = 10;

type Message = {
  readonly object: number;
  /** When the object was replaced: seconds. */
  readonly sentAt: number;
  /** When the consumer may have it. */
  readonly availableAt: number;
  /** How often the consumer has had it. */
  readonly attempts: number;
};

export type EventQueue = {
  /** In the order of `availableAt`. */
  readonly messages: readonly Message[];
  /** From when on the consumer takes another batch. */
  readonly freeAt: number;
};

export const EMPTY_QUEUE: EventQueue = { messages: [], freeAt: 0 };

/** Returns the queue with the event of an object that was replaced. */
export function sendEvent(
  { messages, freeAt }: EventQueue,
  object: number,
  now: number,
): EventQueue {
  const message = { object, sentAt: now, availableAt: now, attempts: 0 };
  return { messages: inOrder([...messages, message]), freeAt };
}

/** A purge, and the messages that the queue has besides. */
export type Purge = {
  readonly beganAt: number;
  readonly messages: readonly Message[];
  /** For how long the oldest new event had to wait until its purge held everywhere: seconds. undefined: none is new. */
  readonly longestWait: number | undefined;
  readonly others: readonly Message[];
};

/** Returns the next purge, if it holds everywhere by now. */
export function nextPurge({ messages, freeAt }: EventQueue, now: number): Purge | undefined {
  const [first] = messages;
  if (!first) return;

  // A batch ends when it is full, or after some seconds. Its purge begins at once.
  const last = messages[BATCH_SIZE - 1];
  const fullAt = last?.availableAt ?? Number.POSITIVE_INFINITY;
  const endsAt = Math.min(fullAt, first.availableAt + BATCH_SECONDS);
  const beganAt = Math.max(freeAt, endsAt);
  if (now < beganAt + SPREAD) return;

  const available = messages.filter(({ availableAt }) => availableAt <= beganAt);
  const batch = available.slice(0, BATCH_SIZE);
  const oldest = batch.find(({ attempts }) => attempts === 0);
  return {
    beganAt,
    messages: batch,
    longestWait: oldest && beganAt + SPREAD - oldest.sentAt,
    others: messages.slice(batch.length),
  };
}

/**
 * Returns the queue after a purge, with the messages that come again.
 * @param stored the objects of which the purge found something in the store
 */
export function settlePurge(
  { beganAt, messages, others }: Purge,
  stored: ReadonlySet<number>,
): EventQueue {
  const again = messages.filter(({ object, sentAt, attempts }) => {
    const isLate = beganAt - sentAt >= RUN_SECONDS;
    const isDone = isLate && !stored.has(object);
    return !isDone && attempts + 1 < MAX_ATTEMPTS;
  });
  const putOff = again.map((message) => putOffMessage(message, beganAt));

  const isHeld = messages.length > 1;
  const freeAt = isHeld ? beganAt + PURGE_PERIOD : beganAt;
  return { messages: inOrder([...others, ...putOff]), freeAt };
}

function putOffMessage(message: Message, beganAt: number): Message {
  const availableAt = beganAt + RUN_SECONDS;
  return { ...message, availableAt, attempts: message.attempts + 1 };
}

function inOrder(messages: readonly Message[]): Message[] {
  return messages.toSorted((a, b) => a.availableAt - b.availableAt);
}
