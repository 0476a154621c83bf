// The built bundle in the real Workers runtime as it is deployed, with wrangler's own substitute for the edge.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HARD_KEYS } from "../../src/dev/fixture-objects.ts";
import { originUrl } from "../../src/worker/origin/object-url.ts";
import { requestInput } from "../hostile/inputs.ts";
import { BUILT, BUILT_LOCAL, ROOT } from "../support/built.ts";
import { createEmulators, network } from "../support/emulators.ts";
import { BUCKET_URL, PURGE_TOKEN, SECRETS, VARS } from "../support/env.ts";
import { createHarness } from "../support/harness.ts";
import { FORMATS, MODERN, picture } from "./pictures.ts";

const configPath = "test/support/wrangler.toml"; // the project's own file may have any content

beforeAll(() => network.listen());
afterEach(() => network.resetHandlers());
afterAll(() => network.close());

test("the deployed bundle contains nothing of the local run", () => {
  for (const binding of ["LOCAL_EDGE", "LOCAL_PROXY"]) {
    expect(readFileSync(join(BUILT_LOCAL, "index.js"), "utf8")).toContain(binding);
    expect(readFileSync(join(BUILT, "index.js"), "utf8")).not.toContain(binding);
  }
});

describe("with Cloudflare's bindings for limits and metrics", () => {
  const config = {
    ...{ name: "limited", main: join(BUILT, "index.js"), compatibility_date: "2026-11-01" },
    vars: VARS,
    ratelimits: [
      { name: "RATE_LIMITER", namespace_id: "1001", simple: { limit: 3, period: 60 as const } },
    ],
    analytics_engine_datasets: [{ binding: "METRICS", dataset: "vitrine" }],
  };
  const server = createHarness({ root: ROOT, workers: [{ config, secrets: SECRETS }] });
  beforeAll(async () => {
    await server.listen();
  });
  afterAll(() => server.close());

  test("a visitor gets as many images as the binding allows, and then 429", async () => {
    createEmulators();
    const ask = async (address: string) => {
      const headers = { "cf-connecting-ip": address };
      const answer = await server.fetch("/images/card/key.jpg", { headers });
      await answer.body?.cancel();
      return answer.status;
    };
    /** The answers to one network, and to another one. */
    const askAs = async (network: string) => {
      const statuses: number[] = [];
      for (let times = 0; times < 5; times++) statuses.push(await ask(`${network}::1`));
      return [...statuses, await ask(`${network}::2`), await ask(`${network}:1::1`)];
    };
    const minute = () => Math.floor(Date.now() / 60_000);
    const began = minute();
    let statuses = await askAs("2001:db8");
    // The runtime counts by the minutes of the clock.
    if (minute() !== began) statuses = await askAs("2001:db9");
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429, 200]);
    expect(server.lines()[0]).toMatchObject({ event: "rate-limited", answered: 429 });
    expect(server.lines().filter(({ event }) => event === "metrics-failed")).toEqual([]);
  });
});

