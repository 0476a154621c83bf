// The request that asks S3 itself: its clock, and how little of an answer is read.

import { expect, test, vi } from "vitest";
import { askWith } from "../../../src/worker/origin/probe.ts";
import { stopClock } from "../../support/clock.ts";
import { CREDENTIALS } from "../../support/env.ts";

const NOW = Date.UTC(2026, 10, 24, 9, 0, 0, 400);

async function ask() {
  stopClock();
  vi.setSystemTime(NOW);
  const slot = { name: "current", credentials: CREDENTIALS } as const;
  return (await askWith(slot, "eu-west-1", "https://s3.example/k")).said;
}

function answer(body: BodyInit | null, init: ResponseInit): void {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(body, init));
}

test.each([
  ["Tue, 24 Nov 2026 09:00:00 GMT", 0],
  ["Tue, 24 Nov 2026 09:20:00 GMT", 1200],
  ["Tue, 24 Nov 2026 08:59:58 GMT", -2],
  ["soon", undefined],
])("by S3's clock it is %s: %s seconds ahead", async (date, ahead) => {
  answer(null, { status: 404, headers: { date } });
  expect((await ask()).ahead).toBe(ahead);
});

test("nothing is read of an object that comes whole", async () => {
  let cancelled = false;
  const cancel = () => {
    cancelled = true;
  };
  answer(new ReadableStream({ cancel }), { status: 200 });
  expect(await ask()).toMatchObject({ status: 200 });
  expect(cancelled).toBe(true);
});

test("an error is read no further than its code, though its body never ends", async () => {
  const body = new ReadableStream({
    start: (stream) => stream.enqueue(new TextEncoder().encode("<Error><Code>X</Code></Error>")),
  });
  answer(body, { status: 403 }); // this body never ends
  expect(await ask()).toMatchObject({ code: "X" });
});
