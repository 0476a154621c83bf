// Events that a queue delivers: what is purged of which message, what comes again, and when.

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { PurgeOptions, PurgeResult } from "../../../src/worker/cache/loopback.ts";
import { objectTag } from "../../../src/worker/cache/rendition-url.ts";
import worker from "../../../src/worker/index.ts";
import { stopTimers } from "../../support/clock.ts";
import { BUCKET_URL, ENV, PURGE_TOKEN, VARS } from "../../support/env.ts";
import {
  bridgeEvent,
  cephNotification,
  minioNotification,
  notification,
  r2Notification,
  TEST_EVENT,
} from "../../support/events.ts";
import { batchOf, deletionOf, messageOf } from "../../support/queue.ts";
import { deliver, lines, stage, stopDate, wait } from "../../support/run-worker.ts";
import {
  envWith,
  getAsBrowser,
  KEY,
  remove,
  replace,
  store,
  storedNames,
} from "../../support/worker-with-store.ts";

/** A run may take `timeout` for its visitor, and 30 s after that. */
const RUN_S = VARS.ANSWERS.timeout + 30;
const OLD = { age: RUN_S };
const FULL_KEY = `published/${KEY}`;
const EVENT = r2Notification("acme-media", FULL_KEY);

/** The purges of the current test. */
let calls: PurgeOptions[] = [];
let answerCall = async (_options: PurgeOptions): Promise<PurgeResult> => PURGED;
const PURGED = { success: true, errors: [] };
const LIMITED = { success: false, errors: [{ code: 10_429, message: "Too many purges" }] };

beforeEach(() => {
  calls = [];
  answerCall = async () => PURGED;

  stage.exported = ({ fetch, purge }) => ({
    fetch,
    purge: async (options) => {
      calls.push(options);
      const answer = await answerCall(options);
      return answer.success ? purge(options) : answer;
    },
  });

  vi.stubGlobal("scheduler", { wait: async (ms: number) => wait(ms / 1000) });
  replace("made/key.jpg");
});

const tagsOf = (...keys: string[]) =>
  Promise.all(keys.map((key) => objectTag({ baseUrl: BUCKET_URL }, `published/${key}`)));

const withoutStore = () => ({ ...ENV, PURGE_TOKEN });
const linesOf = (event: string) => lines().filter((line) => line["event"] === event);

const json = (value: unknown) => JSON.stringify(value);
const sns = (value: unknown) => ({
  Type: "Notification",
  TopicArn: "arn:aws:sns:eu-west-1:1:images",
  Message: json(value),
});
const bytes = (value: unknown) => new TextEncoder().encode(json(value));

/** Delivers one message, and tells for which objects the cache was purged before it was acknowledged. */
async function deliverOne(body: unknown): Promise<PurgeOptions[]> {
  const message = messageOf(body, OLD);
  await deliver([message], withoutStore());

  expect(message.settled()).toBe("ack");
  return calls;
}

