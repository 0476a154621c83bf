// Events that come to /purge of a Worker with a queue: they are queued, and never reported as purged.

import { beforeEach, expect, test, vi } from "vitest";
import { fireTimer, stopClock } from "../../support/clock.ts";
import { ENV, PURGE_TOKEN } from "../../support/env.ts";
import { bridgeEvent, notification } from "../../support/events.ts";
import { messageOf } from "../../support/queue.ts";
import { deliver, lines, postPurge, stage } from "../../support/run-worker.ts";

let batches: unknown[][] = [];
let send = async () => SENT;
const SENT = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
const EVENTS = {
  sendBatch: (messages: Iterable<{ readonly body: unknown }>) => {
    batches.push([...messages].map(({ body }) => body));
    return send();
  },
};
const env = () => ({ ...ENV, PURGE_TOKEN, EVENTS });
const purge = vi.fn();

beforeEach(() => {
  batches = [];
  send = async () => SENT;
  purge.mockReset().mockResolvedValue({ success: true, errors: [] });
  stage.exported = ({ fetch }) => ({ fetch, purge });
});

async function post(body: unknown) {
  const answer = await postPurge(body, env());
  const retryAfter = answer.headers.get("retry-after");
  return { status: answer.status, retryAfter, body: JSON.parse(await answer.text()) };
}

test("an event is in the queue, and the consumer reads it", async () => {
  const { status, body } = await post(bridgeEvent("acme-media", "published/ä b+%41.jpg"));
  expect(status).toBe(202);
  expect(body).toEqual({ queued: 1 });
  expect(purge).not.toHaveBeenCalled();

  const [[message] = []] = batches;
  await deliver([messageOf(message)], env());
  expect(purge).toHaveBeenCalledTimes(1);
  expect(lines()).toMatchObject([{ event: "purged-by-event", first: ["media/ä b+%41.jpg"] }]);
});

test("only what a bucket shows is queued, an object a message", async () => {
  const ours = notification("acme-media", "published/a.jpg", "secret/b.jpg", "published/c+d.jpg");
  const event = { Records: [...ours.Records, ...notification("other", "e.jpg").Records] };
  const { status, body } = await post(event);

  expect(status).toBe(202);
  expect(body).toMatchObject({ queued: 2, not_shown: [{}, {}] });
  expect(batches.flat()).toMatchObject([
    { detail: { object: { key: "published/a.jpg" } } },
    { detail: { object: { key: "published/c d.jpg" } } },
  ]);
  expect(lines()).toMatchObject([{ event: "event-elsewhere" }]);
});

test("an event of which nothing is shown is answered as without a queue", async () => {
  const { status, body } = await post(bridgeEvent("acme-media", "secret/a.jpg"));
  expect(status).toBe(200);
  expect(body.ok).toBe(true);
  expect(batches).toEqual([]);
});

test("a long event takes as many calls as the queue needs (Q3)", async () => {
  // JSON writes a quote as two bytes, and no other character of a key as more.
  const longest = '"'.repeat(1024 - "published/123".length);
  const long = Array.from({ length: 100 }, (_, at) => `published/${longest}${at}`);
  const short = Array.from({ length: 320 }, (_, at) => `published/${at}`);

  for (const keys of [long, short]) {
    batches = [];
    const { body } = await post(notification("acme-media", ...keys));
    expect(body.queued).toBe(keys.length);
    expect(batches.flat()).toHaveLength(keys.length);
    for (const messages of batches) {
      expect(messages.length).toBeLessThanOrEqual(100);
      expect(Buffer.byteLength(JSON.stringify(messages))).toBeLessThan(256_000);
    }
  }
});

test.each<[string, () => Promise<typeof SENT>]>([
  ["refuses it", () => Promise.reject(new Error("Queue is overloaded"))],
  [
    "refuses it at once",
    () => {
      throw new Error("Queue is overloaded");
    },
  ],
])("503, and nothing is `ok`, where the queue %s", async (_what, answer) => {
  send = answer;
  const { status, retryAfter, body } = await post(bridgeEvent("acme-media", "published/a.jpg"));
  expect(status).toBe(503);
  expect(retryAfter).toBe("30");
  expect(body.ok).toBe(false);
  expect(body.reason).toContain("Queue is overloaded");
  expect(lines()).toMatchObject([{ event: "purge-failed" }]);
});

test("503 where a later call of a long event fails", async () => {
  send = async () => {
    if (batches.length > 1) throw new Error("Queue is overloaded");
    return SENT;
  };
  const keys = Array.from({ length: 150 }, (_, at) => `published/${at}`);
  expect((await post(notification("acme-media", ...keys))).status).toBe(503);
});

test("503 before the sender gives up, where the queue does not answer", async () => {
  stopClock();
  send = () => new Promise(() => {});
  const answering = post(bridgeEvent("acme-media", "published/a.jpg"));
  await fireTimer();
  expect(await answering).toMatchObject({ status: 503, body: { ok: false } });
});

test.each([{ objects: ["media/a.jpg"] }, { bucket: "media" }, { everything: true }])(
  "by hand, %j is purged at once",
  async (body) => {
    expect(await post(body)).toMatchObject({ status: 200, body: { ok: true } });
    expect(purge).toHaveBeenCalledTimes(1);
    expect(batches).toEqual([]);
  },
);

test("EVENTS that is no queue is a mistake", async () => {
  const answer = await postPurge({ everything: true }, { ...env(), EVENTS: "images-events" });
  expect(answer.status).toBe(500);
  expect(lines()).toMatchObject([{ mistakes: [expect.stringContaining("EVENTS")] }]);
});
