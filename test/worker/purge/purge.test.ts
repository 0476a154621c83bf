// POST /purge: who may, its answers, and its calls to Workers Cache.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import type { Loopback, PurgeOptions, PurgeResult } from "../../../src/worker/cache/loopback.ts";
import { bucketTag, objectTag } from "../../../src/worker/cache/rendition-url.ts";
import { Renditions } from "../../../src/worker/index.ts";
import { fireTimer, stopClock } from "../../support/clock.ts";
import { BUCKET_URL, ENV, PURGE_TOKEN } from "../../support/env.ts";
import { bridgeEvent, notification, TEST_EVENT } from "../../support/events.ts";
import { get, lines, postPurge, stage, stopDate, wait } from "../../support/run-worker.ts";

const FULL = { ...ENV, PURGE_TOKEN };
const AUTHORIZED = { authorization: `Bearer ${PURGE_TOKEN}` };

/** Without `env`, the request is to a new isolate. */
const post = (body: unknown, env: object = { ...FULL }, headers?: Record<string, string>) =>
  headers
    ? get("/purge", { method: "POST", headers, body: JSON.stringify(body) }, env)
    : postPurge(body, env);

/** Sends a body, and reads the answer. */
async function purge(body: unknown, env?: object) {
  const answer = await post(body, env);
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const report = JSON.parse(await answer.text());
  expect(report.ok).toBe(answer.status === 200);
  return { status: answer.status, wait: answer.headers.get("retry-after"), report };
}

/** The purges of the current test. */
let calls: PurgeOptions[] = [];
let answerCall = async (_options: PurgeOptions): Promise<PurgeResult> => PURGED;
const PURGED = { success: true, errors: [] };
const failing = (message: string, code = 0) => ({ success: false, errors: [{ code, message }] });

beforeEach(() => {
  calls = [];
  answerCall = async () => PURGED;

  stage.exported = ({ fetch }) => ({
    fetch,
    purge: (options) => {
      calls.push(options);
      return answerCall(options);
    },
  });
});

const tagsOf = (...keys: string[]) =>
  Promise.all(keys.map((key) => objectTag({ baseUrl: BUCKET_URL }, `published/${key}`)));

const names = (count: number) =>
  Array.from({ length: count }, (_, at) => `media/${at.toString(36)}`);

/** The shortest record of a notification that is read. */
const SHORT_RECORD = { s3: { bucket: { name: "a" }, object: { key: "b" } } };

describe("without PURGE_TOKEN", () => {
  test.each(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])(
    "%s is the 404 of any unknown path",
    async (method) => {
      const unknown = await get("/unknown", {}, ENV);
      for (const headers of [{}, AUTHORIZED, { authorization: "Bearer undefined" }]) {
        for (const env of [ENV, { ...FULL, PURGE_TOKEN: PURGE_TOKEN.slice(0, 31) }]) {
          const answer = await get("/purge", { method, headers }, env);
          expect([answer.status, ...answer.headers]).toEqual([404, ...unknown.headers]);
        }
      }
    },
  );

  test.each<[string, string]>([
    ["31 characters", "x".repeat(31)],
    ["a space at its end", `${"x".repeat(32)} `],
    ["no ASCII", "é".repeat(32)],
    ["nothing", ""],
  ])("a token of %s is none", async (_what, token) => {
    const headers = { authorization: `Bearer ${token}`.replaceAll("é", "e") };
    expect((await post({}, { ...ENV, PURGE_TOKEN: token }, headers)).status).toBe(404);
  });
});

