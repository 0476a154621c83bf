// What the Worker refuses: what the visitor gets, what the operator reads, and what it cost.

import { HttpResponse } from "msw";
import { expect, test, vi } from "vitest";
import { BROKEN } from "../fixtures/objects.ts";
import { ENV } from "./env.ts";
import { failure, get, MODERN, original, type Play, print, stage, untransformed } from "./play.ts";
import { s3Error } from "./s3.ts";

test("all that is not there is one and the same 404, and costs no subrequest", async () => {
  stage.play = () => failure("9404", 404);
  const missing = await get("/images/card/nothing.jpg");
  expect(stage.asked).toHaveLength(1);
  const others = [
    "/",
    "/images",
    "/images/card",
    "/images/nope/k",
    "/images/card@3x/k",
    "/images/card@2.0x/k",
    "/images/card@02x/k",
    "/images/card@2X/k",
    "/images/hero@641w/k",
    "/images/hero@2x/k",
    "/images/constructor/k",
    "/images/__proto__/k",
    "/images/card/",
    "/images/card//k",
    "/images/card/a%2F%2Fk",
    "/images/card/%2e%2e%2fk",
    "/images/card/..%2fk",
    "/images/card/%5c",
    "/images/card/%00",
    "/images/card/%ff",
    `/images/card/${"k".repeat(1015)}`,
    "/avatars/ada/hero",
    "/avatars/%2e%2e/card",
    "/avatars/a%2fb/card",
    "/images/card%2f..%2f..%2fk",
  ];
  for (const path of others) {
    const answer = await get(path);
    expect([path, answer.status, await answer.text(), ...answer.headers]).toEqual([
      path,
      404,
      "Not found\n",
      ...missing.headers,
    ]);
  }
  expect(stage.asked).toHaveLength(1);
  expect(stage.logged).toHaveLength(others.length + 1);
});

// The table of answers, row by row: what comes back, what the visitor gets, what the operator reads.
test.each<[string, Play, number, Record<string, unknown>, number]>([
  ["missing", () => failure("9404", 404), 404, { event: "object-missing", edge: "9404" }, 1],
  ["no image", () => failure("9412", 415), 415, { event: "source-unreadable", edge: "9412" }, 1],
  ["an SVG", () => print("image/svg+xml"), 415, { event: "source-unreadable" }, 1],
  ["quota", () => failure("9422", 429), 503, { event: "quota-spent", edge: "9422" }, 1],
  ["denied", () => failure("9408", 403), 502, { event: "origin-denied", edge: "9408" }, 1],
  ["Sources", () => failure("9401", 403), 502, { event: "edge-refused", edge: "9401" }, 1],
  ["origin down", () => failure("9509", 502), 502, { event: "origin-failed", edge: "9509" }, 2],
  ["edge busy", () => failure("9522", 503), 502, { event: "edge-failed", edge: "9522" }, 2],
  ["origin slow", () => failure("9504", 524), 504, { event: "timed-out", edge: "9504" }, 1],
  ["cut off", () => HttpResponse.error(), 502, { event: "edge-failed" }, 2],
  ["a page", () => print("text/html"), 502, { event: "wrong-type", type: "text/html" }, 1],
  ["json", () => print("application/json"), 502, { event: "wrong-type" }, 1],
  [
    "transformations off (R2)",
    () => untransformed("image/jpeg"),
    502,
    { event: "not-transformed", status: 200, type: "image/jpeg" },
    1,
  ],
  [
    "transformations off, and S3 denies",
    () => s3Error(403, "SignatureDoesNotMatch"),
    502,
    { event: "origin-denied", origin: "SignatureDoesNotMatch" },
    1,
  ],
  [
    "a redirect, not followed (E7)",
    () => HttpResponse.text(null, { status: 307, headers: { location: "https://else.example/" } }),
    502,
    { event: "origin-failed", status: 307 },
    1,
  ],
  [
    "the original, for it is smaller (R6)",
    () => original("image/jpeg", { warning: 'cf-images 299 "original is smaller"' }),
    502,
    { event: "original-is-smaller" },
    2,
  ],
])("%s", async (_what, played, status, line, calls) => {
  stage.play = played;
  const answer = await get("/images/card/photos/fig.jpg", { headers: MODERN });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("cache-control")).toBe(
    status === 404 || status === 415 ? "public, max-age=60" : "no-store",
  );
  expect(answer.headers.get("retry-after")).toBe(status === 503 ? "3600" : null);
  expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(stage.asked).toHaveLength(calls);
  expect(stage.logged).toEqual([
    {
      level: status < 500 ? "warn" : "error",
      line: expect.objectContaining({
        ...line,
        route: "/images/:preset/*",
        preset: "card",
        bucket: "media",
        key: "published/photos/fig.jpg",
        answered: status,
      }),
    },
  ]);
  const head = await get("/images/card/photos/fig.jpg", { method: "HEAD", headers: MODERN });
  expect([...head.headers]).toEqual([...answer.headers]);
  expect([head.status, head.body]).toEqual([status, null]);
});

