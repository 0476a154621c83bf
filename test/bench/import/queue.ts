// Cloudflare Queues, as its documentation describes a queue with one consumer at a time (Q1, Q2): a batch begins when 100
// messages wait, or when one has waited for long enough. Messages come at least once, and not in their order. It counts
// operations as they are billed (Q4).

import type { Random } from "../random.ts";
import type { Clock } from "./clock.ts";

export type QueueSettings = {
  readonly maxBatchSize: number;
  readonly maxBatchTimeoutMs: number;
  readonly maxRetries: number;
  /** How many of 1,000 messages come twice. */
  readonly repeated: number;
};

type Message = {
  readonly id: string;
  readonly body: unknown;
  readonly sentAt: number;
  attempts: number;
  /** Since when it can be delivered: ms since 1970. */
  waitsSince: number;
};

/** What became of a message in a batch. */
type Verdict =
  | { readonly kind: "none" }
  | { readonly kind: "acknowledged" }
  | { readonly kind: "retried"; readonly delaySeconds: number };

/** How a run of the consumer ended. `died`: nothing is known of its acknowledgements. */
export type RunOutcome = "returned" | "threw" | "died";

export type Batch = MessageBatch<unknown>;

/** How long a message takes until it can be delivered: ms. */
const MIN_TRANSIT_MS = 200;
const TRANSIT_RANGE_MS = 800;

/** A message overtakes so many others at most. */
const MAX_OVERTAKEN = 20;

/** @param consume runs the consumer's handler */
export function createQueue(
  clock: Clock,
  random: Random,
  settings: QueueSettings,
  consume: (batch: Batch) => Promise<RunOutcome>,
) {
  const waiting: Message[] = [];
  const deadLetters: Message[] = [];
  const counts = { writes: 0, reads: 0, deletes: 0, batches: 0, unsettled: 0 };
  let isBusy = false;
  let timer: ReturnType<Clock["schedule"]> | undefined;

  function send(body: unknown): void {
    counts.writes += 1;
    const copies = random() * 1_000 < settings.repeated ? 2 : 1;
    const id = `${counts.writes}`;
    for (let copy = 0; copy < copies; copy++) {
      const message = { id, body, sentAt: clock.now(), attempts: 0, waitsSince: 0 };
      counts.unsettled += 1;
      offerLater(message, MIN_TRANSIT_MS + random() * TRANSIT_RANGE_MS);
    }
  }

  function offerLater(message: Message, delayMs: number): void {
    clock.schedule(delayMs, () => {
      message.waitsSince = clock.now();
      const overtaken = Math.floor(random() * MAX_OVERTAKEN);
      waiting.splice(Math.max(0, waiting.length - overtaken), 0, message);
      return beginBatch();
    });
  }

  /** Begins a batch, if it is time for one. */
  function beginBatch(): Promise<void> | undefined {
    if (timer) clock.cancel(timer);
    timer = undefined;
    if (isBusy || waiting.length === 0) return undefined;

    const oldest = Math.min(...waiting.map(({ waitsSince }) => waitsSince));
    const leftMs = oldest + settings.maxBatchTimeoutMs - clock.now();
    if (waiting.length < settings.maxBatchSize && leftMs > 0) {
      timer = clock.schedule(leftMs, beginBatch);
      return undefined;
    }

    isBusy = true;
    return deliver(waiting.splice(0, settings.maxBatchSize));
  }

  async function deliver(messages: readonly Message[]): Promise<void> {
    counts.batches += 1;
    counts.reads += messages.length;

    const verdicts = new Map<Message, Verdict>();
    const outcome = await consume(batchOf(messages, verdicts, waiting.length));
    for (const message of messages) {
      settle(message, verdictOf(outcome, verdicts.get(message)));
    }
    isBusy = false;
    void beginBatch();
  }

  function settle(message: Message, verdict: Verdict): void {
    if (verdict.kind !== "retried") {
      counts.deletes += 1;
      counts.unsettled -= 1;
      return;
    }

    message.attempts += 1;
    if (message.attempts > settings.maxRetries) {
      deadLetters.push(message);
      counts.unsettled -= 1;
      return;
    }
    offerLater(message, verdict.delaySeconds * 1_000);
  }

  return { send, counts, deadLetters, waiting };
}

function batchOf(
  messages: readonly Message[],
  verdicts: Map<Message, Verdict>,
  backlogCount: number,
): Batch {
  const acknowledge = (message: Message) => void verdicts.set(message, { kind: "acknowledged" });
  const retry = (message: Message, { delaySeconds = 0 }: QueueRetryOptions = {}) =>
    void verdicts.set(message, { kind: "retried", delaySeconds });

  return {
    queue: "vitrine-events",
    messages: messages.map((message) => ({
      id: message.id,
      body: message.body,
      timestamp: new Date(message.sentAt),
      attempts: message.attempts + 1,
      ack: () => acknowledge(message),
      retry: (options) => retry(message, options),
    })),
    metadata: { metrics: { backlogCount, backlogBytes: 0 } },
    ackAll: () => {
      for (const message of messages) acknowledge(message);
    },
    retryAll: (options) => {
      for (const message of messages) retry(message, options);
    },
  };
}

/** What Cloudflare does with a message whose run has ended so (Q2). */
function verdictOf(outcome: RunOutcome, verdict: Verdict = { kind: "none" }): Verdict {
  switch (outcome) {
    case "returned":
      return verdict.kind === "none" ? { kind: "acknowledged" } : verdict;
    case "threw":
      return verdict.kind === "none" ? { kind: "retried", delaySeconds: 0 } : verdict;
    case "died":
      return { kind: "retried", delaySeconds: 0 };
  }
}
