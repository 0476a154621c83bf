// Reads a request to /purge. What it does not know exactly, it refuses. Pure.

import { isTable, json } from "../base/json.ts";
import { readEvent } from "./events.ts";
import type { PurgeRequest, Unreadable } from "./purge-request.ts";

type Table = Readonly<Record<string, unknown>>;

/** @param text the body. SNS sends it as text/plain, so its content type says nothing */
export function readPurge(text: string, headers: Headers): PurgeRequest | Unreadable {
  const body = json(text);
  if (!isTable(body)) return { unreadable: "the body is not a JSON object" };
  const type = headers.get("x-amz-sns-message-type");
  if (type === null) return readEvent(body) ?? readPlain(body);
  return readMessage(body, type, headers.has("x-amz-sns-rawdelivery"));
}

/** The forms for people and programs. Each has one entry alone. */
function readPlain(body: Table): PurgeRequest | Unreadable {
  const { objects: names, bucket, everything } = body;
  if (Object.keys(body).length === 1) {
    if (isTexts(names) && names.length > 0) return { form: "objects", names };
    if (typeof bucket === "string") return { form: "bucket", name: bucket };
    if (everything === true) return { form: "everything" };
  }
  return {
    unreadable: `the body is none of {"objects": ["BUCKET/key", …]}, {"bucket": "BUCKET"}, {"everything": true}, and no event of S3. A message of SNS needs SNS's own headers`,
  };
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
function readMessage(body: Table, type: string, isRaw: boolean): PurgeRequest | Unreadable {
  const { Type: inside, Message: message, SubscribeURL: url } = body;
  switch (type) {
    case "Notification": {
      const event = isRaw ? body : typeof message === "string" && json(message);
      return (
        (isTable(event) && readEvent(event)) || {
          unreadable: "the message of SNS is no event of S3",
        }
      );
    }
    case "SubscriptionConfirmation":
      return inside === type && typeof url === "string"
        ? { form: "subscription", url }
        : { unreadable: "a SubscriptionConfirmation without a SubscribeURL" };
    case "UnsubscribeConfirmation":
      return { form: "nothing", why: "SNS sends nothing more" };
    default:
      return { unreadable: "SNS's header says an unknown type" };
  }
}
