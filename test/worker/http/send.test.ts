// Answers that come too late or never, and the timers that wait for them.

import { beforeEach, expect, test, vi } from "vitest";
import { send } from "../../../src/worker/http/send.ts";
import { IMPATIENT } from "../../support/env.ts";
import { get, logged } from "../../support/run-worker.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  process.on("unhandledRejection", unhandled);
  return () => {
    process.off("unhandledRejection", unhandled);
    vi.useRealTimers();
  };
});
const unhandled = vi.fn();

/** Waits until only timers are left to wait for. */
const turn = () => new Promise((settle) => setImmediate(() => setImmediate(settle)));

/** A body that sends a text and then stalls, and whether it was cancelled. */
function stalling(text: string) {
  const cancel = vi.fn();
  const body = new ReadableStream<Uint8Array>({
    start: (stream) => stream.enqueue(new TextEncoder().encode(text)),
    cancel,
  });
  return { cancel, body };
}

/** The edge answers when the test resolves it. S3 gives the object at once. */
function delayEdge() {
  const requested = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  vi.mocked(fetch).mockImplementation(async (_url, init) => {
    if (new Headers(init?.headers).has("range")) return new Response("an object", { status: 206 });
    requested.resolve();
    return answer.promise;
  });

  return { requested: requested.promise, ...answer };
}

const sendNow = () => send("https://a.example/k", {}, Date.now() + 1000);

const TIMED_OUT = { kind: "timeout", reason: "no answer in time" };

test("an answer that comes too late is a 504, and its body is cancelled", async () => {
  const { requested, resolve } = delayEdge();
  const answering = get("/images/card/k", {}, IMPATIENT);
  await requested;
  await vi.advanceTimersByTimeAsync(899);

  expect(logged()).toEqual([]);

  await vi.advanceTimersByTimeAsync(1); // the cached entrypoint gives up a bit before the visitor does
  const answer = await answering;
  expect(answer.status).toBe(504);
  expect(await answer.text()).toBe("Timed out\n");
  expect(vi.getTimerCount()).toBe(0);

  const { cancel, body } = stalling("a part");
  resolve(new Response(body));
  await turn();

  expect(cancel).toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
  expect(logged().map(({ line }) => line["event"])).toEqual(["timed-out"]);
  expect(fetch).toHaveBeenCalledTimes(2);
});

test("an edge that fails when the time is over fails nothing", async () => {
  const { requested, reject } = delayEdge();
  const outcome = sendNow();
  await requested;
  await vi.advanceTimersByTimeAsync(1000);

  expect(await outcome).toEqual(TIMED_OUT);

  reject(new TypeError("network connection lost"));
  await turn();
  expect(unhandled).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("a late body that has broken off, or that cannot be cancelled, fails nothing", async () => {
  const broken = new ReadableStream({ start: (stream) => stream.error(new Error("broken off")) });
  const stubborn = new ReadableStream({ cancel: () => Promise.reject(new Error("no")) });

  for (const body of [broken, stubborn, null]) {
    const { resolve } = delayEdge();
    const outcome = sendNow();
    await vi.advanceTimersByTimeAsync(1000);
    resolve(new Response(body));
    expect(await outcome).toEqual(TIMED_OUT);
    await turn();
  }

  expect(unhandled).not.toHaveBeenCalled();
});

const whole = (text: string) => () => new Response(text).body;
const broken = () =>
  new ReadableStream({ pull: (stream) => stream.error(new Error("broken off")) });

test.each<{ title: string; body: () => BodyInit | null; init: ResponseInit }>([
  { title: "an image", body: whole("a rendition"), init: {} },
  { title: "an error", body: whole("ERROR 9404: none"), init: { status: 404 } },
  { title: "an error without a text", body: () => null, init: { status: 404 } },
  { title: "an error whose text breaks off", body: broken, init: { status: 502 } },
  {
    title: "an error that ends and stalls",
    body: () => stalling("<Error></Error>").body,
    init: { status: 403 },
  },
  {
    title: "a longer error that stalls",
    body: () => stalling("x".repeat(4000)).body,
    init: { status: 500 },
  },
])("when $title has come, no timer is left", async ({ body, init }) => {
  vi.mocked(fetch).mockImplementation(async () => new Response(body(), init));
  expect(await sendNow()).toHaveProperty("status", init.status ?? 200);
  expect(vi.getTimerCount()).toBe(0);
  await turn();
  expect(unhandled).not.toHaveBeenCalled();
});

test("headers after 600 ms and a text that stalls: the time is one", async () => {
  const { requested, resolve } = delayEdge();
  const settled = vi.fn();
  const outcome = sendNow().finally(settled);
  await requested;
  await vi.advanceTimersByTimeAsync(600);

  const { cancel, body } = stalling("ERROR 9404: no");
  resolve(new Response(body, { status: 404 }));
  await turn();
  await vi.advanceTimersByTimeAsync(399);
  await turn();

  expect(settled).not.toHaveBeenCalled();

  await vi.advanceTimersByTimeAsync(1);
  expect(await outcome).toMatchObject({ status: 404, body: null, text: "ERROR 9404: no" });

  await turn();
  expect(cancel).toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
