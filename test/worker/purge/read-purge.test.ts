// What a body of /purge means: all forms, and what only looks like one.

import { describe, expect, test } from "vitest";
import { readPurge } from "../../../src/worker/purge/read-purge.ts";
import {
  bridgeEvent,
  envelope,
  notification,
  snsHeaders,
  subscription,
  TEST_EVENT,
} from "../../support/events.ts";

const read = (body: unknown, headers: Record<string, string> = {}) =>
  readPurge(JSON.stringify(body), new Headers(headers));
const readSns = (body: unknown, type = "Notification") => read(body, snsHeaders(type));
const CHANGED = Date.UTC(2026, 10, 24, 9);
const event = (...keys: string[]) => {
  return {
    form: "event",
    objects: keys.map((key) => ({ bucket: "acme-media", key, changed: CHANGED })),
  };
};

test.each<[string, string]>([
  ["nothing", ""],
  ["no JSON", "objects=media/a.jpg"],
  ["half of an object", '{"objects": ["media/a.jpg"'],
  ["a list", '[{"everything": true}]'],
  ["a text", '"everything"'],
  ["null", "null"],
  ["a number", "1e999"],
  ["deep lists", "[".repeat(100_000)],
])("%s is not read", (_what, text) => {
  expect(readPurge(text, new Headers())).toEqual({
    status: 400,
    reason: "the body is not a JSON object",
  });
});

test.each<[string, unknown]>([
  ["an empty object", {}],
  ["no objects", { objects: [] }],
  ["an object that is no text", { objects: ["media/a.jpg", 1] }],
  ["a list in the list", { objects: [["media/a.jpg"]] }],
  ["objects as a text", { objects: "media/a.jpg" }],
  ["objects as a table", { objects: { 0: "media/a.jpg", length: 1 } }],
  ["everything as a text", { everything: "true" }],
  ["everything as a number", { everything: 1 }],
  ["not everything", { everything: false }],
  ["two forms", { objects: ["media/a.jpg"], everything: true }],
  ["a form with something more", { everything: true, dryRun: true }],
  ["a bucket that is no text", { bucket: ["media"] }],
  ["a typing error", { object: ["media/a.jpg"] }],
  ["an event of another service", { ...bridgeEvent("acme-media", "a"), source: "aws.ec2" }],
  ["an event that somebody else made", { ...bridgeEvent("acme-media", "a"), source: "my.app" }],
  ["another test event", { Event: "s3:OtherEvent" }],
])("%s is refused, with the forms that there are", (_what, body) => {
  expect(read(body)).toEqual({
    status: 400,
    reason: expect.stringContaining('{"objects": ["BUCKET/key"'),
  });
});

test.each<[unknown, object]>([
  [
    { objects: ["media/a.jpg", "media/a.jpg"] },
    { form: "objects", names: Array(2).fill("media/a.jpg") },
  ],
  [{ bucket: "media" }, { form: "bucket", name: "media" }],
  [{ everything: true }, { form: "everything" }],
])("%j is a form for people", (body, asked) => {
  expect(read(body)).toEqual(asked);
  const text = `\n  ${JSON.stringify(body, null, 2)}\n`;
  expect(readPurge(text, new Headers())).toEqual(asked);
});

/** Each key, and how S3 writes it in a notification. */
const KEYS: [key: string, encoded: string][] = [
  ["photos/fig.jpg", "photos/fig.jpg"],
  ["a b.jpg", "a+b.jpg"],
  ["a+b.jpg", "a%2Bb.jpg"],
  ["a%2Bb.jpg", "a%252Bb.jpg"],
  ["100%.jpg", "100%25.jpg"],
  ["ä/日本 🍋.jpg", "%C3%A4/%E6%97%A5%E6%9C%AC+%F0%9F%8D%8B.jpg"],
  ['"<&>\\.jpg', "%22%3C%26%3E%5C.jpg"],
  ["../up.jpg", "../up.jpg"],
];

