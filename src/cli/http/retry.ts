// Sends requests again where that may help. After a 429, all requests of the same sender wait as long as the service asks.

import { codeOf, isNoAnswer, type NoAnswer } from "./body.ts";

type RetryOptions = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends all requests and waits. */
  readonly signal: AbortSignal;
  /** How often a request is sent again, and after which statuses. */
  readonly retries: number;
  readonly statuses: readonly number[];
  /** The longest `retry-after` that is waited for: ms. After a longer one there is no other try. */
  readonly maxWaitMs: number;
};

/** Milliseconds before the second attempt, at most. */
const FIRST_DELAY_MS = 500;

/**
 * Creates a function that makes attempts until one succeeds. Use it only where a second request does no harm.
 * An attempt reads the whole body: if the body breaks off, there is another attempt, too.
 * @returns the last answer, good or bad, or why there is none; undefined after an interruption
 */
export function createSender({ now, signal, retries, statuses, maxWaitMs }: RetryOptions) {
  let heldUntil = 0;

  return async <Answer extends Pick<Response, "status" | "headers">>(
    attempt: () => Promise<Answer>,
  ): Promise<Answer | NoAnswer | undefined> => {
    for (let retry = 0; ; retry += 1) {
      // While this request waits, the answer to another one may hold it back again.
      while (heldUntil > now() && !signal.aborted) await sleep(heldUntil - now(), signal);
      if (signal.aborted) return undefined;

      const answer = await attempt().catch(noAnswerOf);
      if (signal.aborted) return undefined;
      if (retry === retries) return answer;

      const backoff = backoffMs(retry);
      if (isNoAnswer(answer)) {
        await sleep(backoff, signal);
        continue;
      }

      const retryAfter = retryAfterMs(answer.headers, now());
      if (!statuses.includes(answer.status) || retryAfter > maxWaitMs) return answer;
      if (answer.status === 429) heldUntil = Math.max(heldUntil, now() + retryAfter);
      await sleep(Math.max(backoff, retryAfter), signal);
    }
  };
}

/** The delay doubles each time. A part of it is random, so that two senders do not go on together. */
function backoffMs(retry: number): number {
  const longest = FIRST_DELAY_MS * 2 ** retry;
  return longest * (0.5 + Math.random() / 2);
}

/** Why an attempt has no answer, by the errors of the network and of time limits. Any other error is a bug. */
function noAnswerOf(error: unknown): NoAnswer {
  if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
  return { kind: "no-answer", reason: `no answer: ${codeOf(error)}` };
}

/** How long the service asks to wait, in seconds or by a date. 0 ms if it does not say. */
function retryAfterMs(headers: Headers, now: number): number {
  const retryAfter = headers.get("retry-after");
  if (retryAfter === null) return 0;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;

  const ms = Date.parse(retryAfter) - now;
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

/** Waits. An abort ends the wait. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;

  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const timer = setTimeout(wake, ms);
  signal.addEventListener("abort", wake);
  await promise;

  clearTimeout(timer);
  signal.removeEventListener("abort", wake);
}