test("an edge that does not answer is a 504, asked once", async () => {
  stage.play = () => new Promise<never>(() => {});
  const answer = await get("/images/card/k");
  expect(answer.status).toBe(504);
  expect(stage.asked).toHaveLength(1);
  expect(stage.logged[0]?.line).toMatchObject({
    event: "timed-out",
    reason: "no answer within 1 s",
  });
});

test("an error whose text never ends is told by its code all the same", async () => {
  vi.mocked(fetch).mockImplementation(async (_input, init) => {
    const body = new ReadableStream({
      start(stream) {
        stream.enqueue(new Uint8Array(10));
        init?.signal?.addEventListener("abort", () => stream.error(new Error("aborted")));
      },
    });
    return new Response(body, { status: 404, headers: { "cf-resized": "err=9404" } });
  });
  const answer = await get("/images/card/k");
  expect(answer.status).toBe(404);
  expect(stage.logged[0]?.line).toMatchObject({ event: "object-missing", edge: "9404" });
});

test("of an error's text no more than its beginning is read", async () => {
  let sent = 0;
  vi.mocked(fetch).mockImplementation(async () => {
    const body = new ReadableStream({
      pull(stream) {
        sent += 1024;
        stream.enqueue(new Uint8Array(1024).fill(32));
      },
    });
    return new Response(body, { status: 404 });
  });
  expect((await get("/images/card/k")).status).toBe(404);
  expect(sent).toBeLessThan(16_384);
});

test.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("%s is a 405", async (method) => {
  const answer = await get("/images/card/k", { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("GET, HEAD");
  expect(stage.asked).toEqual([]);
});

test.each(BROKEN)("$key, passed through, is not shown", async ({ key, type }) => {
  stage.play = () => untransformed(type);
  const answer = await get(`/images/card/${key}`);
  expect(answer.status).toBe(502);
});

test("the original of what is refused is let go of", async () => {
  let cancelled = false;
  vi.mocked(fetch).mockImplementation(async () => {
    const body = new ReadableStream({
      cancel() {
        cancelled = true;
      },
    });
    return new Response(body);
  });
  expect((await get("/images/card/k")).status).toBe(502);
  expect(cancelled).toBe(true);
});

test("what a visitor sends does not fill the log", async () => {
  const long = "x".repeat(65_536);
  for (const path of [`/${long}`, `/images/${long}/k`, `/images/card/${long}`]) await get(path);
  expect(stage.logged).toHaveLength(3);
  for (const { line } of stage.logged) expect(JSON.stringify(line).length).toBeLessThan(1_300);
});

test("with a broken configuration nothing is served, and the log has all of it", async () => {
  const env = {
    ...ENV,
    PRESETS: { card: { width: 100, quality: 150 } },
    AWS_ACCESS_KEY_ID: "ASIAX",
  };
  const answer = await get("/images/card/k", {}, env);
  expect(answer.status).toBe(500);
  expect(await answer.text()).toBe("Internal error\n");
  expect(stage.asked).toEqual([]);
  expect(stage.logged).toEqual([
    {
      level: "error",
      line: {
        event: "configuration-broken",
        mistakes: [
          expect.stringMatching(/^AWS_ACCESS_KEY_ID: is a session's key/),
          "PRESETS.card.quality: 150 is not between 1 and 100",
        ],
        answered: 500,
      },
    },
  ]);
});

test("with a wrong secret the visitor learns nothing, and the log says what S3 said", async () => {
  const answer = await get("/images/card/k", {}, { ...ENV, AWS_SECRET_ACCESS_KEY: "wrong" });
  expect(answer.status).toBe(502);
  expect(stage.logged[0]?.line).toMatchObject({
    event: "origin-denied",
    origin: "SignatureDoesNotMatch",
    bucket: "media",
  });
});
