// Bodies that come slowly, never end or are not wanted: those that the strict edge does not send.

import { expect, test, vi } from "vitest";
import { IMPATIENT } from "../../support/env.ts";
import { get, stage } from "../../support/play.ts";

/** Lets the edge answer with a body of a test's own. */
function answer(body: ReadableStream, init: ResponseInit = {}): void {
  vi.mocked(fetch).mockImplementation(async () => new Response(body, init));
}

const MADE = { "cf-resized": "internal=ok/m", "content-type": "image/jpeg" };

test("a body may take longer than the edge may take to begin it", async () => {
  const slow = new ReadableStream({
    async start(stream) {
      stream.enqueue(new TextEncoder().encode("a slow "));
      await new Promise((later) => setTimeout(later, 1200));
      stream.enqueue(new TextEncoder().encode("print"));
      stream.close();
    },
  });
  answer(slow, { headers: MADE });
  expect(await (await get("/images/card/k", {}, IMPATIENT)).text()).toBe("a slow print");
});

test("an error whose text never ends is told by its code all the same (R3)", async () => {
  vi.mocked(fetch).mockImplementation(async (_input, init) => {
    const body = new ReadableStream({
      start(stream) {
        stream.enqueue(new Uint8Array(10));
        init?.signal?.addEventListener("abort", () => stream.error(new Error("aborted")));
      },
    });
    return new Response(body, { status: 404, headers: { "cf-resized": "err=9404" } });
  });
  expect((await get("/images/card/k", {}, IMPATIENT)).status).toBe(404);
  expect(stage.logged[0]?.line).toMatchObject({ event: "object-missing", edge: "9404" });
});

test("of an error's text no more than its beginning is read", async () => {
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
  expect(stage.logged[0]?.line).toMatchObject({
    event: "edge-failed",
    reason: expect.stringContaining("network connection lost"),
  });
});
