// How the edge and the Images binding fail: each code with each status that it comes with, and its text (R3, B3).

/**
 * A code of the edge and its status. 9408 comes with the 4xx status of the origin.
 * @example
 * edge.switches.trouble = { code: 9522, status: 503 } satisfies Fault;
 */
export type Fault = { readonly code: number; readonly status: number };

/** Each failure of the edge. */
export const FAULTS: readonly (Fault & { readonly text: string })[] = [
  { code: 9401, status: 400, text: "Invalid or missing option" },
  { code: 9401, status: 403, text: "The source image's host is not among the allowed origins" }, // E5
  { code: 9402, status: 413, text: "The image was too large" },
  {
    code: 9402,
    status: 502,
    text: "The connection was interrupted before the whole image came",
  },
  { code: 9403, status: 508, text: "A request loop: the image was resized already" }, // E8
  { code: 9404, status: 404, text: "The image was not found: HTTP error 404 Not Found" },
  { code: 9406, status: 403, text: "The URL is not https" }, // E6
  { code: 9407, status: 523, text: "A DNS error: the host was not found" },
  { code: 9412, status: 415, text: "Received something that is not an image" },
  { code: 9413, status: 403, text: "The image's dimensions exceed the limit" }, // L1
  { code: 9416, status: 422, text: "The image could not be decoded" },
  { code: 9419, status: 403, text: "The URL has characters that are not allowed" }, // E6
  { code: 9420, status: 400, text: "The origin redirected to an invalid URL" }, // E7
  { code: 9420, status: 415, text: "The origin redirected to an invalid URL" },
  { code: 9421, status: 400, text: "The origin redirected too many times" }, // E7
  { code: 9422, status: 429, text: "The limit of unique transformations is reached" }, // L2
  { code: 9423, status: 403, text: "Not allowed" },
  { code: 9504, status: 522, text: "The connection to the origin timed out" },
  { code: 9504, status: 524, text: "The origin's answer timed out" },
  { code: 9505, status: 502, text: "The connection to the origin failed" },
  { code: 9509, status: 502, text: "The origin server returned an error" },
  { code: 9510, status: 523, text: "The origin is unreachable" },
  { code: 9516, status: 422, text: "The image could not be processed" },
  { code: 9516, status: 500, text: "Internal error" },
  { code: 9518, status: 502, text: "The image could not be fetched" },
  { code: 9519, status: 502, text: "The origin returned HTTP error 400 Bad Request" },
  { code: 9520, status: 415, text: "The image's format is not supported" },
  { code: 9522, status: 503, text: "The image processing service is busy" },
  { code: 9522, status: 504, text: "The image processing service is busy" },
  { code: 9523, status: 422, text: "The image could not be processed" },
  { code: 9523, status: 500, text: "Internal error" },
  { code: 9527, status: 503, text: "Internal error" },
  { code: 9528, status: 502, text: "Internal error" },
  { code: 9529, status: 504, text: "The image took too long" },
];

/** What only the binding says (B3). */
const BINDING_FAULTS: typeof FAULTS = [
  { code: 9430, status: 403, text: "Access to the Images binding is denied" },
  { code: 9432, status: 400, text: "Bad request" },
];

/** Returns whether a value is a fault, and not an image. */
export function isFault(value: unknown): value is Fault {
  if (typeof value !== "object" || value === null) return false;
  return "code" in value && "status" in value && textOf(value) !== undefined;
}

function textOf({ code, status }: { readonly code: unknown; readonly status: unknown }) {
  if (code === 9408 && Number(status) >= 400 && Number(status) < 500) {
    return `the server returned HTTP error ${status}${status === 403 ? " Forbidden" : ""}`;
  }
  return [...FAULTS, ...BINDING_FAULTS].find((one) => one.code === code && one.status === status)
    ?.text;
}

/** The answer to a failure: the code is in `cf-resized` and in the text (R1, R3). Never an image. */
export function faultAnswer(fault: Fault): Response {
  const { code, status } = fault;
  return new Response(`ERROR ${code}: Could not fetch the image — ${textOf(fault)}`, {
    status,
    headers: { "cf-resized": `err=${code}`, "content-type": "text/plain;charset=UTF-8" },
  });
}

/** The binding's answer to a failure. Its client throws the code in the header, with the text (B3). */
export function bindingFaultAnswer(fault: Fault): Response {
  const { code, status } = fault;
  return new Response(`ERROR ${code}: ${textOf(fault)}`, {
    status,
    headers: { "cf-images-binding": `err=${code}`, "content-type": "text/plain;charset=UTF-8" },
  });
}