describe("the object is purged (Q5, Q6) that is named by", () => {
  test.each<[string, unknown]>([
    ["R2", EVENT],
    ["R2, as a deletion", r2Notification("acme-media", FULL_KEY, "DeleteObject")],
    ["R2, by its lifecycle", r2Notification("acme-media", FULL_KEY, "LifecycleDeletion")],
    ["R2, as a copy", { ...r2Notification("acme-media", FULL_KEY, "CopyObject"), copySource: {} }],
    ["R2, in parts", r2Notification("acme-media", FULL_KEY, "CompleteMultipartUpload")],
    ["EventBridge", bridgeEvent("acme-media", FULL_KEY)],
    ["S3", notification("acme-media", FULL_KEY)],
    ["MinIO", minioNotification("acme-media", FULL_KEY)],
    ["Ceph", cephNotification("acme-media", FULL_KEY)],
    ["text", json(EVENT)],
    ["bytes", bytes(EVENT)],
    ["a buffer", bytes(EVENT).buffer],
    ["SNS", sns(notification("acme-media", FULL_KEY))],
    ["SQS", { messageId: "1", body: json(bridgeEvent("acme-media", FULL_KEY)) }],
    ["SQS, as its API gives it", { MessageId: "1", Body: json(EVENT) }],
    ["SQS, as it calls a function", { Records: [{ eventSource: "aws:sqs", body: json(EVENT) }] }],
    ["SQS, as a list", { Messages: [{ Body: json(EVENT) }] }],
    ["three layers", [1, 2, 3].reduce((inner) => json({ body: inner }), json(EVENT))],
    ["SNS inside of SQS, as text", json({ body: json(sns(notification("acme-media", FULL_KEY))) })],
  ])("%s", async (_sender, body) => {
    expect(await deliverOne(body)).toEqual([{ tags: await tagsOf(KEY) }]);
    expect(linesOf("purged-by-event")).toMatchObject([{ objects: 1, first: [`media/${KEY}`] }]);
  });
});

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("nothing is purged, and the message is acknowledged and logged, for", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a number", 7],
    ["a text", "purge everything"],
    ["half of an event", json(EVENT).slice(0, 60)],
    ["bytes that are no text", new Uint8Array([0xff, 0xfe, 0x00])],
    ["a map", new Map([["bucket", "acme-media"]])],
    ["a date", new Date(0)],
    ["deep lists", nested(100_000)],
    ["a form of /purge", { everything: true }],
    ["names", { objects: [`media/${KEY}`] }],
    ["an unknown action", r2Notification("acme-media", FULL_KEY, "AbortMultipartUpload")],
    ["an action of every object", r2Notification("acme-media", FULL_KEY, "toString")],
    ["no action", { ...EVENT, action: undefined }],
    ["no key", r2Notification("acme-media", undefined)],
    ["an empty key", r2Notification("acme-media", "")],
    ["a key that is no text", r2Notification("acme-media", [FULL_KEY])],
    ["a bucket that is no text", r2Notification(["acme-media"], FULL_KEY)],
    ["another service", { ...bridgeEvent("acme-media", FULL_KEY), source: "aws.ec2" }],
    ["SQS with nothing inside", { body: "" }],
    ["SNS that asks for a confirmation", { Type: "SubscriptionConfirmation", SubscribeURL: "x" }],
    ["too many layers", [1, 2, 3, 4].reduce((inner) => json({ body: inner }), json(EVENT))],
    ["a prototype", JSON.parse('{"__proto__": {"action": "PutObject", "bucket": "acme-media"}}')],
  ])("%s", async (_what, body) => {
    expect(await deliverOne(body)).toEqual([]);
    expect(lines()).toMatchObject([
      { event: "event-unreadable", reason: expect.stringContaining("images-events"), times: 1 },
    ]);
  });

  test.each<{ title: string; body: unknown; events: string[] }>([
    { title: "a test of S3", body: TEST_EVENT, events: [] },
    {
      title: "a key that no URL names",
      body: r2Notification("acme-media", "k".repeat(2_000)),
      events: [],
    },
    {
      title: "an object outside of the prefix",
      body: r2Notification("acme-media", "secret/a.jpg"),
      events: [],
    },
    {
      title: "another bucket",
      body: r2Notification("acme-other", FULL_KEY),
      events: ["event-elsewhere"],
    },
    // `media` is the bucket's name in wrangler.toml alone.
    {
      title: "the bucket's name here",
      body: r2Notification("media", FULL_KEY),
      events: ["event-elsewhere"],
    },
  ])("$title, which is no fault of the message", async ({ body, events }) => {
    expect(await deliverOne(body)).toEqual([]);
    expect(lines().map((line) => line["event"])).toEqual(events);
  });

  test("a thousand of them, in a line a minute", async () => {
    stopDate();
    const env = withoutStore();
    const messages = Array.from({ length: 1_000 }, (_, at) => messageOf({ at }));

    for (let start = 0; start < 1_000; start += 100) {
      await deliver(messages.slice(start, start + 100), env);
    }

    wait(61);
    await deliver([messageOf("the last one")], env);

    expect(messages.filter((message) => message.settled() !== "ack")).toEqual([]);
    expect(lines().map((line) => line["times"])).toEqual([1, 1_000]);
  });
});

test("a list that is at many places of a message is not counted through", async () => {
  let list: unknown[] = Array.from({ length: 60 }, () => ({ body: json(EVENT) }));
  for (let layer = 0; layer < 3; layer++) {
    const body = { Messages: list };
    list = Array.from({ length: 60 }, () => ({ body }));
  }

  expect(await deliverOne({ Messages: list })).toEqual([]);
  expect(linesOf("event-unreadable")).toHaveLength(1);
});

