// The rate limit, and the requests that are refused before they cost anything.

import { expect, test, vi } from "vitest";
import { stopClock } from "../../support/clock.ts";
import { ENV, HEALTH_TOKEN } from "../../support/env.ts";
import { disableCache, get, stage } from "../../support/run-worker.ts";

/** A limiter that allows `most` requests for each key, and counts them. */
function limiterOf(max: number) {
  const counts = new Map<string, number>();
  const limit = async ({ key }: { key: string }) => {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return { success: count <= max };
  };

  return { counts, env: { ...ENV, RATE_LIMITER: { limit } } };
}

const fromAddress = (address: string) => ({ headers: { "cf-connecting-ip": address } });

test("who asks too much gets 429 and when to come back, at no cost", async () => {
  disableCache(); // each request is to reach the edge
  const { env } = limiterOf(2);
  const statuses: number[] = [];

  for (let times = 0; times < 4; times++) {
    statuses.push((await get("/images/card/key.jpg", fromAddress("192.0.2.1"), env)).status);
  }

  expect(statuses).toEqual([200, 200, 429, 429]);
  expect(stage.edgeRequests).toHaveLength(2);

  const answer = await get("/images/card/key.jpg", fromAddress("192.0.2.1"), env);
  expect(await answer.text()).toBe("Too many requests\n");
  expect(answer.headers.get("retry-after")).toBe("60");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(stage.logged[0]).toMatchObject({
    level: "warn",
    line: { event: "rate-limited", route: "/images/:preset/*", answered: 429 },
  });
  expect(JSON.stringify(stage.logged)).not.toContain("192.0.2.1");
});

test("each visitor has a limit of their own, on each route", async () => {
  const { env } = limiterOf(1);
  for (const [path, address, status] of [
    ["/images/card/key.jpg", "192.0.2.1", 200],
    ["/images/card@2x/photos/fig.jpg", "192.0.2.1", 429],
    ["/app/card/key.jpg", "192.0.2.1", 200],
    ["/images/card/key.jpg", "192.0.2.2", 200],
  ] as const) {
    const actual = (await get(path, fromAddress(address), env)).status;
    expect(actual, `${path} ${address}`).toEqual(status);
  }
});

// A visitor can choose the lower half of an IPv6 address.
test.each<[string, string]>([
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::6", "2001:db8:1:2"],
  ["2001:db8::3:4:5:6:7", "2001:db8:0:3"],
  ["::1", "0:0:0:0"],
  ["192.0.2.1", "192.0.2.1"],
  ["", ""],
])("the address %j counts as %j", async (address, visitor) => {
  const { counts, env } = limiterOf(1);
  await get("/images/card/key.jpg", fromAddress(address), env);
  expect([...counts]).toEqual([[`${visitor} /images/:preset/*`, 1]]);
});

const LIMITER_FAILED = { event: "limiter-failed", route: "/images/:preset/*" };

test.each<[unknown, string]>([
  [new Error("no limits today"), "no limits today"],
  [Object.create(null), "it failed"],
  [Symbol("no text"), "it failed"],
])("a limiter that fails refuses nobody, and the log tells of it: %#", async (error, message) => {
  const limit = () => Promise.reject(error);
  const env = { ...ENV, RATE_LIMITER: { limit } };
  expect((await get("/images/card/key.jpg", {}, env)).status).toBe(200);
  const reason = expect.stringContaining(message);
  expect(stage.logged).toEqual([{ level: "error", line: { ...LIMITER_FAILED, reason } }]);
});

test("a limiter that hangs holds nobody up for longer than a second, and the log tells of it", async () => {
  stopClock();
  const limiterCalled = Promise.withResolvers<void>();
  const limit = () => {
    limiterCalled.resolve();
    return new Promise<never>(() => {});
  };
  const answer = get("/images/card/key.jpg", {}, { ...ENV, RATE_LIMITER: { limit } });

  await limiterCalled.promise;
  await vi.advanceTimersByTimeAsync(999);
  expect(vi.getTimerCount()).toBe(1);

  vi.advanceTimersByTime(1);
  expect(vi.getTimerCount()).toBe(0);
  expect((await answer).status).toBe(200);

  const reason = expect.stringContaining("1000 ms");
  expect(stage.logged).toEqual([{ level: "error", line: { ...LIMITER_FAILED, reason } }]);
});

test.each(["100 a minute", { limit: 100 }, null])("%j is no limiter, but a mistake", async (no) => {
  const env = { ...ENV, RATE_LIMITER: no };
  expect((await get("/images/card/key.jpg", {}, env)).status).toBe(500);
  expect(stage.logged[0]?.line).toMatchObject({
    mistakes: [`RATE_LIMITER: ${JSON.stringify(no)} is not a rate limiting binding`],
  });
});

test("what is refused for nothing is not counted, and opens no count", async () => {
  const { counts, env } = limiterOf(0);
  const health = { headers: { authorization: `Bearer ${HEALTH_TOKEN}` } };

  for (const path of [
    ...["/nothing", "/images/nope/k", "/images/card@9x/k", "/images/card/..%2fk"],
    ...["/private/card/key.jpg", "/healthz"],
  ]) {
    await get(path, path === "/healthz" ? health : fromAddress("192.0.2.1"), env);
  }

  await get("/app/card/key.jpg", { headers: { referer: "https://evil.example" } }, env);
  expect([...counts]).toEqual([]);
});
