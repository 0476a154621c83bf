// The headers of images and refusals, conditional requests, and how long a cache may keep an answer.

import { expect, test } from "vitest";
import {
  imageAnswer,
  imageHeaders,
  refusalAnswer,
  type Shown,
} from "../../../src/worker/answer/answer.ts";

const NOW = Date.UTC(2026, 10, 24, 9);
const shown: Shown = {
  type: "image/avif",
  cache: "miss",
  negotiated: true,
  maxAge: 600,
  took: 12.4,
};
const facts = [shown, {}, NOW] as const;
const DATE = "Tue, 24 Nov 2026 09:00:00 GMT";

test("an image's headers are a fresh set (R7)", () => {
  const edge = new Headers({
    etag: '"cf0123:abc"',
    "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
    "content-length": "1234",
    "cache-control": "private, max-age=5",
    "x-amz-request-id": "4442587FB7D0A2F9",
    "x-amz-meta-owner": "ada",
    "cf-resized": "internal=ok/m",
    warning: 'cf-images 299 "x"',
    server: "AmazonS3",
    "set-cookie": "a=b",
  });
  expect(imageHeaders(edge, ...facts)).toEqual({
    "cache-control": "public, max-age=600",
    "content-length": "1234",
    "content-security-policy": "default-src 'none'; sandbox",
    "content-type": "image/avif",
    "cross-origin-resource-policy": "cross-origin",
    etag: '"cf0123:abc"',
    "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
    "server-timing": "cache;desc=miss, edge;dur=12",
    vary: "accept",
    "x-content-type-options": "nosniff",
  });
});

test.each<[string, Record<string, string>, string]>([
  ["an entity tag without quotes", { etag: "cf1:a" }, "etag"],
  ["an entity tag with something before it", { etag: 'x"cf1:a"' }, "etag"],
  ["an entity tag of two", { etag: '"cf1:a", "b"' }, "etag"],
  ["S3's own entity tag (R4)", { etag: '"9bb58f26192e4ba00f01e2e7b136bbd8"' }, "etag"],
  ["a date that is none", { "last-modified": "yesterday" }, "last-modified"],
  ["a date of RFC 850", { "last-modified": "Tuesday, 24-Nov-26 09:00:00 GMT" }, "last-modified"],
  ["a date of asctime()", { "last-modified": "Tue Nov 24 09:00:00 2026" }, "last-modified"],
  ["a date of ISO 8601", { "last-modified": "2026-11-24T09:00:00Z" }, "last-modified"],
  ["a date of another zone", { "last-modified": "Tue, 24 Nov 2026 09:00:00 EST" }, "last-modified"],
  ["two dates", { "last-modified": `${DATE}, ${DATE}` }, "last-modified"],
  ["a length that is none", { "content-length": "-1" }, "content-length"],
  ["two lengths", { "content-length": "5, 5" }, "content-length"],
  [
    "a length before coding",
    { "content-length": "9", "content-encoding": "gzip" },
    "content-length",
  ],
])("%s is not passed on", (_what, edge, name) => {
  expect(imageHeaders(new Headers(edge), ...facts)).not.toHaveProperty(name);
});

test("without negotiation nothing varies", () => {
  const plain = imageHeaders(new Headers(), { ...shown, negotiated: false }, {}, NOW);
  expect(plain).not.toHaveProperty("vary");
});

test.each<[string, string, number]>([
  ['"cf1:a"', '"cf1:a"', 304],
  ['W/"cf1:a"', '"cf1:a"', 304],
  ['"cf1:a"', 'W/"cf1:a"', 304],
  ['"x", "cf1:a" , "y"', '"cf1:a"', 304],
  ['"x,y","cf1:a"', '"cf1:a"', 304],
  ["*", '"cf1:a"', 304],
  ['"cf1:b"', '"cf1:a"', 200],
  ["cf1:a", '"cf1:a"', 200],
  ['"cf1:a', '"cf1:a"', 200],
  ["", '"cf1:a"', 200],
])("If-None-Match %j against %j: %d", async (condition, etag, status) => {
  for (const method of ["GET", "HEAD"]) {
    const request = new Request("https://x.example/", { method });
    request.headers.set("if-none-match", condition);
    const headers = imageHeaders(new Headers({ etag, "content-length": "5" }), ...facts);
    let cancelled = false;
    const body = new ReadableStream({
      start(stream) {
        stream.enqueue(new TextEncoder().encode("image"));
        if (method === "GET" && status === 200) stream.close();
      },
      cancel() {
        cancelled = true;
      },
    });
    const answer = imageAnswer(request, { body }, headers);
    expect(cancelled).toBe(method === "HEAD" || status === 304);
    expect(answer.status).toBe(status);
    expect(await answer.text()).toBe(method === "GET" && status === 200 ? "image" : "");
    expect(answer.headers.has("content-length")).toBe(status === 200);
    expect(answer.headers.get("etag")).toBe(etag);
  }
});