describe("with PURGE_TOKEN", () => {
  test.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])("%s is not allowed", async (method) => {
    const answer = await get("/purge", { method, headers: AUTHORIZED }, FULL);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("POST");
  });

  const basic = (text: string) => `Basic ${btoa(text)}`;

  test.each<[string, string | undefined]>([
    ["no header", undefined],
    ["another token", `Bearer ${PURGE_TOKEN.replace("a", "b")}`],
    ["the beginning of the token", `Bearer ${PURGE_TOKEN.slice(0, -1)}`],
    ["more than the token", `Bearer ${PURGE_TOKEN}x`],
    ["a megabyte", `Bearer ${"a".repeat(1_048_576)}`],
    ["the token in capitals", `Bearer ${PURGE_TOKEN.toUpperCase()}`],
    ["the token by itself", PURGE_TOKEN],
    ["an empty header", ""],
    ["a scheme alone", "Bearer"],
    ["a bearer of nothing", "Bearer "],
    ["another scheme", `Digest ${PURGE_TOKEN}`],
    ["a scheme that only ends so", `NoBearer ${PURGE_TOKEN}`],
    ["the token as a name", basic(`${PURGE_TOKEN}:`)],
    ["the token without a name", basic(PURGE_TOKEN)],
    ["another password", basic(`user:${PURGE_TOKEN}x`)],
    ["a password that begins with the token", basic(`user:${PURGE_TOKEN}:x`)],
    ["no base64", `Basic user:${PURGE_TOKEN}`],
    ["a basic of nothing", "Basic "],
    ["the token as a bearer in base64", `Bearer ${btoa(PURGE_TOKEN)}`],
  ])("%s is refused", async (_what, authorization) => {
    const headers = { ...(authorization !== undefined && { authorization }) };
    const answer = await post({ everything: true }, { ...FULL }, headers);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe("Unauthorized\n");
    expect(answer.headers.get("www-authenticate")).toBe('Bearer, Basic realm="purge"');
    expect(lines()).toMatchObject([{ event: "purge-denied", answered: 401 }]);
    expect(calls).toEqual([]);
  });

  test("what anybody publishes to a topic of SNS is refused, although the topic has the token", async () => {
    for (const type of ["Notification", "SubscriptionConfirmation"]) {
      const raw = {
        ...AUTHORIZED,
        "x-amz-sns-message-type": type,
        "x-amz-sns-rawdelivery": "true",
      };
      expect((await post({ everything: true }, FULL, raw)).status).toBe(401);
    }

    expect(calls).toEqual([]);
  });

  test("a form of another site is refused, although the browser adds the password", async () => {
    const headers = { authorization: basic(`user:${PURGE_TOKEN}`), "sec-fetch-site": "cross-site" };
    const answer = await post({ everything: true }, FULL, headers);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe("Unauthorized\n");
    expect(calls).toEqual([]);
  });

  test.each([
    `bearer ${PURGE_TOKEN}`,
    `BEARER   ${PURGE_TOKEN}`,
    basic(`user:${PURGE_TOKEN}`),
    basic(`:${PURGE_TOKEN}`),
    basic(`user:${PURGE_TOKEN}`).replace("Basic", "basic"),
  ])("%s opens it", async (authorization) => {
    expect((await post(TEST_EVENT, FULL, { authorization })).status).toBe(200);
  });

  test("a password may have colons, as a token may", async () => {
    const env = { ...FULL, PURGE_TOKEN: `:${PURGE_TOKEN}:` };
    const authorization = basic(`user:${env.PURGE_TOKEN}`);
    expect((await post(TEST_EVENT, env, { authorization })).status).toBe(200);
  });

  test.each<{ title: string; body: BodyInit | undefined; status: number; reason: string }>([
    { title: "no body", body: undefined, status: 400, reason: "not a JSON object" },
    {
      title: "what is no UTF-8",
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
      status: 400,
      reason: "not UTF-8",
    },
    {
      title: "an unknown bucket",
      body: '{"bucket": "acme"}',
      status: 400,
      reason: "no bucket of this name",
    },
    { title: "too much", body: " ".repeat(256 * 1024 + 1), status: 413, reason: "256 KiB" },
    {
      title: "165,000 names",
      body: JSON.stringify({ objects: names(165_000) }),
      status: 413,
      reason: "256 KiB",
    },
  ])("a body of $title is refused, with the reason", async ({ body, status, reason }) => {
    const init = { method: "POST", headers: AUTHORIZED, ...(body !== undefined && { body }) };
    const answer = await get("/purge", init, FULL);
    expect(answer.status).toBe(status);

    const message = expect.stringContaining(reason);
    const nothing = { ok: false, purged: [], not_purged: [], reason: message };
    expect(JSON.parse(await answer.text())).toEqual(nothing);
    expect(lines()).toEqual([{ event: "purge-failed", reason: message }]);
    expect(calls).toEqual([]);
  });

  test("a body without a length ends where it is too long", async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull(stream) {
        sent += 65_536;
        stream.enqueue(new Uint8Array(65_536));
      },
    });

    const init = { method: "POST", headers: AUTHORIZED, body, duplex: "half" } as const;
    expect((await get("/purge", init, FULL)).status).toBe(413);
    expect(sent).toBeLessThan(512 * 1024);
  });

  test("a body that never ends is refused in time", async () => {
    stopClock();
    const body = new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array([0x7b])) });
    const init = { method: "POST", headers: AUTHORIZED, body, duplex: "half" } as const;
    const began = Date.now();
    const answered = get("/purge", init, FULL);

    await fireTimer();
    expect((await answered).status).toBe(400);
    expect(Date.now() - began).toBeLessThan(4_000);
  });
});

