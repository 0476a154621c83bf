// Reads an answer within bounds of time and length. It follows no redirect: a request may carry a secret for its host.

import { hasProperty } from "../../worker/util/json.ts";

export type Body = Pick<Response, "status" | "headers"> & {
  readonly bytes: Uint8Array;
  /** False if the body is longer than allowed; the rest is not read. */
  readonly whole: boolean;
};

/** Why a server gives no answer that can be used. */
export type NoAnswer = {
  readonly kind: "no-answer";
  readonly reason: string;
  /** The status of an answer that cannot be used. Undefined: no answer came. */
  readonly status?: number;
};

export function isNoAnswer<Answer extends object>(value: Answer | NoAnswer): value is NoAnswer {
  return hasProperty(value, "kind") && value.kind === "no-answer";
}

/**
 * Sends a request, and reads its answer.
 * @param timeoutS seconds until the headers must be here, and then between two parts of the body
 * @param maxBytes gets the answer before its body is read, and returns how many bytes are allowed
 * @throws what `fetch` throws; a `TimeoutError` if it takes too long
 */
export async function fetchBody(
  url: string,
  init: RequestInit,
  timeoutS: number,
  maxBytes: (answer: Response) => number,
): Promise<Body> {
  const abort = new AbortController();
  const timeout = new DOMException("timeout", "TimeoutError");
  const timer = setTimeout(() => abort.abort(timeout), timeoutS * 1000);

  try {
    const signal = anySignal(init.signal, abort.signal);
    const answer = await fetch(url, { ...init, redirect: "manual", signal });
    timer.refresh();

    const { status, headers } = answer;
    const max = maxBytes(answer);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body ?? []) {
      timer.refresh();
      length += chunk.length;
      if (length > max) return { status, headers, bytes: Buffer.concat(chunks), whole: false };
      chunks.push(chunk);
    }
    return { status, headers, bytes: Buffer.concat(chunks), whole: true };
  } finally {
    clearTimeout(timer);
  }
}

/** @param signal that of the caller, who may have none */
function anySignal(signal: AbortSignal | null | undefined, timeout: AbortSignal): AbortSignal {
  if (signal === null || signal === undefined) return timeout;
  return AbortSignal.any([signal, timeout]);
}

/** An answer that is read as text. */
export type TextBody = Body & { readonly text: string };

/**
 * Sends a request, and reads its short answer as text.
 * @param timeoutS as for `fetchBody`; the whole answer may take twice as long
 */
export async function fetchText(
  url: string,
  init: RequestInit,
  timeoutS: number,
  maxBytes: number,
): Promise<TextBody | NoAnswer> {
  const timeout = AbortSignal.timeout(2 * timeoutS * 1000);
  const signal = anySignal(init.signal, timeout);

  try {
    const answer = await fetchBody(url, { ...init, signal }, timeoutS, () => maxBytes);
    const text = new TextDecoder().decode(answer.bytes);
    return { ...answer, text };
  } catch (error) {
    return { kind: "no-answer", reason: codeOf(error) };
  }
}

/** Why no answer came: `timeout`, a code of Node.js such as `ENOTFOUND`, or words if there is no code. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  if (error.name === "TimeoutError") return "timeout";
  if (hasProperty(error, "code") && typeof error.code === "string") return error.code;

  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? codeOf(inner) : error.message;
}
