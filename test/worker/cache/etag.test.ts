// A rendition's own ETag: when it changes, and that nothing of S3's ETag follows from it (W18, R4, C1).

import { hash } from "node:crypto";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { file, network } from "../../support/emulators.ts";
import { envOf } from "../../support/engines.ts";
import { ENV, VARS } from "../../support/env.ts";
import {
  disableCacheInEachTest,
  get,
  MODERN,
  put,
  signQuery,
  stage,
  stopDates,
  wait,
} from "../../support/run-worker.ts";

disableCacheInEachTest(); // each request is to reach S3

stopDates();

const PATH = "/images/card/key.jpg";
const PRESETS = { ...VARS.PRESETS, same: VARS.PRESETS.card };
const MARKED = { marked: { width: 90, draw: [{ key: "made/mark.png" }] } };
const ROUTES = [
  { path: "/images/:preset/*", object: "media/*", facts: true },
  { path: "/private/:preset/*", object: "media/*", signed: true },
];

async function etagOf(
  path = PATH,
  accept = MODERN.accept,
  env: object = { ...ENV, PRESETS, ROUTES },
) {
  const { status, headers } = await get(path, { headers: { accept } }, env);
  expect(status, path).toBe(200);
  return headers.get("etag") ?? expect.unreachable();
}

test("it is the same for the same rendition, whatever its preset, its URL's version or its query", async () => {
  const etag = await etagOf();
  const queries = [await signQuery({ version: "1" }), await signQuery({ version: "2" })];
  const signedPaths = queries.map((query) => `/private/card/key.jpg${query}`);
  for (const path of [PATH, "/images/same/key.jpg", `${PATH}?x=1`, ...signedPaths]) {
    expect(await etagOf(path), path).toEqual(etag);
  }
});

test("it is another one for each other rendition", async () => {
  put("other.jpg", "photos/fig.jpg");
  put("copy.jpg", "made/key.jpg");

  const etags = [
    await etagOf(),
    await etagOf(PATH, "image/webp"),
    await etagOf(PATH, "*/*"),
    await etagOf("/images/card@2x/key.jpg"),
    await etagOf("/images/tall/key.jpg"),
    await etagOf("/images/card/other.jpg"),
    await etagOf("/images/card/copy.jpg"),
    await etagOf(`${PATH}?facts`),
  ];

  put("key.jpg", "photos/fig.jpg"); // a replaced object
  etags.push(await etagOf());
  expect(new Set(etags).size).toBe(etags.length);
});

test("a replaced overlay is another rendition, within a minute", async () => {
  const env = envOf("binding", { PRESETS: MARKED, ROUTES });
  put("made/mark.png", "made/transparent.png");
  const before = await etagOf("/images/marked/key.jpg", "*/*", env);

  expect(await etagOf("/images/marked/key.jpg", "*/*", env)).toBe(before);

  put("made/mark.png", "made/key.jpg");
  wait(61);
  expect(await etagOf("/images/marked/key.jpg", "*/*", env)).not.toBe(before);
});

test("there is none where S3 does not name an overlay, which may change unseen", async () => {
  const env = envOf("binding", { PRESETS: MARKED, ROUTES });
  const mark = file("made/transparent.png");
  const headers = { "content-length": `${mark.length}` };
  network.use(http.get(/mark\.png$/, () => new HttpResponse(mark.slice(), { headers })));
  const { status, headers: answered } = await get("/images/marked/key.jpg", {}, env);
  expect(status).toBe(200);
  expect(answered.get("etag")).toBe(null);
});

test("nothing of S3's ETag, or of the edge's URL, can be read from it", async () => {
  const md5 = hash("md5", file("made/key.jpg"));
  const etag = await etagOf();
  expect(etag).toMatch(/^W\/"[0-9a-f]{32}"$/);

  const [source = ""] = stage.edgeRequests.map(({ request }) => new URL(request.url).search);
  expect(source).toMatch(/^\?x-vitrine=[0-9a-f]{32}$/);

  const parameter = source.slice("?x-vitrine=".length);
  const hashes = (text: string) =>
    ["md5", "sha1", "sha256"].map((name) => hash(name, text).slice(0, 32));
  const easy = [md5, parameter, ...[md5, `"${md5}"`, parameter].flatMap(hashes)];

  expect(easy).not.toContain(etag.slice(1, -1));
  expect([md5, ...[md5, `"${md5}"`].flatMap(hashes)]).not.toContain(parameter);
});

test("no condition is met by what is no image", async () => {
  const env = { ...ENV, ANSWERS: { keep: 0 } };
  const headers = { ...MODERN, "if-none-match": "*" };
  expect((await get("/images/card/broken/page.jpg", { headers }, env)).status).toBe(415);
});
