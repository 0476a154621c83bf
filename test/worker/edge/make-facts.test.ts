// The facts of a picture, from what the edge tells: nothing else gets out, and nothing that cannot be.

import { describe, expect, test, vi } from "vitest";
import { faultAnswer } from "../../../src/emulator/edge/faults.ts";
import { isRefusal } from "../../../src/worker/base/refusal.ts";
import { makeFacts, readFacts } from "../../../src/worker/edge/facts.ts";
import { ASKED, SIGNED } from "../../support/env.ts";

const MADE = { "cf-resized": "internal=ok/m", "content-type": "application/json" };
const asked = {
  ...ASKED,
  variant: { ...ASKED.variant, image: { ...ASKED.variant.image, fit: "contain" } },
} as const;

/** Returns what is made of an answer of the edge: the text for the visitor, or the refusal. */
async function made(answer: Response | Error, of = asked, deadline = Date.now() + 1000) {
  const fetched = vi.spyOn(globalThis, "fetch");
  if (answer instanceof Error) fetched.mockRejectedValue(answer);
  else fetched.mockResolvedValue(answer);
  const facts = await makeFacts("https://a.example/k", SIGNED, of, deadline);
  if (isRefusal(facts)) return facts;
  expect([facts.type, facts.standsIn, facts.status]).toEqual(["application/json", false, 200]);
  expect(facts.headers.get("content-length")).toBe(`${facts.text.length}`);
  return facts.text;
}

const json = (facts: unknown, headers: Record<string, string> = MADE) =>
  new Response(typeof facts === "string" ? facts : JSON.stringify(facts), { headers });

const ORIGINAL = { file_size: 815_815, width: 400, height: 300, format: "image/jpeg" };
const TOLD = { width: 40, height: 30, original: ORIGINAL };

test("only sides and type are told, asked with the rendition's own options (R9, L2)", async () => {
  const secret = { name: "secret.jpg", key: "published/secret.jpg" };
  const told = { ...secret, ...TOLD, original: { ...secret, ...ORIGINAL, exif: secret } };
  expect(await made(json(told))).toBe(
    '{"width":40,"height":30,"original":{"width":400,"height":300,"type":"image/jpeg"}}',
  );
  const [, init] = vi.mocked(fetch).mock.calls[0] ?? [];
  expect(init?.cf?.image).toEqual({
    ...asked.variant.image,
    ...{ format: "json", "origin-auth": "share-publicly" },
  });
});

test("the validators of the edge's answer are kept, if they have the right form (R4, R7)", async () => {
  const etag = `"cf${"x".repeat(42)}:abc"`;
  const date = "Tue, 24 Nov 2026 09:00:00 GMT";
  const headers = {
    ...MADE,
    etag,
    "last-modified": date,
    "x-amz-meta-a": "1",
    "content-length": "9",
  };
  vi.spyOn(globalThis, "fetch").mockResolvedValue(json(TOLD, headers));
  const facts = await makeFacts("https://a.example/k", SIGNED, asked, Date.now() + 1000);
  if (isRefusal(facts)) expect.unreachable();
  const { length } = facts.text;
  expect(Object.fromEntries(facts.headers)).toEqual({
    ...{ etag, "last-modified": date, "content-length": `${length}` },
  });
});

test.each(["image/jpeg", "JPEG", "jpg", "image/jpg; q=1"])(
  "the type %j is known (R9)",
  async (format) => {
    expect(await made(json({ ...TOLD, original: { ...ORIGINAL, format } }))).toContain(
      '"type":"image/jpeg"',
    );
  },
);

test.each([undefined, null, "", "image/svg+xml", "text/html", "jpeg\u0000", 7, ["jpeg"], "<b>"])(
  "the type %j is left out (R9)",
  async (format) => {
    expect(await made(json({ ...TOLD, original: { ...ORIGINAL, format } }))).toBe(
      '{"width":40,"height":30,"original":{"width":400,"height":300}}',
    );
  },
);

const ODD_SIDES = [undefined, null, 0, -1, 1.5, 100_001, 1e308, "40", "", [40], {}, true, "1e1"];

describe("a side that cannot be is a refusal (R9):", () => {
  const places = [
    ["width", (side: unknown) => ({ ...TOLD, width: side })],
    ["height", (side: unknown) => ({ ...TOLD, height: side })],
    ["original.width", (side: unknown) => ({ ...TOLD, original: { ...ORIGINAL, width: side } })],
    ["original.height", (side: unknown) => ({ ...TOLD, original: { ...ORIGINAL, height: side } })],
  ] as const;
  const rows = places.flatMap(([place, put]) =>
    ODD_SIDES.map((side) => [place, side, put] as const),
  );
  test.each(rows)("%s is %j", async (_place, side, put) => {
    const refusal = await made(json(put(side)));
    expect(refusal).toEqual({
      event: "edge-failed",
      status: 200,
      reason: "the edge tells no size",
    });
  });

  test.each([undefined, null, [], "400×300", 7])("the original is %j", async (original) => {
    expect(await made(json({ ...TOLD, original }))).toMatchObject({ event: "edge-failed" });
  });
});

