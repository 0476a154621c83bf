// S3's error answers: XML with a code, never an object.

/** An error of S3: the status, the code in its XML, more elements of the XML, and more headers. */
export type Refused = {
  readonly status: number;
  readonly code: string;
  readonly detail?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
};

/** The headers that every answer of S3 has. */
export const REQUEST_IDS = {
  "x-amz-request-id": "4442587FB7D0A2F9",
  "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6jlUpck7Jo",
};

/** An error as S3 writes it. */
export function refuse(
  request: Pick<Request, "method">,
  { status, code, detail = {}, headers = {} }: Refused,
): Response {
  const RequestId = REQUEST_IDS["x-amz-request-id"];
  const parts = Object.entries({ Code: code, Message: code, ...detail, RequestId });
  const text = parts.map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`).join("");
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${text}</Error>`;
  return new Response(request.method === "HEAD" ? null : xml, {
    status,
    headers: { "content-type": "application/xml", server: "AmazonS3", ...REQUEST_IDS, ...headers },
  });
}

/** Escapes a text. A control character becomes a reference, although XML 1.0 allows none. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>]|(?![\t\n])\p{Cc}/gu, (found) => NAMED[found] ?? `&#x${hex(found)};`);
}

const NAMED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const hex = (character: string) => character.charCodeAt(0).toString(16);
