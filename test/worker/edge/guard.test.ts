// Which answers of the edge may be passed on, and which refusal each of the others becomes.

import { expect, test } from "vitest";
import { guard, mayBeOfOtherObject, type SourceObject } from "../../../src/worker/edge/guard.ts";
import type { TransformRequest } from "../../../src/worker/request/transform-request.ts";
import { TRANSFORM_REQUEST } from "../../support/env.ts";
import { EDGE_CODES, type EdgeCode } from "../../support/tables/edge-codes.ts";

const DATE = "Tue, 24 Nov 2026 09:00:00 GMT";
const LATER = "Wed, 25 Nov 2026 09:00:00 GMT";

/** What S3 says of the object. */
const OBJECT: SourceObject = { etag: "a:1", lastModified: DATE, type: "image/jpeg" };

const look = (
  status: number,
  headers: Record<string, string>,
  text = "",
  {
    request = TRANSFORM_REQUEST,
    object = OBJECT,
  }: { request?: TransformRequest; object?: SourceObject } = {},
) => guard({ status, headers: new Headers(headers), text }, request, object);

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
  ["a success that is not at its beginning", { ...ok, "cf-resized": "x internal=ok" }],
  ["a word that begins like a success", { ...ok, "cf-resized": "internal=okay" }],
  ["a failure that does not say which", { ...ok, "cf-resized": "err=" }],
])("%s is not passed on (R1)", (_what, headers) => {
  expect(look(200, headers)).toMatchObject({ event: "not-transformed", type: "image/avif" });
});

test.each([201, 203, 206])("a success with status %d is not passed on", (status) => {
  expect(look(status, ok)).toMatchObject({ event: "not-transformed", status });
});

test.each<[string, string]>([
  ["text/html", "wrong-type"],
  ["application/json", "wrong-type"],
  ["image/svg+xml", "source-unreadable"],
  ["", "wrong-type"],
])("a success of type %j is %s", (type, event) => {
  expect(look(200, { ...ok, "content-type": type })).toMatchObject({ event, status: 200, type });
});

test("the type is told without its parameters", () => {
  const headers = { ...ok, "content-type": "Image/WebP; charset=binary" };
  expect(look(200, headers)).toEqual({ type: "image/webp" });
});

const RESTRICTIVE = 'cf-images 299 "cache-control is too restrictive"';

test.each<[string, string | undefined]>([
  ['cf-images 299 "image too large for AVIF"', "too-large-for-avif"],
  ['cf-images 299 "original is smaller"', "original-is-smaller"],
  ['cf-images 299 "Image too large for avif"', "too-large-for-avif"],
  ['199 - "x", cf-images 299 "Original is Smaller"', "original-is-smaller"],
  [RESTRICTIVE, undefined],
  [`${RESTRICTIVE}, cf-images 299 "original is smaller"`, "original-is-smaller"],
  ['cf-images 299 "cover fit mode needs both width and height"', undefined],
])("the warning %s: %s (O3, O7, R6)", (warning, event) => {
  const result = look(200, { ...ok, warning });
  if (event === undefined) expect(result).toEqual({ type: "image/avif" });
  else expect(result).toEqual({ event, status: 200, type: "image/avif" });
});

test.each<{
  title: string;
  etag: string | undefined;
  type: SourceObject["type"];
  tag: string | undefined;
  passes: boolean;
}>([
  {
    title: "of another type than the object",
    etag: "a:1",
    type: "image/jpeg",
    tag: '"cf12:a:1"',
    passes: true,
  },
  {
    title: "of the object's type",
    etag: "a:1",
    type: "image/avif",
    tag: '"cf12:a:1"',
    passes: false,
  },
  {
    title: "of an object of unknown type",
    etag: "a:1",
    type: "unknown",
    tag: '"cf12:a:1"',
    passes: false,
  },
  // What S3 says of its object is no proof of what the edge has, unless the edge names the same one.
  {
    title: "of an object that the edge does not name",
    etag: "a:1",
    type: "image/jpeg",
    tag: undefined,
    passes: false,
  },
  {
    title: "of an object that S3 does not name",
    etag: undefined,
    type: "image/jpeg",
    tag: '"cf12:a:1"',
    passes: false,
  },
])("a smaller image $title passes only if it was made (R4, R6)", ({ etag, type, tag, passes }) => {
  const headers = {
    ...ok,
    warning: 'cf-images 299 "original is smaller"',
    ...(tag && { etag: tag }),
  };

  const result = look(200, headers, "", { object: { etag, type, lastModified: undefined } });
  const expected = passes ? { type: "image/avif" } : { event: "original-is-smaller" };
  expect(result).toMatchObject(expected);
});

