// Reads what S3 sends when an object changes: an EventBridge event, or an event notification. Pure.

import { isTable } from "../base/json.ts";
import type { PurgeRequest, StoredObject, Unreadable } from "./purge-request.ts";

type Table = Readonly<Record<string, unknown>>;

/** Reads an event. @returns undefined if it is something else */
export function readEvent(body: Table): PurgeRequest | Unreadable | undefined {
  if (body["source"] === "aws.s3") return readBridged(body["detail"], body["time"]);
  if ("Records" in body) return readRecords(body["Records"]);
  if (body["Event"] === "s3:TestEvent") return { form: "nothing", why: "a test event of S3" };
  return undefined;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** EventBridge: one object, whose key is as it is. */
function readBridged(detail: unknown, time: unknown): PurgeRequest | Unreadable {
  const object = readObject(isTable(detail) ? detail : {}, time, (key) => key);
  return object
    ? { form: "event", objects: [object] }
    : { unreadable: "detail has no bucket.name or no object.key" };
}

/** An event notification: several objects, whose keys are form-encoded. */
function readRecords(records: unknown): PurgeRequest | Unreadable {
  if (!Array.isArray(records)) return { unreadable: "Records is not a list" };
  const objects: StoredObject[] = [];
  for (const [at, record] of records.entries()) {
    const { s3, eventTime } = isTable(record) ? record : {};
    const object = readObject(isTable(s3) ? s3 : {}, eventTime, decodeForm);
    if (!object) {
      return { unreadable: `Records[${at}].s3 has no bucket.name or no form-encoded object.key` };
    }
    objects.push(object);
  }
  return { form: "event", objects };
}

function readObject(
  { bucket, object }: Table,
  time: unknown,
  decode: (key: string) => string | undefined,
): StoredObject | undefined {
  const name = isTable(bucket) ? bucket["name"] : undefined;
  const given = isTable(object) ? object["key"] : undefined;
  const key = typeof given === "string" ? decode(given) : undefined;
  if (typeof name !== "string" || !key) return undefined;
  const changed = typeof time === "string" && TIME.test(time) ? Date.parse(time) : Number.NaN;
  return { bucket: name, key, ...(!Number.isNaN(changed) && { changed }) };
}

/** A `+` is a space, and a plus is `%2B`. */
function decodeForm(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined; // no UTF-8, or a `%` alone
  }
}
