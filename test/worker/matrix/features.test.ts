// What visitors and operators get with each engine: the same, or a clear refusal.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { file } from "../../support/emulators.ts";
import { ENGINES, envOf } from "../../support/engines.ts";
import { MODERN as AVIF, get, lines, stage } from "../../support/run-worker.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  return () => vi.useRealTimers();
});

const MODERN = { headers: AVIF };
const WEBP = { headers: { accept: "image/webp" } };
const ANY = { headers: { accept: "*/*" } };

const PNG_OR_JPEG = "image/png or image/jpeg";

const statusAndType = (answer: Response) =>
  [answer.status, answer.headers.get("content-type")] as const;

/** Puts an object into the bucket, before `envOf`. */
const put = (key: string, body: Uint8Array) =>
  stage.s3.objects.set(`published/${key}`, { body, type: "image/jpeg" });

describe.each(ENGINES)("%s", (engine) => {
  test.each<[path: string, init: RequestInit, type: string]>([
    ["card/key.jpg", MODERN, "image/avif"],
    ["card/key.jpg", WEBP, "image/webp"],
    ["card/key.jpg", ANY, "image/jpeg"],
    ["tall/photos/fig.jpg", MODERN, "image/avif"],
    ["hero/photos/fig.jpg", MODERN, "image/webp"],
    ["plain/transparent.png", MODERN, "image/jpeg"],
    ["card/transparent.png", ANY, "image/png"],
    ["card/animated.gif", MODERN, "image/avif"],
    ["card/animated.gif", ANY, PNG_OR_JPEG],
    ["moving/animated.gif", WEBP, "image/webp"],
    ["moving/key.jpg", WEBP, "image/webp"],
    ["moving/animated.gif", ANY, PNG_OR_JPEG],
    ["card/rotated-gps.jpg", ANY, "image/jpeg"],
  ])("makes %s for %o as %s (B4)", async (path, init, expected) => {
    // The edge chooses. The binding has to be told: a GIF may be transparent.
    const type =
      expected === PNG_OR_JPEG ? (engine !== "cf" ? "image/png" : "image/jpeg") : expected;
    const answer = await get(`/images/${path}`, init, envOf(engine));

    expect(statusAndType(answer)).toEqual([200, type]);
    expect(answer.headers.get("etag")).toMatch(/^W\/"[0-9a-f]{32}"$/);

    const length = (await answer.arrayBuffer()).byteLength;
    expect(answer.headers.get("content-length")).toBe(`${length}`);
    expect(lines()).toEqual([]);
  });

  test("tells the facts of a picture (B8)", async () => {
    const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
    const env = envOf(engine, { ROUTES });
    const facts = async (path: string) => (await get(`/facts/${path}?facts`, {}, env)).json();

    expect(await facts("hero@640w/photos/fig.jpg")).toEqual({
      width: 532,
      height: 360,
      original: { width: 2572, height: 1740, type: "image/jpeg" },
    });
    expect(await facts("card/animated.gif")).toMatchObject({ original: { type: "image/gif" } });
    expect((await get("/facts/card/nothing.jpg?facts", {}, env)).status).toBe(404);
    expect((await get("/facts/card/broken/page.jpg?facts", {}, env)).status).toBe(415);
  });
});

/** A JPEG of so many bytes: the rest is behind its end. */
function jpegOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(file("made/key.jpg"));
  return bytes;
}

test.each(ENGINES.filter((engine) => engine !== "cf"))(
  "%s takes an object of 20,000,000 bytes, and no larger one (B1)",
  async (engine) => {
    put("large.jpg", jpegOf(20_000_000));
    put("larger.jpg", jpegOf(20_000_001));
    const env = envOf(engine);

    expect(statusAndType(await get("/images/card/large.jpg", MODERN, env))).toEqual([
      200,
      "image/avif",
    ]);
    expect((await get("/images/card/larger.jpg", MODERN, env)).status).toBe(415);

    const reason = "it has 20000001 bytes, and 20,000,000 are the most";
    expect(lines()).toMatchObject([{ event: "source-unreadable", reason, certain: true }]);
    expect(stage.edgeRequests).toEqual([]);
  },
);
