// Fetches an original once, when there is memory for it.

import { MOST_BYTES } from "../http/ask-s3.ts";
import { fetchBody, isLate } from "../http/body.ts";
import type { Take } from "../picture/budget.ts";

/** The answer of S3. */
export type Came = {
  readonly status: number;
  /** Those of a body that is read and decoded. */
  readonly headers: Headers;
  /** The whole original; undefined if S3 sends something else, or too much. */
  readonly bytes: Uint8Array | undefined;
  /** What S3 says if it does not send an original. */
  readonly text: string;
  /** Gives the memory back. */
  readonly release: () => void;
};

/** Seconds for the headers, and then between two parts of the body. */
const PATIENCE_S = 30;
const MOST_TEXT = 1e6;

/**
 * Sends one request. The memory is taken before the body comes, and given back if it does not come.
 * @throws what `fetch` throws; also a TypeError if nothing comes for too long
 */
export async function fetchOnce(
  url: string,
  init: Pick<RequestInit, "headers" | "signal">,
  memory: Take,
): Promise<Came> {
  let release = () => {};
  try {
    const { status, headers, bytes, whole } = await fetchBody(
      url,
      init,
      PATIENCE_S,
      async (answer) => {
        if (answer.status !== 200) return MOST_TEXT;
        const length = lengthOf(answer);
        if (length > MOST_BYTES) return 0;
        release = await memory(length);
        return MOST_BYTES;
      },
    );
    const came = { status, headers: plainHeaders(headers), release };
    if (status === 200) return { ...came, bytes: whole ? bytes : undefined, text: "" };
    return { ...came, bytes: undefined, text: new TextDecoder().decode(bytes) };
  } catch (error) {
    release();
    // As for other failures of the network.
    if (isLate(error)) throw new TypeError(`nothing came for ${PATIENCE_S} s`);
    throw error;
  }
}

/** The bytes that will come; the most that are read if that is not known. */
function lengthOf({ headers }: Pick<Response, "headers">): number {
  const told = headers.get("content-length");
  // A body that is stored as gzip gets longer.
  if (told === null || headers.has("content-encoding")) return MOST_BYTES;
  return Number(told);
}

function plainHeaders(headers: Headers): Headers {
  const plain = new Headers(headers);
  for (const name of ["content-encoding", "content-length"]) plain.delete(name);
  return plain;
}
