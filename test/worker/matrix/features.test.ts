// What visitors and operators get with each engine: the same, or a clear refusal.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { ENGINES, type Env, envOf } from "../../support/engines.ts";
import { PURGE_TOKEN } from "../../support/env.ts";
import { MODERN as AVIF, get, lines, stage } from "../../support/play.ts";
import { file } from "../../support/stand.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  return () => vi.useRealTimers();
});

const MODERN = { headers: AVIF };
const WEBP = { headers: { accept: "image/webp" } };
const ANY = { headers: { accept: "*/*" } };

const STILL = "image/png or image/jpeg";

const told = (answer: Response) => [answer.status, answer.headers.get("content-type")] as const;

/** Puts an object into the bucket, before `envOf`. */
const put = (key: string, body: Uint8Array, type = "image/jpeg") =>
  stage.s3.objects.set(`published/${key}`, { body, type });

const BINDINGS = ENGINES.filter((engine) => engine !== "cf");

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
    ["card/animated.gif", ANY, STILL],
    ["moving/animated.gif", WEBP, "image/webp"],
    ["moving/key.jpg", WEBP, "image/webp"],
    ["moving/animated.gif", ANY, STILL],
    ["card/rotated-gps.jpg", ANY, "image/jpeg"],
  ])("makes %s for %o as %s (B4)", async (path, init, expected) => {
    // The edge chooses. The binding has to be told: a GIF may be transparent.
    const type = expected === STILL ? (engine !== "cf" ? "image/png" : "image/jpeg") : expected;
    const answer = await get(`/images/${path}`, init, envOf(engine));
    expect(told(answer)).toEqual([200, type]);
    expect(answer.headers.get("etag")).toMatch(/^"[0-9a-f]{32}"$/);
    const length = (await answer.arrayBuffer()).byteLength;
    expect(answer.headers.get("content-length")).toBe(`${length}`);
    expect(lines()).toEqual([]);
  });

  test("moves only a GIF, and only where the preset says so (O8)", async () => {
    const env = envOf(engine);
    const moves = async (path: string) => {
      const answer = await get(`/images/${path}`, WEBP, env);
      return Buffer.from(await answer.arrayBuffer()).includes("ANMF");
    };
    expect(await moves("moving/animated.gif")).toBe(true);
    expect(await moves("card/animated.gif")).toBe(false);
    expect(await moves("moving/key.jpg")).toBe(false);
  });

  test("removes where a picture was taken (B9)", async () => {
    const answer = await get("/images/plain/rotated-gps.jpg", ANY, envOf(engine));
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(answer.status).toBe(200);
    expect(bytes.includes("Exif")).toBe(false);
  });

  test("shows another object after a purge", async () => {
    const env = envOf(engine, { PURGE_TOKEN });
    const before = (await get("/images/card/key.jpg", MODERN, env)).headers.get("etag");
    const replaced = { body: file("made/rotated-gps.jpg"), type: "image/jpeg" };
    stage.s3.objects.set("published/key.jpg", replaced);
    bucketOf(env)?.set("published/key.jpg", replaced);
    expect((await get("/images/card/key.jpg", MODERN, env)).headers.get("etag")).toBe(before);

    const headers = { authorization: `Bearer ${PURGE_TOKEN}` };
    const body = JSON.stringify({ objects: ["media/key.jpg"] });
    const answer = await get("/purge", { method: "POST", headers, body }, env);
    expect(await answer.json()).toMatchObject({ ok: true, purged: ["media/key.jpg"] });
    expect((await get("/images/card/key.jpg", MODERN, env)).headers.get("etag")).not.toBe(before);
  });

  test("tells the facts of a picture (B8)", async () => {
    const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
    const env = envOf(engine, { ROUTES });
    const facts = async (path: string) => (await get(`/facts/${path}?facts`, {}, env)).json();
    expect(await facts("hero@640w/photos/fig.jpg")).toEqual({
      ...{ width: 532, height: 360 },
      original: { width: 2572, height: 1740, type: "image/jpeg" },
    });
    expect(await facts("card/animated.gif")).toMatchObject({ original: { type: "image/gif" } });
    expect((await get("/facts/card/nothing.jpg?facts", {}, env)).status).toBe(404);
    expect((await get("/facts/card/broken/page.jpg?facts", {}, env)).status).toBe(415);
  });
});

type Bucket = { objects: Map<string, object> };

/** The objects of the R2 bucket of an `env`, if it has one. */
const bucketOf = ({ MEDIA_BUCKET: bucket }: Env) => (bucket as Bucket | undefined)?.objects;

/** A JPEG of so many bytes: the rest is behind its end. */
function jpegOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(file("made/key.jpg"));
  return bytes;
}

describe.each(BINDINGS)("the limit of 20 MB with %s", (engine) => {
  test("takes an object of 20,000,000 bytes (B1)", async () => {
    put("large.jpg", jpegOf(20_000_000));
    const answer = await get("/images/card/large.jpg", MODERN, envOf(engine));
    expect(told(answer)).toEqual([200, "image/avif"]);
    expect(stage.asked).toEqual([]);
  });

  test("a larger one is refused (B1)", async () => {
    put("large.jpg", jpegOf(20_000_001));
    const answer = await get("/images/card/large.jpg", MODERN, envOf(engine));
    expect(answer.status).toBe(415);
    const reason = "it has 20000001 bytes, and 20,000,000 are the most";
    expect(lines()).toMatchObject([{ event: "source-unreadable", reason, certain: true }]);
  });
});
