// Parses S3's reply to a request: its status, its headers, and the XML of an error. Pure.

export type S3Reply = {
  /** The HTTP status; absent if no answer came. */
  readonly status?: number;
  /** S3's error code, such as `SignatureDoesNotMatch`. */
  readonly code?: string | undefined;
  /** The bucket's region, if the request was to another one (A5). */
  readonly region?: string | undefined;
  /** How far S3's clock is ahead: s. */
  readonly ahead?: number | undefined;
};

/** The text of an element of the XML: `SignatureDoesNotMatch`, `eu-west-1`. */
export function xmlElement(xml: string, element: "Code" | "Region"): string | undefined {
  return new RegExp(`<${element}>([\\w.-]{1,64})</${element}>`).exec(xml)?.[1];
}

/** @param now ms since 1970 */
export function parseS3Reply(
  { status, headers }: Pick<Response, "status" | "headers">,
  text: string,
  now: number,
): S3Reply {
  const date = Date.parse(headers.get("date") ?? "");
  return {
    status,
    code: xmlElement(text, "Code"),
    region: xmlElement(text, "Region") ?? headers.get("x-amz-bucket-region") ?? undefined,
    // A date has no fractions of a second: on average, half a second was cut off.
    ahead: Number.isNaN(date) ? undefined : Math.round((date + 500 - now) / 1000),
  };
}
