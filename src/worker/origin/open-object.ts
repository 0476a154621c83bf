// Opens an object: the one way to S3 and to R2, for pictures, overlays, fallbacks, facts and /healthz. It sends only
// GETs, and follows no redirect.

import type { R2Source } from "../config/bindings.ts";
import type { Bucket, Role } from "../config/bucket.ts";
import type { Credentials } from "../config/slot.ts";
import {
  isRefusal,
  isUpstreamFailure,
  mistakeText,
  type ObjectType,
  type Refusal,
  refusalAfter,
  type UpstreamRefusal,
} from "../http/refusal.ts";
import { parseS3Reply } from "../http/s3-reply.ts";
import { cancelBody, type RequestScope, send } from "../http/send.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import {
  isAllRefusedReported,
  refusedSlots,
  type SlotReply,
  slotsInOrder,
} from "./bucket-state.ts";
import { getSession, refuseRole } from "./get-session.ts";
import { bucketMemoryOf, roleMemoryOf } from "./memories.ts";
import { HEAD_BYTES, type ObjectBody, readBody } from "./object-body.ts";
import { originUrl } from "./object-url.ts";
import { isStsFailure, type Session } from "./session.ts";
import { sign } from "./sigv4.ts";
import { sniff } from "./sniff.ts";
import { refusalOf, type S3Refusal } from "./verdict.ts";

/** What opens objects: a slot, or a session of a role. */
export type Credential = { readonly credentials: Credentials };

/** An object of S3 or R2, with what its headers or its metadata name. */
export type OpenedObject = {
  /** Opaque (A17): without `W/` and quotes. */
  readonly etag: string | undefined;
  /** What names the object's bytes: its ETag, else Last-Modified and the length, if they are known. */
  readonly validator: string | undefined;
  /** By its first bytes. */
  readonly type: ObjectType;
  /** The whole length, if it is known: bytes. */
  readonly length: number | undefined;
  /** As HTTP writes it. */
  readonly lastModified: string | undefined;
  /** `x-amz-meta-*` by the name behind that prefix; custom metadata of R2. */
  readonly metadata: ReadonlyMap<string, string>;
  /** What opened the object; undefined for R2. */
  readonly credential: Credential | undefined;
  /** Of `part: "head"`, only the first bytes are here. */
  readonly body: ObjectBody;
};

type OpenOptions = RequestScope & {
  /** The first bytes, which show the type; or all of them. */
  readonly part: "head" | "whole";
  /** Opens the object with this credential only, and does not remember how S3 replied. */
  readonly credential?: Credential | undefined;
};

/** How long S3 may take: ms. */
export const S3_TIMEOUT_MS = 5_000;

const RANGE = `bytes=0-${HEAD_BYTES - 1}`;

/** @param key with the bucket's prefix */
export async function openObject(
  bucket: Bucket,
  key: string,
  options: OpenOptions,
): Promise<OpenedObject | Refusal> {
  const { r2, role, baseUrl } = bucket;
  if (r2) return openR2(r2, key, options);
  const url = originUrl(baseUrl, key);
  if (options.credential) {
    const opened = await askS3(bucket, url, options.credential, options);
    return "refusal" in opened ? opened.refusal : opened;
  }
  return role ? openByRole(bucket, role, url, options) : openBySlots(bucket, url, options);
}

/** Tries the slots in order. If S3 refuses a slot, or denies it the object, the next one is tried. */
async function openBySlots(
  bucket: Bucket,
  url: string,
  options: OpenOptions,
): Promise<OpenedObject | Refusal> {
  const memory = bucketMemoryOf(bucket);
  const replies: SlotReply[] = [];
  let result: OpenedObject | Refusal | undefined;
  let denied: UpstreamRefusal | undefined;
  for (const slot of slotsInOrder(memory.state(), Date.now())) {
    const opened = await askS3(bucket, url, slot, options);
    if (!("refusal" in opened)) {
      replies.push({ slot });
      result = opened;
      break;
    }
    const { refusal, verdict } = opened;
    if (verdict?.result === "slot-refused") {
      replies.push({ slot, s3Code: verdict.s3Code });
      continue;
    }
    if (verdict?.result === "object-refused") replies.push({ slot });
    const isUnknown = refusal.event === "origin-denied" && verdict?.result === "unknown";
    if (!verdict || !(isUnknown || verdict.s3Code === "AccessDenied")) {
      result = refusal;
      break;
    }
    // An unknown error counts more than a denial: the object may exist for that slot.
    if (denied?.event !== "origin-denied") denied = refusal;
  }
  const now = Date.now();
  memory.learn({ type: "slots-tried", replies, now });
  if (result) return result;
  if (!denied) return refuseAll(bucket, now);
  const isCertain = denied.event === "object-denied" && replies.every(({ s3Code }) => !s3Code);
  return { ...denied, certain: isCertain };
}

