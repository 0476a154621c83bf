// Sends requests again where that may help. A 429 holds back all requests of a sender, as long as the service asks.

import { codeOf } from "./body.ts";

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

/** Milliseconds before the second attempt, at most; the delay doubles each time. */
const FIRST_DELAY_MS = 500;

/**
 * Creates a function that makes attempts until one succeeds. Use it only where a second request does no harm.
 * An attempt reads the whole body: if the body breaks off, there is another attempt, too.
 * @returns the last answer, good or bad; a text that says why there is none; undefined after an interruption
 */
export function createSender({ now, signal, retries, statuses, maxWaitMs }: RetryOptions) {
  let heldUntil = 0;
  return async <Answer extends Pick<Response, "status" | "headers">>(
    attempt: () => Promise<Answer>,
  ): Promise<Answer | string | undefined> => {
    for (let retry = 0; ; retry += 1) {
      // While this request waits, the answer to another one may hold it back again.
      while (heldUntil > now() && !signal.aborted) await sleep(heldUntil - now(), signal);
      if (signal.aborted) return undefined;
      const answer = await attempt().catch(failureOf);
      if (signal.aborted) return undefined;
      if (retry === retries) return answer;
      let delay = FIRST_DELAY_MS * 2 ** retry * (0.5 + Math.random() / 2);
      if (typeof answer !== "string") {
        const wait = waitOf(answer, now());
        if (!statuses.includes(answer.status) || wait > maxWaitMs) return answer;
        if (answer.status === 429) heldUntil = Math.max(heldUntil, now() + wait);
        delay = Math.max(delay, wait);
      }
      await sleep(delay, signal);
    }
  };
}

/** Why an attempt has no answer, by the errors of the network and of time limits. Any other error is a bug. */
function failureOf(error: unknown): string {
  if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
  return `no answer: ${codeOf(error)}`;
}

/** The milliseconds of `retry-after`; 0 if there is none. */
function waitOf({ headers }: Pick<Response, "headers">, now: number): number {
  const after = headers.get("retry-after") ?? "";
  const ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const wake = () => resolve();
  signal.addEventListener("abort", wake);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", wake);
}
