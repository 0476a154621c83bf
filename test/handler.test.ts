// What the Worker shows, and what it asks of the edge for it.

import { expect, test } from "vitest";
import { HARD_KEYS } from "../fixtures/objects.ts";
import { originUrl } from "../src/origin.ts";
import { BASE } from "./env.ts";
import {
  ETAG,
  failure,
  get,
  MODERN,
  original,
  PRINT,
  print,
  stage,
  untransformed,
} from "./play.ts";

test("a private object is shown at a preset's size", async () => {
  stage.play = () => print("image/avif");
  const answer = await get("/images/card/photos/fig.jpg", { headers: MODERN });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe(PRINT);
  expect(stage.asked).toHaveLength(1);
  expect(stage.asked[0]?.request.url).toBe(`${BASE}published/photos/fig.jpg`);
  expect(stage.asked[0]?.image).toEqual({
    width: 160,
    height: 160,
    fit: "cover",
    format: "avif",
    metadata: "none",
    anim: false,
    "origin-auth": "share-publicly",
  });
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "image/avif",
    etag: ETAG,
    "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
    "cache-control": "public, max-age=600",
    vary: "accept",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "server-timing": expect.stringMatching(/^edge;dur=\d+$/),
  });
  expect(stage.logged).toEqual([]);
});

test("the edge is sent nothing of the visitor's (A1, E1, E4)", async () => {
  await get("/images/card/k?width=9000&format=json", {
    headers: {
      cookie: "session=1",
      authorization: "Bearer x",
      range: "bytes=0-9",
      "if-none-match": '"x"',
      "x-amz-security-token": "x",
      "user-agent": "visitor",
      via: "image-resizing",
    },
  });
  const { request } = stage.asked[0] ?? {};
  expect(request?.method).toBe("GET");
  expect(request?.url).toBe(`${BASE}published/k`);
  expect([...(request?.headers.keys() ?? [])]).toEqual([
    "authorization",
    "x-amz-content-sha256",
    "x-amz-date",
  ]);
});

test.each<[string, string | undefined]>([
  ["image/avif,image/webp", "avif"],
  ["image/webp", "webp"],
  ["*/*", undefined],
])("to Accept %s the edge is asked for %s (O6)", async (accept, format) => {
  await get("/images/card/k", { headers: { accept } });
  expect(stage.asked[0]?.image.format).toBe(format);
});

test.each(HARD_KEYS)("the key %j reaches S3 as it is, rightly signed (A2, A10)", async (key) => {
  const answer = await get(`/images/card/${encodeURIComponent(key)}`);
  expect(answer.status).toBe(200);
  expect(stage.asked[0]?.request.url).toBe(originUrl(BASE, `published/${key}`));
});

test("two spellings of one path are one origin URL", async () => {
  await get("/images/card/a%20(b)/%63.jpg");
  await get("/%69mages/card@1x/a%20%28b%29%2Fc.jpg?v=2");
  expect(stage.asked[1]?.request.url).toBe(stage.asked[0]?.request.url);
  expect(stage.asked[1]?.image).toEqual(stage.asked[0]?.image);
});

test("HEAD has GET's headers and no body; the edge is asked with GET (E4)", async () => {
  stage.play = () => print("image/jpeg", { "content-length": `${PRINT.length}` });
  const [get1, head] = [
    await get("/images/card/k"),
    await get("/images/card/k", { method: "HEAD" }),
  ];
  const named = (answer: Response) => [...answer.headers].filter(([n]) => n !== "server-timing");
  expect(named(head)).toEqual(named(get1));
  expect(head.status).toBe(200);
  expect(head.body).toBeNull();
  expect(stage.asked.map(({ request }) => request.method)).toEqual(["GET", "GET"]);
});

test.each(["GET", "HEAD"])("%s with a matching If-None-Match is a 304", async (method) => {
  const headers = { "if-none-match": `"x", W/${ETAG}` };
  const answer = await get("/images/card/k", { method, headers });
  expect(answer.status).toBe(304);
  expect(answer.body).toBeNull();
  expect(answer.headers.get("etag")).toBe(ETAG);
  expect(answer.headers.get("cache-control")).toBe("public, max-age=600");
  expect(answer.headers.get("vary")).toBe("accept");
});

test("a failure that passes is not seen", async () => {
  let times = 0;
  stage.play = () => (++times === 1 ? failure("9509", 502) : print("image/avif"));
  expect((await get("/images/card/k", { headers: MODERN })).status).toBe(200);
  expect(stage.asked).toHaveLength(2);
  expect(stage.logged).toEqual([]);
});

