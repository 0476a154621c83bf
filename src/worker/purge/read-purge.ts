// Reads the body of a request to /purge: one of Vitrine's own forms, or an event of S3. Refuses every other body.
// Events come from EventBridge, and as notifications of S3, MinIO and Ceph. None of them is signed: the token of the
// request is the only proof, and the caller of this file has checked it.

import { readBytes } from "../util/bytes.ts";
import { isPlainObject, parseJson } from "../util/json.ts";
import { TIMED_OUT } from "../util/time.ts";

/** An object as an event of S3 names it. */
export type EventObject = {
  /** The bucket's name at S3, which is not its name in wrangler.toml. */
  readonly bucket: string;
  /** The whole key. */
  readonly key: string;
};

export type PurgeRequest =
  /** Objects by their names, BUCKET/key: the bucket of wrangler.toml, and the key below its prefix. */
  | { readonly kind: "objects"; readonly names: readonly string[]; readonly verify: boolean }
  | { readonly kind: "event"; readonly objects: readonly EventObject[] }
  /**
   * The objects whose names begin so, in a bucket that the Worker can list.
   * `after`: where an earlier request has stopped, as its answer says.
   */
  | { readonly kind: "prefix"; readonly prefix: string; readonly after: string | undefined }
  /** A whole bucket, by its name in wrangler.toml. */
  | { readonly kind: "bucket"; readonly name: string }
  /** `after`: as above. */
  | { readonly kind: "everything"; readonly after: string | undefined };

type BadRequest = {
  readonly kind: "bad-request";
  readonly status: 400 | 413;
  readonly reason: string;
};

type JsonObject = Readonly<Record<string, unknown>>;

/** Enough for an event, which has a few kilobytes, and for 200 names of 1,000 bytes each: bytes. */
const MAX_BYTES = 256 * 1024;

/** Reads the body of a request. @param deadline of the body: ms since 1970 */
export async function readPurge(
  { body, headers }: Pick<Request, "body" | "headers">,
  deadline: number,
): Promise<PurgeRequest | BadRequest> {
  // A length that lies is found out by the reader.
  const length = Number(headers.get("content-length"));
  if (length > MAX_BYTES) return TOO_LONG;

  let text: string;
  try {
    const result = await readBytes(body, MAX_BYTES, deadline);
    if (result === TIMED_OUT) return badRequest("the body takes too long");
    if (result === "too-long") return TOO_LONG;

    // `ignoreBOM: false` drops a byte order mark, which JSON does not allow.
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(result);
  } catch {
    return badRequest("the body breaks off, or is not UTF-8");
  }

  const value = parseJson(text);
  if (!isPlainObject(value)) return badRequest("the body is not a JSON object");

  return readEvent(value) ?? readForm(value);
}

function badRequest(reason: string, status: BadRequest["status"] = 400): BadRequest {
  return { kind: "bad-request", status, reason };
}

const TOO_LONG = badRequest("the body has more than 256 KiB", 413);

/** Reads an event of S3. @returns undefined if the body is none */
function readEvent(body: JsonObject): PurgeRequest | BadRequest | undefined {
  const objects = readS3Event(body);
  if (!objects) return undefined;

  // One object that cannot be read is enough to refuse the event: nothing would purge it, and nobody would notice.
  const readable = objects.filter((object) => object !== undefined);
  if (readable.length < objects.length) {
    return badRequest("an event has no bucket.name, or no object.key that can be read");
  }
  return { kind: "event", objects: readable };
}

/**
 * Reads the objects of an event of S3: undefined stands for each one that cannot be read.
 * @returns undefined if the body is no event of S3
 */
export function readS3Event(body: JsonObject): (EventObject | undefined)[] | undefined {
  // S3 tests a notification when it is set up. No object is meant.
  if (body["Event"] === "s3:TestEvent") return [];

  // An event of EventBridge is about one object.
  if (body["source"] === "aws.s3") return [readObject(body["detail"], "plain")];

  const records = body["Records"];
  return Array.isArray(records) ? records.map(readRecord) : undefined;
}

/** Reads a record of a notification. S3 and MinIO form-encode the key, Ceph does not. */
function readRecord(record: unknown): EventObject | undefined {
  if (!isPlainObject(record)) return undefined;

  const { s3, eventSource } = record;
  const spelling = eventSource === "ceph:s3" ? "plain" : "form-encoded";
  return readObject(s3, spelling);
}

/** Reads `{ bucket: { name }, object: { key } }`, which all events have somewhere inside. */
function readObject(details: unknown, spelling: "plain" | "form-encoded"): EventObject | undefined {
  if (!isPlainObject(details)) return undefined;
  const { bucket, object } = details;
  if (!isPlainObject(bucket) || !isPlainObject(object)) return undefined;

  const { name } = bucket;
  const { key: spelledKey } = object;
  if (typeof name !== "string" || typeof spelledKey !== "string") return undefined;

  const key = spelling === "plain" ? spelledKey : decodeForm(spelledKey);
  if (!key) return undefined;
  return { bucket: name, key };
}

/** Decodes the key `a+b%2B.jpg` to `a b+.jpg`. @returns undefined for a `%` alone, and for what is no UTF-8 */
function decodeForm(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** Reads one of the forms for people and programs: what is purged, and one option at most. */
function readForm(body: JsonObject): PurgeRequest | BadRequest {
  const { objects, verify, prefix, bucket, everything, after } = body;
  const members = Object.keys(body).toSorted().join();
  const isAfter = after === undefined || typeof after === "string";

  switch (members) {
    case "objects":
    case "objects,verify": {
      const isVerify = verify === undefined || verify === true;
      if (!isVerify || !isStringArray(objects) || objects.length === 0) break;
      return { kind: "objects", names: objects, verify: verify === true };
    }

    case "prefix":
    case "after,prefix":
      if (!isAfter || typeof prefix !== "string") break;
      return { kind: "prefix", prefix, after };

    case "bucket":
      if (typeof bucket !== "string") break;
      return { kind: "bucket", name: bucket };

    case "everything":
    case "after,everything":
      if (!isAfter || everything !== true) break;
      return { kind: "everything", after };

    default:
  }

  return badRequest(
    `the body is none of {"objects": ["BUCKET/key", …]}, {"prefix": "BUCKET/…"}, {"bucket": "BUCKET"}, {"everything": true}, and no event of S3`,
  );
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}