test.each<{ title: string; named: Record<string, string>; contradicts: boolean }>([
  {
    title: "another tag and another date",
    named: { etag: '"cf1:b"', "last-modified": LATER },
    contradicts: true,
  },
  { title: "another tag alone", named: { etag: '"cf1:b"' }, contradicts: true },
  {
    title: "another tag, and the same date",
    named: { etag: '"cf1:b"', "last-modified": DATE },
    contradicts: true,
  },
  { title: "another tag, which is weak", named: { etag: 'W/"cf1:b"' }, contradicts: true },
  { title: "the same tag, which was weak", named: { etag: '"cf1:W/a:1"' }, contradicts: false },
  { title: "the same tag in quotes", named: { etag: '"cf1:"a:1""' }, contradicts: false },
  { title: "another date alone", named: { "last-modified": LATER }, contradicts: false },
  {
    title: "another date, and the same tag",
    named: { etag: '"cf1:a:1"', "last-modified": LATER },
    contradicts: false,
  },
  {
    title: "a tag of another form, and another date",
    named: { etag: '"b"', "last-modified": LATER },
    contradicts: false,
  },
  { title: "nothing", named: {}, contradicts: false },
])(
  "where the edge names $title: a contradiction, or the picture (R4)",
  ({ named, contradicts }) => {
    const expected = contradicts ? { event: "edge-contradicts" } : { type: "image/avif" };
    expect(look(200, { ...ok, ...named })).toMatchObject(expected);
    const warning = 'cf-images 299 "original is smaller"';
    if (contradicts) expect(look(200, { ...ok, ...named, warning })).toMatchObject(expected);
  },
);

test("an SVG passes on its own routes alone, and only with the edge's word (R8)", () => {
  const type = "image/svg+xml";
  const headers = { ...ok, "content-type": type };
  const request = { ...TRANSFORM_REQUEST, svg: true, format: undefined };

  expect(look(200, headers, "", { request })).toEqual({ type });

  const unmarked = look(200, { "content-type": type }, "", { request });
  expect(unmarked).toMatchObject({ event: "not-transformed" });

  const refused = { event: "source-unreadable", status: 200, type, certain: true };
  expect(look(200, headers)).toEqual(refused);
});

test("with an overlay, nobody knows which of them is no image (O12)", () => {
  const image = {
    ...TRANSFORM_REQUEST.variant.image,
    draw: [{ url: "https://overlays.example/a.png" }],
  };
  const request = { ...TRANSFORM_REQUEST, variant: { ...TRANSFORM_REQUEST.variant, image } };

  for (const headers of [
    { "cf-resized": "err=9412" },
    { ...ok, "content-type": "image/svg+xml" },
  ]) {
    const result = look(200, headers, "", { request });
    expect(result).toMatchObject({ event: "source-unreadable", certain: false });
  }
});

/** Codes, and statuses of codes, that are not documented. */
const UNDOCUMENTED: readonly EdgeCode[] = [
  { code: "9999", status: 500, event: "edge-failed", isTransient: true },
  { code: "9428", status: 404, event: "edge-refused" },
  { code: "9499", status: 500, event: "edge-refused" },
  { code: "9599", status: 400, event: "edge-failed", isTransient: true },
  { code: "9402", status: 400, event: "origin-failed" },
  // Only with 415 it is certain that the object has a format that is not supported.
  { code: "9420", status: 422, event: "edge-contradicts" },
  { code: "9416", status: 415, event: "origin-failed", isTransient: true },
  { code: "9516", status: 415, event: "edge-failed", isTransient: true },
  { code: "9523", status: 415, event: "edge-failed", isTransient: true },
];