describe("as deployed, with wrangler's edge", () => {
  const secrets = { ...SECRETS, PURGE_TOKEN };
  const policies = [
    { path: "/long/:preset/*", object: "media/*", answers: { keep: 604_800, max_age: 90 } },
    { path: "/none/:preset/*", object: "media/*", answers: { keep: 0, max_age: 5 } },
  ];
  const vars = { ...VARS, ROUTES: [...VARS.ROUTES, ...policies] };
  const worker = { configPath, prebuiltWorkerDir: BUILT, secrets, vars };
  const server = createHarness({ root: ROOT, workers: [worker] });
  let s3: ReturnType<typeof createEmulators>["s3"];

  beforeAll(async () => {
    await server.listen();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    server.clearLogs();
    ({ s3 } = createEmulators());
  });

  /** S3 was asked for an object, first by the Worker, and then by the edge for the same bytes (A14, A15). */
  function expectObject(key: string): void {
    const url = originUrl(BUCKET_URL, `published/${key}`);
    const [byWorker, ...byEdge] = s3.requests.map((request) => request.url);
    expect(byWorker).toBe(url);
    expect(byEdge).toEqual([expect.stringMatching(/\?x-vitrine=[0-9a-f]{32}$/)]);
    expect(byEdge[0]?.startsWith(`${url}?`)).toBe(true);
  }

  test.each(FORMATS)("to Accept %s the answer is %s (O6)", async (accept, kind) => {
    const answer = await server.fetch("/images/card@2x/photos/fig.jpg", { headers: { accept } });
    expect(answer.status).toBe(200);
    expect(await picture(answer)).toMatchObject({ kind, width: 320, height: 320 });
    expectObject("photos/fig.jpg");
  });

  test("keys that are hard to spell reach S3 with a right signature (A2, A10)", async () => {
    for (const key of HARD_KEYS) {
      ({ s3 } = createEmulators());
      const answer = await server.fetch(`/images/card/${encodeURIComponent(key)}`);
      expect([key, answer.status]).toEqual([key, 200]);
      expectObject(key);
      await answer.body?.cancel();
    }
  });

  test("whatever is sent, no answer is a 500, and every origin URL is inside the prefix", async () => {
    const sent = fc.sample(requestInput, { seed: 20_261_124, numRuns: 120 });
    for (const { method, url: target, headers: entries } of sent) {
      if (!URL.canParse(`https://images.example${target}`) || target.length > 8000) continue;
      const { pathname, search } = new URL(`https://images.example${target}`);
      const headers = new Headers();
      for (const [name, value] of entries)
        if (name !== "if-none-match") headers.append(name, value);
      const answer = await server.fetch(pathname + search, { method, headers: [...headers] });
      await answer.body?.cancel();
      expect([target, answer.status]).not.toEqual([target, 500]);
      expect(answer.headers.has("set-cookie")).toBe(false);
    }
    expect(s3.requests.length).toBeGreaterThan(10);
    for (const { url } of s3.requests) {
      expect(url).toMatch(
        /^https:\/\/acme-media\.s3\.eu-west-1\.amazonaws\.com\/published\/[^?#]+(?:\?x-vitrine=[0-9a-f]{32})?$/,
      );
      expect(decodeURIComponent(new URL(url).pathname)).not.toMatch(/\/\.{0,2}(?:\/|$)/);
    }
    expect(server.lines().length).toBeGreaterThan(10);
    for (const { event } of server.lines()) expect(event).toEqual(expect.any(String));
  });

  test("the cached entrypoint renders each time, behind ctx.exports, and nothing is cached (W13, W15)", async () => {
    for (let times = 1; times <= 2; times++) {
      const answer = await server.fetch("/images/card/key.jpg", { headers: MODERN });
      expect(answer.headers.get("server-timing")).toMatch(/^cache;desc=miss, edge;dur=\d+$/);
      expect(await picture(answer)).toMatchObject({ kind: "av1", width: 160 });
      expect(s3.requests).toHaveLength(2 * times);
    }
    expect(server.lines()).toEqual([]);
  });

  test.each([
    ["/images/", "miss", "public, max-age=600"],
    ["/long/", "miss", "public, max-age=90"],
    ["/none/", "direct", "public, max-age=5"],
  ])(
    "the route %s has its own policy, which the cached entrypoint knows by the URL alone (W3)",
    async (route, state, caching) => {
      const answer = await server.fetch(`${route}card/key.jpg`, { headers: MODERN });
      expect(answer.headers.get("server-timing")).toMatch(new RegExp(`^cache;desc=${state},`));
      expect(answer.headers.get("cache-control")).toBe(caching);
      expect(await picture(answer)).toMatchObject({ kind: "av1", width: 160 });
      expect(server.lines()).toEqual([]);
    },
  );
});
