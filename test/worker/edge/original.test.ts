// The type of an original, which the edge tells as JSON.

import { expect, onTestFinished, test, vi } from "vitest";
import { faultAnswer } from "../../../src/emulator/edge/faults.ts";
import { isRefusal } from "../../../src/worker/base/refusal.ts";
import { describeOriginal } from "../../../src/worker/edge/original.ts";
import { fireTimer, stopClock } from "../../support/clock.ts";
import { ASKED, SIGNED } from "../../support/env.ts";

/** Returns the type that an answer of the edge tells. */
async function told(
  body: BodyInit,
  headers: Record<string, string> = { "cf-resized": "internal=ok/m" },
) {
  const all = { "content-type": "application/json", ...headers };
  vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(body, { headers: all }));
  return describe();
}

/** Returns what the edge says of the original: its type, or a refusal. */
async function describe(deadline = Date.now() + 1000) {
  const told = await describeOriginal("https://a.example/k", SIGNED, ASKED, deadline);
  return isRefusal(told) ? told : told.original;
}

const facts = (format: unknown) => JSON.stringify({ width: 9, height: 9, original: { format } });

test("the edge tells the original's type, asked with the rendition's options (R9, L2)", async () => {
  expect(await told(facts("image/gif"))).toBe("image/gif");
  const [, init] = vi.mocked(fetch).mock.calls[0] ?? [];
  expect(init?.cf?.image).toEqual({
    ...ASKED.variant.image,
    format: "json",
    "origin-auth": "share-publicly",
  });
});

test.each<[string, BodyInit]>([
  ["nothing", "{}"],
  ["half of it", '{"original": {"format": "image/gif"'],
  ["no table", "[]"],
  ["no text", facts(1)],
  ["an original by itself", "GIF89a"],
])("%s is no type (R9)", async (_what, body) => {
  expect(await told(body)).toBe("unknown");
});

test("an image in place of JSON is not read (O8)", async () => {
  let cancelled = false;
  const read = Promise.withResolvers<void>();
  const cancel = () => {
    cancelled = true;
  };
  const source = { pull: () => read.resolve(), cancel };
  const image = new ReadableStream(source, { highWaterMark: 0 });
  const headers = { "cf-resized": "internal=ok/m", "content-type": "image/gif" };
  stopClock();
  const type = told(image, headers);
  await read.promise;
  await fireTimer();
  expect(await type).toBe("unknown");
  expect(cancelled).toBe(true);
});

/** A body that never ends, how many bytes it sent, and whether it was cancelled. */
function endless(text: string, stalls: boolean) {
  const told = { sent: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(stream) {
      if (stalls && told.sent > 0) return;
      told.sent += text.length;
      stream.enqueue(new TextEncoder().encode(text));
    },
    cancel() {
      told.cancelled = true;
    },
  });
  return { told, body };
}

test("JSON that stalls is given up in time (R9)", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { told: what, body } = endless('{"original": ', true);
  const type = told(body);
  await vi.advanceTimersByTimeAsync(999);
  expect([vi.getTimerCount(), what.cancelled]).toEqual([1, false]);
  await vi.advanceTimersByTimeAsync(1);
  expect(vi.getTimerCount()).toBe(0);
  expect(await type).toBe("unknown");
  expect(what.cancelled).toBe(true);
});

test("only the beginning of endless JSON is read (R9)", async () => {
  const { told: what, body } = endless(" ".repeat(1024), false);
  expect(await told(body)).toBe("unknown");
  await expect.poll(() => what.cancelled).toBe(true);
  expect(what.sent).toBeLessThan(16_384);
});

test("an original that describes itself is not believed (R2)", async () => {
  expect(await told(facts("image/gif"), { "cf-resized": "" })).toBe("unknown");
});

test("a body that breaks off is no type (R9)", async () => {
  const broken = new ReadableStream({ pull: (body) => body.error(new Error("broken")) });
  expect(await told(broken)).toBe("unknown");
});

test.each(["9401/400", "9404/404", "9412/415", "9422/429", "9504/524", "9523/500"] as const)(
  "an edge that answers %s tells none (R3)",
  async (fault) => {
    vi.spyOn(globalThis, "fetch").mockResolvedValue(faultAnswer(fault));
    const type = describe();
    expect(await type).toBe("unknown");
  },
);

test.each<[string, () => Promise<Response>, object]>([
  ["denies", async () => faultAnswer("9408/403"), { event: "origin-denied", edge: "9408" }],
  ["is busy", async () => faultAnswer("9522/503"), { event: "edge-failed", passing: true }],
  ["cannot be reached", () => Promise.reject(new Error("down")), { event: "edge-failed" }],
])("an edge that %s would do so for the rendition (R3)", async (_what, answer, refusal) => {
  vi.spyOn(globalThis, "fetch").mockImplementation(answer);
  const type = describe();
  expect(await type).toMatchObject(refusal);
});

test("when the time is over, the edge is not asked", async () => {
  vi.spyOn(globalThis, "fetch");
  const type = describe(Date.now());
  expect(await type).toMatchObject({ event: "timed-out" });
  expect(fetch).not.toHaveBeenCalled();
});
