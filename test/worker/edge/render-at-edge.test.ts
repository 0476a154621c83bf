// How often the edge is asked for one rendition, or for its facts, and what becomes of its answers.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { ttlByStatus } from "../../../src/emulator/edge/edge-cache.ts";
import { type Fault, faultAnswer, isEdgeFault } from "../../../src/emulator/edge/faults.ts";
import { edgeOptions, renderAtEdge } from "../../../src/worker/edge/render-at-edge.ts";
import { isRefusal } from "../../../src/worker/http/refusal.ts";
import type { OpenedObject } from "../../../src/worker/origin/opened-object.ts";
import type { TransformRequest } from "../../../src/worker/request/transform-request.ts";
import { stopClock, stopTimers, watchWork } from "../../support/clock.ts";
import { bucketOf } from "../../support/config-of.ts";
import { credentialsIn } from "../../support/credentials-in.ts";
import { CREDENTIALS, IMPATIENT, TRANSFORM_REQUEST } from "../../support/env.ts";
import { SESSION } from "../../support/issuer.ts";
import { disableCache, get, stage } from "../../support/run-worker.ts";
import { EDGE_CODES } from "../../support/tables/edge-codes.ts";

const bucket = bucketOf();

const head = Uint8Array.of(0xff, 0xd8, 0xff);
const OBJECT: OpenedObject = {
  etag: "a:1",
  validator: "a:1",
  type: "image/jpeg",
  length: 9,
  lastModified: "Tue, 24 Nov 2026 09:00:00 GMT",
  metadata: new Map(),
  credential: { credentials: CREDENTIALS },
  body: { head, stream: new ReadableStream(), failure: new Promise(() => {}), cancel: () => {} },
};

const image = { ...TRANSFORM_REQUEST.image, fit: "contain" } as const;
const request = {
  ...TRANSFORM_REQUEST,
  variant: { ...TRANSFORM_REQUEST.variant, image },
  image,
} as const;

const RESIZED = { "cf-resized": "internal=ok/m" };
const JSON_TYPE = { "content-type": "application/json" };
const REPLY = {
  width: 40,
  height: 30,
  original: { width: 400, height: 300, format: "image/jpeg" },
};

const picture = (type = "image/avif", headers: Record<string, string> = {}) =>
  new Response("picture", { headers: { ...RESIZED, "content-type": type, ...headers } });
const factsOf = (reply: unknown, headers: Record<string, string> = {}) =>
  new Response(typeof reply === "string" ? reply : JSON.stringify(reply), {
    headers: { ...RESIZED, ...JSON_TYPE, ...headers },
  });

type Answer = "avif" | "png" | "smaller" | "lost" | Fault;

function answerOf(answer: Answer): Response {
  if (answer === "avif" || answer === "png") return picture(`image/${answer}`);
  const warning = 'cf-images 299 "original is smaller"';
  if (answer === "smaller") return picture("image/jpeg", { warning });
  if (answer === "lost") throw new TypeError("network connection lost");
  return faultAnswer(answer);
}

const pauses: number[] = [];
beforeEach(() => {
  pauses.length = 0;
  vi.stubGlobal("scheduler", { wait: async (ms: number) => void pauses.push(ms) });
});

const render = (transform: TransformRequest, isFacts: boolean, ms = 10_000) =>
  renderAtEdge(bucket, "published/a.jpg", OBJECT, transform, isFacts, Date.now() + ms);

/** The formats that the edge was asked for. */
const formats = () => vi.mocked(fetch).mock.calls.map(([, init]) => Object(init?.cf?.image).format);

const TRANSIENT = EDGE_CODES.filter(({ isTransient }) => isTransient).map(({ code, status }) => {
  const fault = { code: Number(code), status };
  return isEdgeFault(fault) ? fault : expect.unreachable();
});
const BUSY = { code: 9509, status: 502 } as const;

const WEBP = Buffer.from("RIFF\x10\0\0\0WEBPVP8 ", "latin1");

