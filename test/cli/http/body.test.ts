// Answers that are slow, or never end. Time is moved by hand.

import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { fetchBody, fetchText } from "../../../src/cli/http/body.ts";
import { stopClock } from "../../support/clock.ts";
import { network } from "../../support/emulators.ts";

beforeAll(() => network.listen());
afterAll(() => network.close());

const URL = "https://slow.example/";
const ABC = new TextEncoder().encode("abc");

function serve(body: UnderlyingSource): void {
  network.use(http.get(URL, () => new HttpResponse(new ReadableStream(body))));
}

/** A body that comes in parts, one each 200 ms. */
function drip(parts: number): void {
  let left = parts;
  const pull = async (body: ReadableStreamDefaultController) => {
    await new Promise((settle) => setImmediate(settle)); // the part before is read
    await vi.advanceTimersByTimeAsync(200);
    body.enqueue(ABC);
    left -= 1;
    if (left === 0) body.close();
  };
  serve({ pull });
}

test("a body that keeps coming may take longer than the patience", async () => {
  stopClock();
  drip(6);
  const { bytes, whole } = await fetchBody(URL, {}, 0.25, () => 100);
  expect([bytes.length, whole]).toEqual([18, true]);
});

test("a short answer that keeps coming is late after twice the patience", async () => {
  stopClock();
  const late = new AbortController();
  const timeout = vi.spyOn(AbortSignal, "timeout").mockReturnValue(late.signal);
  let parts = 0;
  const pull = async (body: ReadableStreamDefaultController) => {
    await new Promise((settle) => setImmediate(settle));
    body.enqueue(ABC);
    parts += 1;
    if (parts === 5) late.abort(new DOMException("timeout", "TimeoutError"));
  };
  serve({ pull });
  expect(await fetchText(URL, {}, 30, 1e6)).toEqual({ reason: "timeout" });
  expect(timeout).toHaveBeenCalledWith(60_000);
});
