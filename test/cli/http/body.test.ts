// Answers that are slow, or never end.

import { createServer, type RequestListener } from "node:http";
import { HttpResponse, http, passthrough } from "msw";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { codeOf, fetchBody, fetchText } from "../../../src/cli/http/body.ts";
import { stopClock } from "../../support/clock.ts";
import { network } from "../../support/stand.ts";

beforeAll(() => network.listen());
afterAll(() => network.close());

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((listening) => server.once("listening", listening));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
  network.use(http.all(`${url}*`, () => passthrough()));
  return url;
}

test("a body that keeps coming may take longer than the patience", async () => {
  stopClock();
  let left = 6;
  const pull = async (stream: ReadableStreamDefaultController) => {
    await new Promise((settle) => setImmediate(settle)); // the chunk before is read
    await vi.advanceTimersByTimeAsync(200);
    stream.enqueue(new TextEncoder().encode("abc"));
    left -= 1;
    if (left === 0) stream.close();
  };
  const url = "https://slow.example/";
  network.use(http.get(url, () => new HttpResponse(new ReadableStream({ pull }))));
  const { bytes, whole } = await fetchBody(url, {}, 0.25, () => 100);
  expect([bytes.length, whole]).toEqual([18, true]);
});

test("a body that is longer than wanted is not read to its end", async () => {
  const url = await serve((_request, response) => void response.write("abcabcabc"));
  const { bytes, whole } = await fetchBody(url, {}, 30, () => 7);
  expect(whole).toBe(false);
  expect(bytes.length).toBeLessThanOrEqual(7);
});

test.each<[string, RequestListener]>([
  ["no answer", () => {}],
  ["a body that stops", (_request, response) => void response.write("abc")],
])("%s is late", async (_what, listener) => {
  const fetched = fetchBody(await serve(listener), {}, 0.1, () => 100);
  await expect(fetched).rejects.toSatisfy((error) => codeOf(error) === "timeout");
});

test("a short answer that keeps coming is late after twice the patience", async () => {
  const url = await serve((_request, response) => {
    const timer = setInterval(() => response.write("a"), 10);
    response.on("close", () => clearInterval(timer));
  });
  expect(await fetchText(url, {}, 0.1, 1e6)).toEqual({ reason: "timeout" });
});
