// The errors of S3 that an upload can get, as S3 sends them: XML with a code that SDKs know.

import { html } from "../../cli/files/html.ts";
import { visible } from "../../cli/terminal/shell.ts";

const STATUS = {
  AccessDenied: 403,
  AccessForbidden: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidChunkSizeError: 403,
  InvalidDigest: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRequest: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedTrailerError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
  XAmzContentSHA256Mismatch: 400,
} as const;

export type UploadRefusal = {
  readonly kind: "refusal";
  readonly code: keyof typeof STATUS;
  readonly message: string;
};

export function refuseUpload(code: UploadRefusal["code"], message: string): UploadRefusal {
  return { kind: "refusal", code, message };
}

/** Returns whether a result is a refusal. */
export function isUploadRefusal(result: object): result is UploadRefusal {
  return "kind" in result && result.kind === "refusal";
}

export function statusOf({ code }: UploadRefusal): number {
  return STATUS[code];
}

/** The body of S3's answer. No parser of XML takes control characters, which names in a message may have. */
export function errorXml({ code, message }: UploadRefusal, requestId: string): string {
  const error = html`<Error><Code>${code}</Code><Message>${visible(message)}</Message><RequestId>${requestId}</RequestId></Error>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${error.text}`;
}
