// Bodies that the strict edge never sends: slow ones, endless ones, and ones that nobody reads.

import { expect, test, vi } from "vitest";
import { ttlByStatus } from "../../../src/emulator/edge/lifetime.ts";
import { fireTimer, stopClock } from "../../support/clock.ts";
import { IMPATIENT } from "../../support/env.ts";
import { get, keepNothingNow, logged } from "../../support/play.ts";

/** Lets the edge answer with this body. */
function answer(body: ReadableStream, init: ResponseInit = {}): void {
  vi.mocked(fetch).mockImplementation(async () => new Response(body, init));
}

const MADE = { "cf-resized": "internal=ok/m", "content-type": "image/jpeg" };

test.each([400, 401, 403, 404, 500, 502, 503, 504])(
  "the edge is told to keep no %d, be it the origin's or its own (A5, C4)",
  async (status) => {
    answer(new ReadableStream({ start: (stream) => stream.close() }), { headers: MADE });
    await get("/images/card/k");
    const [, init] = vi.mocked(fetch).mock.calls[0] ?? [];
    expect(ttlByStatus(init?.cf?.cacheTtlByStatus, status)).toBe(-1);
    expect(ttlByStatus(init?.cf?.cacheTtlByStatus, 200)).toBeUndefined();
  },
);

test("a body may take longer than the edge may take to begin it", async () => {
  keepNothingNow(); // the strict cache waits for the whole body, which production does not
  stopClock();
  const read = Promise.withResolvers<ReadableStreamDefaultController>();
  answer(new ReadableStream({ pull: read.resolve }, { highWaterMark: 0 }), { headers: MADE });
  const shown = get("/images/card/k", {}, IMPATIENT);
  const body = await read.promise;
  await vi.advanceTimersByTimeAsync(60_000);
  body.enqueue(new TextEncoder().encode("a slow rendition"));
  body.close();
  expect(await (await shown).text()).toBe("a slow rendition");
});

test("an error whose text never ends is told by its code all the same (R3)", async () => {
  const read = Promise.withResolvers<void>();
  const start = (stream: ReadableStreamDefaultController) => stream.enqueue(new Uint8Array(10));
  const body = new ReadableStream({ start, pull: () => read.resolve() }, { highWaterMark: 0 });
  answer(body, { status: 404, headers: { "cf-resized": "err=9404" } });
  stopClock();
  const shown = get("/images/card/k", {}, IMPATIENT);
  await read.promise;
  await fireTimer();
  expect((await shown).status).toBe(404);
  expect(logged()[0]?.line).toMatchObject({ event: "object-missing", edge: "9404" });
});

test("only the beginning of an error's text is read", async () => {
  let sent = 0;
  const endless = new ReadableStream({
    pull(stream) {
      sent += 1024;
      stream.enqueue(new Uint8Array(1024).fill(32));
    },
  });
  answer(endless, { status: 404 });
  expect((await get("/images/card/k")).status).toBe(404);
  expect(sent).toBeLessThan(16_384);
});

test("the original of what is refused is let go of (R2)", async () => {
  let cancelled = false;
  answer(
    new ReadableStream({
      cancel() {
        cancelled = true;
      },
    }),
  );
  expect((await get("/images/card/k")).status).toBe(502);
  expect(cancelled).toBe(true);
});

test("an edge that cannot be reached is asked twice", async () => {
  vi.mocked(fetch).mockRejectedValue(new TypeError("network connection lost"));
  expect((await get("/images/card/k")).status).toBe(502);
  expect(vi.mocked(fetch)).toHaveBeenCalledTimes(2);
  expect(logged()[0]?.line).toMatchObject({
    event: "edge-failed",
    reason: expect.stringContaining("network connection lost"),
  });
});
