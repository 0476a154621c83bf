// Requests that are sent again where that may help.

import ky, { HTTPError, type KyInstance, TimeoutError } from "ky";
import { codeOf } from "./ask-s3.ts";

export type Retrying = {
  /** How often a request is sent again. */
  readonly limit: number;
  /** The statuses after which it is. */
  readonly statuses: readonly number[];
  /** How long a `retry-after` is waited for: milliseconds. */
  readonly longestWait: number;
  /** Whether to give up where it says more than that, or to wait for that long. */
  readonly beyond: "give-up" | "wait";
  /** How long an answer may take, with its body: milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** Is waited for before each attempt. */
  readonly before?: () => Promise<void>;
  /** Sends one attempt, and reads the body of its answer: what breaks off is sent again, too. */
  readonly send: (request: Request) => Promise<Response>;
};

/** Milliseconds before the first time that a request is sent again; twice as many before the next. */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;

/** A client. Any method may be sent again: whoever uses it sends what does no harm twice. */
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
    hooks: { beforeRequest: before === undefined ? [] : [before] },
  });
}

/** An answer, with its body as it was read. @throws as `fetch` does where it is none of HTTP's */
export function answerOf({ status, statusText, headers }: Response, body: string): Response {
  if (status > 599) throw new TypeError(`the status ${status}`);
  return new Response(body || null, { status, statusText, headers });
}

/** What a `retry-after` says: milliseconds, 0 where it says nothing. */
export function waitOf({ headers }: Pick<Response, "headers">, now = Date.now()): number {
  const after = headers.get("retry-after") ?? "";
  const ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

/** Why there is no answer that is right. */
export type Failure =
  | { readonly response: Response }
  /** In words, as `no answer within 30 s`; undefined: it was interrupted. */
  | { readonly network: string | undefined };

/** What a client throws; what else is thrown is a bug. */
export function failureOf(error: unknown, { timeout, signal }: Retrying): Failure {
  if (error instanceof HTTPError) return { response: error.response };
  if (error instanceof TimeoutError) return { network: `no answer within ${timeout / 1000} s` };
  if (signal.aborted) return { network: undefined };
  // fetch has no type of its own for failures of the network.
  if (error instanceof TypeError) return { network: `no answer: ${codeOf(error)}` };
  throw error;
}
