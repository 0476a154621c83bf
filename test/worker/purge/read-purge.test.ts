// The bodies of /purge: all forms, and what only looks like one.

import { expect, test } from "vitest";
import { readPurge } from "../../../src/worker/purge/read-purge.ts";
import {
  bridgeEvent,
  cephNotification,
  minioNotification,
  notification,
  TEST_EVENT,
} from "../../support/events.ts";

const readText = (text: string) => readPurge(new Response(text), Date.now() + 10_000);
const read = (body: unknown) => readText(JSON.stringify(body));
const event = (...keys: string[]) => ({
  kind: "event",
  objects: keys.map((key) => ({ bucket: "acme-media", key, isRemoved: false })),
});

test.each<[string, string]>([
  ["nothing", ""],
  ["no JSON", "objects=media/a.jpg"],
  ["half of an object", '{"objects": ["media/a.jpg"'],
  ["a list", '[{"everything": true}]'],
  ["a text", '"everything"'],
  ["null", "null"],
  ["a number", "1e999"],
  ["deep lists", "[".repeat(100_000)],
])("%s is not read", async (_what, text) => {
  const reason = "the body is not a JSON object";
  expect(await readText(text)).toEqual({ kind: "bad-request", status: 400, reason });
});

const FORMS = '{"objects": ["BUCKET/key"';

test.each<[what: string, body: unknown, reason?: string]>([
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
  ["records that are no list", { Records: { 0: {} } }],
  ["a message of SNS", { Type: "Notification", Message: JSON.stringify({ everything: true }) }],
  ["an event with no detail", { source: "aws.s3" }, "bucket.name"],
  ["an event with no bucket", bridgeEvent(undefined, "a"), "bucket.name"],
  [
    "an event with a bucket that is no text",
    bridgeEvent({ name: "acme-media" }, "a"),
    "bucket.name",
  ],
  ["an event with a key that is no text", bridgeEvent("acme-media", ["a"]), "bucket.name"],
  ["an event with an empty key", bridgeEvent("acme-media", ""), "bucket.name"],
  ["an event with a record that is null", { Records: [null] }, "bucket.name"],
  [
    "an event with a second record without a key",
    notification("acme-media", "a", undefined),
    "bucket.name",
  ],
  ["an event with a key that is no UTF-8", notification("acme-media", "%ff.jpg"), "bucket.name"],
  ["an event with a key with half an escape", notification("acme-media", "100%"), "bucket.name"],
])("%s is refused, with the reason", async (_what, body, reason = FORMS) => {
  const expected = { kind: "bad-request", status: 400, reason: expect.stringContaining(reason) };
  expect(await read(body)).toEqual(expected);
});

test.each<[unknown, object]>([
  [{ objects: ["media/a", "media/a"] }, { kind: "objects", names: ["media/a", "media/a"] }],
  [{ bucket: "media" }, { kind: "bucket", name: "media" }],
  [{ everything: true }, { kind: "everything" }],
])("%j is a form for people", async (body, request) => {
  expect(await read(body)).toEqual(request);
  expect(await readText(`\n  ${JSON.stringify(body, null, 2)}\n`)).toEqual(request);
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
  ["a+b%20c.jpg", "a%2Bb%2520c.jpg"],
];

test.each(KEYS)("the key %j is read, whoever sends the event", async (key, encoded) => {
  expect(await read(bridgeEvent("acme-media", key))).toEqual(event(key));
  expect(await read(notification("acme-media", encoded))).toEqual(event(key));
  expect(await read(minioNotification("acme-media", key))).toEqual(event(key));
  expect(await read(cephNotification("acme-media", key))).toEqual(event(key));
});

test("a notification may be about several objects, and the test event of S3 is about none", async () => {
  expect(await read(notification("acme-media", "a", "b", "a"))).toEqual(event("a", "b", "a"));
  expect(await read({ Records: [] })).toEqual(event());
  expect(await read(TEST_EVENT)).toEqual(event());
});

const DEEP = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;

test.each([
  ["a table", '{"toString":null,"valueOf":null}'],
  ["a list", '["Object Deleted"]'],
  ["a number", "1"],
  ["deep lists", DEEP],
])("an event whose kind is %s calls nothing removed", async (_what, kind) => {
  const bridge = JSON.stringify(bridgeEvent("acme-media", "a.jpg", "KIND"));
  const [record] = notification("acme-media", "a.jpg").Records;
  const bodies = [bridge, JSON.stringify({ Records: [{ ...record, eventName: "KIND" }] })];
  for (const body of bodies)
    expect(await readText(body.replace('"KIND"', kind))).toEqual(event("a.jpg"));
});

test.each([
  ["Object Created", "ObjectCreated:Put", false],
  ["Object Restore Completed", "ObjectRestore:Completed", false],
  ["Object Tags Deleted", "ObjectTagging:Delete", false],
  ["Object Deleted", "ObjectRemoved:Delete", true],
  ["Object Deleted", "ObjectRemoved:DeleteMarkerCreated", true],
  ["Object Deleted", "LifecycleExpiration:Delete", true],
  ["Object Deleted", "s3:ObjectRemoved:Delete", true], // MinIO
  ["Object Deleted", "ObjectLifecycle:Expiration:Current", true], // Ceph
])("%s, or %s, is an event: the object is removed: %j (A19)", async (type, name, isRemoved) => {
  const { kind, objects } = event("a.jpg");
  const expected = { kind, objects: objects.map((object) => ({ ...object, isRemoved })) };
  expect(await read(bridgeEvent("acme-media", "a.jpg", type))).toEqual(expected);
  const [record] = notification("acme-media", "a.jpg").Records;
  expect(await read({ Records: [{ ...record, eventName: name }] })).toEqual(expected);
});
