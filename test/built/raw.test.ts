// Malformed and unusual requests, sent byte for byte to the built Worker in workerd.

import { expect, test } from "vitest";
import { ENV } from "../support/env.ts";
import { useOutbound } from "../support/outbound.ts";
import { IMPOSSIBLE_PATHS, RAW_PATHS } from "../support/tables/impossible-paths.ts";

const { edge, send } = useOutbound({ ...ENV, ANSWERS: { timeout: 1 } });

/** The URLs that S3 and the edge were asked for. */
const requestedUrls = () => edge.sent().map(({ url }) => url);

/** The objects that they lead to. */
const objects = () => new Set(requestedUrls().map((url) => url.replace(SOURCE, "")));
const SOURCE = /\?x-vitrine=[0-9a-f]{32}$/;

const get = (target: string, host = "images.example", more = "") =>
  send(`GET ${target} HTTP/1.1\r\nhost: ${host}\r\n${more}connection: close\r\n\r\n`);
const PUBLISHED = "https://acme-media.s3.eu-west-1.amazonaws.com/published";

test.each([
  ["/images/card/key.jpg", "/key.jpg"],
  ["/images/card/a%2Fb.jpg", "/a/b.jpg"],
  ["/images/card/..a/b..", "/..a/b.."],
  ["/images/card/%252e%252e/b", "/%252e%252e/b"],
  ["/images/card/key.jpg?../x", "/key.jpg"],
  ["/images/card/key.jpg#/../x", "/key.jpg"],
  ["/images/card/\xc3\xa9.jpg", "/%C3%A9.jpg"], // UTF-8 without percent-encoding
  ["http://other.example/images/card/key.jpg", "/key.jpg"],
])("%s leads to the object %s", async (target, key) => {
  const { status, text } = await get(target);
  expect([status, objects()]).toEqual([200, new Set([PUBLISHED + key])]);
  expect(text).toContain("a rendition");
});

test("what names nothing is a 404, and the edge is not asked", async () => {
  for (const target of [...RAW_PATHS, ...IMPOSSIBLE_PATHS]) {
    expect([target, (await get(target)).status, requestedUrls()]).toEqual([target, 404, []]);
  }
});

test("a path with dots and slashes a thousand times is a 404, and the edge is not asked", async () => {
  for (const text of ["../", "./", "/", "a/../", "%2e%2e%2f"]) {
    const many = text.repeat(1000);
    for (const target of [`/${many}`, `/images/card/${many}key.jpg`]) {
      expect([text, (await get(target)).status, requestedUrls()]).toEqual([text, 404, []]);
    }
  }
});

test.each([
  ["with bytes that are not UTF-8", "/images/card/\xe9"],
  ["with an overlong dot", "/images/card/\xc0\xae\xc0\xae/key.jpg"],
  ["with a surrogate", "/images/card/\xed\xa0\x80"],
  ["with a raw control character", "/images/card/\x01"],
  ["without a slash", "images/card/key.jpg"],
  ["with half an address", "http://["],
])("a target %s does not reach the Worker", async (_what, target) => {
  expect([(await get(target)).status, requestedUrls()]).toEqual([400, []]);
});

test.each(["images.example:99", "a\\b", "user@images.example", "images.example?x", ""])(
  "the host %j causes no 500, and leads to no other object",
  async (host) => {
    const page = "origin: https://app.example\r\n";
    for (const route of ["images", "app"]) {
      expect((await get(`/${route}/card/key.jpg`, host, page)).status).not.toBe(500);
    }
    for (const url of objects()) expect(url).toBe(`${PUBLISHED}/key.jpg`);
  },
);

test("an edge that does not answer, or stops in its error, is given up in time, and its connection closed", async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  edge.behave(({ socket, url }, answer) => {
    if (url?.includes("/silent.jpg")) socket.once("close", resolve);
    else answer.writeHead(415, { "cf-resized": "err=9412" }).write("ERROR 9412: no image");
  });
  const answers = ["silent", "stalls"].map((name) => get(`/images/card/${name}.jpg`));
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect([statuses, edge.sentToEdge().length]).toEqual([[504, 415], 2]);
  await closed;
});

test("an edge that drops the connection is asked once more, and the next visitor is served", async () => {
  edge.behave((request) => void request.socket.destroy());
  expect((await get("/images/card/key.jpg")).status).toBe(502);
  expect(edge.sentToEdge()).toHaveLength(2);
  edge.begin();
  expect((await get("/images/card/key.jpg")).status).toBe(200);
});
