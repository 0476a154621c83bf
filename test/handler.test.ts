// The whole way of a request, with the edge and S3 behind it played by msw: S3 verifies the signature
// of every request, then the edge answers as the test says.

import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { BROKEN, HARD_KEYS } from "../fixtures/objects.ts";
import worker from "../src/index.ts";
import { originUrl } from "../src/origin.ts";
import { BASE, CREDENTIALS, ENV } from "./env.ts";
import { s3Error, signatureFault } from "./s3.ts";

const ETAG = `"cf${"x".repeat(42)}:9bb58f26192e4ba00f01e2e7b136bbd8"`; // R4
const PRINT = "a print, made by the edge";
const ORIGINAL = "the original, which must not come out";

type Play = () => Response | Promise<Response>;

let play: Play;
let asked: { request: Request; image: RequestInitCfPropertiesImage }[];
let logged: { level: "warn" | "error"; line: Record<string, unknown> }[];

const edge = setupServer(
  http.get(`${BASE}*`, async ({ request }) => {
    const fault = await signatureFault(request.url, request.headers, "eu-west-1", CREDENTIALS);
    return fault === undefined ? play() : s3Error(403, fault);
  }),
);

beforeAll(() => edge.listen({ onUnhandledFrame: "error" }));
afterAll(() => edge.close());

beforeEach(() => {
  play = () => print("image/jpeg");
  asked = [];
  logged = [];
  for (const level of ["warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => {
      logged.push({ level, line: JSON.parse(line) });
    });
  }
  // Node's fetch has no `cf`: it is read here, on its way out of the Worker.
  const send = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    asked.push({ request: new Request(input, init), image: init?.cf?.image ?? {} });
    return send(input, init);
  });
});

// What no answer and no line of the log may hold, whatever the test.
const SECRET = [CREDENTIALS.secretAccessKey, CREDENTIALS.accessKeyId, "AWS4-HMAC", "Signature="];
const PRIVATE = [
  ORIGINAL,
  "acme-media",
  "published/",
  "amazonaws",
  "AmazonS3",
  "<Code>",
  "ERROR 9",
];
let answered: string[] = [];
afterEach(() => {
  for (const text of answered) for (const word of PRIVATE) expect(text).not.toContain(word);
  for (const text of [...answered, JSON.stringify(logged)]) {
    for (const word of SECRET) expect(text).not.toContain(word);
  }
  answered = [];
});

function print(type: string, headers: Record<string, string> = {}): Response {
  return new HttpResponse(PRINT, {
    headers: {
      "cf-resized": "internal=ok/m q=0 n=317+85",
      "content-type": type,
      etag: ETAG,
      "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
      "x-amz-request-id": "4442587FB7D0A2F9",
      server: "AmazonS3",
      ...headers,
    },
  });
}

function failure(code: string, status: number): Response {
  const text = `ERROR ${code}: Could not fetch the image — the server returned an error`;
  return HttpResponse.text(text, { status, headers: { "cf-resized": `err=${code}` } });
}

async function get(path: string, init: RequestInit = {}, env: object = ENV): Promise<Response> {
  const answer = await worker.fetch(new Request(`https://images.example${path}`, init), env);
  answered.push(`${JSON.stringify([...answer.headers])} ${await answer.clone().text()}`);
  return answer;
}

const modern = { accept: "image/avif,image/webp,image/*,*/*;q=0.8" };

