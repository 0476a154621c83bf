// EventBridge of AWS with an API destination, as its documentation describes it: an event is sent at least once, an answer
// is waited for for 5 s, and 429, 5xx and silence are tried again with growing pauses for 24 hours, 185 times at most. A
// `retry-after` that is longer than the pause counts. Then the event goes to the queue of what could not be delivered.

import type { Random } from "../random.ts";
import type { Clock } from "./clock.ts";

/** What a call of the destination leads to. */
export type Reply = { readonly status: number; readonly retryAfterSeconds: number };

const TIMEOUT_MS = 5_000;
const MAX_ATTEMPTS = 185;
const MAX_AGE_MS = 24 * 3_600_000;
const MS_PER_INVOCATION = 1_000 / 300;

/** The longest pause: with it, 185 attempts take about 24 hours. */
const MAX_PAUSE_MS = MAX_AGE_MS / MAX_ATTEMPTS;

type Event<Body> = { readonly body: Body; readonly sentAt: number; attempts: number };

/** @param call calls the API destination. It answers at once where that is known */
export function createEventBridge<Body>(
  clock: Clock,
  random: Random,
  call: (body: Body) => Reply | Promise<Reply>,
) {
  const counts = { calls: 0, refused: 0, undelivered: 0 };
  let nextInvocationAt = clock.now();

  function send(body: Body): void {
    invokeLater({ body, sentAt: clock.now(), attempts: 0 }, 0);
  }

  function invokeLater(event: Event<Body>, delayMs: number): void {
    clock.schedule(delayMs, () => {
      const waitMs = nextInvocationAt - clock.now();
      nextInvocationAt = Math.max(clock.now(), nextInvocationAt) + MS_PER_INVOCATION;
      if (waitMs <= 0) return invoke(event);

      clock.schedule(waitMs, () => invoke(event));
      return undefined;
    });
  }

  function invoke(event: Event<Body>): Promise<void> | undefined {
    counts.calls += 1;
    event.attempts += 1;
    const reply = call(event.body);
    if (reply instanceof Promise) return waitForReply(event, reply);

    settle(event, reply);
    return undefined;
  }

  async function waitForReply(event: Event<Body>, replying: Promise<Reply>): Promise<void> {
    const timer = clock.schedule(TIMEOUT_MS, async () => settle(event, undefined));
    const reply = await replying;
    if (!clock.cancel(timer)) return; // it came too late

    settle(event, reply);
  }

  /** @param reply undefined if none came in time */
  function settle(event: Event<Body>, reply: Reply | undefined): void {
    if (reply && reply.status < 300) return;

    counts.refused += 1;
    const mayRepeat = !reply || reply.status === 429 || reply.status >= 500;
    const jitter = 0.5 + random();
    const pauseMs = Math.min(MAX_PAUSE_MS, 1_000 * 2 ** event.attempts) * jitter;
    const retryAfterMs = (reply?.retryAfterSeconds ?? 0) * 1_000;
    const delayMs = Math.max(pauseMs, retryAfterMs);
    const isTooOld = clock.now() + delayMs > event.sentAt + MAX_AGE_MS;
    if (!mayRepeat || isTooOld || event.attempts >= MAX_ATTEMPTS) {
      counts.undelivered += 1;
      return;
    }
    invokeLater(event, delayMs);
  }

  return { send, counts };
}
