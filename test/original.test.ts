import { expect, test, vi } from "vitest";
import { originalType } from "../src/original.ts";
import { ASKED } from "./env.ts";

/** The type that is read from an answer of the edge's. */
function told(body: BodyInit, headers: Record<string, string> = { "cf-resized": "internal=ok/m" }) {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(body, { headers }));
  return originalType("https://a.example/k", new Headers(), ASKED, 1);
}

const facts = (format: unknown) => JSON.stringify({ width: 9, height: 9, original: { format } });

test("the edge tells the original's type, asked with the print's options (R9, L2)", async () => {
  expect(await told(facts("image/gif"))).toBe("image/gif");
  const [, init] = vi.mocked(fetch).mock.calls[0] ?? [];
  expect(init?.cf?.image).toEqual({
    ...ASKED.variant.image,
    format: "json",
    "origin-auth": "share-publicly",
  });
});

test.each<[string, BodyInit]>([
  ["nothing", "{}"],
  ["half of it", '{"original": {"format": "image/gif"'],
  ["no table", "[]"],
  ["no text", facts(1)],
  ["an original by itself", "GIF89a"],
])("%s is no type (R9)", async (_what, body) => {
  expect(await told(body)).toBeUndefined();
});

test("an original that describes itself is not believed (R2)", async () => {
  expect(await told(facts("image/gif"), {})).toBeUndefined();
});

test("a body that breaks off is no type (R9)", async () => {
  const broken = new ReadableStream({ pull: (body) => body.error(new Error("broken")) });
  expect(await told(broken)).toBeUndefined();
});

test("an edge that fails tells none (R3)", async () => {
  vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("down"));
  expect(await originalType("https://a.example/k", new Headers(), ASKED, 1)).toBeUndefined();
});