describe("the cache", () => {
  test("purges each object once, by its tag (W10)", async () => {
    const names = ["media/fig.jpg", "media/a b+c%2B.jpg", "media/fig.jpg"];
    const { status, report } = await purge({ objects: names });
    const purged = names.slice(0, 2);
    expect(status).toBe(200);
    expect(report).toEqual({ ok: true, purged, not_purged: [] });
    expect(calls).toEqual([{ tags: await tagsOf("fig.jpg", "a b+c%2B.jpg") }]);
    expect(lines()).toEqual([]);
  });

  test.each<{
    title: string;
    call: () => Promise<PurgeResult>;
    status: number;
    wait: string;
    reason: string;
  }>([
    {
      title: "has an error",
      call: async () => failing("internal error"),
      status: 502,
      wait: "30",
      reason: "internal error (0)",
    },
    {
      title: "throws",
      call: async () => Promise.reject(new Error("gone")),
      status: 502,
      wait: "30",
      reason: "gone",
    },
    {
      title: "says nothing",
      call: async () => ({ success: false, errors: [] }),
      status: 502,
      wait: "30",
      reason: "cache: ",
    },
    {
      title: "is limited",
      call: async () => failing("Too many purges", 10_429),
      status: 429,
      wait: "60",
      reason: "burst of 25",
    },
    {
      title: "throws a limit",
      call: async () => Promise.reject(new Error("HTTP 429")),
      status: 429,
      wait: "60",
      reason: "burst of 25",
    },
  ])("that $title: the object is named", async ({ call, status, wait, reason }) => {
    answerCall = call;
    const object = "media/fig.jpg";
    const result = await purge({ objects: [object] });

    expect(result.status).toEqual(status);
    expect(result.wait).toEqual(wait);
    expect(result.report.purged).toEqual([]);

    const message = expect.stringContaining(reason);
    expect(result.report.not_purged).toEqual([{ object, reason: message }]);
    expect(lines()).toEqual([
      { event: "purge-failed", reason: message, objects: 1, first: [object] },
    ]);
  });

  test("is purged also when the caller has gone: the runtime waits for it", async () => {
    let waitingFor = 0;
    answerCall = async () => {
      waitingFor = stage.pendingWork.length;
      return PURGED;
    };

    expect(await purge({ objects: ["media/fig.jpg"] })).toMatchObject({ status: 200 });
    expect(waitingFor).toBe(1);
  });

  test("that does not answer is late after less than four seconds", async () => {
    stopClock();
    answerCall = () => new Promise<never>(() => {});
    const began = Date.now();
    const result = purge({ objects: ["media/fig.jpg"] });

    await fireTimer();
    expect(await result).toMatchObject({ status: 503, wait: "10" });
    expect(Date.now() - began).toBeLessThan(4_000);
  });
});

describe("more than 200 objects", () => {
  const named = (length: number) => Array.from({ length }, (_, at) => `media/${at}.jpg`);

  test.each([
    [100, 1],
    [101, 2],
    [200, 2],
  ])("%i objects take %i calls, and are all purged", async (length, times) => {
    const { status, report } = await purge({ objects: named(length) });
    expect(status).toBe(200);
    expect(report.purged).toEqual(named(length));
    expect(calls.length).toEqual(times);
  });

  test("of 500, the rest is named, and purged when it is sent again", async () => {
    let objects = named(500);
    while (objects.length > 200) {
      const { status, wait, report } = await purge({ objects });
      expect(status).toBe(429);
      expect(wait).toBe("1");
      expect(report.purged).toEqual(objects.slice(0, 200));
      const rest = report.not_purged.map(({ object }: { object: string }) => object);
      expect(rest).toEqual(objects.slice(200));
      objects = rest;
    }

    expect((await purge({ objects })).status).toBe(200);
    expect(calls.flatMap(({ tags }) => tags)).toHaveLength(500); // and never the whole bucket
  });

  test("after a failed call, no other is made", async () => {
    answerCall = async () => failing("internal error");
    const { status, report } = await purge({ objects: named(200) });
    expect(status).toBe(502);
    expect(report.not_purged.length).toBe(200);
    expect(calls.length).toBe(1);
    expect(lines()).toHaveLength(1);
  });
});