test("what can be read of a message is purged, and the rest is logged", async () => {
  const ours = notification("acme-media", FULL_KEY);
  const event = { Records: [{ s3: {} }, ...ours.Records] };

  expect(await deliverOne(event)).toEqual([{ tags: await tagsOf(KEY) }]);
  expect(linesOf("event-unreadable")).toHaveLength(1);
});

describe("a batch", () => {
  test("is one call, with each object once (Q1, W10)", async () => {
    const keys = ["a.jpg", "b.jpg", "a.jpg", "c.jpg", "b.jpg"];
    const messages = keys.map((key) => deletionOf(`published/${key}`, OLD));
    await deliver(messages, withoutStore());

    expect(calls).toEqual([{ tags: await tagsOf("a.jpg", "b.jpg", "c.jpg") }]);
    expect(messages.map((message) => message.settled())).toEqual(keys.map(() => "ack"));
  });

  const numbered = (start: number, count: number) =>
    Array.from({ length: count }, (_, at) => `published/${start + at}.jpg`);
  const messageAbout = (start: number, count: number) =>
    messageOf(notification("acme-media", ...numbered(start, count)), OLD);

  test.each<{ title: string; sizes: [start: number, count: number][]; lengths: number[] }>([
    {
      title: "of messages with several objects",
      sizes: [
        [0, 60],
        [20, 80],
        [100, 1],
      ],
      lengths: [100, 1],
    },
    {
      title: "that begins with a message of more objects than a call takes",
      sizes: [
        [0, 150],
        [150, 1],
      ],
      lengths: [100, 51],
    },
    { title: "of one message with more than that", sizes: [[0, 250]], lengths: [100, 100, 50] },
  ])("$title is purged in calls of 100", async ({ sizes, lengths }) => {
    const messages = sizes.map((size) => messageAbout(...size));
    await deliver(messages, withoutStore());

    expect(calls.map(({ tags }) => tags?.length)).toEqual(lengths);
    expect(messages.map((message) => message.settled())).toEqual(sizes.map(() => "ack"));
  });

  test("names more objects than a run purges in time: the later messages come again", async () => {
    const messages = [messageAbout(0, 700), messageAbout(700, 400), messageAbout(0, 1)];
    await deliver(messages, withoutStore());

    expect(calls).toHaveLength(7);
    const settled = messages.map((message) => message.settled());
    expect(settled).toEqual(["ack", { retry: undefined }, { retry: undefined }]);
  });

  test.each<{ title: string; count: number; seconds: number }>([
    { title: "several calls", count: 250, seconds: 45 },
    { title: "one call about several objects", count: 2, seconds: 15 },
    { title: "one object", count: 1, seconds: 0 },
  ])(
    "of one message holds the queue after $title for $count objects",
    async ({ count, seconds }) => {
      stopDate();
      const began = Date.now();
      await deliver([messageAbout(0, count)], withoutStore());
      expect((Date.now() - began) / 1000).toBe(seconds);
    },
  );

  test("of several messages holds the queue, so that operators have calls left", async () => {
    stopDate();
    const began = Date.now();
    answerCall = async () => {
      wait(4);
      return PURGED;
    };

    await deliver([deletionOf(FULL_KEY, OLD), deletionOf("published/b.jpg", OLD)], withoutStore());
    expect((Date.now() - began) / 1000).toBe(15);
  });

  test.each<{ title: string; count: number; seconds: number }>([
    { title: "of one message holds nothing up", count: 1, seconds: 0 },
    { title: "that took longer holds nothing up", count: 2, seconds: 20 },
  ])("$title", async ({ count, seconds }) => {
    stopDate();
    const began = Date.now();
    answerCall = async () => {
      wait(seconds);
      return PURGED;
    };

    const messages = Array.from({ length: count }, () => deletionOf(FULL_KEY, OLD));
    await deliver(messages, withoutStore());
    expect((Date.now() - began) / 1000).toBe(seconds);
  });

  test("of one message with 3,000 objects pauses between its calls, and passes the limit", async () => {
    stopDate();
    const keys = Array.from({ length: 3_000 }, (_, at) => `published/${at}.jpg`);
    const message = messageOf(notification("acme-media", ...keys), OLD);
    await deliver([message], withoutStore());

    expect(calls).toHaveLength(30);
    expect(message.settled()).toBe("ack");
  });

  test("holds the queue no longer than usual after the clock was set back", async () => {
    stopDate();
    const pauses: number[] = [];
    vi.stubGlobal("scheduler", { wait: async (ms: number) => void pauses.push(ms) });
    answerCall = async () => {
      wait(-86_400);
      return PURGED;
    };

    await deliver([deletionOf(FULL_KEY, OLD), deletionOf("published/b.jpg", OLD)], withoutStore());
    expect(pauses).toEqual([15_000]);
  });
});

