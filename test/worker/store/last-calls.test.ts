// What /healthz says of the store: whether it answers, and when /purge was last called, whichever isolate was called.

import { describe, expect, test, vi } from "vitest";
import type { R2, R2Fault } from "../../../src/emulator/r2/r2.ts";
import { stopClock } from "../../support/clock.ts";
import { HEALTH_TOKEN, VARS } from "../../support/env.ts";
import { bridgeEvent, notification, TEST_EVENT } from "../../support/events.ts";
import { get, lines, postPurge, settle, stage, wait } from "../../support/run-worker.ts";
import { envWith, getAsBrowser, KEY, store, storedNames } from "../../support/worker-with-store.ts";

const authorized = { headers: { authorization: `Bearer ${HEALTH_TOKEN}` } };

/** A new isolate. */
const isolate = (change: object = {}) => envWith({ HEALTH_TOKEN, ...change });

async function health(env: object = isolate()) {
  const answer = await get("/healthz", authorized, env);
  return { status: answer.status, ...JSON.parse(await answer.text()) };
}

async function purge(body: unknown, env: object = isolate()) {
  const { status } = await postPurge(body, env);
  await settle();
  return status;
}

const EVENT = bridgeEvent("acme-media", `published/${KEY}`);
const BY_HAND = { objects: [`media/${KEY}`] };
const now = () => new Date().toISOString();

describe("the last calls of /purge", () => {
  test("are none, at first", async () => {
    const report = await health();
    expect(report).toMatchObject({ ok: true, store: { state: "ok" } });
    expect(Object.keys(report)).not.toContain("last_event");
    expect(Object.keys(report)).not.toContain("last_purge");
  });

  test.each<{ title: string; body: unknown; last: "last_event" | "last_purge" }>([
    { title: "an event", body: EVENT, last: "last_event" },
    {
      title: "an event of S3 that is form-encoded",
      body: notification("acme-media", "published/a+b.jpg"),
      last: "last_event",
    },
    {
      title: "an event of another bucket",
      body: notification("other", "a.jpg"),
      last: "last_event",
    },
    {
      title: "an event of another prefix",
      body: bridgeEvent("acme-media", "secret/a.jpg"),
      last: "last_event",
    },
    { title: "the test of S3", body: TEST_EVENT, last: "last_event" },
    { title: "objects by hand", body: BY_HAND, last: "last_purge" },
    { title: "a bucket by hand", body: { bucket: "media" }, last: "last_purge" },
    { title: "everything by hand", body: { everything: true }, last: "last_purge" },
  ])("$title is the last one of its kind, for every isolate", async ({ body, last }) => {
    const at = now();
    expect(await purge(body)).toBe(200);
    wait(3_600);
    const report = await health();
    expect(report).toMatchObject({ [last]: at });
    expect(report).not.toHaveProperty(last === "last_event" ? "last_purge" : "last_event");
  });

  test.each<{ title: string; body: unknown; status: number }>([
    { title: "a body that cannot be read", body: "[]", status: 400 },
    { title: "an unknown bucket", body: { bucket: "other" }, status: 400 },
    { title: "names that mean nothing", body: { objects: ["fig.jpg"] }, status: 400 },
    { title: "half an event", body: { source: "aws.s3", detail: {} }, status: 400 },
  ])("$title is neither", async ({ body, status }) => {
    expect(await purge(body)).toBe(status);
    const report = await health();
    expect(report).not.toHaveProperty("last_purge");
    expect(report).not.toHaveProperty("last_event");
  });

  test("nobody without the token leaves anything, or sees it", async () => {
    for (const body of [EVENT, BY_HAND]) {
      const init = { method: "POST", body: JSON.stringify(body) };
      expect((await get("/purge", init, isolate())).status).toBe(401);
    }

    await settle();
    expect(store.calls).toEqual([]);

    await purge(EVENT);
    expect(await (await get("/healthz", {}, isolate())).text()).toBe("ok\n");
  });

  test("the later call counts", async () => {
    await purge(EVENT);
    wait(3_600);
    const at = now();
    await purge(EVENT);
    expect(await health()).toMatchObject({ last_event: at });
  });

  test("a thousand events in a minute are one write (T3, T5)", async () => {
    const env = isolate();
    const at = now();
    for (let times = 0; times < 1_000; times++) await purge(TEST_EVENT, env);

    expect(store.calls.filter(({ method }) => method === "put")).toHaveLength(1);

    wait(59);
    await purge(TEST_EVENT, env);
    expect(await health(env)).toMatchObject({ last_event: at });

    wait(1);
    const later = now();
    await purge(TEST_EVENT, env);

    expect(await health(env)).toMatchObject({ last_event: later });
  });

  test("an event and a purge by hand in one minute are kept both, with one write each", async () => {
    const env = isolate();
    for (const body of [EVENT, BY_HAND, EVENT, BY_HAND]) {
      expect(await purge(body, env)).toBe(200);
      wait(2);
    }

    expect(store.calls.filter(({ method }) => method === "put")).toHaveLength(2);

    const report = await health(env);
    expect(report.last_purge > report.last_event).toBe(true);
  });

  test("two isolates in one second: R2 takes one write, and nobody hears of the other one (T3)", async () => {
    const at = now();
    expect(await purge(EVENT)).toBe(200);
    expect(await purge(EVENT)).toBe(200);
    expect(await health()).toMatchObject({ last_event: at });
    expect(lines()).toEqual([]);
  });

  test.each([{ everything: true }, { bucket: "media" }, BY_HAND])(
    "are there after %j, and no picture comes out of them",
    async (body) => {
      await purge(EVENT);
      await getAsBrowser(isolate());
      wait(61);

      expect(storedNames()).toHaveLength(1);
      expect(await purge(body)).toBe(200);
      expect(storedNames()).toEqual([]);
      expect(await health()).toMatchObject({
        last_event: expect.any(String),
        last_purge: expect.any(String),
      });

      const { status, headers } = await getAsBrowser(isolate());
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe("image/avif");
      for (const name of store.objects.keys()) {
        expect((await getAsBrowser(isolate(), `/images/card/${name}`)).status).toBe(404);
      }
    },
  );

  test.each<[what: string, body: unknown, faults: R2Fault[]]>([
    ["an event", TEST_EVENT, ["throws-put"]],
    ["a purge", BY_HAND, ["throws-put"]],
  ])("%s that the store does not keep is purged all the same: a line a minute", async (...row) => {
    const [, body, faults] = row;
    for (const fault of faults) store.faults.add(fault);

    const env = isolate();
    for (let times = 0; times < 3; times++) expect(await purge(body, env)).toBe(200);

    const reason = expect.stringMatching(/^put: .*10001/);
    expect(lines()).toMatchObject([{ event: "store-failed", reason, times: 1 }]);

    // The next call is written, although the minute is not over.
    store.faults.clear();
    expect(await purge(body, env)).toBe(200);
    expect(Object.keys(await health())).toEqual(
      expect.arrayContaining([expect.stringMatching(/^last_/)]),
    );
  });

  test("a store that never ends a write does not hold up the answer", async () => {
    store.faults.add("stall-put");
    const answer = await postPurge(TEST_EVENT, isolate());
    expect(answer.status).toBe(200);
    stage.pendingWork.length = 0; // the runtime cancels what never ends
  });
});

