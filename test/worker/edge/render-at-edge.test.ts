// How often the edge is asked for one rendition, or for its facts, and what becomes of its answers.

import { beforeEach, expect, test, vi } from "vitest";
import { type Fault, faultAnswer, isFault } from "../../../src/emulator/edge/faults.ts";
import { renderAtEdge } from "../../../src/worker/edge/render-at-edge.ts";
import { isRefusal } from "../../../src/worker/http/refusal.ts";
import type { OpenedObject } from "../../../src/worker/origin/open-object.ts";
import { bucketOf } from "../../support/config-of.ts";
import { CREDENTIALS, TRANSFORM_REQUEST } from "../../support/env.ts";
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

const request = {
  ...TRANSFORM_REQUEST,
  variant: {
    ...TRANSFORM_REQUEST.variant,
    image: { ...TRANSFORM_REQUEST.variant.image, fit: "contain" },
  },
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

const render = (transform: typeof request, isFacts: boolean, ms = 10_000) =>
  renderAtEdge(bucket, "published/a.jpg", OBJECT, transform, isFacts, Date.now() + ms);

/** The formats that the edge was asked for. */
const formats = () => vi.mocked(fetch).mock.calls.map(([, init]) => Object(init?.cf?.image).format);

const PASSING = EDGE_CODES.filter(({ isPassing }) => isPassing).map(({ code, status }) => {
  const fault = { code: Number(code), status };
  return isFault(fault) ? fault : expect.unreachable();
});
const BUSY = { code: 9509, status: 502 } as const;

test.each<[Answer[], string[], string, left?: number]>([
  [["avif"], ["avif"], "image/avif"],
  ...[...PASSING, "lost" as const].flatMap((fault): [Answer[], string[], string][] => [
    [[fault, "avif"], ["avif", "avif"], "image/avif"],
    [[fault, fault, "avif"], ["avif", "avif"], "no picture"],
  ]),
  [[BUSY, "avif"], ["avif"], "no picture", 200], // no time is left for the second try
  [[{ code: 9516, status: 500 }, "avif"], ["avif"], "no picture"],
  [[{ code: 9408, status: 403 }, "avif"], ["avif"], "no picture"],
  [["smaller", "png"], ["avif", "png-force"], "image/png"],
  [["smaller", "smaller", "png"], ["avif", "png-force"], "no picture"],
  [[BUSY, "smaller", "png"], ["avif", "avif", "png-force"], "image/png"],
  [["smaller", BUSY, "png"], ["avif", "png-force"], "no picture"],
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
  expect([result.type, result.length]).toEqual(["application/json", `${text.length}`]);
  const [, init] = vi.mocked(fetch).mock.calls[0] ?? [];
  const auth = { format: "json", "origin-auth": "share-publicly" };
  expect(init?.cf?.image).toEqual({ ...request.variant.image, ...auth });
});

const REPLACED = { etag: '"cf1:b"', "last-modified": "Wed, 25 Nov 2026 09:00:00 GMT" };

test.each<[string, Response, object]>([
  ["no JSON", factsOf("nonsense"), { event: "wrong-type", type: "application/json" }],
  ["a picture", picture("image/gif"), { event: "wrong-type", type: "image/gif" }],
  ["no size", factsOf({ width: 1 }), { event: "edge-failed" }],
  ["an original's word", factsOf(REPLY, { "cf-resized": "" }), { event: "not-transformed" }],
  ["facts of another original", factsOf(REPLY, REPLACED), { event: "edge-contradicts" }],
  ["a failure in JSON", factsOf(REPLY, { "cf-resized": "err=9422" }), { event: "quota-spent" }],
  ["a denial", faultAnswer({ code: 9408, status: 403 }), { event: "edge-contradicts" }],
  ["an SVG", faultAnswer({ code: 9412, status: 415 }), { event: "source-unreadable" }],
  ["a redirect", new Response(null, { status: 302 }), { event: "edge-contradicts" }],
])("%s in place of facts is refused (R2, R3, R4, R9)", async (_what, answer, refusal) => {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(answer);
  expect(await render(request, true)).toMatchObject(refusal);
});

test.each([true, false])(
  "when the time is over, the edge is not asked (facts: %j)",
  async (isFacts) => {
    vi.spyOn(globalThis, "fetch");
    expect(await render(request, isFacts, 0)).toMatchObject({ event: "timed-out" });
    expect(fetch).not.toHaveBeenCalled();
  },
);

test("the original of what is refused is let go of (R2)", async () => {
  const cancel = vi.fn();
  vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(new ReadableStream({ cancel })));
  expect(await render(request, false)).toMatchObject({ event: "not-transformed" });
  expect(cancel).toHaveBeenCalledOnce();
});