describe("a message comes again", () => {
  test("after a minute where the limit refuses, and the store is left alone", async () => {
    const env = envWith();
    await getAsBrowser(env);
    answerCall = async () => LIMITED;

    const messages = [deletionOf(FULL_KEY, OLD), deletionOf("published/b.jpg")];
    store.calls.length = 0;
    await deliver(messages, env);

    expect(messages.map((message) => message.settled())).toEqual([{ retry: 60 }, { retry: 60 }]);
    expect(store.calls).toEqual([]);
    expect(lines()).toMatchObject([
      { event: "purge-failed", reason: expect.stringContaining("five calls"), objects: 2 },
    ]);
  });

  test.each<{ title: string; cacheMs: number; settled: unknown }>([
    { title: "nine seconds, and is purged", cacheMs: 9_000, settled: "ack" },
    { title: "eleven, and comes again", cacheMs: 11_000, settled: { retry: 10 } },
  ])(
    "after ten seconds without an answer: the cache takes $title",
    async ({ cacheMs, settled }) => {
      const finish = stopTimers();
      answerCall = () => new Promise((resolve) => setTimeout(resolve, cacheMs, PURGED));
      const message = deletionOf(FULL_KEY, OLD);
      await finish(deliver([message], withoutStore()));

      expect(message.settled()).toEqual(settled);
    },
  );

  test("after half a minute where the cache fails", async () => {
    answerCall = () => Promise.reject(new Error("internal error"));
    const message = deletionOf(FULL_KEY, OLD);
    await deliver([message], withoutStore());

    expect(message.settled()).toEqual({ retry: 30 });
  });

  test("by itself where the store fails, and those that were not tried come at once", async () => {
    const keys = Array.from({ length: 9 }, (_, at) => `published/${at}.jpg`);
    const messages = keys.map((key) => deletionOf(key, OLD));
    const tags = await tagsOf("3.jpg");
    const { list } = store;

    store.list = async (options) => {
      if (options?.prefix?.includes(`${tags}`)) throw new Error("Too many subrequests.");
      return list(options);
    };

    await deliver(messages, envWith());

    const settled = messages.map((message) => message.settled());
    const atOnce = { retry: 1 };
    const later = { retry: 30 };

    expect(settled.slice(0, 3)).toEqual(["ack", "ack", "ack"]);
    expect(settled.slice(3, 6)).toEqual([later, "ack", "ack"]);
    expect(settled.slice(6)).toEqual([atOnce, atOnce, atOnce]);
    expect(linesOf("purge-failed")).toMatchObject([
      { objects: 4, reason: expect.stringContaining("store") },
    ]);
  });

  test("with one of its objects that is not purged", async () => {
    const message = messageOf(notification("acme-media", FULL_KEY, "published/b.jpg"), OLD);
    store.faults.add("throws");
    await deliver([message], envWith());

    expect(message.settled()).toEqual({ retry: 30 });
  });

  test("where the configuration is broken, since nobody knows what to purge", async () => {
    const message = deletionOf(FULL_KEY, OLD);
    await deliver([message], { ...ENV, PRESETS: {}, ROUTES: [] });

    expect(message.settled()).toEqual({ retry: 300 });
    expect(lines()).toMatchObject([
      { event: "purge-failed", reason: expect.stringMatching(/PRESETS.*; ROUTES/) },
    ]);
  });
});