test.each<[string, Response, object]>([
  ["no JSON", json("nonsense"), { event: "wrong-type", type: "application/json" }],
  ["half of it", json('{"width":40,'), { event: "wrong-type" }],
  ["a list", json([TOLD]), { event: "wrong-type" }],
  ["null", json("null"), { event: "wrong-type" }],
  ["a text", json('"40"'), { event: "wrong-type" }],
  ["nothing", json(""), { event: "wrong-type" }],
  [
    "an image",
    json("GIF89a", { ...MADE, "content-type": "image/gif" }),
    { event: "wrong-type", type: "image/gif" },
  ],
  ["an SVG", json("<svg/>", { ...MADE, "content-type": "image/svg+xml" }), { event: "wrong-type" }],
])("%s is a refusal (R9)", async (_what, answer, refusal) => {
  expect(await made(answer)).toMatchObject(refusal);
});

test.each<[string, Response | Error, object]>([
  [
    "an original that describes itself",
    json(TOLD, { "content-type": "application/json" }),
    { event: "not-transformed" },
  ],
  [
    "a failure that is JSON",
    json(TOLD, { ...MADE, "cf-resized": "err=9404" }),
    { event: "object-missing" },
  ],
  ["a denial", faultAnswer("9408/403"), { event: "origin-denied", edge: "9408" }],
  ["a missing object", faultAnswer("9404/404"), { event: "object-missing", certain: true }],
  ["an SVG", faultAnswer("9412/415"), { event: "source-unreadable", certain: true }],
  ["a spent quota", faultAnswer("9422/429"), { event: "quota-spent" }],
  ["a busy edge", faultAnswer("9522/503"), { event: "edge-failed", passing: true }],
  [
    "a redirect",
    new Response(null, { status: 302, headers: { location: "/" } }),
    { event: "origin-denied" },
  ],
  ["no answer", new Error("down"), { event: "edge-failed", passing: true }],
])("%s is refused as a picture is (R2, R3, R8)", async (_what, answer, refusal) => {
  expect(await made(answer)).toMatchObject(refusal);
});

test("with an overlay, nobody knows which of them is missing (O12)", async () => {
  const draw = [{ url: "https://overlays.example/a.png", fit: "scale-down" }] as const;
  const image = { ...asked.variant.image, draw: [...draw] };
  const drawn = { ...asked, variant: { ...asked.variant, image } };
  expect(await made(faultAnswer("9404/404"), drawn)).toMatchObject({ certain: false });
});

test("when the time is over, the edge is not asked", async () => {
  expect(await made(json(TOLD), asked, Date.now())).toMatchObject({ event: "timed-out" });
  expect(fetch).not.toHaveBeenCalled();
});

describe("facts that were written before", () => {
  const type = "image/webp";
  test.each([
    { width: 1, height: 100_000, original: { width: 2, height: 3, type } },
    { width: 1, height: 2, original: { width: 2, height: 3 } },
    { width: 1, height: 2, original: { type } },
    { width: 1, height: 2, original: {} },
  ])("are read: %j", (facts) => {
    expect(readFacts(JSON.stringify(facts))).toEqual(facts);
  });

  test("are read without what nobody knows any more", () => {
    const found = readFacts('{"file_size":1,"width":1,"height":2,"original":{"file_size":9}}');
    expect(found).toEqual({ width: 1, height: 2, original: {} });
  });

  test.each([
    "",
    "null",
    "{}",
    "[]",
    '{"width":1,"height":2}',
    '{"width":1,"height":2,"original":null}',
    '{"width":1,"height":2,"original":[]}',
    '{"width":-1,"height":2,"original":{}}',
    '{"width":"1","height":2,"original":{}}',
    '{"width":1e9,"height":2,"original":{}}',
    '{"height":2,"original":{}}',
    '{"width":1,"height":2,"original":{"width":1}}',
    '{"width":1,"height":2,"original":{"height":1}}',
    '{"width":1,"height":2,"original":{"width":0,"height":1}}',
    '{"width":1,"height":2,"original":{"type":"jpeg"}}',
    '{"width":1,"height":2,"original":{"type":"image/svg+xml"}}',
    '{"width":1,"height":2,"original":{"type":7}}',
    '{"event":"object-missing"}',
  ])("are not %s", (text) => {
    expect(readFacts(text)).toBeUndefined();
  });
});
