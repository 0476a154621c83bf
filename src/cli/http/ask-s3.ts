// Asks S3 from this machine. If no answer comes, the result says why.

import { parseS3Reply, type S3Reply } from "../../worker/base/s3-reply.ts";
import { codeOf, fetchBody, isLate } from "./body.ts";

export type S3Answer = S3Reply & {
  /** The body, if the answer is not an object. */
  readonly text: string;
  /** Why no whole answer came: a code of Node.js such as `ENOTFOUND`, `timeout`, `too large`, or words. */
  readonly failure?: string;
};

/** Seconds that an answer may take by default, and then each part of it. */
export const PATIENCE_S = 10;

/** The edge reads no larger object (L1). */
export const MOST_BYTES = 100e6;
const MAX_TEXT_BYTES = 10e6;

/** Sends one request. The bytes of an object are not read. */
export async function askS3(
  url: string,
  { method = "GET", headers }: { readonly method?: "GET" | "PUT"; readonly headers: Headers },
  now: number,
  timeoutS: number,
): Promise<S3Answer> {
  const { bytes: _bytes, ...answer } = await send(url, { method, headers }, now, timeoutS, false);
  return answer;
}

/** Fetches an object, or the part that the headers ask for. @returns with bytes only if all came */
export function fetchObject(
  url: string,
  headers: Headers,
  now: number,
  timeoutS: number,
): Promise<S3Answer & { readonly bytes?: Uint8Array }> {
  return send(url, { headers }, now, timeoutS, true);
}

async function send(
  url: string,
  init: RequestInit,
  now: number,
  timeoutS: number,
  readsObjects: boolean,
): Promise<S3Answer & { bytes?: Uint8Array }> {
  let head: Pick<Response, "status" | "headers"> | undefined;
  let isObject = false;
  const maxBytes = (answer: Response) => {
    head = answer;
    const isXml = /\bxml\b/.test(answer.headers.get("content-type") ?? "");
    isObject = answer.ok && (readsObjects || !isXml);
    if (!isObject) return MAX_TEXT_BYTES;
    return readsObjects ? MOST_BYTES : 0;
  };
  try {
    const { bytes, whole } = await fetchBody(url, init, timeoutS, maxBytes);
    const text = isObject ? "" : new TextDecoder().decode(bytes);
    const answer = { ...(head && parseS3Reply(head, text, now)), text };
    if (!isObject || !readsObjects) return answer;
    return whole ? { ...answer, bytes } : { ...answer, failure: "too large" };
  } catch (error) {
    const failure = isLate(error) ? "timeout" : codeOf(error);
    return { ...(head && parseS3Reply(head, "", now)), text: "", failure };
  }
}