/** S3 refuses all slots. The log has this refusal once a minute. */
function refuseAll(bucket: Bucket, now: number): Refusal {
  const memory = bucketMemoryOf(bucket);
  const mistakes = bucket.unusable.flatMap((one) => one.mistakes.map(mistakeText));
  const refusal = {
    event: "slots-refused",
    slots: refusedSlots(memory.state()),
    reason: ["npx vitrine doctor says what is wrong", ...mistakes].join("; "),
    repeated: isAllRefusedReported(memory.state(), now),
  } as const;
  memory.learn({ type: "all-refused", now });
  return refusal;
}

/** Credentials of a role that S3 refuses so soon are not renewed: new ones would not help. ms. */
const NEW_MS = 60_000;

/** Opens an object with a session of a role. If S3 refuses the session, a new one is used, once. */
async function openByRole(
  bucket: Bucket,
  role: Role,
  url: string,
  options: OpenOptions,
): Promise<OpenedObject | Refusal> {
  const memory = roleMemoryOf(role);
  for (let refused: Session | undefined; ; ) {
    const session = await getSession(memory, options, refused);
    if (isStsFailure(session)) return refuseRole(memory, session);
    const opened = await askS3(bucket, url, session, options);
    if (!("refusal" in opened)) {
      memory.learn({ type: "object-requested", session, denied: false });
      return opened;
    }
    const { refusal, verdict } = opened;
    if (verdict?.result !== "slot-refused") {
      const denied = verdict?.s3Code === "AccessDenied";
      if (verdict?.result === "object-refused")
        memory.learn({ type: "object-requested", session, denied });
      return refusal;
    }
    const isNew = Date.now() - session.began < NEW_MS;
    if (isNew || refused) {
      const reason = `S3 refuses ${isNew ? "new " : ""}credentials of the role`;
      return refuseRole(memory, { code: verdict.s3Code, reason });
    }
    refused = session;
  }
}

