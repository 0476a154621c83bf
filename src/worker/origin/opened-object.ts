// An object of S3 or R2 as it was opened: its body, and what its headers (S3) or its metadata (R2) say of it. The type
// is that of the first bytes alone: whoever uploads an object may write any content-type.

import type { Credentials } from "../config/slot.ts";
import { isRefusal, type ObjectType, type UpstreamRefusal } from "../http/refusal.ts";
import { type ObjectBody, readBody } from "./object-body.ts";
import { sniff } from "./sniff.ts";

/** What opens objects: a slot (one of a bucket's two key pairs), or a session of a role. */
export type Credential = { readonly credentials: Credentials };

/** How long one request to S3 or R2 may take: ms. It takes no longer than its visitor waits. */
export const S3_TIMEOUT_MS = 5_000;

/** One request for an object. */
export type ObjectRequest = {
  /** Which bytes are read: the first ones, which show the type, or all of them. */
  readonly part: "head" | "whole";
  /** Until when the visitor waits: ms since 1970. */
  readonly deadline: number;
};

/** What the origin says of an object. */
export type ObjectFields = {
  /** The origin's name for the bytes, without `W/` and quotes. It is opaque: its form says nothing (A17). */
  readonly etag: string | undefined;
  /** The length of the whole object in bytes; undefined: unknown. */
  readonly length: number | undefined;
  /** When the object was last written, as HTTP writes dates. */
  readonly lastModified: string | undefined;
  /** The values of `x-amz-meta-*` by the name behind that prefix, or the custom metadata of R2. */
  readonly metadata: ReadonlyMap<string, string>;
  /** What opened the object; undefined for R2, which needs no key. */
  readonly credential: Credential | undefined;
};

export type OpenedObject = ObjectFields & {
  /** What names the object's bytes: its ETag, else Last-Modified and the length, if they are known. */
  readonly validator: string | undefined;
  /** The type by the first bytes. */
  readonly type: ObjectType;
  /** Of the part "head", only the first bytes can be read. */
  readonly body: ObjectBody;
};

/** The bytes that the origin sends. */
type Content = {
  /** null: there are none. */
  readonly stream: ReadableStream<Uint8Array> | null;
  /** How many there are; undefined: unknown. */
  readonly length: number | undefined;
  /** Whether they are encoded, by gzip for example: then they do not show the type of the object. */
  readonly isEncoded: boolean;
};

/** Waits for the first bytes of an object. */
export async function readObject(
  fields: ObjectFields,
  content: Content,
  request: ObjectRequest,
): Promise<OpenedObject | UpstreamRefusal> {
  const body = await readBody(content.stream, content.length, request.deadline);
  if (isRefusal(body)) return body;
  if (request.part === "head") body.cancel(); // a server that ignores the range sends more

  // Without bytes and without a length, the object may be empty, or the server may have left its bytes out.
  const isUnseen = fields.length === undefined && body.head.length === 0;
  const isTypeHidden = content.isEncoded || isUnseen;
  const type = isTypeHidden ? "unknown" : sniff(body.head);
  return { ...fields, validator: validatorOf(fields), type, body };
}

function validatorOf({ etag, lastModified, length }: ObjectFields): string | undefined {
  if (etag !== undefined) return etag;

  // A date alone names nothing: an object may be replaced twice in one second.
  if (!lastModified || length === undefined) return undefined;
  return `${lastModified} ${length}`;
}
