// Answers that the strict edge never sends: slow ones, and endless ones.

import { expect, test, vi } from "vitest";
import { ttlByStatus } from "../../../src/emulator/edge/edge-cache.ts";
import { edgeOptions } from "../../../src/worker/edge/ask-edge.ts";
import type { TransformRequest } from "../../../src/worker/request/transform-request.ts";
import { stopClock } from "../../support/clock.ts";
import { IMPATIENT, TRANSFORM_REQUEST } from "../../support/env.ts";
import { disableCache, get, stage } from "../../support/run-worker.ts";

const PATH = "/images/card/key.jpg";

/** Lets the edge answer with this body. */
function answer(body: ReadableStream, init: ResponseInit): void {
  stage.edge.fetch = async () => new Response(body, init);
}

const OK = { "cf-resized": "internal=ok/m", "content-type": "image/jpeg" };
const UNREADABLE = { status: 415, headers: { "cf-resized": "err=9412" } };

test("the edge is asked to keep no failure, be it the origin's or its own (C4)", async () => {
  const requests = vi.fn(stage.edge.fetch);
  stage.edge.fetch = requests;
  await get(PATH);
  const ttl = requests.mock.calls[0]?.[1]?.cf?.cacheTtlByStatus;
  for (const status of [400, 401, 403, 404, 500, 502, 503, 504]) {
    expect([status, ttlByStatus(ttl, status)]).toEqual([status, -1]);
  }
  expect(ttlByStatus(ttl, 200)).toBeUndefined();
});

test.each<[string, Partial<TransformRequest>, TransformRequest["variant"]["format"], boolean]>([
  ["of a PNG, which stays one", { format: undefined, original: "image/png" }, "auto", false],
  ["of a JPEG, which stays one", { format: undefined, original: "image/jpeg" }, "auto", true],
  ["of a PNG as AVIF", { format: "avif", original: "image/png" }, "auto", true],
  ["of a PNG in a preset of PNG", { format: "png", original: "image/png" }, "png", true],
])(
  "quality goes out for a picture %s, unless it would take its colours (O5)",
  (_what, change, format, isSent) => {
    const variant = {
      ...TRANSFORM_REQUEST.variant,
      format,
      image: { ...TRANSFORM_REQUEST.variant.image, quality: 40 },
    };
    const { quality } = edgeOptions({ ...TRANSFORM_REQUEST, ...change, variant });
    expect(quality).toBe(isSent ? 40 : undefined);
  },
);

test("a body may take longer than the edge may take to begin it", async () => {
  disableCache(); // the strict cache waits for the whole body, which production does not
  stopClock();
  const read = Promise.withResolvers<ReadableStreamDefaultController>();
  const body = new ReadableStream({ pull: read.resolve }, { highWaterMark: 0 });
  answer(body, { headers: OK });
  const reply = get(PATH, {}, IMPATIENT);
  const controller = await read.promise;
  await vi.advanceTimersByTimeAsync(60_000);
  controller.enqueue(new TextEncoder().encode("a slow rendition"));
  controller.close();
  expect(await (await reply).text()).toBe("a slow rendition");
});

test("only the beginning of an error's text is read", async () => {
  let sent = 0;
  const endless = new ReadableStream({
    pull(stream) {
      sent += 1024;
      stream.enqueue(new Uint8Array(1024).fill(32));
    },
  });
  answer(endless, UNREADABLE);
  expect((await get(PATH)).status).toBe(415);
  expect(sent).toBeLessThan(16_384);
});
