// The answers of the cached entrypoint, and how the gateway reads them, or does not (W7, W8, W10, W18).

import { describe, expect, test } from "vitest";
import {
  cacheStateOf,
  notModifiedAnswer,
  readCachedAnswer,
  refusalForCache,
} from "../../../src/worker/cache/cached-answer.ts";
import type { Refusal } from "../../../src/worker/http/refusal.ts";

const LIFETIMES = { keep: 300, stale: 20, stale_if_error: 30 };
const TAGS = ["a", "b"];
const ETAG = `"${"0f".repeat(16)}"`;
const CACHING = {
  "cache-control": "public, max-age=300, stale-while-revalidate=20, stale-if-error=30",
  "cache-tag": "a,b",
};

describe("a rendition", () => {
  test("whose object has not changed is a 304 with all that Workers Cache needs (W18)", () => {
    const lifetimes = { lifetimes: LIFETIMES, generalLifetimes: LIFETIMES };
    const answer = notModifiedAnswer(ETAG, 0, { ...lifetimes, tags: TAGS, isOneObject: true });
    expect(answer.status).toBe(304);
    expect(answer.body).toBe(null);
    expect(Object.fromEntries(answer.headers)).toEqual({ ...CACHING, etag: ETAG });
  });

  test.each([
    ["etag", "abc"],
    ["etag", `W/${ETAG}`],
    ["etag", ETAG.toUpperCase()],
    ["etag", '"9bb58f26192e4ba00f01e2e7b136bbd"'],
    ["content-length", "7, 7"],
    ["content-length", "-7"],
  ])("is read without an odd %s: %s", async (name, value) => {
    const headers = { "content-type": "image/avif", [name]: value };
    const rendition = { type: "image/avif", length: undefined, etag: undefined };
    const result = await readCachedAnswer(new Response("x", { headers }), false);
    expect(result).toMatchObject({ kind: "rendition", rendition });
  });

  test.each(["text/html", "application/json", "", "image/", "image/<b>"])(
    "is not what has the type %j",
    async (type) => {
      const headers = { "content-type": type };
      expect(await readCachedAnswer(new Response("x", { headers }), false)).toBeUndefined();
    },
  );
});

describe("facts", () => {
  const FACTS = '{"width":4,"height":3,"original":{"type":"image/jpeg"}}';
  const JSON_TYPE = "application/json";

  test.each([
    ["{}", JSON_TYPE, true],
    ['{"event":"object-missing"}', JSON_TYPE, true],
    [FACTS, "image/avif", true],
    [FACTS, JSON_TYPE, false],
  ])("are not %j of type %s, expected: %j", async (text, type, expectsFacts) => {
    const answer = new Response(text, { headers: { "content-type": type } });
    expect(await readCachedAnswer(answer, expectsFacts)).toBeUndefined();
  });
});

const NOTHING_OLDER = { exists: false, mustEnd: false };
const MINUTE = "public, max-age=60, must-revalidate";

describe("a refusal", () => {
  test.each<[Refusal, hasOlder: boolean, status: number]>([
    [{ event: "object-missing", certain: true }, false, 404],
    [{ event: "object-missing", certain: true }, true, 404],
    [{ event: "object-denied", certain: true }, true, 404],
    [{ event: "source-unreadable", certain: true }, true, 415],
    [{ event: "source-unreadable", certain: false }, false, 415],
    // An uncertain refusal replaces no older image, and is not cached.
    [{ event: "source-unreadable", certain: false }, true, 502],
    [{ event: "object-missing" }, false, 502],
    [{ event: "object-denied", certain: false }, false, 502],
    [{ event: "origin-denied", certain: true }, false, 502],
    [{ event: "edge-contradicts", reason: "Sources" }, false, 502],
  ])("%j, with an older image: %j, is a %d, read as it was", async (refusal, hasOlder, status) => {
    const answer = refusalForCache(refusal, 0, { exists: hasOlder, mustEnd: false }, TAGS);
    const isCached = status !== 502;
    expect(answer.status).toEqual(status);
    expect(Object.fromEntries(answer.headers)).toEqual({
      "content-type": "application/json",
      "cache-control": isCached ? MINUTE : "no-store",
      ...(isCached && { "cache-tag": "a,b" }),
    });

    expect(await readCachedAnswer(answer, false)).toEqual({
      kind: "refusal",
      refusal,
      objectIndex: 0,
    });
  });

  const SLOT = { slot: "next", s3Code: "InvalidAccessKeyId", access_key: "…MPLE" } as const;

  test.each<Refusal>([
    { event: "slots-refused", slots: [SLOT], reason: "correct the key", repeated: true },
    { event: "role-refused", role: "arn:x", code: "AccessDenied", reason: "x", repeated: false },
    { event: "edge-failed", edgeCode: "9523", status: 500, reason: "x", type: "image/png" },
  ])("is read with its fields: %j", async (refusal) => {
    const answer = refusalForCache(refusal, 0, NOTHING_OLDER, TAGS);
    expect(await readCachedAnswer(answer, true)).toEqual({
      kind: "refusal",
      refusal,
      objectIndex: 0,
    });
  });

  test("does not contain S3's reply", async () => {
    const s3 = { status: 403, code: "AccessDenied" };
    const answer = refusalForCache({ event: "origin-denied", s3 }, 0, NOTHING_OLDER, TAGS);
    expect(await answer.text()).not.toContain("AccessDenied");
  });

  test.each(["", "<h1>Error 1101</h1>", "null", "[]", "{}", '{"event":"rm -rf"}', '{"event":7}'])(
    "is not %j",
    async (text) => {
      expect(await readCachedAnswer(new Response(text, { status: 502 }), false)).toBeUndefined();
    },
  );
});

test.each([
  ["HIT", "hit"],
  ["REVALIDATED", "hit"],
  ["STALE", "stale"],
  ["UPDATING", "stale"],
  ["MISS", "miss"],
  ["BYPASS", "miss"],
  [undefined, "miss"],
])("cf-cache-status %s: %s (W11, W15)", (status, state) => {
  const headers = new Headers(status === undefined ? {} : { "cf-cache-status": status });
  expect(cacheStateOf({ headers })).toBe(state);
});
