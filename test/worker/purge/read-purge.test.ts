// The bodies of /purge: all forms, and what only looks like one.

import { expect, test, vi } from "vitest";
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
  objects: keys.map((key) => ({ bucket: "acme-media", key })),
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

test.each<{ title: string; body: unknown; reason?: string }>([
  { title: "an empty object", body: {} },
  { title: "no objects", body: { objects: [] } },
  { title: "an object that is no text", body: { objects: ["media/a.jpg", 1] } },
  { title: "a list in the list", body: { objects: [["media/a.jpg"]] } },
  { title: "objects as a text", body: { objects: "media/a.jpg" } },
  { title: "objects as a table", body: { objects: { 0: "media/a.jpg", length: 1 } } },
  { title: "everything as a text", body: { everything: "true" } },
  { title: "everything as a number", body: { everything: 1 } },
  { title: "not everything", body: { everything: false } },
  { title: "two forms", body: { objects: ["media/a.jpg"], everything: true } },
  { title: "a form with something more", body: { everything: true, dryRun: true } },
  { title: "a bucket that is no text", body: { bucket: ["media"] } },
  { title: "a prefix that is no text", body: { prefix: ["media/"] } },
  { title: "a cursor that is no text", body: { prefix: "media/", after: 1 } },
  { title: "a cursor alone", body: { after: "x" } },
  { title: "a cursor of a bucket", body: { bucket: "media", after: "x" } },
  { title: "verify as a text", body: { objects: ["media/a.jpg"], verify: "true" } },
  { title: "verify of a bucket", body: { bucket: "media", verify: true } },
  { title: "a typing error", body: { object: ["media/a.jpg"] } },
  {
    title: "an event of another service",
    body: { ...bridgeEvent("acme-media", "a"), source: "aws.ec2" },
  },
  {
    title: "an event that somebody else made",
    body: { ...bridgeEvent("acme-media", "a"), source: "my.app" },
  },
  { title: "another test event", body: { Event: "s3:OtherEvent" } },
  { title: "records that are no list", body: { Records: { 0: {} } } },
  {
    title: "a message of SNS",
    body: { Type: "Notification", Message: JSON.stringify({ everything: true }) },
  },
  { title: "an event with no detail", body: { source: "aws.s3" }, reason: "bucket.name" },
  { title: "an event with no bucket", body: bridgeEvent(undefined, "a"), reason: "bucket.name" },
  {
    title: "an event with a bucket that is no text",
    body: bridgeEvent({ name: "acme-media" }, "a"),
    reason: "bucket.name",
  },
  {
    title: "an event with a key that is no text",
    body: bridgeEvent("acme-media", ["a"]),
    reason: "bucket.name",
  },
  {
    title: "an event with an empty key",
    body: bridgeEvent("acme-media", ""),
    reason: "bucket.name",
  },
  {
    title: "an event with a record that is null",
    body: { Records: [null] },
    reason: "bucket.name",
  },
  {
    title: "an event with a second record without a key",
    body: notification("acme-media", "a", undefined),
    reason: "bucket.name",
  },
  {
    title: "an event with a key that is no UTF-8",
    body: notification("acme-media", "%ff.jpg"),
    reason: "bucket.name",
  },
  {
    title: "an event with a key with half an escape",
    body: notification("acme-media", "100%"),
    reason: "bucket.name",
  },
])("$title is refused, with the reason", async ({ body, reason = FORMS }) => {
  const expected = { kind: "bad-request", status: 400, reason: expect.stringContaining(reason) };
  expect(await read(body)).toEqual(expected);
});

test.each<[unknown, object]>([
  [
    { objects: ["media/a", "media/a"] },
    { kind: "objects", names: ["media/a", "media/a"], verify: false },
  ],
  [
    { objects: ["media/a"], verify: true },
    { kind: "objects", names: ["media/a"], verify: true },
  ],
  [
    { verify: true, objects: ["media/a"] },
    { kind: "objects", names: ["media/a"], verify: true },
  ],
  [{ prefix: "media/2026/" }, { kind: "prefix", prefix: "media/2026/", after: undefined }],
  [
    { prefix: "media/", after: "x" },
    { kind: "prefix", prefix: "media/", after: "x" },
  ],
  [{ bucket: "media" }, { kind: "bucket", name: "media" }],
  [{ everything: true }, { kind: "everything", after: undefined }],
  [
    { everything: true, after: "x" },
    { kind: "everything", after: "x" },
  ],
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

const DEEP = `${"[".repeat(60_000)}${"]".repeat(60_000)}`;

test.each([
  ["a deletion", '"Object Deleted"'],
  ["a table", '{"toString":null,"valueOf":null}'],
  ["a list", '["Object Deleted"]'],
  ["a number", "1"],
  ["deep lists", DEEP],
])(
  "an event whose kind is %s is an event: S3 and the store say what to do",
  async (_what, kind) => {
    const bridge = JSON.stringify(bridgeEvent("acme-media", "a.jpg", "KIND"));
    const [record] = notification("acme-media", "a.jpg").Records;
    const bodies = [bridge, JSON.stringify({ Records: [{ ...record, eventName: "KIND" }] })];
    for (const body of bodies)
      expect(await readText(body.replace('"KIND"', kind))).toEqual(event("a.jpg"));
  },
);

const TOO_LONG = { kind: "bad-request", status: 413, reason: "the body has more than 256 KiB" };
const LIMIT = 256 * 1024;

/** A body of so many bytes in chunks, and how many of them were taken. */
function endlessBody(bytes: number) {
  const taken = { bytes: 0 };
  const body = new ReadableStream<Uint8Array>({
    pull(stream) {
      if (taken.bytes >= bytes) {
        stream.close();
        return;
      }
      taken.bytes += 16_384;
      stream.enqueue(new Uint8Array(16_384).fill(0x20));
    },
  });

  return { body, taken };
}

test.each<{ title: string; contentLength: string | undefined; maxTaken: number }>([
  { title: "that says its length is not read", contentLength: `${LIMIT + 1}`, maxTaken: 20_000 },
  { title: "that says too much is not read", contentLength: "1e9", maxTaken: 20_000 },
  { title: "without a length is cut", contentLength: undefined, maxTaken: LIMIT + 40_000 },
  { title: "that lies about its length is cut", contentLength: "10", maxTaken: LIMIT + 40_000 },
  { title: "with a length that is none is cut", contentLength: "many", maxTaken: LIMIT + 40_000 },
])("a body of 2 MiB $title, and never parsed", async ({ contentLength, maxTaken }) => {
  const { body, taken } = endlessBody(2 * 1024 * 1024);
  const headers = new Headers(
    contentLength === undefined ? {} : { "content-length": contentLength },
  );
  const parse = vi.spyOn(JSON, "parse");

  expect(await readPurge({ body, headers }, Date.now() + 10_000)).toEqual(TOO_LONG);
  expect(taken.bytes).toBeLessThanOrEqual(maxTaken);
  expect(parse).not.toHaveBeenCalled();
});

test("a body of exactly 256 KiB is read", async () => {
  const names = JSON.stringify({ objects: ["media/a"] });
  const text = names + " ".repeat(LIMIT - names.length);
  expect(await readText(text)).toMatchObject({ kind: "objects" });
  expect(await readText(`${text} `)).toEqual(TOO_LONG);
});
