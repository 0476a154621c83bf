// Which answers of the edge may be passed on, and which refusal each of the others becomes.

import { expect, test } from "vitest";
import { guard } from "../../../src/worker/edge/guard.ts";
import type { OriginalType } from "../../../src/worker/request/format.ts";
import { ASKED } from "../../support/env.ts";

const asked = ASKED;

const look = (status: number, headers: Record<string, string>, text = "", ask = asked) =>
  guard({ status, headers: new Headers(headers), text }, ask);

const ok = { "cf-resized": "internal=ok/m q=0 n=317+85 c=0+12", "content-type": "image/avif" };

test.each([
  "internal=ok/m q=0 n=317+85 c=0+12 v=2026.11.0 l=5512",
  "internal=ok/h q=0",
  "internal=ok",
  "internal=ram/h",
  "internal=ram/m q=0",
  "internal=ok/m q=0 err=9408",
])("cf-resized %j is a success (R1)", (resized) => {
  expect(look(200, { ...ok, "cf-resized": resized })).toEqual({ type: "image/avif" });
});

test.each<[string, Record<string, string>]>([
  ["no cf-resized: the original (R2)", { "content-type": "image/avif" }],
  ["an empty cf-resized", { ...ok, "cf-resized": "" }],
  ["a cf-resized of another kind", { ...ok, "cf-resized": "external=ok" }],
  ["a success that is not at its beginning", { ...ok, "cf-resized": "x internal=ok" }],
  ["a word that begins like a success", { ...ok, "cf-resized": "internal=okay" }],
  ["a failure that does not say which", { ...ok, "cf-resized": "err=" }],
])("%s is not passed on", (_what, headers) => {
  expect(look(200, headers)).toMatchObject({ event: "not-transformed", type: "image/avif" });
});

test.each([201, 203, 206])("a success with status %d is not passed on", (status) => {
  expect(look(status, ok)).toMatchObject({ event: "not-transformed", status });
});

test.each<[string, string]>([
  ["text/html", "wrong-type"],
  ["application/json", "wrong-type"],
  ["image/gif", "wrong-type"],
  ["image/svg+xml", "source-unreadable"],
  ["", "wrong-type"],
])("a success of type %j is %s", (type, event) => {
  expect(look(200, { ...ok, "content-type": type })).toMatchObject({ event });
});

test("the type is told without its parameters", () => {
  const headers = { ...ok, "content-type": "Image/WebP; charset=binary" };
  expect(look(200, headers)).toEqual({ type: "image/webp" });
});

test.each<[string, string | undefined]>([
  ['cf-images 299 "image too large for AVIF"', "too-large-for-avif"],
  ['cf-images 299 "original is smaller"', "original-is-smaller"],
  ['cf-images 299 "Image too large for avif"', "too-large-for-avif"],
  ['199 - "x", cf-images 299 "Original is Smaller"', "original-is-smaller"],
  ['cf-images 299 "cache-control is too restrictive"', undefined],
  [
    'cf-images 299 "cache-control is too restrictive", cf-images 299 "original is smaller"',
    "original-is-smaller",
  ],
  ['cf-images 299 "cover fit mode needs both width and height"', undefined],
])("the warning %s: %s (O3, O7, R6)", (warning, event) => {
  const found = look(200, { ...ok, warning });
  if (event === undefined) expect(found).toEqual({ type: "image/avif" });
  else expect(found).toMatchObject({ event });
});

test("bytes of another type than the original were made, smaller or not (R6)", () => {
  const headers = { ...ok, warning: 'cf-images 299 "original is smaller"', etag: '"cf12:a:1"' };
  const of = (original: OriginalType, tag?: string) =>
    look(200, headers, "", { ...asked, original, tag });
  expect(of("image/jpeg", "a:1")).toEqual({ type: "image/avif" });
  expect(of("image/avif", "a:1")).toMatchObject({ event: "original-is-smaller" });
  // What was said of another object, or of one that nobody knows, is no proof (R4).
  for (const tag of ["a", "1", "a:2", "", undefined]) {
    expect(of("image/jpeg", tag)).toMatchObject({ event: "original-is-smaller" });
  }
  const untold = look(200, { ...headers, etag: "" }, "", { ...asked, original: "image/jpeg" });
  expect(untold).toMatchObject({ event: "original-is-smaller" });
});