describe("a run that had begun before the change may be on its way", () => {
  test.each<{ title: string; age: number; attempts: number; settled: unknown }>([
    { title: "sent just now", age: 0, attempts: 1, settled: { retry: RUN_S } },
    { title: "sent half a minute ago", age: 30, attempts: 1, settled: { retry: RUN_S } },
    {
      title: "whose runs are about to end",
      age: RUN_S - 0.1,
      attempts: 1,
      settled: { retry: RUN_S },
    },
    { title: "whose runs have ended", age: RUN_S, attempts: 1, settled: "ack" },
    { title: "sent hours ago", age: 10_000, attempts: 1, settled: "ack" },
    { title: "sent by a clock that is ahead", age: -3_600, attempts: 1, settled: { retry: RUN_S } },
    { title: "that seems new at each attempt", age: 0, attempts: 19, settled: { retry: RUN_S } },
    {
      title: "that seemed new twenty times, after it had waited for its batch",
      age: 25,
      attempts: 20,
      settled: "ack",
    },
    { title: "that was often not purged", age: 31, attempts: 20, settled: { retry: RUN_S } },
  ])("a message $title", async ({ age, attempts, settled }) => {
    stopDate();
    const message = deletionOf(FULL_KEY, { age, attempts });
    await deliver([message], withoutStore());

    expect(calls).toHaveLength(1);
    expect(message.settled()).toEqual(settled);
  });

  test("what its dead isolate left is gone after the second pass (Q2)", async () => {
    const env = envWith();
    await getAsBrowser(env);

    const [left] = store.objects;
    if (left === undefined) throw new Error("nothing is stored");

    const event = r2Notification("acme-media", FULL_KEY, "DeleteObject");
    remove();
    const first = messageOf(event);
    await deliver([first], env);

    expect(storedNames()).toEqual([]);
    expect(first.settled()).toEqual({ retry: RUN_S });

    // The isolate puts what it has made, and dies.
    store.objects.set(...left);
    wait(RUN_S);
    const second = messageOf(event, { age: RUN_S, attempts: 2 });
    await deliver([second], env);

    expect(storedNames()).toEqual([]);

    // A visitor in an outage may have had it cached between the purge and the deletion.
    expect(second.settled()).toEqual({ retry: RUN_S });

    const third = messageOf(event, { age: 2 * RUN_S, attempts: 3 });
    await deliver([third], env);
    expect(third.settled()).toBe("ack");
    expect(calls).toHaveLength(3);
  });

  test("the first pass that finds something is not the last one, although one was refused before", async () => {
    stopDate();
    const env = envWith();
    await getAsBrowser(env);
    wait(60);

    const message = deletionOf(FULL_KEY, { age: 60, attempts: 2 });
    await deliver([message], env);
    expect(message.settled()).toEqual({ retry: RUN_S });
  });

  test("what was stored after that is deleted, and ends no pass: many may look at a picture", async () => {
    stopDate();
    const env = envWith();
    await getAsBrowser(env);

    const message = deletionOf(FULL_KEY, { age: RUN_S, attempts: 2 });
    await deliver([message], env);
    expect(message.settled()).toEqual({ retry: RUN_S }); // stored when its runs were about to end

    wait(RUN_S);
    await getAsBrowser(env);
    const later = deletionOf(FULL_KEY, { age: 2 * RUN_S, attempts: 3 });
    await deliver([later], env);

    expect(later.settled()).toBe("ack");
    expect(storedNames()).toEqual([]);
  });

  test("a second pass that finds nothing is not logged", async () => {
    await deliver([deletionOf(FULL_KEY, { ...OLD, attempts: 2 })], envWith());
    expect(lines()).toEqual([]);
  });
});

test("a replaced picture is new at once, in Workers Cache and in the store (Q7)", async () => {
  const env = envWith({ ANSWERS: { keep: 604_800, stale: 604_800, store: "RENDITIONS" } });
  const before = await (await getAsBrowser(env)).bytes();
  replace("made/rotated-gps.jpg");

  const unpurged = await (await getAsBrowser(env)).bytes();
  expect(unpurged).toEqual(before);

  await deliver([messageOf(EVENT)], env);
  const after = await (await getAsBrowser(env)).bytes();
  expect(after).not.toEqual(before);
});

test("/healthz knows when the last event came", async () => {
  await deliver([messageOf(EVENT)], envWith());
  expect(store.objects.has("vitrine/last-event")).toBe(true);
});

test("a batch needs no more of the runtime than its messages", async () => {
  const message = messageOf(EVENT, OLD);
  await worker.queue(batchOf([message]), withoutStore(), { waitUntil: () => {} });
  expect(message.settled()).toBe("ack"); // nothing is cached where there is no cache (W15)
});