describe("the store", () => {
  test.each<[R2Fault, state: string]>([
    ["gone", "10006"],
    ["throws", "10001"],
    ["throws-head", "10001"],
  ])("that is %s is reported by R2's code: visitors get pictures all the same", async (...row) => {
    const [fault, state] = row;
    store.faults.add(fault);
    expect(await health()).toMatchObject({ status: 200, ok: true, store: { state } });
  });

  test.each([
    ["an error without a code", () => Promise.reject(new Error("Network connection lost."))],
    ["a binding that throws at once", () => expect.unreachable()],
  ])("with %s is unreachable", async (_what, head) => {
    const RENDITIONS = { ...store, head };
    const report = await health(isolate({ RENDITIONS }));
    expect(report).toMatchObject({ status: 200, store: { state: "unreachable" } });
  });

  test("that does not answer is unreachable when the time of a request is over", async () => {
    stopClock();
    const requested = Promise.withResolvers<void>();
    const head: R2["head"] = () => {
      requested.resolve();
      return new Promise<never>(() => {});
    };
    const reporting = health(isolate({ RENDITIONS: { ...store, head } }));

    await requested.promise;
    await vi.advanceTimersByTimeAsync(VARS.ANSWERS.timeout * 1_000);
    expect(await reporting).toMatchObject({ store: { state: "unreachable" } });
  });

  test("is asked by two reads, and by no write (T5)", async () => {
    await health();
    expect(store.calls.map(({ method }) => method)).toEqual(["head", "head"]);
  });

  test("that is not configured is not reported, and nothing is kept of a purge", async () => {
    const { RENDITIONS: _, ...rest } = { RENDITIONS: store, ...isolate() };
    const env = { ...rest, ANSWERS: VARS.ANSWERS };
    expect(await purge(EVENT, env)).toBe(200);

    const report = await health(env);
    for (const field of ["store", "last_event", "last_purge"]) {
      expect(report).not.toHaveProperty(field);
    }
    expect(store.calls).toEqual([]);
  });
});

describe("whether a key must be able to list (A6)", () => {
  const two = {
    BUCKETS: { media: VARS.BUCKETS.media, other: { ...VARS.BUCKETS.media, prefix: "other/" } },
    ROUTES: [
      { path: "/images/:preset/*", object: ["media/*", "other/*"] },
      { path: "/other/:preset/*", object: "other/*" },
    ],
  };

  const noStore = { ANSWERS: VARS.ANSWERS };

  test.each<{ title: string; change: object; needed: (true | undefined)[] }>([
    { title: "with a store", change: {}, needed: [true] },
    { title: "without a store", change: noStore, needed: [undefined] },
    {
      title: "where another bucket follows",
      change: { ...noStore, ...two },
      needed: [true, undefined],
    },
    { title: "with both", change: two, needed: [true, true] },
  ])("$title", async ({ change, needed }) => {
    const { buckets } = await health(isolate(change));
    const actual = buckets.map((bucket: { needs_list?: true }) => bucket.needs_list);
    expect(actual).toEqual(needed);
  });
});
