// Asks S3 itself, from this machine, and tells also what kept it from answering.

import { readSaid } from "../../worker/s3/probe.ts";
import type { Said } from "../../worker/s3/verdict.ts";
import { fetchBody, isLate } from "./body.ts";

export type S3Answer = Said & {
  /** The body of an answer that is no object. */
  readonly text: string;
  /** Why no answer came, or no whole one: the code of Node.js, as `ENOTFOUND`; `timeout`;
   * `too large`; or words. */
  readonly failure?: string;
};

/** How long an answer, and then each part of it, may take, if nobody says. */
export const PATIENCE_S = 10;

/** No larger object is read by the edge (L1), and no longer text by anybody. */
const MOST_BYTES = 100e6;
const MOST_TEXT = 10e6;

/**
 * Sends one request, and follows no redirect. An object's bytes are not read.
 * @param now milliseconds since 1970, as signed
 * @param patience seconds that the answer may take
 */
export async function askS3(
  url: string,
  { method = "GET", headers }: { readonly method?: "GET" | "PUT"; readonly headers: Headers },
  now: number,
  patience = PATIENCE_S,
): Promise<S3Answer> {
  const { bytes: _bytes, ...answer } = await send(url, { method, headers }, now, patience, false);
  return answer;
}

/**
 * Fetches an object whole, or the part that the headers ask for. There are bytes where S3 gave all of it.
 * @param patience seconds that the answer may take, and then each part of it
 */
export function fetchObject(
  url: string,
  headers: Headers,
  now: number,
  patience: number,
): Promise<S3Answer & { readonly bytes?: Uint8Array }> {
  return send(url, { headers }, now, patience, true);
}

async function send(
  url: string,
  init: RequestInit,
  now: number,
  patience: number,
  reads: boolean,
): Promise<S3Answer & { bytes?: Uint8Array }> {
  let head: Pick<Response, "status" | "headers"> | undefined;
  let isObject = false;
  const take = (answer: Response) => {
    head = answer;
    isObject = answer.ok && (reads || !/\bxml\b/.test(answer.headers.get("content-type") ?? ""));
    if (isObject) return reads ? MOST_BYTES : 0;
    return MOST_TEXT;
  };
  try {
    const { bytes, whole } = await fetchBody(url, init, patience, take);
    const text = isObject ? "" : new TextDecoder().decode(bytes);
    const answer = { ...(head && readSaid(head, text, now)), text };
    if (!isObject || !reads) return answer;
    return whole ? { ...answer, bytes } : { ...answer, failure: "too large" };
  } catch (error) {
    const failure = isLate(error) ? "timeout" : codeOf(error);
    return { ...(head && readSaid(head, "", now)), text: "", failure };
  }
}

/** What Node.js calls a failure of the network: of the error, or of what caused it; else in words. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  if ("code" in error && typeof error.code === "string") return error.code;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? codeOf(inner) : error.message;
}
