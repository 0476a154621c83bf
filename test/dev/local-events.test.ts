// The events that the local run sends, and how its log shows what the Worker did with them.

import { expect, test } from "vitest";
import type { ObjectChange } from "../../src/dev/local-bucket.ts";
import { createLocalEvents } from "../../src/dev/local-events.ts";

const NAMES = ["s3", "r2", "named", "unnamed", "api"];
const PROJECT = {
  queue: "vitrine-events",
  localVars: {
    BUCKETS: {
      s3: { endpoint: "https://s3.eu-west-1.amazonaws.com", bucket: "acme-media" },
      r2: { binding: "R2", bucket: "acme-media" },
      named: { binding: "UNNAMED", bucket: "acme-named" },
      unnamed: { binding: "UNNAMED" },
      api: { endpoint: "https://0123.r2.cloudflarestorage.com", bucket: "acme-media" },
    },
  },
  buckets: Object.fromEntries(NAMES.map((name) => [name, { bucket: `local-${name}` }])),
  r2Buckets: [{ binding: "R2", bucket_name: "acme-media" }, { binding: "UNNAMED" }],
};

const KEY = "published/a b+é%.jpg";
const PUT: ObjectChange = { kind: "put", key: KEY, body: Buffer.from("hello") };
const DELETED: ObjectChange = { kind: "deleted", key: KEY };
const MD5 = "5d41402abc4b2a76b9719d911017c592";

/** A queue that takes messages, or none, and what it was sent: one entry a call. */
function createQueue() {
  const sent: (readonly object[])[] = [];
  const queue = { isOpen: true };
  const events = createLocalEvents(async (messages) => {
    sent.push(messages);
    if (!queue.isOpen) throw new Error("the Worker reloads");
  });
  return { sent, queue, events };
}

const bridge = (type: string, detail: object) => ({
  ...{ version: "0", source: "aws.s3", "detail-type": type, time: expect.any(String) },
  detail: { version: "0", bucket: { name: "local-s3" }, ...detail },
});
const r2 = (bucket: string, rest: object) => ({
  ...{ account: "local", eventTime: expect.any(String), bucket, ...rest },
});
const OBJECT = { key: KEY, size: 5, eTag: MD5 };

test.each<[what: string, bucketName: string, change: ObjectChange, message: object]>([
  [
    "an object of S3 is put",
    "s3",
    PUT,
    bridge("Object Created", { object: { key: KEY, size: 5, etag: MD5 }, reason: "PutObject" }),
  ],
  [
    "an object of S3 is deleted",
    "s3",
    DELETED,
    bridge("Object Deleted", { object: { key: KEY }, reason: "DeleteObject" }),
  ],
  [
    "an object of R2 is put (Q6)",
    "r2",
    PUT,
    r2("acme-media", { action: "PutObject", object: OBJECT }),
  ],
  [
    "an object of R2 is deleted: no size and no ETag (Q6)",
    "r2",
    DELETED,
    r2("acme-media", { action: "DeleteObject", object: { key: KEY } }),
  ],
  [
    "wrangler.toml names the bucket of R2 only in BUCKETS",
    "named",
    PUT,
    r2("acme-named", { action: "PutObject", object: OBJECT }),
  ],
  [
    "wrangler.toml does not name the bucket of R2",
    "unnamed",
    PUT,
    r2("UNNAMED", { action: "PutObject", object: OBJECT }),
  ],
  [
    "R2 is reached by S3's API",
    "api",
    PUT,
    r2("local-api", { action: "PutObject", object: OBJECT }),
  ],
])("%s: the message is as its provider writes it", async (_what, bucketName, change, message) => {
  const { sent, events } = createQueue();
  events.add(PROJECT, bucketName, change);
  await events.send();
  expect(sent).toEqual([[message]]);
});

test("without a queue in wrangler.toml nothing is sent", async () => {
  const { sent, events } = createQueue();
  events.add({ ...PROJECT, queue: undefined }, "s3", PUT);
  await events.send();
  expect(sent).toEqual([]);
});

test("many events are sent in portions, each once, and again after a failure (Q3)", async () => {
  const { sent, queue, events } = createQueue();
  for (let index = 0; index < 250; index += 1) events.add(PROJECT, "s3", PUT);
  queue.isOpen = false;
  await expect(events.send()).rejects.toThrow("the Worker reloads");
  queue.isOpen = true;
  const sending = events.send();
  events.add(PROJECT, "r2", PUT); // while the others are being sent
  await Promise.all([sending, events.send()]);
  await events.send();
  expect(sent.map((messages) => messages.length)).toEqual([100, 100, 100, 51]);
});

const notice = (first: unknown, objects = 1) =>
  JSON.stringify({ event: "purged-by-event", objects, first, see: "docs/errors.md" });

test.each<[what: string, line: string, text: string]>([
  ["an event", notice(["media/photos/fig.jpg"]), "purged by event media/photos/fig.jpg"],
  [
    "several events",
    notice(["media/a.jpg", "media/b.jpg"], 12),
    "purged by event media/a.jpg\npurged by event media/b.jpg\npurged by event 10 more",
  ],
  [
    "a name that a terminal would obey",
    notice(["media/\u001b[2J\u202ea\n.jpg"]),
    "purged by event media/\ufffd[2J\ufffda\ufffd.jpg",
  ],
  ["a request", "GET /images/card/a.jpg 200 (5 ms)", "GET /images/card/a.jpg 200 (5 ms)"],
  ["another notice", '{"event":"purge-failed"}', '{"event":"purge-failed"}'],
  ["a number", "5", "5"],
])("the log shows %s", (_what, line, text) => {
  expect(createQueue().events.terminalText(line)).toBe(text);
});

test("an event is shown once, although the Worker purges it twice; the next one is shown again", () => {
  const { events } = createQueue();
  const PREFIXED = { ...PROJECT, buckets: { s3: { bucket: "local-s3", prefix: "published/" } } };
  const line = notice(["s3/a b+é%.jpg", "s3/b.jpg"], 40);
  const ofA = "purged by event s3/a b+é%.jpg";
  const ofOthers = "purged by event s3/b.jpg\npurged by event 38 more";
  events.add(PREFIXED, "s3", PUT);
  expect(events.terminalText(line)).toBe(`${ofA}\n${ofOthers}`);
  expect(events.terminalText(line)).toBe(ofOthers); // of others, such as /purge, nothing is known
  events.add(PREFIXED, "s3", { ...PUT, key: "published/b.jpg" });
  events.terminalText(line);
  expect(events.terminalText(line)).toBeUndefined();
  events.add(PREFIXED, "s3", DELETED);
  expect(events.terminalText(notice(["s3/a b+é%.jpg"]))).toBe(ofA);
});