test.each<[string, Uint8Array, boolean]>([
  ["a WebP", WEBP, true],
  ["the original, under the name that its uploader chose", head, false],
  ["no picture", Buffer.from("picture"), false],
])(
  "where the original may have been passed on as WebP, the bytes decide: %s (R6)",
  async (_name, bytes, isShown) => {
    const headers = {
      ...RESIZED,
      "content-type": "image/webp",
      etag: '"cf1:a:1"',
      warning: 'cf-images 299 "original is smaller"',
    };
    vi.spyOn(globalThis, "fetch").mockImplementation(
      async () => new Response(bytes.slice(), { headers }),
    );

    const rendition = await render(request, false);
    expect(isRefusal(rendition)).toBe(!isShown);
  },
);

test.each<[Answer[], string[], string, left?: number]>([
  [["avif"], ["avif"], "image/avif"],
  ...[...TRANSIENT, "lost" as const].flatMap((fault): [Answer[], string[], string][] => [
    [[fault, "avif"], ["avif", "avif"], "image/avif"],
    [[fault, fault, "avif"], ["avif", "avif"], "no picture"],
  ]),
  [[BUSY, "avif"], ["avif"], "no picture", 200], // no time is left for the second try
  [[{ code: 9402, status: 502 }, "avif"], ["avif"], "no picture"],
  [[{ code: 9408, status: 403 }, "avif"], ["avif"], "no picture"],
  [["smaller", "png"], ["avif", "webp"], "image/png"],
  [["smaller", "smaller", "png"], ["avif", "webp", "webp"], "image/png"],
  [["smaller", "smaller", "smaller", "png"], ["avif", "webp", "webp"], "no picture"],
  [[BUSY, "smaller", "png"], ["avif", "avif", "webp"], "image/png"],
  [["smaller", BUSY, "png"], ["avif", "webp", "webp"], "image/png"],
  [["smaller", BUSY, BUSY, "png"], ["avif", "webp", "webp"], "no picture"],
])("answers %j: asked for %j, %s (A9, R3, R6)", async (answers, requested, expected, ms) => {
  let times = 0;
  vi.spyOn(globalThis, "fetch").mockImplementation(async () =>
    answerOf(answers[times++] ?? expect.unreachable()),
  );

  const result = await render(request, false, ms);
  expect(isRefusal(result) ? "no picture" : result.type).toBe(expected);
  expect(formats()).toEqual(requested);
  expect(pauses.length).toBeLessThanOrEqual(1);
});

test("facts are asked for with the rendition's own options (R9, L2)", async () => {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(factsOf({ ...REPLY, key: "published/a.jpg" }));
  const result = await render(request, true);
  if (isRefusal(result)) expect.unreachable();

  const text = await new Response(result.body).text();
  expect(text).toBe(
    '{"width":40,"height":30,"original":{"width":400,"height":300,"type":"image/jpeg"}}',
  );
  expect(result.type).toBe("application/json");
  expect(result.length).toBe(`${text.length}`);

  const [, init] = vi.mocked(fetch).mock.calls[0] ?? [];
  const auth = { format: "json", "origin-auth": "share-publicly" };
  expect(init?.cf?.image).toEqual({ ...request.variant.image, ...auth });
});

const REPLACED = { etag: '"cf1:b"', "last-modified": "Wed, 25 Nov 2026 09:00:00 GMT" };

test.each<{ title: string; answer: Response; refusal: object }>([
  {
    title: "no JSON",
    answer: factsOf("nonsense"),
    refusal: { event: "wrong-type", type: "application/json" },
  },
  {
    title: "a picture",
    answer: picture("image/gif"),
    refusal: { event: "wrong-type", type: "image/gif" },
  },
  { title: "no size", answer: factsOf({ width: 1 }), refusal: { event: "edge-failed" } },
  {
    title: "an original's word",
    answer: factsOf(REPLY, { "cf-resized": "" }),
    refusal: { event: "not-transformed" },
  },
  {
    title: "facts of another original",
    answer: factsOf(REPLY, REPLACED),
    refusal: { event: "edge-contradicts" },
  },
  {
    title: "a failure in JSON",
    answer: factsOf(REPLY, { "cf-resized": "err=9422" }),
    refusal: { event: "quota-spent" },
  },
  {
    title: "a denial",
    answer: faultAnswer({ code: 9408, status: 403 }),
    refusal: { event: "edge-contradicts" },
  },
  {
    title: "an SVG",
    answer: faultAnswer({ code: 9412, status: 415 }),
    refusal: { event: "source-unreadable" },
  },
  {
    title: "a redirect",
    answer: new Response(null, { status: 302 }),
    refusal: { event: "edge-contradicts" },
  },
])("$title in place of facts is refused (R2, R3, R4, R9)", async ({ answer, refusal }) => {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(answer);
  expect(await render(request, true)).toMatchObject(refusal);
});

