// Reads the body of a request to /purge. What it does not know exactly, it refuses. Pure.

import { isTable, json } from "../base/json.ts";
import { readEvent } from "./events.ts";
import type { PurgeRequest, Unreadable } from "./purge-request.ts";

type Table = Readonly<Record<string, unknown>>;

/** @param text the body. SNS sends it as text/plain, so its content type says nothing */
export function readPurge(text: string): PurgeRequest | Unreadable {
  const body = json(text);
  if (!isTable(body)) return { unreadable: "the body is not a JSON object" };
  return readEnvelope(body) ?? readEvent(body) ?? readPlain(body);
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
    unreadable:
      'the body is none of {"objects": ["BUCKET/key", …]}, {"bucket": "BUCKET"}, {"everything": true}, and no event of S3',
  };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

/**
 * What SNS sends around a message. The message may only be an event of S3: who may publish to the topic
 * need not be who has the token. @returns undefined if it is something else
 */
function readEnvelope(body: Table): PurgeRequest | Unreadable | undefined {
  const { Type: type, TopicArn: topic, Message: message, SubscribeURL: url } = body;
  if (typeof type !== "string" || typeof topic !== "string") return undefined;
  switch (type) {
    case "Notification": {
      const inner = typeof message === "string" ? json(message) : undefined;
      const event = isTable(inner) ? readEvent(inner) : undefined;
      return event ?? { unreadable: "the Message of SNS is no event of S3" };
    }
    case "SubscriptionConfirmation":
      return typeof url === "string"
        ? { form: "subscription", url }
        : { unreadable: "a SubscriptionConfirmation without a SubscribeURL" };
    case "UnsubscribeConfirmation":
      return { form: "nothing", why: "SNS sends nothing more" };
    default:
      return { unreadable: "an unknown Type of SNS" };
  }
}
