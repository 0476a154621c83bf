// How the edge fails: each code with each status that it comes with, and its text (R3).

export const FAULTS = {
  "9401/400": "Invalid or missing option",
  "9401/403": "The source image's host is not among the allowed origins", // E5
  "9402/413": "The image was too large",
  "9402/502": "The connection was interrupted before the image arrived whole",
  "9403/508": "A request loop: the image was resized already", // E8
  "9404/404": "The image was not found: HTTP error 404 Not Found",
  "9406/403": "The URL is not https", // E6
  "9407/523": "A DNS error: the host was not found",
  "9412/415": "Received something that is not an image",
  "9413/403": "The image's dimensions exceed the limit", // L1
  "9416/422": "The image could not be decoded",
  "9419/403": "The URL has characters that are not allowed", // E6
  "9420/400": "The origin redirected to an invalid URL", // E7
  "9420/415": "The origin redirected to an invalid URL",
  "9421/400": "The origin redirected too many times", // E7
  "9422/429": "The limit of unique transformations is reached", // L2
  "9423/403": "Not allowed",
  "9504/522": "The connection to the origin timed out",
  "9504/524": "The origin's answer timed out",
  "9505/502": "The connection to the origin failed",
  "9509/502": "The origin server returned an error",
  "9510/523": "The origin is unreachable",
  "9516/422": "The image could not be processed",
  "9516/500": "Internal error",
  "9518/502": "The image could not be fetched",
  "9519/502": "The origin returned HTTP error 400 Bad Request",
  "9520/415": "The image's format is not supported",
  "9522/503": "The image processing service is busy",
  "9522/504": "The image processing service is busy",
  "9523/422": "The image could not be processed",
  "9523/500": "Internal error",
  "9527/503": "Internal error",
  "9528/502": "Internal error",
  "9529/504": "The image took too long",
} as const;

/**
 * A code of the edge and its status. 9408 comes with the 4xx status of the origin.
 * @example
 * edge.switches.trouble = "9522/503" satisfies Fault;
 */
export type Fault = keyof typeof FAULTS | `9408/4${number}`;

/** Returns whether a value is a fault, and not an image. */
export function isFault(value: unknown): value is Fault {
  return typeof value === "string" && (Object.hasOwn(FAULTS, value) || /^9408\/4\d\d$/.test(value));
}

/** The answer to a failure: the code is in `cf-resized` and in the text (R1, R3). Never an image. */
export function faultAnswer(fault: Fault): Response {
  const [code, status] = fault.split("/");
  const said =
    code === "9408"
      ? `the server returned HTTP error ${status}${status === "403" ? " Forbidden" : ""}`
      : FAULTS[fault as keyof typeof FAULTS];
  return new Response(`ERROR ${code}: Could not fetch the image — ${said}`, {
    status: Number(status),
    headers: { "cf-resized": `err=${code}`, "content-type": "text/plain;charset=UTF-8" },
  });
}
