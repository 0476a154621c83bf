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

export type S3Request = {
  /** By default GET. */
  readonly method?: "GET" | "PUT" | "DELETE";
  /** With the signature. */
  readonly headers: Headers;
  /** Whether the bytes of an object are read. By default, they are not. */
  readonly readsObject?: boolean;
  /** How long the headers may take, and each part of the body: s. By default 10. */
  readonly timeoutS?: number | undefined;
};

/**
 * Sends a request, and once more if its connection breaks: a server may close one just as it is used again.
 * @param now milliseconds since 1970
 */
export async function requestS3(
  url: string,
  request: S3Request,
  now: number,
): Promise<S3RequestResult> {
  const answer = await askOnce(url, request, now);
  return isConnectionBroken(answer) ? askOnce(url, request, now) : answer;
}

function isConnectionBroken({ failure }: S3RequestResult): boolean {
  return failure !== undefined && failure !== "timeout" && failure !== "too large";
}

async function askOnce(
  url: string,
  { method = "GET", headers, readsObject = false, timeoutS = TIMEOUT_S }: S3Request,
  now: number,
): Promise<S3RequestResult> {
  // `fetchBody` calls `maxBytes` before it reads the body: the headers are known, also if the body then breaks off.
  let head: Pick<Response, "status" | "headers"> | undefined;
  const maxBytes = (answer: Response) => {
    head = answer;
    if (!isObjectAnswer(answer, readsObject)) return MAX_TEXT_BYTES;
    return readsObject ? MAX_ORIGINAL_BYTES : 0;
  };

  try {
    const totalS = readsObject ? TOTAL_TIMEOUT_S.object : TOTAL_TIMEOUT_S.text;
    const signal = AbortSignal.timeout(totalS * 1000);
    const init = { method, headers, signal };
    const answer = await fetchBody(url, init, timeoutS, maxBytes);

    if (!isObjectAnswer(answer, readsObject)) {
      const text = new TextDecoder().decode(answer.bytes);
      return { ...readReply(answer, withoutEcho(text, headers), now), text };
    }

    const objectReply = { ...readReply(answer, withoutEcho("", headers), now), text: "" };
    if (!readsObject) return objectReply;
    if (!answer.whole) return { ...objectReply, failure: "too large" };
    return { ...objectReply, bytes: answer.bytes };
  } catch (error) {
    const failure = codeOf(error);
    if (head === undefined) return { text: "", failure };
    return { ...readReply(head, "", now), text: "", failure };
  }
}

/** Returns whether an answer is an object. Who does not ask for one may get a list, which is XML. */
function isObjectAnswer(
  { status, headers }: Pick<Response, "status" | "headers">,
  readsObject: boolean,
): boolean {
  const isOk = status >= 200 && status < 300;
  const isXml = /\bxml\b/.test(headers.get("content-type") ?? "");
  return isOk && (readsObject || !isXml);
}

function readReply(head: Pick<Response, "status" | "headers">, text: string, now: number) {
  return { ...parseS3Reply(head, text, now), headers: head.headers };
}
