// The built Worker as the consumer of miniflare's own queue, in workerd, with miniflare's R2 as its store: no event is lost,
// and nothing is purged that no message names.

import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { bucketTag, objectTag } from "../../src/worker/cache/rendition-url.ts";
import { BUILT, ROOT } from "../support/built.ts";
import { network } from "../support/emulators.ts";
import { BUCKET_URL, PURGE_TOKEN, SECRETS, VARS } from "../support/env.ts";
import { bridgeEvent, notification, r2Notification } from "../support/events.ts";
import { createHarness } from "../support/harness.ts";
import type { Recorded, Sent, Setup } from "./queue-worker.ts";

/** The search for secrets in answers takes a whole tag for one: queue-worker.ts shortens it so. */
const shortTag = (tag: string) => tag.slice(0, 16);

const BUCKET = { baseUrl: BUCKET_URL };
const QUEUE = "images-events";

const config = {
  ...{ name: "queue", main: join(ROOT, "test/built/queue-worker.ts") },
  ...{ compatibility_date: "2026-11-01", vars: VARS },
  alias: { "built-worker": join(BUILT, "index.js") },
  r2_buckets: [{ binding: "RENDITIONS", bucket_name: "renditions" }],
  queues: {
    producers: [{ queue: QUEUE, binding: "EVENTS" }],
    consumers: [
      {
        queue: QUEUE,
        max_batch_size: 100,
        max_batch_timeout: 0,
        max_retries: 5,
        max_concurrency: 1,
      },
    ],
  },
};
const server = createHarness({
  root: ROOT,
  workers: [{ config, secrets: { ...SECRETS, PURGE_TOKEN } }],
});

beforeAll(async () => {
  vi.stubEnv("WRANGLER_LOG", "warn"); // it would print a line for each batch
  network.listen();
  await server.listen();
});
afterAll(async () => {
  await server.close();
  network.close();
  vi.unstubAllEnvs();
});
beforeEach(() => server.clearLogs());

