// Reads the body of a request to /purge: one of Vitrine's own forms, or an event of S3. Refuses every other body.

import { readBytes } from "../util/bytes.ts";
import { isPlainObject, parseJson } from "../util/json.ts";
import { TIMED_OUT } from "../util/time.ts";

/** An object as an event of S3 names it: the bucket's name at S3, and the whole key. */
export type EventObject = {
  readonly bucket: string;
  readonly key: string;
  /** Whether the event calls it removed: an old version of it may be meant (A19). */
  readonly isRemoved: boolean;
};

export type PurgeRequest =
  /** Objects by their names, BUCKET/key: the bucket of wrangler.toml, and the key below its prefix. */
  | { readonly form: "objects"; readonly names: readonly string[] }
  | { readonly form: "event"; readonly objects: readonly EventObject[] }
  | { readonly form: "bucket"; readonly name: string }
  | { readonly form: "everything" };

type BadRequest = { readonly status: 400 | 413; readonly reason: string };

type Table = Readonly<Record<string, unknown>>;

/** S3 sends a few kilobytes, and a list of 200 long keys has less than this: bytes. */
const MAX_BYTES = 2 * 1024 * 1024;

/** @param deadline of the body: ms since 1970 */
export async function readPurge(
  { body }: Pick<Request, "body">,
  deadline: number,
): Promise<PurgeRequest | BadRequest> {
  let text: string;
  try {
    const bytes = await readBytes(body, MAX_BYTES, deadline);
    if (bytes === TIMED_OUT) return badRequest("the body takes too long");
    if (bytes === "too-long") return { status: 413, reason: "the body has more than 2 MiB" };
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return badRequest("the body breaks off, or is not UTF-8");
  }
  const value = parseJson(text);
  if (!isPlainObject(value)) return badRequest("the body is not a JSON object");
  return readEvent(value) ?? readForm(value);
}

/** Reads the forms for people and programs: each has one entry. */
function readForm(body: Table): PurgeRequest | BadRequest {
  const { objects: names, bucket, everything } = body;
  if (Object.keys(body).length === 1) {
    if (isStringArray(names) && names.length > 0) return { form: "objects", names };
    if (typeof bucket === "string") return { form: "bucket", name: bucket };
    if (everything === true) return { form: "everything" };
  }
  return badRequest(
    `the body is none of {"objects": ["BUCKET/key", …]}, {"bucket": "BUCKET"}, {"everything": true}, and no event of S3`,
  );
}

function badRequest(reason: string): BadRequest {
  return { status: 400, reason };
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

/** Reads an event. A test event has no objects. @returns undefined if the body is none */
function readEvent(body: Table): PurgeRequest | BadRequest | undefined {
  const { source, detail, Records: records, Event: type, "detail-type": kind } = body;
  if (type === "s3:TestEvent") return { form: "event", objects: [] };
  if (source === "aws.s3") return eventOf([readObject(detail, kind, false)]);
  return Array.isArray(records) ? eventOf(records.map(readRecord)) : undefined;
}

function eventOf(objects: readonly (EventObject | undefined)[]): PurgeRequest | BadRequest {
  const readable = objects.filter((object) => object !== undefined);
  if (readable.length === objects.length) return { form: "event", objects: readable };
  return badRequest("an event has no bucket.name, or no object.key that can be read");
}

/** Reads a record of an event notification. S3 and MinIO form-encode the key, Ceph does not. */
function readRecord(record: unknown): EventObject | undefined {
  const { s3, eventSource, eventName } = isPlainObject(record) ? record : {};
  return readObject(s3, eventName, eventSource !== "ceph:s3");
}

/** `Object Deleted` of EventBridge, `s3:ObjectRemoved:Delete` and the like, also of a lifecycle rule. */
const REMOVED =
  /^(?:Object Deleted$|(?:s3:)?(?:ObjectRemoved|LifecycleExpiration|ObjectLifecycle:Expiration):)/;

/** @param isEncoded whether the key is form-encoded */
function readObject(details: unknown, kind: unknown, isEncoded: boolean): EventObject | undefined {
  const { bucket, object } = isPlainObject(details) ? details : {};
  const name = isPlainObject(bucket) ? bucket["name"] : undefined;
  const rawKey = isPlainObject(object) ? object["key"] : undefined;
  if (typeof name !== "string" || typeof rawKey !== "string") return undefined;
  const key = isEncoded ? decodeForm(rawKey) : rawKey;
  if (!key) return undefined;
  return { bucket: name, key, isRemoved: typeof kind === "string" && REMOVED.test(kind) };
}

/** A `+` is a space, and a plus is `%2B`. */
function decodeForm(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined; // no UTF-8, or a `%` alone
  }
}