test.each([true, false])("after the time, the edge is not asked (facts: %j)", async (isFacts) => {
  vi.spyOn(globalThis, "fetch");
  expect(await render(request, isFacts, 0)).toMatchObject({ event: "timed-out" });
  expect(fetch).not.toHaveBeenCalled();
});

test.each<[string, (sent: string) => Response]>([
  ["code", (sent) => new Response(`<Error><Code>${sent}</Code></Error>`, { status: 403 })],
  ["type", (sent) => picture(`image/${sent}`)],
])("a %s that the edge was sent is in no refusal", async (_what, answerWith) => {
  const credential = { credentials: { ...CREDENTIALS, sessionToken: SESSION.sessionToken } };
  for (let at = 0; at < 7; at++) {
    let sent = "";
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      sent = credentialsIn(new Request(input, init))[at] ?? expect.unreachable();
      return answerWith(sent);
    });

    const rendering = renderAtEdge(
      bucket,
      "a.jpg",
      { ...OBJECT, credential },
      request,
      false,
      Date.now() + 9_000,
    );

    expect(JSON.stringify(await rendering).toLowerCase()).not.toContain(sent.toLowerCase());
    expect(sent).not.toBe("");
  }
});

test("the original of what is refused is let go of (R2)", async () => {
  const cancel = vi.fn();
  vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(new ReadableStream({ cancel })));
  expect(await render(request, false)).toMatchObject({ event: "not-transformed" });
  expect(cancel).toHaveBeenCalledOnce();
});

describe("of a picture of an unknown length, without a limit,", () => {
  const answerWith = (body: ReadableStream) => {
    const headers = { ...RESIZED, "content-type": "image/webp" };
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(body, { headers }));
  };

  test.each<{ title: string; chunks: number[]; expected: number | string }>([
    { title: "no bytes come: it is none", chunks: [], expected: "edge-failed" },
    { title: "an empty chunk comes: it is none", chunks: [0], expected: "edge-failed" },
    { title: "one byte comes", chunks: [1], expected: 1 },
    { title: "an empty chunk comes, and then bytes", chunks: [0, 5, 4], expected: 9 },
  ])("$title (R6)", async ({ chunks, expected }) => {
    const body = new ReadableStream({
      start(stream) {
        for (const size of chunks) stream.enqueue(new Uint8Array(size));
        stream.close();
      },
    });
    answerWith(body);

    const result = await render(request, false);
    const actual = isRefusal(result)
      ? result.event
      : (await new Response(result.body).bytes()).length;

    expect(actual).toBe(expected);
  });

  test("the first byte is waited for, and no other one", async () => {
    const body = new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(1)) });
    answerWith(body);
    const result = await render(request, false);
    if (isRefusal(result)) expect.unreachable();

    const first = await result.body?.getReader().read();
    expect(first?.value).toHaveLength(1);
  });
});