async function post(path: string, body: unknown): Promise<void> {
  const answer = await server.fetch(path, { method: "POST", body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
}

const setUp = (setup: Partial<Setup> = {}) => post("/test/setup", setup);
const send = (...messages: Sent[]) => post("/test/send", messages);

async function recorded(): Promise<Recorded> {
  const answer = await server.fetch("/test/recorded");
  return JSON.parse(await answer.text());
}

/** Waits until a number of messages is acknowledged. */
async function acknowledged(count: number) {
  let last = await recorded();
  await vi.waitUntil(
    async () => {
      last = await recorded();
      const settled = new Map(
        last.batches.flat().map((delivery) => [delivery.id, delivery.settled]),
      );
      const acks = [...settled.values()].filter((one) => one === "ack").length;
      return acks >= count && last.running === 0;
    },
    { interval: 20, timeout: 20_000 },
  );
  const deliveries = last.batches.flat();
  return { ...last, deliveries, settled: deliveries.map(({ settled }) => settled) };
}

const json = (body: unknown): Sent => ({ kind: "json", body });
const text = (body: unknown): Sent => ({ kind: "text", body: JSON.stringify(body) });
const bytes = (body: unknown): Sent => {
  return { kind: "bytes", base64: Buffer.from(JSON.stringify(body)).toString("base64") };
};
const created = (key: string) => json(r2Notification("acme-media", `published/${key}`));

const tagsOf = async (...keys: readonly string[]) => {
  const tags = await Promise.all(keys.map((key) => objectTag(BUCKET, `published/${key}`)));
  return tags.map(shortTag).toSorted();
};
const namesOf = async (key: string) => {
  const tags = [await bucketTag(BUCKET), await objectTag(BUCKET, `published/${key}`)];
  return [1, 2].map((number) => `${tags.join("/")}/${`${number}`.repeat(64)}`);
};
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `${index}.jpg`);

/** Stores two renditions of each object. @returns how many of them are still stored */
async function store(...keys: readonly string[]): Promise<() => Promise<number>> {
  const names = (await Promise.all(keys.map(namesOf))).flat();
  await post("/test/store", names);
  return async () => {
    const body = JSON.stringify(names);
    const answer = await server.fetch("/test/stored", { method: "POST", body });
    return Number(await answer.text());
  };
}

describe("a batch", () => {
  test("is one purge of all that its messages name, in any order and twice, and of nothing else (Q2, W10)", async () => {
    const named = numbered(40);
    await setUp({ hasStore: false });
    await send(...[...named, ...named.toReversed()].map(created));

    const { batches, purges, settled } = await acknowledged(80);
    expect(batches).toHaveLength(1);
    expect(purges.map((tags) => tags.toSorted())).toEqual([await tagsOf(...named)]);
    expect(settled).toEqual(Array.from({ length: 80 }, () => "ack"));
    expect(server.lines()).toMatchObject([{ event: "purged-by-event", objects: 40 }]);
  });

  test("is followed by others, where there are more messages than it takes (Q1)", async () => {
    const named = numbered(250);
    await setUp({ hasStore: false });
    await send(...named.map(created));

    const { batches, purges } = await acknowledged(250);
    expect(Math.max(...batches.map((deliveries) => deliveries.length))).toBe(100);
    expect(purges.flat().toSorted()).toEqual(await tagsOf(...named));
  });

  test("deletes what is stored of its objects, looks once more, and leaves all else (Q2, T4)", async () => {
    const [countNamed, countOther] = [await store("a.jpg", "b.jpg"), await store("other.jpg")];
    // It seems to be an hour older each time, so what is stored is older than that.
    await setUp({ age: 0, agePerAttempt: 3_600, delay: 1 });
    await send(created("a.jpg"), created("b.jpg"));

    const { settled } = await acknowledged(2);
    const again = { retry: expect.any(Number) };
    expect(settled).toEqual([again, again, "ack", "ack"]);
    expect([await countNamed(), await countOther()]).toEqual([0, 2]);
  });

  test("whose handler throws in the middle comes again, and nothing of it is lost (Q2)", async () => {
    const named = numbered(6);
    const countStored = await store(...named);
    await setUp({ fault: "handler", faultyRuns: 2 });
    await send(...named.map(created));

    const { purges, settled } = await acknowledged(6);
    expect(settled.filter((one) => one === "thrown").length).toBeGreaterThanOrEqual(6);
    expect(purges.at(-1)?.toSorted()).toEqual(await tagsOf(...named));
    expect(await countStored()).toBe(0);
  });

  test("that the cache refuses comes again, and its store is left alone until then (Q2, L3)", async () => {
    const named = numbered(3);
    const countStored = await store(...named);
    await setUp({ fault: "purge", faultyRuns: 2 });
    await send(...named.map(created));

    const { settled } = await acknowledged(3);
    expect(settled.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => ({ retry: 60 })));
    expect(await countStored()).toBe(0);
  });
});

test("a new message comes twice, with its time and one attempt more, after the delay that is asked for (Q2)", async () => {
  // It seems to be an hour older each time.
  await setUp({ age: 0, agePerAttempt: 3_600, delay: 1 });
  await send(created("key.jpg"));

  const { purges, deliveries } = await acknowledged(1);
  expect(purges).toHaveLength(2);
  const [first, second] = deliveries;
  expect(first).toMatchObject({ attempts: 1, settled: { retry: expect.any(Number) } });
  expect(second).toMatchObject({
    id: first?.id,
    attempts: 2,
    sentAt: first?.sentAt,
    settled: "ack",
  });
  expect((second?.deliveredAt ?? 0) - (first?.deliveredAt ?? 0)).toBeGreaterThan(900);
});

const DEEP = Array.from({ length: 1_000 }).reduce<unknown>((inner) => ({ inner }), {});
const EVENT = r2Notification("acme-media", "published/key.jpg");

