// An answer that never ends. Time is moved by hand.

import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { fetchText } from "../../../src/cli/http/body.ts";
import { stopClock } from "../../support/clock.ts";
import { network } from "../../support/emulators.ts";

beforeAll(() => network.listen());
afterAll(() => network.close());

const URL = "https://slow.example/";
const ABC = new TextEncoder().encode("abc");

function serve(body: UnderlyingSource): void {
  network.use(http.get(URL, () => new HttpResponse(new ReadableStream(body))));
}

test("a short answer that keeps coming is given up after twice the time limit", async () => {
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
  expect(await fetchText(URL, {}, 30, 1e6)).toEqual({ kind: "no-answer", reason: "timeout" });
  expect(timeout).toHaveBeenCalledWith(60_000);
});
