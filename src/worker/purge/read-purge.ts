// Reads a request to /purge: one of Vitrine's own forms, or an event of S3. What it does not know exactly, it
// refuses.

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

/** Why a request cannot be read. */
type Unreadable = { readonly status: 400 | 413; readonly reason: string };

type Table = Readonly<Record<string, unknown>>;

/** S3 sends a few kilobytes, and a list of 200 long keys has less than this: bytes. */
const MAX_BYTES = 2 * 1024 * 1024;

/** @param deadline until when the body may take: ms since 1970 */
export async function readPurge(
  { body }: Pick<Request, "body">,
  deadline: number,
): Promise<PurgeRequest | Unreadable> {
  let text: string;
  try {
    const bytes = await readBytes(body, MAX_BYTES, deadline);
    if (bytes === TIMED_OUT) return unreadable("the body takes too long");
    if (bytes === "too-long") return { status: 413, reason: "the body has more than 2 MiB" };
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return unreadable("the body breaks off, or is not UTF-8");
  }
  const value = parseJson(text);
  if (!isPlainObject(value)) return unreadable("the body is not a JSON object");
  return readEvent(value) ?? readPlain(value);
}

/** The forms for people and programs. Each has one entry alone. */
function readPlain(body: Table): PurgeRequest | Unreadable {
  const { objects: names, bucket, everything } = body;
  if (Object.keys(body).length === 1) {
    if (isTexts(names) && names.length > 0) return { form: "objects", names };
    if (typeof bucket === "string") return { form: "bucket", name: bucket };
    if (everything === true) return { form: "everything" };
  }
  return unreadable(
    `the body is none of {"objects": ["BUCKET/key", …]}, {"bucket": "BUCKET"}, {"everything": true}, and no event of S3`,
  );
}

function unreadable(reason: string): Unreadable {
  return { status: 400, reason };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

/** Reads an event. A test event has no objects. @returns undefined if it is something else */
function readEvent(body: Table): PurgeRequest | Unreadable | undefined {
  const { source, detail, Records: records, Event: type, "detail-type": kind } = body;
  if (type === "s3:TestEvent") return { form: "event", objects: [] };
  if (source === "aws.s3") return eventAbout([readObject(detail, kind, true)]);
  return Array.isArray(records) ? eventAbout(records.map(readRecord)) : undefined;
}

function eventAbout(objects: readonly (EventObject | undefined)[]): PurgeRequest | Unreadable {
  const known = objects.filter((object) => object !== undefined);
  if (known.length === objects.length) return { form: "event", objects: known };
  return unreadable("an event has no bucket.name, or no object.key that can be read");
}

/** Reads a record of an event notification. S3 and MinIO form-encode the key, Ceph does not. */
function readRecord(record: unknown): EventObject | undefined {
  const { s3, eventSource, eventName } = isPlainObject(record) ? record : {};
  return readObject(s3, eventName, eventSource === "ceph:s3");
}

/** `Object Deleted` of EventBridge, `s3:ObjectRemoved:Delete` and the like, also of a lifecycle rule. */
const REMOVED =
  /^(?:Object Deleted$|(?:s3:)?(?:ObjectRemoved|LifecycleExpiration|ObjectLifecycle:Expiration):)/;

/** @param isRaw whether the key is not encoded */
function readObject(described: unknown, kind: unknown, isRaw: boolean): EventObject | undefined {
  const { bucket, object } = isPlainObject(described) ? described : {};
  const name = isPlainObject(bucket) ? bucket["name"] : undefined;
  const given = isPlainObject(object) ? object["key"] : undefined;
  if (typeof name !== "string" || typeof given !== "string") return undefined;
  const key = isRaw ? given : decodeForm(given);
  if (!key) return undefined;
  return { bucket: name, key, isRemoved: REMOVED.test(`${kind}`) };
}

/** A `+` is a space, and a plus is `%2B`. */
function decodeForm(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined; // no UTF-8, or a `%` alone
  }
}
