// How the edge and the Images binding fail: each code with each status that it comes with, and its text (R3, B3).

import { isRecord } from "../check.ts";

/**
 * A code of the edge and its status. 9408 comes with the 4xx status of the origin.
 * @example
 * edge.switches.failure = { code: 9522, status: 503 } satisfies Fault;
 */
export type Fault = { readonly code: number; readonly status: number };

/** The statuses of each code. 9408 is not here, because it has any 4xx status. */
const STATUSES: Readonly<Record<number, readonly number[]>> = {
  9401: [400, 403], // a wrong option; a source that Sources does not allow (E5)
  9402: [413, 502], // the image is too large, or does not arrive whole
  9403: [508], // a loop: the image was resized already (E8)
  9404: [404],
  9406: [403], // the URL is not https (E6)
  9407: [523], // the host was not found
  9412: [415], // no image
  9413: [403], // too many pixels (L1)
  9416: [422], // an error while the original was downloaded
  9419: [403], // the URL has characters that are not allowed (E6)
  9420: [400, 415], // a redirect to an invalid URL (E7); a format that is not supported (L1)
  9421: [400], // too many redirects (E7)
  9422: [429], // the limit of unique transformations (L2)
  9423: [403], // in one version of the documentation, the same
  9424: [400],
  9425: [403],
  9426: [403],
  9427: [403],
  9429: [403],
  9430: [403], // the account may not use the binding (B3)
  9431: [404],
  9432: [400], // the form is broken (B3)
  9504: [522, 524], // the origin is too late
  9505: [502], // the connection failed
  9509: [502], // the origin answered 5xx
  9510: [523], // the origin is unreachable
  9516: [422, 500], // it cannot be processed
  9518: [502],
  9519: [502], // the origin answered 400
  9520: [415], // a format that is not supported
  9522: [503, 504], // busy
  9523: [422, 500], // an error while it was downloaded, or a broken image; an internal error
  9527: [503], // an internal error
  9528: [502], // an internal error
  9529: [504], // it took too long
};

/** Each failure of the edge, except 9408. */
export const FAULTS: readonly Fault[] = listFaults();

function listFaults(): readonly Fault[] {
  const faults: Fault[] = [];
  for (const [code, statuses] of Object.entries(STATUSES)) {
    for (const status of statuses) faults.push({ code: Number(code), status });
  }
  return faults;
}

/** The request comes from the edge already (E8). */
export const LOOP: Fault = { code: 9403, status: 508 };

/** Returns whether a value is a fault, and not an image. */
export function isEdgeFault(value: unknown): value is Fault {
  if (!isRecord(value)) return false;

  const code = Number(value["code"]);
  const status = Number(value["status"]);
  if (code === 9408) return status >= 400 && status < 500;
  return STATUSES[code]?.includes(status) === true;
}

/**
 * The answer to a failure: the code is in a header and in the text (R1, R3). Never an image.
 * @param header the client of the binding throws what `cf-images-binding` says, with the text (B3)
 */
export function faultAnswer(
  { code, status }: Fault,
  header: "cf-resized" | "cf-images-binding" = "cf-resized",
): Response {
  const headers = { [header]: `err=${code}`, "content-type": "text/plain;charset=UTF-8" };
  const text = `ERROR ${code}: Could not fetch the image — HTTP error ${status}`;
  return new Response(text, { status, headers });
}