test.each([...EDGE_CODES, ...UNDOCUMENTED])(
  "err=$code with $status is $event (R3)",
  ({ code, status, event, isTransient = false }) => {
    const text = `ERROR ${code}: Could not fetch the image — the server returned an error`;
    const failure = { event, edgeCode: code, status, isTransient };
    expect(look(status, { "cf-resized": `err=${code}` })).toMatchObject(failure);
    expect(look(status, {}, text)).toMatchObject(failure);
    expect(look(200, { ...ok, "cf-resized": `err=${code}` })).toMatchObject({ edgeCode: code });
  },
);

test.each<{ status: number; s3Code: string; event: string }>([
  { status: 404, s3Code: "NoSuchKey", event: "edge-contradicts" },
  { status: 404, s3Code: "NoSuchBucket", event: "edge-contradicts" },
  { status: 403, s3Code: "AccessDenied", event: "edge-contradicts" },
  { status: 403, s3Code: "SignatureDoesNotMatch", event: "edge-contradicts" },
  { status: 401, s3Code: "Unauthorized", event: "edge-contradicts" },
  { status: 400, s3Code: "AuthorizationHeaderMalformed", event: "edge-contradicts" },
  { status: 301, s3Code: "PermanentRedirect", event: "edge-contradicts" },
  { status: 307, s3Code: "TemporaryRedirect", event: "edge-contradicts" },
  { status: 503, s3Code: "SlowDown", event: "origin-failed" },
  { status: 500, s3Code: "InternalError", event: "origin-failed" },
  { status: 429, s3Code: "TooManyRequests", event: "origin-failed" },
  { status: 408, s3Code: "RequestTimeout", event: "timed-out" },
  { status: 504, s3Code: "", event: "timed-out" },
  { status: 522, s3Code: "", event: "timed-out" },
  { status: 524, s3Code: "", event: "timed-out" },
  { status: 206, s3Code: "", event: "not-transformed" },
  { status: 299, s3Code: "", event: "not-transformed" },
  { status: 300, s3Code: "", event: "edge-contradicts" },
])(
  "the origin's own $status $s3Code, passed through, is $event (R2)",
  ({ status, s3Code, event }) => {
    const text = s3Code === "" ? "" : `<Error><Code>${s3Code}</Code></Error>`;
    const fields = s3Code === "" ? {} : { s3Code };
    const isTransient = status >= 500 && event === "origin-failed";
    expect(look(status, {}, text)).toMatchObject({ event, status, ...fields, isTransient });
  },
);

test("what the origin says is told only if it looks like one of S3's codes", () => {
  const text = '<Error><Code>AccessDenied", "x": "</Code></Error>';
  expect(look(403, {}, text)).toMatchObject({ event: "edge-contradicts", s3Code: undefined });
});

test.each<[string, Record<string, string>, boolean]>([
  ["the same tag", { etag: '"cf1:a:1"' }, false],
  ["the same tag, and another date", { etag: '"cf1:a:1"', "last-modified": LATER }, false],
  ["the same date", { "last-modified": DATE }, false],
  ["another date", { "last-modified": LATER }, true],
  ["the origin's own tag", { etag: 'W/"a:1"' }, false],
  ["another tag of the origin", { etag: '"b"' }, true],
  ["an empty tag", { etag: '"cf1:"' }, true],
  ["nothing", {}, true],
])(
  "where the edge names %s, the picture may be of another object: %j (R4)",
  (_what, named, may) => {
    const headers = new Headers({ ...ok, ...named });
    expect(mayBeOfOtherObject(headers, OBJECT)).toBe(may);
    // S3 itself has no tag to compare. A date never comes back, as a tag does.
    expect(mayBeOfOtherObject(headers, { ...OBJECT, etag: undefined })).toBe(false);
  },
);

test.each<[string, Partial<SourceObject>]>([
  ["no tag", { etag: undefined }],
  ["neither", { etag: undefined, lastModified: undefined }],
])("where S3 names %s, nothing that the edge names is another one (R4)", (_what, change) => {
  const headers = { ...ok, etag: '"cf1:b"', "last-modified": LATER };
  const result = look(200, headers, "", { object: { ...OBJECT, ...change } });
  expect(result).toEqual({ type: "image/avif" });
});
