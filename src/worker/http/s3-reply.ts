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

/** Leaves out the elements that repeat what was sent: a key id, a signature, a session token. */
export function withoutEcho(xml: string, sent: HeadersInit | undefined): string {
  const headers = `${[...new Headers(sent)]}`.toLowerCase();
  return xml.replace(/>[^<]+/g, (text) =>
    headers.includes(text.slice(1).toLowerCase()) ? ">" : text,
  );
}

/** A region or a type that may be logged: words and a number. No sentence, key id, signature or token has this form. */
export function nameOf(text: string): string | undefined {
  return /^[a-z]{1,14}(?:[-+./][a-z]{1,14})*-?\d{0,3}$/.test(text) ? text : undefined;
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
    region: nameOf(xmlElement(text, "Region") ?? headers.get("x-amz-bucket-region") ?? ""),
    // A date has no fractions of a second: on average, half a second was cut off.
    ahead: Number.isNaN(date) ? undefined : Math.round((date + 500 - now) / 1000),
  };
}
