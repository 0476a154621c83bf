// Reads the body of a request, within bounds of length and of time.

import { joined } from "../base/joined.ts";
import { LATE, within } from "../base/time-limit.ts";

/** S3 sends a few kilobytes, and a list of 200 long keys has less than this: bytes. */
const LONGEST_BODY = 2 * 1024 * 1024;

export type BodyFault = { readonly status: 400 | 413; readonly reason: string };

/** @param deadline ms since 1970 */
export async function readBody(
  { headers, body }: Pick<Request, "headers" | "body">,
  deadline: number,
): Promise<string | BodyFault> {
  const tooLong: BodyFault = { status: 413, reason: "the body has more than 2 MiB" };
  if (Number(headers.get("content-length")) > LONGEST_BODY) {
    body?.cancel().catch(() => {});
    return tooLong;
  }
  const reader = body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const readOn = async () => {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done || !value) return true;
      length += value.byteLength;
      if (length > LONGEST_BODY) return false;
      chunks.push(value);
    }
  };
  const ended = await within(Math.max(0, deadline - Date.now()), readOn()).catch(() => LATE);
  if (ended !== true) reader?.cancel().catch(() => {});
  if (ended === LATE) return { status: 400, reason: "the body breaks off, or takes too long" };
  return ended ? decode(joined(chunks)) : tooLong;
}

function decode(bytes: Uint8Array): string | BodyFault {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return { status: 400, reason: "the body is not UTF-8" };
  }
}