/** Asks S3 with one credential. A refusal has S3's own code: a HEAD would have none (A14). */
async function askS3(
  { region }: Bucket,
  url: string,
  credential: Credential,
  { part, deadline }: OpenOptions,
): Promise<OpenedObject | S3Refusal> {
  const now = Date.now();
  const until = Math.min(deadline, now + S3_TIMEOUT_MS);
  const init = {
    headers: {
      ...(await sign(url, region, credential.credentials, now)),
      "accept-encoding": "identity", // an encoding would hide how long the object is
      ...(part === "head" && { range: RANGE }),
    },
    cache: "no-store", // A16
  } as const;
  const reply = await send(url, init, until);
  if (isUpstreamFailure(reply)) return { refusal: refusalAfter(reply, "origin-failed") };
  const { status, headers } = reply;
  const range = headers.get("content-range");
  // An empty object has no first byte: 416, with "bytes */0". Any other 416, or a part that begins later, is wrong.
  const isEmpty = status === 416 && !/[1-9]/.test(range ?? "");
  const isPart = status === 206 && part === "head" && !/^bytes (?!0-)/.test(range ?? "");
  if (!isEmpty && !isPart && status !== 200) {
    cancelBody(reply.body);
    if (status >= 300) return refusalOf(parseS3Reply(reply, reply.text, now), region);
    return { refusal: { event: "origin-failed", status, reason: "S3 sends no such part" } };
  }
  const isEncoded = headers.has("content-encoding"); // the server ignores accept-encoding: the lengths say nothing
  const isUnread = isEmpty || (isEncoded && part === "head"); // a part cannot be decoded
  if (isUnread) cancelBody(reply.body);
  const stream = (!isUnread && reply.body) || new Blob().stream();
  // The length of this reply, and that of the whole object: it is in content-range, as in "bytes 0-1023/80000".
  const sentLength = isEmpty ? 0 : parseLength(headers.get("content-length"));
  const wholeLength = isPart ? parseLength(range) : sentLength;
  const contentLength = sentLength ?? (wholeLength && Math.min(wholeLength, HEAD_BYTES));
  const body = await readBody(stream, isEncoded ? undefined : contentLength, until);
  if (isRefusal(body)) return { refusal: body };
  const metadata = [...headers]
    .filter(([name]) => name.startsWith(METADATA))
    .map(([name, value]) => [name.slice(METADATA.length), value] as const);
  const fields = {
    etag: headers.get("etag")?.replace(/^W\/|"/g, "") || undefined,
    length: isEncoded ? undefined : wholeLength,
    lastModified: headers.get("last-modified") ?? undefined,
    metadata: new Map(metadata),
    credential,
  };
  const isTypeHidden = isEncoded || (wholeLength === undefined && body.head.length === 0);
  return describe(fields, body, part, isTypeHidden);
}

const METADATA = "x-amz-meta-";

/** The length in `content-length`, or the whole length in `content-range`. */
function parseLength(header: string | null): number | undefined {
  const [, digits] = /^(?:bytes \d+-\d+\/)?(\d{1,15})$/.exec(header ?? "") ?? [];
  return digits === undefined ? undefined : Number(digits);
}

async function openR2(
  r2: R2Source,
  key: string,
  { part, deadline }: OpenOptions,
): Promise<OpenedObject | Refusal> {
  const until = Math.min(deadline, Date.now() + S3_TIMEOUT_MS);
  try {
    const range = { offset: 0, length: HEAD_BYTES };
    const pending = part === "head" ? r2.get(key, { range }) : r2.get(key);
    const object = await withTimeout(until - Date.now(), pending);
    if (object === TIMED_OUT) {
      pending.then((lateObject) => cancelBody(lateObject?.body ?? null)).catch(() => {});
      return { event: "timed-out", reason: "no answer of R2 in time" };
    }
    if (!object) return { event: "object-missing", certain: true };
    return await describeR2(object, object.body, part, until);
  } catch (error) {
    // A range of an empty object throws, in other words at Cloudflare than in a local run.
    const object = await withTimeout(until - Date.now(), r2.head(key)).catch(() => undefined);
    if (object !== TIMED_OUT && object?.size === 0) {
      return describeR2(object, new Blob().stream(), part, until);
    }
    return { event: "origin-failed", reason: `R2 failed: ${error}`, isTransient: true };
  }
}

async function describeR2(
  { etag, size, uploaded, customMetadata = {}, httpMetadata }: R2Object,
  stream: ReadableStream<Uint8Array>,
  part: OpenOptions["part"],
  until: number,
): Promise<OpenedObject | Refusal> {
  const body = await readBody(stream, part === "head" ? Math.min(size, HEAD_BYTES) : size, until);
  if (isRefusal(body)) return body;
  const fields = {
    ...{ etag, length: size, lastModified: uploaded.toUTCString(), credential: undefined },
    metadata: new Map(Object.entries(customMetadata)),
  };
  return describe(fields, body, part, httpMetadata?.contentEncoding !== undefined);
}

function describe(
  fields: Omit<OpenedObject, "validator" | "type" | "body">,
  body: ObjectBody,
  part: OpenOptions["part"],
  isTypeHidden: boolean,
): OpenedObject {
  if (part === "head") body.cancel();
  const { etag, length, lastModified } = fields;
  const dated = lastModified && length !== undefined ? `${lastModified} ${length}` : undefined;
  const type = isTypeHidden ? "unknown" : sniff(body.head);
  return { ...fields, validator: etag ?? dated, type, body };
}
