// What visitors and operators get with each engine: the same, or a clear refusal.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { ENGINES, type Env, envOf } from "../../support/engines.ts";
import { NEXT, NEXT_CREDENTIALS, PURGE_TOKEN, VARS } from "../../support/env.ts";
import { MODERN as AVIF, get, lines, stage, wait } from "../../support/play.ts";
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

  test("answers HEAD, and 304 to a visitor who has it", async () => {
    const env = envOf(engine);
    const first = await get("/images/card/key.jpg", MODERN, env);
    const head = await get("/images/card/key.jpg", { ...MODERN, method: "HEAD" }, env);
    expect([head.status, (await head.arrayBuffer()).byteLength]).toEqual([200, 0]);
    const etag = first.headers.get("etag") ?? "";
    const headers = { ...MODERN.headers, "if-none-match": etag };
    expect((await get("/images/card/key.jpg", { headers }, env)).status).toBe(304);
  });

  test.each<[key: string, status: number, event: string]>([
    ["nothing.jpg", 404, "object-missing"],
    ["broken/page.jpg", 415, "source-unreadable"],
    ["broken/empty.jpg", 415, "source-unreadable"],
    ["broken/script.svg", 415, "source-unreadable"],
  ])("refuses %s with %i, which is kept for a minute", async (key, status, event) => {
    const answer = await get(`/images/card/${key}`, MODERN, envOf(engine));
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([
      status,
      "public, max-age=60",
    ]);
    expect(lines()).toMatchObject([{ event, certain: true }]);
  });

  test("keeps renditions for all visitors, and makes them anew after that", async () => {
    const env = envOf(engine);
    const seen = [];
    for (const seconds of [0, 1, 3600, 1]) {
      wait(seconds);
      const answer = await get("/images/card/key.jpg", MODERN, env);
      seen.push([answer.status, answer.headers.get("server-timing")?.replace(/,.*/, "")]);
      await stage.cache.settled();
    }
    const [miss, hit, stale] = ["miss", "hit", "stale"].map((word) => [200, `cache;desc=${word}`]);
    expect(seen).toEqual([miss, hit, stale, hit]);
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

  test("shows the fallback of a route", async () => {
    const ROUTES = [{ path: "/f/:preset/*", object: "media/*", fallback: "media/key.jpg" }];
    const env = envOf(engine, { ROUTES });
    expect(told(await get("/f/card/nothing.jpg", MODERN, env))).toEqual([404, "image/avif"]);
    expect(told(await get("/f/card/broken/page.jpg", MODERN, env))).toEqual([415, "image/avif"]);
    expect(lines()).toMatchObject([{ fallback: "shown" }, { fallback: "shown" }]);
  });

  test("asks once more where the origin fails, and says so if it still does (A9)", async () => {
    const env = envOf(engine);
    if (engine === "R2") faultsOf(env)?.add("throws");
    else stage.s3.faults.add("SlowDown");
    expect((await get("/images/card/key.jpg", MODERN, env)).status).toBe(502);
    expect(stage.pauses).toEqual([300]);
    expect(lines()).toMatchObject([{ event: "origin-failed" }]);
  });
});

type Bucket = { objects: Map<string, object>; faults: Set<string> };

/** The objects of the R2 bucket of an `env`, if it has one. */
const bucketOf = ({ MEDIA_BUCKET: bucket }: Env) => (bucket as Bucket | undefined)?.objects;
const faultsOf = ({ MEDIA_BUCKET: bucket }: Env) => (bucket as Bucket | undefined)?.faults;

describe.each(["cf", "binding"] as const)("a dead key with %s", (engine) => {
  const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;

  test("is replaced by the next one, and the log is told once (A7)", async () => {
    stage.s3.keys.clear();
    stage.s3.keys.set(accessKeyId, secretAccessKey);
    const env = envOf(engine, NEXT);
    for (const preset of ["card", "tall", "plain"]) {
      expect((await get(`/images/${preset}/key.jpg`, MODERN, env)).status).toBe(200);
    }
    const slot = { bucket: "media", origin: "InvalidAccessKeyId", access_key: "…MPLE" };
    expect(lines()).toEqual([
      { event: "slot-refused", ...slot, slot: "current" },
      { event: "slot-in-use", bucket: "media", slot: "next", access_key: "…TKEY" },
    ]);
  });

  test("that no other one replaces is named", async () => {
    stage.s3.keys.clear();
    const answer = await get("/images/card/key.jpg", MODERN, envOf(engine));
    expect(answer.status).toBe(502);
    expect(lines()).toMatchObject([{ event: "slots-refused", slots: [{ slot: "current" }] }]);
  });

  test("that may read nothing is told of the object (A6)", async () => {
    stage.s3.faults.add("no-list-bucket");
    const answer = await get("/images/card/nothing.jpg", MODERN, envOf(engine));
    expect(answer.status).toBe(404);
    expect(lines()).toMatchObject([
      { event: "object-denied", origin: "AccessDenied", certain: true },
    ]);
  });

  test("a wrong region is told with the right one (A5)", async () => {
    const bucket = { ...VARS.BUCKETS.media, region: "us-east-1" };
    const env = envOf(engine, { BUCKETS: { media: { ...bucket, engine } } });
    expect((await get("/images/card/key.jpg", MODERN, env)).status).toBe(502);
    const [line] = lines();
    expect(line).toMatchObject({ event: "origin-denied" });
    expect(line?.["reason"]).toContain("the bucket is in eu-west-1");
    expect(JSON.stringify(line)).not.toContain("said");
  });
});

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
