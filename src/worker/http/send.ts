// Sends a request and waits for its answer until a deadline. Never follows a redirect: it would lead out of the bucket,
// and S3's signature is good for one host alone.

import { TIMED_OUT, withTimeout } from "../util/time.ts";
import type { UpstreamFailure } from "./refusal.ts";
import { withoutEcho } from "./s3-reply.ts";

/** An answer of S3 or the edge: the bytes of an image, or a text: an error, or facts (a picture's sizes as JSON). */
export type Reply = {
  readonly kind: "reply";
  readonly status: number;
  readonly headers: Headers;
  /** The bytes of an image; null where there is a text. */
  readonly body: ReadableStream | null;
  /** The beginning of the text, without credentials that S3 repeats; "" for an image. */
  readonly text: string;
};

/**
 * Waits for the headers of the answer, and for the text if it is not an image.
 * @param deadline ms since 1970. After it, nothing is sent
 * @param facts whether the edge is asked for facts: then a success is a text, too (R9)
 */
export async function send(
  url: string,
  init: RequestInit,
  deadline: number,
  facts = false,
): Promise<Reply | UpstreamFailure> {
  const timeLeft = deadline - Date.now();
  if (timeLeft <= 0) return { kind: "timeout", reason: "no time was left to ask" };

  const fetching = fetch(url, { ...init, redirect: "manual" });
  try {
    const response = await withTimeout(timeLeft, fetching);
    if (response === TIMED_OUT) {
      // The body of a late answer is cancelled when it comes. An abort signal would slow down every request.
      fetching.then(({ body }) => cancelBody(body)).catch(() => {});
      return { kind: "timeout", reason: "no answer in time" };
    }

    const { status, headers, body } = response;
    if (response.ok && !facts) return { kind: "reply", status, headers, body, text: "" };

    // S3's errors repeat some of the request's credentials. `withoutEcho` empties the elements that do so.
    const beginning = await readBeginning(body, deadline - Date.now());
    const text = withoutEcho(beginning, init.headers);
    return { kind: "reply", status, headers, body: null, text };
  } catch (error) {
    return { kind: "network", reason: `the request failed: ${error}` };
  }
}

/** Cancels a body that nobody will read. It may have broken off already. */
export function cancelBody(body: ReadableStream | null): void {
  body?.cancel().catch(() => {});
}

/** The longest text that is read of an error: S3's XML has less. Characters. */
const MAX_TEXT_LENGTH = 2048;

/**
 * Reads the first characters of a body that is not an image. It may break off or stall, which is no failure: the status and
 * the headers, which matter more, have arrived already.
 * @param timeoutMs if it is 0 or less, the wait ends at once
 */
async function readBeginning(body: ReadableStream | null, timeoutMs: number): Promise<string> {
  if (body === null) return "";

  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const readText = async () => {
    // S3's error, which is XML, ends with this tag.
    while (text.length <= MAX_TEXT_LENGTH && !text.endsWith("</Error>")) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
    }
  };

  // After a time-out, or if the body breaks off, `text` is what has arrived until then.
  await withTimeout(timeoutMs, readText()).catch(() => {});
  reader.cancel().catch(() => {});
  return text;
}

// From here on: what the steps of a request share.

/**
 * The runtime's context. Work that is passed to `waitUntil` goes on after the answer. `cache` is undefined unless the
 * Worker runs behind Workers Cache, which keeps its answers (W1 of docs/rules.md).
 */
export type Context = Pick<ExecutionContext, "waitUntil" | "cache">;

/** The context outside of a Worker, as in a command: nothing waits for such work, and there is no Workers Cache. */
export const NO_CONTEXT: Context = { waitUntil: () => {} };

/** What every step of one request needs. */
export type RequestScope = {
  readonly context: Context;
  /** Until when the visitor waits: ms since 1970. */
  readonly deadline: number;
};

/** An image that an engine rendered, and its guard let pass; or facts, as JSON. */
export type Rendition = {
  readonly body: ReadableStream | null;
  readonly type: string;
  /** The length as content-length writes it; undefined: unknown. Bytes. */
  readonly length: string | undefined;
  /**
   * Whether it may be of another object than S3 described: the edge does not name the one that it used. Such a rendition
   * gets no ETag, and is not stored.
   */
  readonly mayBeOfOtherObject?: boolean;
  /** The header `cf-resized` if its meaning is unknown (R1). The bytes themselves prove that the edge has made them. */
  readonly resized?: string | undefined;
};