test("an original passed through as too large for AVIF is not shown; WebP is asked (O7)", async () => {
  stage.play = () =>
    stage.asked.length === 1
      ? original("image/jpeg", { warning: 'cf-images 299 "image too large for AVIF"' })
      : print("image/webp");
  const answer = await get("/images/tall/k", { headers: MODERN });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/webp");
  expect(stage.asked.map(({ image }) => image.format)).toEqual(["avif", "webp"]);
});

test("AVIF is not asked for above 1,200 px (O7)", async () => {
  await get("/images/hero/k", { headers: MODERN });
  await get("/images/hero@640w/k", { headers: MODERN });
  expect(stage.asked.map(({ image }) => image.format)).toEqual(["webp", "avif"]);
});

test("WebP that a browser does not read is not sent to it", async () => {
  stage.play = () => print(stage.asked.length === 1 ? "image/webp" : "image/jpeg");
  const answer = await get("/images/card/k", { headers: { accept: "image/png,*/*" } });
  expect(answer.headers.get("content-type")).toBe("image/jpeg");
  expect(stage.asked.map(({ image }) => image.format)).toEqual([undefined, "jpeg"]);
});

const facts = (format: string) => JSON.stringify({ width: 9, height: 9, original: { format } });

test("a GIF moves, for browsers that read WebP (R9)", async () => {
  stage.play = () =>
    stage.asked.length === 1
      ? print("application/json", {}, facts("image/gif"))
      : print("image/webp");
  const answer = await get("/images/moving/k", { headers: MODERN });
  expect(answer.headers.get("content-type")).toBe("image/webp");
  const [asked, moving] = stage.asked.map(({ image }) => image);
  expect(moving).toMatchObject({ format: "webp", anim: true });
  expect(asked).toEqual({ ...moving, format: "json" });
});

test("an animation too large to be transformed is shown still (O8)", async () => {
  stage.play = () =>
    [print("application/json", {}, facts("image/gif")), original("image/gif"), print("image/webp")][
      stage.asked.length - 1
    ] ?? failure("9404", 404);
  expect((await get("/images/moving/k", { headers: MODERN })).status).toBe(200);
  expect(stage.asked.map(({ image }) => [image.format, image.anim])).toEqual([
    ["json", true],
    ["webp", true],
    ["webp", false],
  ]);
});

test.each<[string, () => Response]>([
  ["that is a WebP", () => print("application/json", {}, facts("image/webp"))],
  ["of which nothing is told", () => print("application/json", {}, "{}")],
  ["of which no JSON is told", () => print("application/json", {}, "{")],
  ["that came itself", () => original("image/gif")],
  ["with transformations off", () => untransformed("image/gif")],
  ["that says so of itself", () => untransformed("application/json", facts("image/gif"))],
  ["that is missing", () => failure("9404", 404)],
])(
  "an original %s is shown still: untransformed, it could not be told (O8)",
  async (_what, told) => {
    stage.play = () => (stage.asked.length === 1 ? told() : print("image/webp"));
    expect((await get("/images/moving/k", { headers: MODERN })).status).toBe(200);
    expect(stage.asked.map(({ image }) => image.anim)).toEqual([true, false]);
  },
);

test("a browser that does not read WebP gets an animation still", async () => {
  await get("/images/moving/k", { headers: { accept: "image/avif,*/*" } });
  expect(stage.asked.map(({ image }) => image.anim)).toEqual([false]);
});

test("a body may take longer than the edge may take to begin it", async () => {
  stage.play = () => {
    const body = new ReadableStream({
      async start(stream) {
        stream.enqueue(new TextEncoder().encode("a slow "));
        await new Promise((later) => setTimeout(later, 1200));
        stream.enqueue(new TextEncoder().encode("print"));
        stream.close();
      },
    });
    return print("image/jpeg", {}, body);
  };
  expect(await (await get("/images/card/k")).text()).toBe("a slow print");
});

test("a preset of one format is that format for all, and nothing varies", async () => {
  for (const headers of [MODERN, { accept: "*/*" }]) {
    const answer = await get("/images/plain/k", { headers });
    expect([answer.status, answer.headers.has("vary")]).toEqual([200, false]);
  }
  expect(stage.asked.map(({ image }) => image.format)).toEqual(["jpeg", "jpeg"]);
});

test("an SVG is shown where the route says so, in no other format (R8)", async () => {
  stage.play = () => print("image/svg+xml");
  const answer = await get("/icons/card/a.svg", { headers: MODERN });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/svg+xml");
  expect(answer.headers.has("vary")).toBe(false);
  expect(stage.asked[0]?.image).not.toHaveProperty("format");
});