test("an SVG passes on its own routes alone, and only with the edge's word (R8)", () => {
  const headers = { ...ok, "content-type": "image/svg+xml" };
  const on = { ...asked, svg: true, format: undefined };
  expect(look(200, headers, "", on)).toEqual({ type: "image/svg+xml" });
  expect(look(200, { "content-type": "image/svg+xml" }, "", on)).toMatchObject({
    event: "not-transformed",
  });
  expect(look(200, headers, "", { ...on, svg: false })).toMatchObject({
    event: "source-unreadable",
    certain: true,
  });
});

// Cloudflare's table of error codes, row by row.
test.each<[string, number, string]>([
  ["9401", 400, "edge-refused"],
  ["9401", 403, "edge-refused"],
  ["9402", 502, "origin-failed"],
  ["9402", 413, "source-unreadable"],
  ["9403", 508, "edge-refused"],
  ["9404", 404, "object-missing"],
  ["9406", 403, "edge-refused"],
  ["9407", 523, "origin-failed"],
  ["9408", 401, "origin-denied"],
  ["9408", 403, "origin-denied"],
  ["9408", 408, "timed-out"],
  ["9408", 418, "origin-failed"],
  ["9412", 415, "source-unreadable"],
  ["9413", 403, "source-unreadable"],
  ["9416", 422, "source-unreadable"],
  ["9419", 403, "edge-refused"],
  ["9420", 415, "origin-denied"],
  ["9420", 400, "origin-denied"],
  ["9421", 400, "origin-denied"],
  ["9422", 429, "quota-spent"],
  ["9423", 403, "edge-refused"],
  ["9504", 522, "timed-out"],
  ["9504", 524, "timed-out"],
  ["9505", 502, "origin-failed"],
  ["9509", 502, "origin-failed"],
  ["9510", 523, "origin-failed"],
  ["9516", 500, "edge-failed"],
  ["9516", 422, "source-unreadable"],
  ["9518", 502, "edge-failed"],
  ["9519", 502, "origin-denied"],
  ["9520", 415, "source-unreadable"],
  ["9522", 503, "edge-failed"],
  ["9522", 504, "edge-failed"],
  ["9523", 422, "source-unreadable"],
  ["9523", 500, "edge-failed"],
  ["9527", 503, "edge-failed"],
  ["9528", 502, "edge-failed"],
  ["9529", 504, "timed-out"],
  ["9999", 500, "edge-failed"],
])("err=%s with %d is %s (R3)", (code, status, event) => {
  const text = `ERROR ${code}: Could not fetch the image — the server returned an error`;
  expect(look(status, { "cf-resized": `err=${code}` })).toMatchObject({
    event,
    edge: code,
    status,
  });
  expect(look(status, {}, text)).toMatchObject({ event, edge: code, status });
  expect(look(200, { ...ok, "cf-resized": `err=${code}` })).toMatchObject({ edge: code });
  const passing = ["9505", "9509", "9510", "9518", "9522", "9527", "9528"].includes(code);
  expect(look(status, { "cf-resized": `err=${code}` })).toMatchObject({ passing });
});

test.each<[number, string, string]>([
  [404, "NoSuchKey", "object-missing"],
  [404, "NoSuchBucket", "origin-denied"],
  [403, "AccessDenied", "origin-denied"],
  [403, "SignatureDoesNotMatch", "origin-denied"],
  [401, "Unauthorized", "origin-denied"],
  [400, "AuthorizationHeaderMalformed", "origin-denied"],
  [301, "PermanentRedirect", "origin-denied"],
  [307, "TemporaryRedirect", "origin-denied"],
  [503, "SlowDown", "origin-failed"],
  [500, "InternalError", "origin-failed"],
  [429, "TooManyRequests", "origin-failed"],
  [408, "RequestTimeout", "timed-out"],
  [504, "", "timed-out"],
  [522, "", "timed-out"],
  [524, "", "timed-out"],
  [206, "", "not-transformed"],
])("the origin's own %d %s, passed through, is %s (R2)", (status, origin, event) => {
  const text = origin === "" ? "" : `<Error><Code>${origin}</Code></Error>`;
  const told = origin === "" ? {} : { origin };
  const passing = status >= 500 && event === "origin-failed";
  expect(look(status, {}, text)).toMatchObject({ event, status, ...told, passing });
});

test("what the origin says is told only if it looks like one of S3's codes", () => {
  const text = '<Error><Code>AccessDenied", "x": "</Code></Error>';
  expect(look(403, {}, text)).toMatchObject({ event: "origin-denied", origin: undefined });
});
