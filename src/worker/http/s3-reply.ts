// Parses S3's reply to a request: its status, its headers, and the XML of an error. What is read may get into the log, so
// only texts of a harmless form are read. Pure. A5 is a rule of docs/rules.md.

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

/**
 * The text of an element of the XML.
 * @example xmlElement("<Error><Code>NoSuchKey</Code></Error>", "Code") // "NoSuchKey"
 */
export function xmlElement(xml: string, element: "Code" | "Region"): string | undefined {
  const pattern = new RegExp(`<${element}>([\\w.-]{1,64})</${element}>`);
  return pattern.exec(xml)?.[1];
}

/**
 * Empties the elements of an error that repeat what was sent: S3 may echo a key id, a signature or a session token.
 * @param sent the headers of the request
 * @example withoutEcho("<Code>NoSuchKey</Code><Id>abc</Id>", { id: "Abc" }) // "<Code>NoSuchKey</Code><Id></Id>"
 */
export function withoutEcho(xml: string, sent: HeadersInit | undefined): string {
  const pairs = [...new Headers(sent)]; // a name and a value each
  const sentText = pairs.flat().join(",").toLowerCase();

  // Each match is the end of a tag and the text behind it, such as ">NoSuchKey". The ">" stays.
  return xml.replace(/>[^<]+/g, (match) => {
    const elementText = match.slice(1).toLowerCase();
    return sentText.includes(elementText) ? ">" : match;
  });
}

/**
 * Words of at most 14 lower-case letters, with one of - + . / between them, and at the end perhaps a number of at most
 * three digits: `eu-west-1`, `image/svg+xml`. A sentence has spaces, and key ids, signatures and tokens have capitals or
 * more digits, so none of them matches.
 */
const NAME = /^[a-z]{1,14}(?:[-+./][a-z]{1,14})*-?\d{0,3}$/;

/** Returns a region or a content type as it is, if it may be logged. */
export function nameOf(text: string): string | undefined {
  return NAME.test(text) ? text : undefined;
}

/** @param now when the reply came: ms since 1970 */
export function parseS3Reply(
  { status, headers }: Pick<Response, "status" | "headers">,
  text: string,
  now: number,
): S3Reply {
  const region = xmlElement(text, "Region") ?? headers.get("x-amz-bucket-region");
  return {
    status,
    code: xmlElement(text, "Code"),
    region: region === null ? undefined : nameOf(region),
    ahead: secondsAhead(headers.get("date"), now),
  };
}

/** The header Date has no fractions of a second: on average, half a second is missing. */
const HALF_SECOND_MS = 500;

/** @param date the header of the reply */
function secondsAhead(date: string | null, now: number): number | undefined {
  const repliedAt = Date.parse(date ?? "");
  if (Number.isNaN(repliedAt)) return undefined;

  return Math.round((repliedAt + HALF_SECOND_MS - now) / 1000);
}