test("a private object is shown at a preset's size", async () => {
  play = () => print("image/avif");
  const answer = await get("/images/card/photos/fig.jpg", { headers: modern });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe(PRINT);
  expect(asked).toHaveLength(1);
  expect(asked[0]?.request.url).toBe(`${BASE}published/photos/fig.jpg`);
  expect(asked[0]?.image).toEqual({
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
  expect(logged).toEqual([]);
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
  const { request } = asked[0] ?? {};
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
  expect(asked[0]?.image.format).toBe(format);
});

test.each(HARD_KEYS)("the key %j reaches S3 as it is, rightly signed (A2, A10)", async (key) => {
  const answer = await get(`/images/card/${encodeURIComponent(key)}`);
  expect(answer.status).toBe(200);
  expect(asked[0]?.request.url).toBe(originUrl(BASE, `published/${key}`));
});

test("two spellings of one path are one origin URL", async () => {
  await get("/images/card/a%20(b)/%63.jpg");
  await get("/%69mages/card@1x/a%20%28b%29%2Fc.jpg?v=2");
  expect(asked[1]?.request.url).toBe(asked[0]?.request.url);
  expect(asked[1]?.image).toEqual(asked[0]?.image);
});

test("HEAD has GET's headers and no body; the edge is asked with GET (E4)", async () => {
  play = () => print("image/jpeg", { "content-length": `${PRINT.length}` });
  const [get1, head] = [
    await get("/images/card/k"),
    await get("/images/card/k", { method: "HEAD" }),
  ];
  const named = (answer: Response) => [...answer.headers].filter(([n]) => n !== "server-timing");
  expect(named(head)).toEqual(named(get1));
  expect(head.status).toBe(200);
  expect(head.body).toBeNull();
  expect(asked.map(({ request }) => request.method)).toEqual(["GET", "GET"]);
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

test("all that is not there is one and the same 404, and costs no subrequest", async () => {
  play = () => failure("9404", 404);
  const missing = await get("/images/card/nothing.jpg");
  expect(asked).toHaveLength(1);
  const others = [
    "/",
    "/images",
    "/images/card",
    "/images/nope/k",
    "/images/card@3x/k",
    "/images/card@2.0x/k",
    "/images/card@02x/k",
    "/images/card@2X/k",
    "/images/hero@641w/k",
    "/images/hero@2x/k",
    "/images/constructor/k",
    "/images/__proto__/k",
    "/images/card/",
    "/images/card//k",
    "/images/card/a%2F%2Fk",
    "/images/card/%2e%2e%2fk",
    "/images/card/..%2fk",
    "/images/card/%5c",
    "/images/card/%00",
    "/images/card/%ff",
    `/images/card/${"k".repeat(1015)}`,
    "/avatars/ada/hero",
    "/avatars/%2e%2e/card",
    "/avatars/a%2fb/card",
    "/images/card%2f..%2f..%2fk",
  ];
  for (const path of others) {
    const answer = await get(path);
    expect([path, answer.status, await answer.text(), ...answer.headers]).toEqual([
      path,
      404,
      "Not found\n",
      ...missing.headers,
    ]);
  }
  expect(asked).toHaveLength(1);
  expect(logged).toHaveLength(others.length + 1);
});

// The table of answers, row by row: what comes back, what the visitor gets, what the operator reads.
test.each<[string, Play, number, Record<string, unknown>, number]>([
  ["missing", () => failure("9404", 404), 404, { event: "object-missing", edge: "9404" }, 1],
  ["no image", () => failure("9412", 415), 415, { event: "source-unreadable", edge: "9412" }, 1],
  ["an SVG", () => print("image/svg+xml"), 415, { event: "source-unreadable" }, 1],
  ["quota", () => failure("9422", 429), 503, { event: "quota-spent", edge: "9422" }, 1],
  ["denied", () => failure("9408", 403), 502, { event: "origin-denied", edge: "9408" }, 1],
  ["Sources", () => failure("9401", 403), 502, { event: "edge-refused", edge: "9401" }, 1],
  ["origin down", () => failure("9509", 502), 502, { event: "origin-failed", edge: "9509" }, 2],
  ["edge busy", () => failure("9522", 503), 502, { event: "edge-failed", edge: "9522" }, 2],
  ["origin slow", () => failure("9504", 524), 504, { event: "timed-out", edge: "9504" }, 1],
  ["cut off", () => HttpResponse.error(), 502, { event: "edge-failed" }, 2],
  ["a page", () => print("text/html"), 502, { event: "wrong-type", type: "text/html" }, 1],
  ["json", () => print("application/json"), 502, { event: "wrong-type" }, 1],
  [
    "transformations off (R2)",
    () => new HttpResponse(ORIGINAL, { headers: { "content-type": "image/jpeg", etag: '"a"' } }),
    502,
    { event: "not-transformed", status: 200, type: "image/jpeg" },
    1,
  ],
  [
    "transformations off, and S3 denies",
    () => s3Error(403, "SignatureDoesNotMatch"),
    502,
    { event: "origin-denied", origin: "SignatureDoesNotMatch" },
    1,
  ],
  [
    "a redirect, not followed (E7)",
    () => HttpResponse.text(null, { status: 307, headers: { location: "https://else.example/" } }),
    502,
    { event: "origin-failed", status: 307 },
    1,
  ],
  [
    "the original, for it is smaller (R6)",
    () => print("image/jpeg", { warning: 'cf-images 299 "original is smaller"' }),
    502,
    { event: "original-is-smaller" },
    2,
  ],
])("%s", async (_what, played, status, line, calls) => {
  play = played;
  const answer = await get("/images/card/photos/fig.jpg", { headers: modern });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("cache-control")).toBe(
    status === 404 || status === 415 ? "public, max-age=60" : "no-store",
  );
  expect(answer.headers.get("retry-after")).toBe(status === 503 ? "3600" : null);
  expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(asked).toHaveLength(calls);
  expect(logged).toEqual([
    {
      level: status < 500 ? "warn" : "error",
      line: expect.objectContaining({
        ...line,
        route: "/images/:preset/*",
        preset: "card",
        bucket: "media",
        key: "published/photos/fig.jpg",
        answered: status,
      }),
    },
  ]);
  const head = await get("/images/card/photos/fig.jpg", { method: "HEAD", headers: modern });
  expect([...head.headers]).toEqual([...answer.headers]);
  expect([head.status, head.body]).toEqual([status, null]);
});

test("an edge that does not answer is a 504, asked once", async () => {
  play = () => new Promise<never>(() => {});
  const answer = await get("/images/card/k");
  expect(answer.status).toBe(504);
  expect(asked).toHaveLength(1);
  expect(logged[0]?.line).toMatchObject({ event: "timed-out", reason: "no answer within 1 s" });
});

test("an error whose text never ends is told by its code all the same", async () => {
  vi.mocked(fetch).mockImplementation(async (_input, init) => {
    const body = new ReadableStream({
      start(stream) {
        stream.enqueue(new Uint8Array(10));
        init?.signal?.addEventListener("abort", () => stream.error(new Error("aborted")));
      },
    });
    return new Response(body, { status: 404, headers: { "cf-resized": "err=9404" } });
  });
  const answer = await get("/images/card/k");
  expect(answer.status).toBe(404);
  expect(logged[0]?.line).toMatchObject({ event: "object-missing", edge: "9404" });
});

test("of an error's text no more than its beginning is read", async () => {
  let sent = 0;
  vi.mocked(fetch).mockImplementation(async () => {
    const body = new ReadableStream({
      pull(stream) {
        sent += 1024;
        stream.enqueue(new Uint8Array(1024).fill(32));
      },
    });
    return new Response(body, { status: 404 });
  });
  expect((await get("/images/card/k")).status).toBe(404);
  expect(sent).toBeLessThan(16_384);
});

test.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("%s is a 405", async (method) => {
  const answer = await get("/images/card/k", { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("GET, HEAD");
  expect(asked).toEqual([]);
});

test("a failure that passes is not seen", async () => {
  let times = 0;
  play = () => (++times === 1 ? failure("9509", 502) : print("image/avif"));
  expect((await get("/images/card/k", { headers: modern })).status).toBe(200);
  expect(asked).toHaveLength(2);
  expect(logged).toEqual([]);
});

test("an original passed through as too large for AVIF is not shown; WebP is asked (O7)", async () => {
  play = () =>
    asked.length === 1
      ? new HttpResponse(ORIGINAL, {
          headers: {
            "cf-resized": "internal=ok/m",
            "content-type": "image/jpeg",
            warning: 'cf-images 299 "image too large for AVIF"',
          },
        })
      : print("image/webp");
  const answer = await get("/images/tall/k", { headers: modern });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/webp");
  expect(asked.map(({ image }) => image.format)).toEqual(["avif", "webp"]);
});

test("AVIF is not asked for above 1,200 px (O7)", async () => {
  await get("/images/hero/k", { headers: modern });
  await get("/images/hero@640w/k", { headers: modern });
  expect(asked.map(({ image }) => image.format)).toEqual(["webp", "avif"]);
});

test("WebP that a browser does not read is not sent to it", async () => {
  play = () => print(asked.length === 1 ? "image/webp" : "image/jpeg");
  const answer = await get("/images/card/k", { headers: { accept: "image/png,*/*" } });
  expect(answer.headers.get("content-type")).toBe("image/jpeg");
  expect(asked.map(({ image }) => image.format)).toEqual([undefined, "jpeg"]);
});

test("an animation too large to be transformed is shown still (O8)", async () => {
  play = () =>
    asked.length === 1
      ? new HttpResponse(ORIGINAL, {
          headers: { "cf-resized": "internal=ok/m", "content-type": "image/gif" },
        })
      : print("image/webp");
  const answer = await get("/images/moving/k", { headers: modern });
  expect(answer.status).toBe(200);
  expect(asked.map(({ image }) => [image.format, image.anim])).toEqual([
    ["webp", true],
    ["webp", false],
  ]);
});

test("an SVG is shown where the route says so, in no other format (R8)", async () => {
  play = () => print("image/svg+xml");
  const answer = await get("/icons/card/a.svg", { headers: modern });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/svg+xml");
  expect(answer.headers.has("vary")).toBe(false);
  expect(asked[0]?.image).not.toHaveProperty("format");
});

test.each(BROKEN)("$key, passed through, is not shown", async ({ key, type }) => {
  play = () => new HttpResponse(ORIGINAL, { headers: { "content-type": type } });
  const answer = await get(`/images/card/${key}`);
  expect(answer.status).toBe(502);
});

test("what a visitor sends does not fill the log", async () => {
  const long = "x".repeat(65_536);
  for (const path of [`/${long}`, `/images/${long}/k`, `/images/card/${long}`]) await get(path);
  expect(logged).toHaveLength(3);
  for (const { line } of logged) expect(JSON.stringify(line).length).toBeLessThan(1_300);
});

test("with a broken configuration nothing is served, and the log has all of it", async () => {
  const env = {
    ...ENV,
    PRESETS: { card: { width: 100, quality: 150 } },
    AWS_ACCESS_KEY_ID: "ASIAX",
  };
  const answer = await get("/images/card/k", {}, env);
  expect(answer.status).toBe(500);
  expect(await answer.text()).toBe("Internal error\n");
  expect(asked).toEqual([]);
  expect(logged).toEqual([
    {
      level: "error",
      line: {
        event: "configuration-broken",
        mistakes: [
          expect.stringMatching(/^AWS_ACCESS_KEY_ID: is a session's key/),
          "PRESETS.card.quality: 150 is not between 1 and 100",
        ],
        answered: 500,
      },
    },
  ]);
});

test("with a wrong secret the visitor learns nothing, and the log says what S3 said", async () => {
  const answer = await get("/images/card/k", {}, { ...ENV, AWS_SECRET_ACCESS_KEY: "wrong" });
  expect(answer.status).toBe(502);
  expect(logged[0]?.line).toMatchObject({
    event: "origin-denied",
    origin: "SignatureDoesNotMatch",
    bucket: "media",
  });
});
