// The messages of the queue, each of which says that objects have changed: R2's notifications, events of S3, and what
// /purge hands on. Somebody may forward them into the queue inside of a message of SNS or SQS. Nothing in a message is
// signed: whoever may write into the queue may have objects purged, and nothing else. Codes such as Q6 are rules of
// docs/rules.md.

import { isPlainObject, parseJson } from "../util/json.ts";
import { type EventObject, readS3Event } from "./read-purge.ts";

/** The body of the message that /purge writes for an object: the shape of EventBridge, as others send it. */
type EventBody = {
  readonly source: "aws.s3";
  readonly detail: {
    readonly bucket: { readonly name: string };
    readonly object: { readonly key: string };
  };
};

/** Writes the body of a message about one object. */
export function eventMessage({ bucket, key }: EventObject): EventBody {
  return { source: "aws.s3", detail: { bucket: { name: bucket }, object: { key } } };
}

/** What a message says. */
export type MessageContent = {
  /** The objects that it names, perhaps one of them twice. */
  readonly objects: readonly EventObject[];
  /** Whether all of it could be read. If not, `objects` has the part that could be. */
  readonly isReadable: boolean;
};

const UNREADABLE: MessageContent = { objects: [], isReadable: false };

/** An event may be inside of SQS, inside of SNS, and be JSON text in each. Nothing has more layers than that. */
const MAX_LAYERS = 4;

/**
 * A message encloses so many others at most: 128 KB have no room for more (Q3). A message that was sent as an object, and
 * not as JSON, may refer to one list from many places, and so enclose more messages than anybody can count.
 */
const MAX_ENCLOSED = 2_000;

/** Reads the body of a message. Never throws. */
export function readMessage(body: unknown): MessageContent {
  const contents: MessageContent[] = [];
  let bodies = [body];

  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const enclosed: unknown[] = [];
    for (const layerBody of bodies) {
      const value = parseJson(textOf(layerBody));
      const innerBodies = isPlainObject(value) ? enclosedBodies(value) : undefined;
      if (innerBodies === undefined) {
        contents.push(readEvent(value));
        continue;
      }

      if (enclosed.length + innerBodies.length > MAX_ENCLOSED) return UNREADABLE;
      enclosed.push(...innerBodies);
    }
    bodies = enclosed;
  }

  if (bodies.length > 0) contents.push(UNREADABLE);
  return {
    objects: contents.flatMap(({ objects }) => objects),
    isReadable: contents.every(({ isReadable }) => isReadable),
  };
}

/** Reads an event that nothing encloses. */
function readEvent(value: unknown): MessageContent {
  if (!isPlainObject(value)) return UNREADABLE;

  const r2Object = readR2Notification(value);
  if (r2Object) return { objects: [r2Object], isReadable: true };

  const event = readS3Event(value);
  if (!event) return UNREADABLE;

  const objects = event.filter((object) => object !== undefined);
  return { objects, isReadable: objects.length === event.length };
}

/** Returns the text of a message that was sent as bytes, and anything else as it is. */
function textOf(body: unknown): unknown {
  const isBytes = body instanceof ArrayBuffer || body instanceof Uint8Array;
  return isBytes ? new TextDecoder().decode(body) : body;
}

/** Returns what a message of SNS or SQS has inside. @returns undefined for a message of neither */
function enclosedBodies(value: Readonly<Record<string, unknown>>): unknown[] | undefined {
  const { Type: type, Message: snsMessage, Messages: messages, Records: records } = value;
  if (type === "Notification" && snsMessage !== undefined) return [snsMessage];

  // A list of messages as SQS gives it (`Messages`), or as it calls a function (`Records`). Events of S3 have `Records`,
  // too, without bodies.
  const list = messages ?? records;
  if (Array.isArray(list)) {
    const bodies = list.map((record) => sqsBody(record));
    const hasBody = bodies.some((body) => body !== undefined);
    return hasBody ? bodies : undefined;
  }

  const body = sqsBody(value);
  return body === undefined ? undefined : [body];
}

/** Returns the body of one message of SQS. Its API writes `Body`, its calls of functions write `body`. */
function sqsBody(record: unknown): unknown {
  if (!isPlainObject(record)) return undefined;
  return record["body"] ?? record["Body"];
}

/** What R2 reports (Q5). */
const R2_ACTIONS: ReadonlySet<unknown> = new Set([
  "PutObject",
  "CopyObject",
  "CompleteMultipartUpload",
  "DeleteObject",
  "LifecycleDeletion",
]);

/** Reads a notification of R2. Its key is the key itself (Q6). @returns undefined if the value is none */
function readR2Notification(value: Readonly<Record<string, unknown>>): EventObject | undefined {
  const { action, bucket, object } = value;
  if (!R2_ACTIONS.has(action) || typeof bucket !== "string" || !isPlainObject(object)) {
    return undefined;
  }

  const { key } = object;
  if (typeof key !== "string" || key === "") return undefined;
  return { bucket, key };
}