describe("with a limit of 10 bytes, a picture", () => {
  const MAX_BYTES = 10;

  /** What the edge sends: how many bytes, what content-length says, and how the body ends. */
  type Sent = {
    readonly bytes: number;
    readonly length?: string;
    readonly ending?: "break" | "stall";
  };

  /** Which bodies were cancelled, in order of the requests. */
  let cancelled: number[];

  function answerWith(sent: readonly Sent[]): void {
    cancelled = [];
    let times = 0;

    vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
      const index = times++;
      const { bytes, length, ending } = sent[index] ?? expect.unreachable();

      const body = new ReadableStream({
        start(stream) {
          if (bytes > 0) stream.enqueue(new Uint8Array(bytes));
          if (ending === undefined) stream.close();
        },
        pull: (stream) => (ending === "break" ? stream.error(new Error("reset")) : undefined),
        cancel: () => void cancelled.push(index),
      });

      const type = { "content-type": "image/webp" };
      return new Response(body, {
        headers: { ...RESIZED, ...type, ...(length !== undefined && { "content-length": length }) },
      });
    });
  }

  const renderLimited = () => render({ ...request, maxBytes: MAX_BYTES }, false);

  test.each<{ title: string; sent: Sent[]; expected: number | string; dropped?: number[] }>([
    { title: "that is light", sent: [{ bytes: 9, length: "9" }], expected: 9 },
    { title: "that is light, by its bytes", sent: [{ bytes: 9 }], expected: 9 },
    {
      title: "that is heavy, and the next one is not",
      sent: [{ bytes: 30, length: "30" }, { bytes: 9 }],
      expected: 9,
      dropped: [0],
    },
    { title: "of no bytes is none", sent: [{ bytes: 0 }], expected: "edge-failed" },
    {
      title: "of no bytes replaces none",
      sent: [{ bytes: 30, length: "30" }, { bytes: 0 }],
      expected: 30,
    },
    {
      title: "that breaks off replaces none",
      sent: [
        { bytes: 30, length: "30" },
        { bytes: 5, length: "9", ending: "break" },
      ],
      expected: 30,
    },
    {
      title: "that is shorter than promised replaces none",
      sent: [
        { bytes: 30, length: "30" },
        { bytes: 5, length: "9" },
      ],
      expected: 30,
    },
    {
      title: "whose length is no number is of an unknown length",
      sent: [
        { bytes: 40, length: "about 9" },
        { bytes: 30, length: "30" },
        { bytes: 50, length: "50" },
      ],
      expected: 30,
      dropped: [2],
    },
  ])("$title (R6)", async ({ sent, expected, dropped = [] }) => {
    answerWith(sent);
    const result = await renderLimited();
    const actual = isRefusal(result)
      ? result.event
      : (await new Response(result.body).bytes()).length;

    expect(actual).toBe(expected);
    expect(cancelled).toEqual(dropped);
  });

  test("that stalls is passed on as it comes, if there is no other", async () => {
    const finish = stopTimers();
    answerWith([{ bytes: 5, ending: "stall" }]);
    const { value, took } = await finish(renderLimited());

    if (isRefusal(value)) expect.unreachable();
    expect(took).toBe(10_000);

    const first = await value.body?.getReader().read();
    expect(first?.value).toHaveLength(5);
  });

  test("that stalls and goes on has each of its bytes once", async () => {
    const finish = stopTimers();
    let rest: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        rest = stream;
        stream.enqueue(new Uint8Array(5));
      },
    });
    const headers = { ...RESIZED, "content-type": "image/webp" };
    vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(body, { headers }));

    const { value } = await finish(renderLimited());
    if (isRefusal(value)) expect.unreachable();
    rest?.enqueue(new Uint8Array(4));
    rest?.enqueue(new Uint8Array(3));
    rest?.close();

    const reader = value.body?.getReader();
    const lengths: (number | undefined)[] = [];
    for (let reading = 0; reading < 4; reading++) {
      const chunk = await reader?.read();
      lengths.push(chunk?.value?.length);
    }
    expect(lengths).toEqual([5, 4, 3, undefined]);
  });

  test("that stalls does not cost the visitor the one that is there", async () => {
    const finish = stopTimers();
    answerWith([
      { bytes: 30, length: "30" },
      { bytes: 5, ending: "stall" },
    ]);

    const { value, took } = await finish(renderLimited());
    if (isRefusal(value)) expect.unreachable();
    expect(value.length).toBe("30");
    expect(took).toBe(9_000);
    expect(cancelled).toEqual([1]);
  });
});

