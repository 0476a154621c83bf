// Asks S3 from this machine. If no answer comes, the result says why.

import { parseS3Reply, type S3Reply, withoutEcho } from "../../worker/http/s3-reply.ts";
import { codeOf, fetchBody } from "./body.ts";

export type S3RequestResult = S3Reply & {
  /** The body, if the answer is not an object. */
  readonly text: string;
  /** The headers of the answer, if one came. */
  readonly headers?: Headers;
  /** Why no whole answer came: a code of Node.js such as `ENOTFOUND`, `timeout`, `too large`, or words. */
  readonly failure?: string;
  /** The object, if it was asked for and came whole. */
  readonly bytes?: Uint8Array;
};

/** The edge reads no larger original (L1). */
export const MAX_ORIGINAL_BYTES = 100e6;
const MAX_TEXT_BYTES = 10e6;
const TIMEOUT_S = 10;
/** How long a whole answer may take, which a server may send byte by byte: s. An object may be large. */
const TOTAL_TIMEOUT_S = { text: 30, object: 300 };

/** The headers have the signature. `readsObject`: whether the bytes of an object are read. */
export type S3Request = {
  method?: "GET" | "PUT" | "DELETE";
  headers: Headers;
  readsObject?: boolean;
};

/**
 * Sends a request, and once more if its connection breaks: a server may close one just as it is used again.
 * The headers may take 10 s, and each part of the body, too.
 * @param now milliseconds since 1970
 */
export async function requestS3(
  url: string,
  request: S3Request,
  now: number,
): Promise<S3RequestResult> {
  const answer = await askOnce(url, request, now);
  const isBroken = !["", "timeout", "too large"].includes(answer.failure ?? "");
  return isBroken ? askOnce(url, request, now) : answer;
}

async function askOnce(
  url: string,
  { method = "GET", headers, readsObject = false }: S3Request,
  now: number,
): Promise<S3RequestResult> {
  let head: Pick<Response, "status" | "headers"> | undefined;
  let isObject = false; // maxBytes, which is called before the body is read, sets both
  const maxBytes = (answer: Response) => {
    head = answer;
    const isXml = /\bxml\b/.test(answer.headers.get("content-type") ?? "");
    isObject = answer.ok && (readsObject || !isXml);
    if (!isObject) return MAX_TEXT_BYTES;
    return readsObject ? MAX_ORIGINAL_BYTES : 0;
  };
  try {
    const totalS = readsObject ? TOTAL_TIMEOUT_S.object : TOTAL_TIMEOUT_S.text;
    const signal = AbortSignal.timeout(totalS * 1000);
    const init = { method, headers, signal };
    const { bytes, whole } = await fetchBody(url, init, TIMEOUT_S, maxBytes);
    const text = isObject ? "" : new TextDecoder().decode(bytes);
    const reply = head && parseS3Reply(head, withoutEcho(text, headers), now);
    const answer = { ...reply, ...(head && { headers: head.headers }), text };
    if (!isObject || !readsObject) return answer;
    return whole ? { ...answer, bytes } : { ...answer, failure: "too large" };
  } catch (error) {
    const reply = head && { ...parseS3Reply(head, "", now), headers: head.headers };
    return { ...reply, text: "", failure: codeOf(error) };
  }
}
