// Reads a request to /purge: one of Vitrine's own forms, an event of S3, or a message of SNS. What it does not
// know exactly, it refuses. Pure.

import { isTable, json } from "../base/json.ts";
import type { BodyFault } from "./body.ts";

/** An object as an event of S3 names it: the bucket's name at S3, and the whole key. */
export type StoredObject = {
  readonly bucket: string;
  readonly key: string;
  /** When it was changed: ms since 1970. */
  readonly changed?: number;
};

export type PurgeRequest =
  /** Objects by their names, BUCKET/key: the bucket of wrangler.toml, and the key below its prefix. */
  | { readonly form: "objects"; readonly names: readonly string[] }
  | { readonly form: "event"; readonly objects: readonly StoredObject[] }
  | { readonly form: "bucket"; readonly name: string }
  | { readonly form: "everything" }
  /** SNS asks whether it may send here: the URL that says yes. Nobody has checked it. */
  | { readonly form: "subscription"; readonly url: string }
  | { readonly form: "nothing"; readonly reason: string };

type Table = Readonly<Record<string, unknown>>;

/** @param text the body. SNS sends it as text/plain, so its content type says nothing */
export function readPurge(text: string, headers: Headers): PurgeRequest | BodyFault {
  const body = json(text);
  if (!isTable(body)) return unreadable("the body is not a JSON object");
  const type = headers.get("x-amz-sns-message-type");
  if (type === null) return readEvent(body) ?? readPlain(body);
  return readMessage(body, type, headers.has("x-amz-sns-rawdelivery"));
}

/** The forms for people and programs. Each has one entry alone. */
function readPlain(body: Table): PurgeRequest | BodyFault {
  const { objects: names, bucket, everything } = body;
  if (Object.keys(body).length === 1) {
    if (isTexts(names) && names.length > 0) return { form: "objects", names };
    if (typeof bucket === "string") return { form: "bucket", name: bucket };
    if (everything === true) return { form: "everything" };
  }
  return unreadable(
    `the body is none of {"objects": ["BUCKET/key", …]}, {"bucket": "BUCKET"}, {"everything": true}, and no event of S3. A message of SNS needs SNS's own headers`,
  );
}

function unreadable(reason: string): BodyFault {
  return { status: 400, reason };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

/**
 * Reads what SNS sends. Who may publish to the topic need not be who has the token: a message may only be an
 * event of S3.
 * @param type of the header: SNS writes it. What the body says of its type, anybody may have published
 * @param isRaw whether the body is the message itself, and not SNS's envelope around it
 */
function readMessage(body: Table, type: string, isRaw: boolean): PurgeRequest | BodyFault {
  const { Type: inside, Message: message, SubscribeURL: url } = body;
  switch (type) {
    case "Notification": {
      const event = isRaw ? body : typeof message === "string" && json(message);
      const read = isTable(event) ? readEvent(event) : undefined;
      return read ?? unreadable("the message of SNS is no event of S3");
    }
    case "SubscriptionConfirmation":
      return inside === type && typeof url === "string"
        ? { form: "subscription", url }
        : unreadable("a SubscriptionConfirmation without a SubscribeURL");
    case "UnsubscribeConfirmation":
      return { form: "nothing", reason: "SNS sends nothing more" };
    default:
      return unreadable("SNS's header says an unknown type");
  }
}

/** Reads an event of S3. @returns undefined if it is something else */
function readEvent(body: Table): PurgeRequest | BodyFault | undefined {
  const { source, detail, time, Records: records } = body;
  if (source === "aws.s3") {
    const object = readObject(detail, time, (key) => key);
    if (!object) return unreadable("detail has no bucket.name or no object.key");
    return { form: "event", objects: [object] };
  }
  if ("Records" in body) return readRecords(records);
  if (body["Event"] === "s3:TestEvent") return { form: "nothing", reason: "a test event of S3" };
  return undefined;
}

/** An event notification: several objects, whose keys are form-encoded. */
function readRecords(records: unknown): PurgeRequest | BodyFault {
  if (!Array.isArray(records)) return unreadable("Records is not a list");
  const objects: StoredObject[] = [];
  for (const [at, record] of records.entries()) {
    const { s3, eventTime } = isTable(record) ? record : {};
    const object = readObject(s3, eventTime, decodeForm);
    if (!object) {
      return unreadable(`Records[${at}].s3 has no bucket.name or no form-encoded object.key`);
    }
    objects.push(object);
  }
  return { form: "event", objects };
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

function readObject(
  described: unknown,
  time: unknown,
  decode: (key: string) => string | undefined,
): StoredObject | undefined {
  const { bucket, object } = isTable(described) ? described : {};
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