describe("objects", () => {
  test("in the longest body cost as much as 9: all but the first ones are refused unread", async () => {
    const RENDITIONS = createR2();
    const env = { ...FULL, ANSWERS: { ...ENV.ANSWERS, store: "RENDITIONS" }, RENDITIONS };
    const digest = vi.spyOn(crypto.subtle, "digest");

    const work = async (count: number) => {
      digest.mockClear();
      RENDITIONS.calls.length = 0;
      const { status } = await post({ objects: names(count) }, env);
      return { status, hashes: digest.mock.calls.length, calls: RENDITIONS.calls.length };
    };

    await work(1); // the tag of the bucket is computed once
    const few = await work(9);
    expect(few).toMatchObject({ status: 429, calls: 16 });
    expect(await work(21_000)).toEqual(few);
  });

  test.each<[string, object]>([
    ["too many", { objects: names(21_000) }],
    ["named wrongly", { objects: Array.from({ length: 80_000 }, () => "") }],
    ["not shown", { Records: Array.from({ length: 4_500 }, () => SHORT_RECORD) }],
  ])("that are %s are named up to 1,000", async (_what, body) => {
    stopClock(); // a busy machine may take longer than a visitor waits
    const text = JSON.stringify(body);
    expect(text.length).toBeLessThan(256 * 1024 + 1);

    const answer = await (await post(text)).text();
    expect(answer.length).toBeLessThan(200_000);

    const report = JSON.parse(answer);
    expect(report.not_purged).toHaveLength(1_000);
    expect(calls.length).toBeLessThan(3);
    expect(JSON.stringify(lines()).length).toBeLessThan(2_000);
  });

  test("that cannot be are named, and all others are purged", async () => {
    const { status, report } = await purge({ objects: ["media/fig.jpg", "fig.jpg", "media/../x"] });
    expect(status).toBe(400);
    expect(report.purged).toEqual(["media/fig.jpg"]);
    const first = ["fig.jpg", "media/../x"];
    expect(report.not_purged.map(({ object }: { object: string }) => object)).toEqual(first);
    expect(calls).toEqual([{ tags: await tagsOf("fig.jpg") }]);
    expect(lines()).toMatchObject([{ event: "purge-failed", objects: 2, first }]);
  });

  test.each([
    { title: "outside of the prefix", event: bridgeEvent("acme-media", "secret/a.jpg"), times: [] },
    { title: "of another bucket", event: notification("other", "a+b.jpg"), times: [1] },
  ])(
    "of an event that are $title are no fault, and the answer says so",
    async ({ event, times }) => {
      const { status, report } = await purge(event);
      expect(status).toBe(200);
      expect(report.purged).toEqual([]);
      expect(report.not_purged).toEqual([]);
      expect(report.not_shown).toHaveLength(1);
      expect(report.note).toContain("nothing of this event is shown");
      expect(lines().map((line) => line["times"])).toEqual(times);
      expect(calls).toEqual([]);
    },
  );

  test("of an event that is half of another bucket are purged, without that note", async () => {
    const ours = notification("acme-media", "published/fig.jpg");
    const event = { Records: [...ours.Records, ...notification("other", "a.jpg").Records] };
    const { status, report } = await purge(event);
    expect(status).toBe(200);
    expect(report.purged).toEqual(["media/fig.jpg"]);
    expect(report.note).toBe(undefined);
    expect(report.not_shown).toHaveLength(1);
  });

  test("of a thousand events of another bucket are a line a minute, which names that bucket", async () => {
    stopDate();
    const env = { ...FULL };
    for (let at = 0; at < 1_000; at++) await purge(notification("acme-staging", `${at}.jpg`), env);

    wait(61);
    await purge(notification("acme-staging", "last.jpg"), env);
    expect(lines()).toMatchObject([
      { event: "event-elsewhere", reason: expect.stringContaining("acme-staging"), times: 1 },
      { event: "event-elsewhere", times: 1_000 },
    ]);
  });
});

test.each<[object, string]>([
  [{ bucket: "media" }, "media/*"],
  [{ everything: true }, "*"],
])("%j is one call", async (body, name) => {
  const { status, report } = await purge(body);
  expect(status).toBe(200);
  expect(report).toEqual({ ok: true, purged: [name], not_purged: [] });

  const call =
    "bucket" in body
      ? { tags: [await bucketTag({ baseUrl: BUCKET_URL })] }
      : { purgeEverything: true };

  expect(calls).toEqual([call]);
});

test.each<[string, () => Loopback | undefined]>([
  ["there is no ctx.exports", () => undefined],
  ["the entrypoint has no cache", () => new Renditions(Object.create(null), {})],
])("where nothing is cached, since %s, nothing is to be purged (W15)", async (_why, exported) => {
  stage.exported = exported;
  const { status, report } = await purge({ objects: ["media/fig.jpg"] });
  expect(status).toBe(200);
  expect(report.purged).toEqual(["media/fig.jpg"]);
});