// Conditions, the last-modified of the image, and the status.
test.each<[string, Record<string, string>, string | undefined, number]>([
  ["the same date", { "if-modified-since": DATE }, DATE, 304],
  ["a later date", { "if-modified-since": "Wed, 25 Nov 2026 00:00:00 GMT" }, DATE, 200],
  ["a date of RFC 850", { "if-modified-since": "Tuesday, 24-Nov-26 09:00:00 GMT" }, DATE, 200],
  ["a date of asctime()", { "if-modified-since": "Tue Nov 24 09:00:00 2026" }, DATE, 200],
  ["a second before", { "if-modified-since": "Tue, 24 Nov 2026 08:59:59 GMT" }, DATE, 200],
  ["an earlier year", { "if-modified-since": "Mon, 24 Nov 2025 09:00:00 GMT" }, DATE, 200],
  ["no date of the image", { "if-modified-since": DATE }, undefined, 200],
  ["no date", { "if-modified-since": "tomorrow" }, DATE, 200],
  ["nothing", { "if-modified-since": "" }, DATE, 200],
  ["a year alone", { "if-modified-since": "2027" }, DATE, 200],
  ["a date of ISO 8601", { "if-modified-since": "2027-11-24T09:00:00Z" }, DATE, 200],
  ["another zone", { "if-modified-since": "Wed, 25 Nov 2026 09:00:00 EST" }, DATE, 200],
  ["a month that is none", { "if-modified-since": "Wed, 25 Nix 2026 09:00:00 GMT" }, DATE, 200],
  ["two dates", { "if-modified-since": `${DATE}, ${DATE}` }, DATE, 200],
  ["a tag that does not match", { "if-none-match": '"x"', "if-modified-since": DATE }, DATE, 200],
  ["a tag that is none", { "if-none-match": "", "if-modified-since": DATE }, DATE, 200],
  ["a tag that matches", { "if-none-match": '"cf1:a"', "if-modified-since": "x" }, DATE, 304],
])("If-Modified-Since, %s, %j of %s: %d", async (_what, conditions, modified, status) => {
  for (const method of ["GET", "HEAD"]) {
    const request = new Request("https://x.example/", { method, headers: conditions });
    const edge = new Headers({ etag: '"cf1:a"', ...(modified && { "last-modified": modified }) });
    const answer = imageAnswer(request, new Response("image"), imageHeaders(edge, ...facts));
    expect(answer.status).toBe(status);
    expect(await answer.text()).toBe(method === "GET" && status === 200 ? "image" : "");
    expect(answer.headers.get("last-modified")).toBe(modified ?? null);
  }
});

test.each<[number, Record<string, string>, number]>([
  [1024, {}, 304],
  [1025, {}, 200],
  [1025, { "if-modified-since": DATE }, 200],
])("an If-None-Match of %d characters beside %j is a %d", (length, others, status) => {
  const start = '"cf1:a", "';
  const tags = `${start.padEnd(length - 1, "x")}"`;
  const headers = { "if-none-match": tags, ...others };
  const edge = new Headers({ etag: '"cf1:a"', "last-modified": DATE });
  const request = new Request("https://x.example/", { headers });
  const answer = imageAnswer(request, { body: null }, imageHeaders(edge, ...facts));
  expect([tags.length, answer.status]).toEqual([length, status]);
});

test("a body that has broken off already is let go of all the same", () => {
  const body = new ReadableStream({ start: (stream) => stream.error(new Error("broken off")) });
  const request = new Request("https://x.example/", { method: "HEAD" });
  expect(imageAnswer(request, { body }, imageHeaders(new Headers(), ...facts)).status).toBe(200);
});

test("without an entity tag there is nothing that could match (R4)", () => {
  const request = new Request("https://x.example/", { headers: { "if-none-match": "*" } });
  const answer = imageAnswer(request, { body: null }, imageHeaders(new Headers(), ...facts));
  expect(answer.status).toBe(200);
});

test.each<[string, number, string | undefined, string, string]>([
  // The seconds for which the URL is still valid, its version, and cache-control of the image and of a 404.
  ["long", 3600, undefined, "public, max-age=600, must-revalidate", "public, max-age=60"],
  ["not long", 599.9, undefined, "public, max-age=599, must-revalidate", "public, max-age=60"],
  ["for a moment", 0.5, undefined, "public, max-age=0, must-revalidate", "public, max-age=0"],
  ["no more", -5, undefined, "public, max-age=0, must-revalidate", "public, max-age=0"],
  ["long", 3600, "1", "public, max-age=3600, must-revalidate, immutable", "public, max-age=60"],
  [
    "for ten years",
    315_360_000,
    "1",
    "public, max-age=31536000, must-revalidate, immutable",
    "public, max-age=60",
  ],
  ["no more", -5, "1", "public, max-age=0, must-revalidate, immutable", "public, max-age=0"],
])("where a signed URL is good %s (%d s, v %s) it is kept as %s", (_what, left, ...expected) => {
  const [version, image, missing] = expected;
  const terms = { granted: { expires: NOW / 1000 + left, version } };
  expect(imageHeaders(new Headers(), shown, terms, NOW)["cache-control"]).toBe(image);
  const answer = refusalAnswer({ event: "object-missing", certain: true }, terms, NOW);
  expect(answer.headers.get("cache-control")).toBe(missing);
});
