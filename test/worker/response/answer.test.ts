// The headers of images and refusals, conditional requests, and how long a cache may keep an answer.

import { expect, test, vi } from "vitest";
import {
  type ImageOptions,
  imageAnswer,
  refusalAnswer,
  type Terms,
} from "../../../src/worker/response/answer.ts";

const NOW = Date.UTC(2026, 10, 24, 9);
const options: ImageOptions = { cache: "miss", maxAge: 600, took: 12.4 };
const ETAG = `"${"0a".repeat(16)}"`;
const TAGGED = { etag: ETAG, length: "5" };
const answerTo = (image: Parameters<typeof imageAnswer>[0], condition: string | null = null) =>
  imageAnswer(image, condition, options, {}, NOW);

test.each<[string, number]>([
  [ETAG, 304],
  [`W/${ETAG}`, 304],
  [`"x", ${ETAG} , "y"`, 304],
  [`"x,y",${ETAG}`, 304],
  ["*", 304],
  [`"x${ETAG.slice(1)}`, 200],
  [ETAG.slice(1, -1), 200],
  [ETAG.slice(0, -1), 200],
  ["", 200],
  [`${ETAG}, "`.padEnd(1023, "x").concat('"'), 304],
  [`${ETAG}, "`.padEnd(1024, "x").concat('"'), 200], // too long to be read
])("If-None-Match %j: %d", async (condition, status) => {
  const isShown = status === 200;
  const cancel = vi.fn();

  const body = new ReadableStream({
    start(stream) {
      stream.enqueue(new TextEncoder().encode("image"));
      if (isShown) stream.close();
    },
    cancel,
  });

  const answer = answerTo({ ...TAGGED, body }, condition);
  expect(cancel).toHaveBeenCalledTimes(isShown ? 0 : 1);
  expect(answer.status).toEqual(status);
  expect(await answer.text()).toEqual(isShown ? "image" : "");
  expect(answer.headers.has("content-length")).toBe(isShown);
  expect(answer.headers.get("etag")).toBe(`W/${ETAG}`);
});

test("a body that has broken off already does no harm", () => {
  const body = new ReadableStream({ start: (stream) => stream.error(new Error("broken off")) });
  expect(answerTo({ ...TAGGED, body }, ETAG).status).toBe(304);
});

test("without an entity tag there is nothing that could match (R4)", () => {
  expect(answerTo({ body: null }, "*").status).toBe(200);
});

const CORS = { vary: "origin" };

test.each<[Terms, image: string | null, missing: string | null, failed: string | null]>([
  [{ negotiated: true }, "accept", "accept", "accept"],
  [{ negotiated: true, routeHeaders: CORS }, "origin, accept", "origin, accept", "origin, accept"],
  [{ negotiated: false }, null, "accept", null],
  [{ routeHeaders: CORS }, "origin", "origin, accept", "origin"],
])("under the terms %j, a cache may mix up nobody's answers", (terms, image, missing, failed) => {
  const answers = [
    imageAnswer({}, null, options, terms, NOW),
    refusalAnswer({ event: "object-missing", certain: true }, terms, NOW),
    refusalAnswer({ event: "edge-failed" }, terms, NOW),
  ];

  const varies = answers.map(({ headers }) => headers.get("vary"));
  expect(varies).toEqual([image, missing, failed]);
});

test("no 404 shows whether there is such a preset, or such an object", () => {
  const visible = (answer: Response) => [answer.status, ...answer.headers];
  const denied = refusalAnswer({ event: "object-denied" }, { negotiated: true }, NOW);
  const reason = "it is not signed";
  const unsigned = refusalAnswer({ event: "signature-wrong", reason, certain: false }, {}, NOW);
  expect(visible(unsigned)).toEqual(visible(denied));
});

const MINUTE = "public, max-age=60";
const EXPIRED = "public, max-age=0";

// The seconds for which the URL is still valid, its version, and cache-control of the image and of a 404.
test.each<{ validFor: number; version: string | undefined; image: string; missing: string }>([
  {
    validFor: 3600,
    version: undefined,
    image: "public, max-age=600, must-revalidate",
    missing: MINUTE,
  },
  {
    validFor: 599.9,
    version: undefined,
    image: "public, max-age=599, must-revalidate",
    missing: MINUTE,
  },
  {
    validFor: 0.5,
    version: undefined,
    image: "public, max-age=0, must-revalidate",
    missing: EXPIRED,
  },
  {
    validFor: -5,
    version: undefined,
    image: "public, max-age=0, must-revalidate",
    missing: EXPIRED,
  },
  {
    validFor: 3600,
    version: "1",
    image: "public, max-age=3600, must-revalidate, immutable",
    missing: MINUTE,
  },
  {
    validFor: 315_360_000,
    version: "1",
    image: "public, max-age=31536000, must-revalidate, immutable",
    missing: MINUTE,
  },
  {
    validFor: -5,
    version: "1",
    image: "public, max-age=0, must-revalidate, immutable",
    missing: EXPIRED,
  },
])(
  "where a signed URL is valid for $validFor s (v $version) its image is cached as $image",
  ({ validFor, version, image, missing }) => {
    const terms = { granted: { expires: NOW / 1000 + validFor, version } };
    const { headers } = imageAnswer({}, null, options, terms, NOW);
    expect(headers.get("cache-control")).toBe(image);
    const answer = refusalAnswer({ event: "object-missing", certain: true }, terms, NOW);
    expect(answer.headers.get("cache-control")).toBe(missing);
  },
);

test.each([
  {
    validFor: 3600,
    isOutage: false,
    image: "private, max-age=600, must-revalidate",
    missing: "private, max-age=60",
  },
  {
    validFor: 3600,
    isOutage: true,
    image: "private, max-age=60, must-revalidate",
    missing: "private, max-age=60",
  },
  {
    validFor: 30.5,
    isOutage: true,
    image: "private, max-age=30, must-revalidate",
    missing: "private, max-age=30",
  },
  {
    validFor: -5,
    isOutage: true,
    image: "private, max-age=0, must-revalidate",
    missing: "private, max-age=0",
  },
])(
  "where a cookie is valid for $validFor s (outage: $isOutage) this browser caches the image as $image",
  ({ validFor, isOutage, image, missing }) => {
    const terms = { granted: { expires: NOW / 1000 + validFor, isPrivate: true } };
    const { headers } = imageAnswer({}, null, { ...options, isOutage }, terms, NOW);
    const answer = refusalAnswer({ event: "object-missing", certain: true }, terms, NOW);
    const both = [headers, answer.headers];
    expect(both.map((each) => each.get("cache-control"))).toEqual([image, missing]);
    for (const each of both) expect(each.get("cross-origin-resource-policy")).toBe("same-site");
  },
);
