// A client that sends a request again if that may help, and keeps requests back for as long as a service asks.

import ky, { HTTPError, type KyInstance, TimeoutError } from "ky";
import { codeOf } from "./body.ts";

export type Retrying = {
  readonly limit: number;
  readonly statuses: readonly number[];
  /** The longest wait for a `retry-after`: milliseconds. */
  readonly longestWait: number;
  /** What to do if `retry-after` is longer. */
  readonly beyond: "give-up" | "wait";
  /** How long an answer with its body may take: milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly before: () => Promise<void>;
  /** Sends one attempt. It must read the body: then one that breaks off is sent again, too. */
  readonly send: (request: Request) => Promise<Response>;
};

/** Milliseconds before the second attempt; the delay doubles each time. */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;

/** Any request may be sent twice: use it only where that does no harm. */
export function retrying(options: Retrying): KyInstance {
  const { limit, statuses, longestWait, beyond, timeout, signal, before, send } = options;
  return ky.create({
    ...{ timeout, signal, redirect: "manual" },
    fetch: (input) => send(input instanceof Request ? input : new Request(input)),
    retry: {
      limit,
      methods: ["get", "post"],
      statusCodes: [...statuses],
      afterStatusCodes: [...statuses],
      maxRetryAfter: longestWait,
      delay: (attempt) => FIRST_DELAY * 2 ** (attempt - 1),
      jitter: (delay) => delay * (0.5 + Math.random() / 2),
      backoffLimit: LONGEST_DELAY,
      retryOnTimeout: true,
      shouldRetry: ({ error }) =>
        beyond === "give-up" && error instanceof HTTPError && waitOf(error.response) > longestWait
          ? false
          : undefined,
    },
    hooks: { beforeRequest: [before] },
  });
}

/** The answer with the body that was read. @throws TypeError if HTTP has no such status */
export function answerOf(
  { status, statusText, headers }: Pick<Response, "status" | "statusText" | "headers">,
  body: string,
): Response {
  if (status > 599) throw new TypeError(`the status ${status}`);
  return new Response(body || null, { status, statusText, headers });
}

/** The milliseconds of `retry-after`; 0 if there is none. */
export function waitOf({ headers }: Pick<Response, "headers">, now = Date.now()): number {
  const after = headers.get("retry-after") ?? "";
  const ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

/**
 * Reads what the client threw. Anything else is a bug, and is thrown again.
 * @returns the bad answer, or in words why there is none; undefined if it was interrupted
 */
export function failureOf(
  error: unknown,
  { timeout, signal }: Retrying,
): Response | string | undefined {
  if (error instanceof HTTPError) return error.response;
  if (error instanceof TimeoutError) return `no answer within ${timeout / 1000} s`;
  if (signal.aborted) return undefined;
  // `fetch` throws a plain TypeError for failures of the network.
  if (error instanceof TypeError) return `no answer: ${codeOf(error)}`;
  throw error;
}

export type Pace = ReturnType<typeof createPace>;

export function createPace(now: () => number, signal: AbortSignal) {
  let held = 0;
  return {
    /** Waits until one more request may begin, or the signal is aborted. */
    async turn(): Promise<void> {
      // It may be held again while it waits.
      for (let ms = held - now(); ms > 0 && !signal.aborted; ms = held - now()) {
        await sleep(ms, signal);
      }
    },
    /** Lets no request begin for so many milliseconds. */
    hold(ms: number): void {
      held = Math.max(held, now() + ms);
    },
  };
}

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((settle) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      settle();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