describe("an event is read", () => {
  test.each<[string, Sent]>([
    ["as it is", json(EVENT)],
    ["as text", text(EVENT)],
    ["as bytes", bytes(EVENT)],
    ["as text in JSON", json(JSON.stringify(EVENT))],
    ["of EventBridge", json(bridgeEvent("acme-media", "published/key.jpg"))],
    ["of S3", json(notification("acme-media", "published/key.jpg"))],
    ["inside of SNS", json({ Type: "Notification", Message: JSON.stringify(EVENT) })],
    ["inside of SQS", json({ Records: [{ body: JSON.stringify(EVENT) }] })],
  ])("%s", async (_how, message) => {
    await setUp({ hasStore: false });
    await send(message);
    const { purges, deliveries } = await acknowledged(1);
    expect(purges).toEqual([await tagsOf("key.jpg")]);
    expect(deliveries).toMatchObject([{ settled: "ack", attempts: 1 }]);
  });
});

describe("nothing is purged, and nothing comes again, for", () => {
  test.each<[string, Sent, string[]]>([
    [
      "another bucket",
      json(r2Notification("acme-other", "published/key.jpg")),
      ["event-elsewhere"],
    ],
    ["a key of 2,000 bytes", created("k".repeat(2_000)), []],
    ["no object", json({ ...EVENT, object: undefined }), ["event-unreadable"]],
    ["an unknown action", json({ ...EVENT, action: "Purge" }), ["event-unreadable"]],
    ["a text", { kind: "text", body: "purge everything" }, ["event-unreadable"]],
    ["bytes", { kind: "bytes", base64: btoa("\u00ff\u00fe\u0000") }, ["event-unreadable"]],
    ["what is nested deep", json(DEEP), ["event-unreadable"]],
    ["text that is nested deep", text(DEEP), ["event-unreadable"]],
    [
      "a prototype",
      { kind: "text", body: `{"__proto__": ${JSON.stringify(EVENT)}}` },
      ["event-unreadable"],
    ],
    ["a form of /purge", json({ everything: true }), ["event-unreadable"]],
    ["a null", json(null), ["event-unreadable"]],
  ])("%s", async (_what, message, events) => {
    await setUp();
    await send(message);
    const { purges, settled } = await acknowledged(1);
    expect([purges, settled]).toEqual([[], ["ack"]]);
    expect(server.lines().map(({ event }) => event)).toEqual(events);
  });
});

test("a thousand malformed ones hide no event, and are one line of the log", async () => {
  await setUp({ hasStore: false });
  const malformed = Array.from({ length: 1_000 }, (_, index) => json({ index }));
  malformed.splice(500, 0, created("key.jpg"));
  await send(...malformed);

  const { purges, settled } = await acknowledged(1_001);
  expect(purges).toEqual([await tagsOf("key.jpg")]);
  expect(settled.filter((one) => one !== "ack")).toEqual([]);
  expect(
    server
      .lines()
      .map(({ event }) => event)
      .toSorted(),
  ).toEqual(["event-unreadable", "purged-by-event"]);
});

test("a message of 128 KB with 1,600 objects is purged whole, a hundred in a call (Q3, W10)", async () => {
  const named = numbered(1_600);
  const keys = named.map((key) => `published/${key}`);
  const records = keys.map((key) => ({ s3: { bucket: { name: "acme-media" }, object: { key } } }));
  await setUp({ hasStore: false });
  await send(json({ Records: records }));

  const { purges, deliveries } = await acknowledged(1);
  expect(purges.map((tags) => tags.length)).toEqual(Array.from({ length: 16 }, () => 100));
  expect(purges.flat().toSorted()).toEqual(await tagsOf(...named));
  expect(deliveries).toMatchObject([{ settled: "ack" }]);
});

test("/purge answers an event with 202, and its message arrives (Q3)", async () => {
  await setUp({ hasStore: false });
  const headers = { authorization: `Bearer ${PURGE_TOKEN}` };
  const body = JSON.stringify(bridgeEvent("acme-media", "published/key.jpg"));
  const answer = await server.fetch("/purge", { method: "POST", headers, body });
  expect([answer.status, await answer.json()]).toEqual([202, { queued: 1 }]);

  const { purges } = await acknowledged(1);
  expect(purges).toEqual([await tagsOf("key.jpg")]);
});

test("in workerd, where nothing is cached, the entrypoint itself has nothing to purge (W15)", async () => {
  await setUp();
  await send(created("key.jpg"));
  await acknowledged(1);
  expect(server.lines()).toMatchObject([{ event: "purged-by-event", first: ["media/key.jpg"] }]);
});