describe.each(KEYS)("the key %j", (key, encoded) => {
  test("is as it is in an event of EventBridge", () => {
    expect(read(bridgeEvent("acme-media", key))).toEqual(event(key));
    expect(readSns(envelope(bridgeEvent("acme-media", key)))).toEqual(event(key));
  });

  test("is form-encoded in a notification of S3", () => {
    expect(read(notification("acme-media", encoded))).toEqual(event(key));
    expect(readSns(envelope(notification("acme-media", encoded)))).toEqual(event(key));
  });
});

test("what looks encoded in an event of EventBridge is not decoded", () => {
  expect(read(bridgeEvent("acme-media", "a+b%20c.jpg"))).toEqual(event("a+b%20c.jpg"));
});

test("a notification may be about several objects", () => {
  expect(read(notification("acme-media", "a", "b", "a"))).toEqual(event("a", "b", "a"));
  expect(read({ Records: [] })).toEqual(event());
});

test.each(["Object Created", "Object Deleted", "Object Restore Completed"])(
  "%s is an event",
  (type) => {
    expect(read(bridgeEvent("acme-media", "a.jpg", type))).toEqual(event("a.jpg"));
  },
);

test.each<[string, unknown, string]>([
  ["no detail", { source: "aws.s3" }, "detail"],
  ["no bucket", bridgeEvent(undefined, "a"), "detail"],
  ["a bucket that is no text", bridgeEvent({ name: "acme-media" }, "a"), "detail"],
  ["a key that is no text", bridgeEvent("acme-media", ["a"]), "detail"],
  ["an empty key", bridgeEvent("acme-media", ""), "detail"],
  ["records that are no list", { Records: { 0: {} } }, "Records is"],
  ["a record that is null", { Records: [null] }, "Records[0]"],
  ["a second record without a key", notification("acme-media", "a", undefined), "Records[1]"],
  ["a key that is no UTF-8", notification("acme-media", "%ff.jpg"), "Records[0]"],
  ["a key with half an escape", notification("acme-media", "100%"), "Records[0]"],
])("an event with %s is refused", (_what, body, where) => {
  expect(read(body)).toEqual({ status: 400, reason: expect.stringContaining(where) });
  expect(readSns(envelope(body))).toEqual({ status: 400, reason: expect.stringContaining(where) });
});

test.each([undefined, 5, "yesterday", "2026-11-24", "2026-99-99T09:00:00Z"])(
  "an event with the time %j is one without a time",
  (time) => {
    const object = { bucket: "acme-media", key: "a.jpg" };
    const events = { form: "event", objects: [object] };
    expect(read({ ...bridgeEvent("acme-media", "a.jpg"), time })).toEqual(events);
    const [record] = notification("acme-media", "a.jpg").Records;
    expect(read({ Records: [{ ...record, eventTime: time }] })).toEqual(events);
  },
);

test("the test event of S3 asks for nothing", () => {
  const nothing = { form: "nothing", reason: "a test event of S3" };
  expect(read(TEST_EVENT)).toEqual(nothing);
  expect(readSns(envelope(TEST_EVENT))).toEqual(nothing);
  expect(read(TEST_EVENT, snsHeaders("Notification", true))).toEqual(nothing);
});

test("a message of SNS is a text, and nothing else", () => {
  const body = { ...envelope(""), Message: bridgeEvent("acme-media", "a.jpg") };
  expect(readSns(body)).toHaveProperty("status", 400);
});

test("SNS's confirmations are told apart by its header", () => {
  const url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription";
  const [start, end] = ["SubscriptionConfirmation", "UnsubscribeConfirmation"];
  expect(readSns(subscription(url), start)).toEqual({ form: "subscription", url });
  expect(readSns(subscription(url, end), end)).toMatchObject({ form: "nothing" });
  expect(readSns(subscription(url, end), start)).toHaveProperty("status", 400);
  expect(readSns(subscription(undefined), start)).toHaveProperty("status", 400);
  expect(readSns(subscription([url]), start)).toHaveProperty("status", 400);
  expect(readSns(subscription(url), "Other")).toHaveProperty("status", 400);
});
