// Sends requests again where that may help. A 429 holds back all requests of a sender, for as long as the service
// asks.

import ky, { HTTPError, TimeoutError } from "ky";
import { codeOf } from "./body.ts";

export type RetryOptions = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends all requests and waits. */
  readonly signal: AbortSignal;
  /** How often a request is sent again. */
  readonly retries: number;
  /** The statuses after which another try may help. */
  readonly statuses: readonly number[];
  /** The longest `retry-after` that is waited for: ms. After a longer one there is no other try. */
  readonly maxWaitMs: number;
  /** How long one answer with its body may take: ms. */
  readonly timeoutMs: number;
};

/** What an attempt returns at least: it has read the body, so that one that breaks off is tried again, too. */
type Answer = Pick<Response, "status" | "headers">;

/** Milliseconds before the second attempt; the delay doubles each time. */
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

/**
 * Creates a function that makes attempts until one succeeds. Use it only where a second request does no harm.
 * @returns the last answer, good or bad; in words why there is none; undefined if it was interrupted
 */
export function createSender(options: RetryOptions) {
  const { now, signal, retries, statuses, maxWaitMs, timeoutMs } = options;
  let heldUntil = 0;
  const waitForTurn = async () => {
    // Another answer may hold it back again while it waits.
    while (heldUntil > now() && !signal.aborted) await sleep(heldUntil - now(), signal);
  };
  const client = ky.create({
    timeout: timeoutMs,
    signal,
    retry: {
      limit: retries,
      methods: ["get"],
      statusCodes: [...statuses],
      afterStatusCodes: [...statuses],
      maxRetryAfter: maxWaitMs,
      delay: (attempt) => FIRST_DELAY_MS * 2 ** (attempt - 1),
      jitter: (delay) => delay * (0.5 + Math.random() / 2),
      backoffLimit: MAX_DELAY_MS,
      retryOnTimeout: true,
      shouldRetry: ({ error }) =>
        error instanceof HTTPError && waitOf(error.response, now()) > maxWaitMs ? false : undefined,
    },
    hooks: { beforeRequest: [waitForTurn] },
  });

  return async <Sent extends Answer>(
    url: string,
    attempt: (signal: AbortSignal) => Promise<Sent>,
  ): Promise<Sent | string | undefined> => {
    let answer: Sent | undefined;
    const send = async (request: unknown) => {
      answer = await attempt(request instanceof Request ? request.signal : signal);
      const { status, headers } = answer;
      const wait = status === 429 ? waitOf(answer, now()) : 0;
      if (wait <= maxWaitMs) heldUntil = Math.max(heldUntil, now() + wait);
      if (status > 599) throw new TypeError(`the status ${status}`);
      return new Response(null, { status, headers });
    };
    try {
      await client.get(url, { fetch: send });
      return answer;
    } catch (error) {
      if (error instanceof HTTPError) return answer;
      if (error instanceof TimeoutError) return `no answer within ${timeoutMs / 1000} s`;
      if (signal.aborted) return undefined;
      // `fetch` throws a plain TypeError for failures of the network. Anything else is a bug.
      if (error instanceof TypeError) return `no answer: ${codeOf(error)}`;
      throw error;
    }
  };
}

/** The milliseconds of `retry-after`; 0 if there is none. */
export function waitOf({ headers }: Pick<Response, "headers">, now: number): number {
  const after = headers.get("retry-after") ?? "";
  const ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

/** Waits so many milliseconds, or until the signal is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
