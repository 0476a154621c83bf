// What S3 refuses, what it can be made to do wrong, and what a policy may allow by mistake: a table of each, with the
// words that docs/emulator.md and the answers have, and the rule of docs/rules.md.

import { isRecord } from "../check.ts";

/** S3's errors by their codes: the status, the message of the XML, and the rule. */
const S3_ERRORS = {
  AccessDenied: { status: 403, message: "Access Denied", rule: "A1" },
  AuthorizationHeaderMalformed: { status: 400, message: "The header is malformed", rule: "A5" },
  AuthorizationQueryParametersError: { status: 400, message: "A parameter is wrong", rule: "A1" },
  ExpiredToken: { status: 400, message: "The provided token has expired.", rule: "A7" },
  InternalError: { status: 500, message: "We encountered an internal error.", rule: "A9" },
  InvalidAccessKeyId: { status: 403, message: "The key id does not exist.", rule: "A7" },
  InvalidArgument: { status: 400, message: "Invalid Argument", rule: "A15" },
  InvalidObjectState: { status: 403, message: "The object is in an archive", rule: "A9" },
  InvalidRange: { status: 416, message: "The range is not satisfiable", rule: "A14" },
  InvalidRequest: { status: 400, message: "x-amz-content-sha256 is missing", rule: "A1" },
  InvalidToken: { status: 400, message: "The token is malformed or invalid.", rule: "A11" },
  InvalidURI: { status: 400, message: "Couldn't parse the specified URI.", rule: "A2" },
  KeyTooLongError: { status: 400, message: "Your key is too long", rule: "A10" },
  MethodNotAllowed: { status: 405, message: "The method is not allowed.", rule: "A13" },
  NoSuchBucket: { status: 404, message: "The bucket does not exist", rule: "A4" },
  NoSuchKey: { status: 404, message: "The key does not exist.", rule: "A6" },
  NoSuchUpload: { status: 404, message: "The upload does not exist.", rule: "A13" },
  PermanentRedirect: { status: 301, message: "Use the specified endpoint.", rule: "A5" },
  RequestTimeTooSkewed: { status: 403, message: "The difference is too large.", rule: "A7" },
  ServiceUnavailable: { status: 503, message: "Please try again.", rule: "A9" },
  SignatureDoesNotMatch: { status: 403, message: "The signature does not match.", rule: "A7" },
  SlowDown: { status: 503, message: "Please reduce your request rate.", rule: "A9" },
  TemporaryRedirect: { status: 307, message: "Use the specified endpoint.", rule: "A5" },
  Unauthorized: { status: 401, message: "Unauthorized", rule: "A7" },
  XAmzContentSHA256Mismatch: { status: 400, message: "The hash does not match", rule: "A1" },
} as const;

/** An error that S3 answers with: the code, more elements of its XML, and more headers. */
export type S3ErrorReply = {
  readonly code: keyof typeof S3_ERRORS;
  readonly detail?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
};

type Row = { readonly does: string; readonly rule: string };

export const S3_FAULTS = {
  "no-list-bucket": { does: "the key may not list: a missing object is 403", rule: "A6" },
  "revoked-key": { does: "the key id is unknown", rule: "A7" },
  "other-secret": { does: "the secret has changed", rule: "A7" },
  "expired-token": { does: "the session, if there is one, is over", rule: "A7" },
  "clock-skew": { does: "its clock is 20 minutes ahead", rule: "A7" },
  "elsewhere-400": { does: "the bucket is in eu-central-1: a 400 says so", rule: "A5" },
  "elsewhere-301": { does: "the same, by a 301", rule: "A5" },
  "elsewhere-307": { does: "the same, by a 307", rule: "A5" },
  SlowDown: { does: "it is busy", rule: "A9" },
  ServiceUnavailable: { does: "it is busy", rule: "A9" },
  InternalError: { does: "it fails", rule: "A9" },
  archived: { does: "the object is in an archive", rule: "A9" },
  "ignores-range": { does: "it sends the whole object, as other servers may", rule: "A14" },
  "refuses-query": { does: "it refuses `?x-vitrine=…`, as other servers may", rule: "A15" },
  reset: { does: "the connection breaks before the answer", rule: "" },
  "cut-short": { does: "it breaks after half of the object", rule: "" },
  stall: { does: "nothing comes", rule: "" },
  "stall-midway": { does: "only half of the object comes", rule: "" },
} as const satisfies Record<string, Row>;

/**
 * What S3 can be made to do wrong.
 * @example
 * s3.faults.add("SlowDown" satisfies S3Fault);
 */
export type S3Fault = keyof typeof S3_FAULTS;

export const S3_GRANTS = {
  "all-read": { does: "everybody may read the objects", rule: "A13" },
  "all-list": { does: "everybody may list them", rule: "A13" },
  write: { does: "the key may write", rule: "A13" },
} as const satisfies Record<string, Row>;

/**
 * What a policy can allow beyond reading with the key: a mistake of its author, not of S3 (A13).
 * @example
 * s3.grants.add("all-read" satisfies S3Grant);
 */
export type S3Grant = keyof typeof S3_GRANTS;

export function isS3ErrorReply(value: object): value is S3ErrorReply {
  return isRecord(value) && Object.hasOwn(S3_ERRORS, `${value["code"]}`);
}

/** The error that the global `fetch` throws if no answer comes. */
export function connectionError(code: string, url: string): TypeError {
  const cause = Object.assign(new Error(`${code}: ${new URL(url).host}`), { code });
  return new TypeError("fetch failed", { cause });
}

/** The headers that every answer of S3 has. */
export const REQUEST_IDS = {
  "x-amz-request-id": "4442587FB7D0A2F9",
  "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6jlUpck7Jo",
};

/** Writes an error as S3 does: XML with a code, never an object. */
export function writeErrorReply(method: string, { code, detail, headers }: S3ErrorReply): Response {
  const { status, message } = S3_ERRORS[code];
  const elements = {
    Code: code,
    Message: message,
    ...detail,
    RequestId: REQUEST_IDS["x-amz-request-id"],
  };
  const lines = Object.entries(elements).map(
    ([name, value]) => `<${name}>${escapeXml(value)}</${name}>`,
  );
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${lines.join("")}</Error>`;

  return new Response(method === "HEAD" ? null : xml, {
    status,
    headers: { "content-type": "application/xml", server: "AmazonS3", ...REQUEST_IDS, ...headers },
  });
}

/** Escapes a text. A control character becomes a reference, although XML 1.0 allows none. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>]|(?![\t\n])\p{Cc}/gu, (character) => {
    const codePoint = character.charCodeAt(0).toString(16);
    return NAMED_REFERENCES[character] ?? `&#x${codePoint};`;
  });
}

const NAMED_REFERENCES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};