test("of a picture of an unknown length, little is read before it is answered", async () => {
  let sent = 0;
  const endless = new ReadableStream({
    pull(stream) {
      sent += 1_000_000;
      stream.enqueue(new Uint8Array(1_000_000));
    },
  });

  const type = { "content-type": "image/webp" };
  vi.spyOn(globalThis, "fetch").mockResolvedValue(
    new Response(endless, { headers: { ...RESIZED, ...type } }),
  );

  const result = await render({ ...request, maxBytes: 60_000_000 }, false);
  if (isRefusal(result)) expect.unreachable();

  await result.body?.cancel();
  expect(sent).toBeLessThan(12_000_000);
  expect(fetch).toHaveBeenCalledOnce();
});

const PATH = "/images/card/key.jpg";

const OK = { "cf-resized": "internal=ok/m", "content-type": "image/jpeg" };
const UNREADABLE = { status: 415, headers: { "cf-resized": "err=9412" } };

test("the edge is asked to keep no failure, be it the origin's or its own (C4)", async () => {
  const requests = vi.fn(stage.edge.fetch);
  stage.edge.fetch = requests;
  await get(PATH);

  const ttl = requests.mock.calls[0]?.[1]?.cf?.cacheTtlByStatus;
  for (const status of [400, 401, 403, 404, 500, 502, 503, 504]) {
    expect(ttlByStatus(ttl, status), `status ${status}`).toBe(-1);
  }
  expect(ttlByStatus(ttl, 200)).toBeUndefined();
});

test.each<{
  title: string;
  change: Partial<TransformRequest>;
  format: TransformRequest["variant"]["format"];
  isSent: boolean;
}>([
  {
    title: "of a PNG, which stays one",
    change: { format: undefined, source: { type: "image/png" } },
    format: "auto",
    isSent: false,
  },
  {
    title: "of a JPEG, which stays one",
    change: { format: undefined, source: { type: "image/jpeg" } },
    format: "auto",
    isSent: true,
  },
  {
    title: "of a PNG as AVIF",
    change: { format: "avif", source: { type: "image/png" } },
    format: "auto",
    isSent: true,
  },
  {
    title: "of a PNG in a preset of PNG",
    change: { format: "png", source: { type: "image/png" } },
    format: "png",
    isSent: true,
  },
])(
  "quality goes out for a picture $title, unless it would take its colours (O5)",
  ({ change, format, isSent }) => {
    const variant = { ...TRANSFORM_REQUEST.variant, format };
    const image = { ...TRANSFORM_REQUEST.image, quality: 40 };
    const { quality } = edgeOptions({ ...TRANSFORM_REQUEST, ...change, variant, image });
    expect(quality).toBe(isSent ? 40 : undefined);
  },
);

test("a body may take longer than the edge may take to begin it", async () => {
  disableCache(); // the strict cache waits for the whole body, which production does not
  stopClock();
  const settleWork = watchWork();
  const read = Promise.withResolvers<ReadableStreamDefaultController>();
  const body = new ReadableStream({ pull: read.resolve }, { highWaterMark: 0 });

  stage.edge.fetch = async () => new Response(body, { headers: OK });
  const reply = get(PATH, {}, IMPATIENT);
  const controller = await read.promise;
  controller.enqueue(new TextEncoder().encode("a slow "));
  await settleWork(); // the answer has begun

  await vi.advanceTimersByTimeAsync(60_000);
  controller.enqueue(new TextEncoder().encode("rendition"));
  controller.close();

  expect(await (await reply).text()).toBe("a slow rendition");
});

test("only the beginning of an error's text is read", async () => {
  let sent = 0;
  const endless = new ReadableStream({
    pull(stream) {
      sent += 1024;
      stream.enqueue(new Uint8Array(1024).fill(32));
    },
  });

  stage.edge.fetch = async () => new Response(endless, UNREADABLE);
  expect((await get(PATH)).status).toBe(415);
  expect(sent).toBeLessThan(16_384);
});
