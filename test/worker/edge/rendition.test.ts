// How often, and in which formats, the edge is asked until there is a rendition.

import { expect, test, vi } from "vitest";
import { isRefusal } from "../../../src/worker/base/refusal.ts";
import { makeRendition } from "../../../src/worker/edge/rendition.ts";
import { ASKED, SIGNED } from "../../support/env.ts";

const MADE = { "cf-resized": "internal=ok/m", etag: '"cf12:a"' };
const SMALLER = { warning: 'cf-images 299 "original is smaller"' };

/** Makes a rendition. The edge answers with images of this type, and says that the original has that type. */
async function formats(type: string, original: string, warnings: number) {
  const asked: unknown[] = [];
  let left = warnings;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (_url, init) => {
    const { format }: { format?: unknown } = Object(init?.cf?.image);
    asked.push(format);
    if (format === "json") {
      const headers = { ...MADE, "content-type": "application/json" };
      return new Response(JSON.stringify({ original: { format: original } }), { headers });
    }
    const warning = left-- > 0 ? SMALLER : {};
    return new Response("bytes", { headers: { ...MADE, ...warning, "content-type": type } });
  });
  const rendition = await makeRendition("https://a.example/k", SIGNED, ASKED, Date.now() + 1000);
  return { asked, came: isRefusal(rendition) ? rendition.event : rendition.type };
}

test("a smaller original of another type shows that the edge made the bytes: the same again (R6)", async () => {
  const found = await formats("image/webp", "image/png", 2);
  expect(found).toEqual({ asked: ["avif", "json", "avif"], came: "image/webp" });
});

test("a smaller original of the same type is asked for in another format (R6)", async () => {
  const found = await formats("image/png", "image/png", 1);
  expect(found).toEqual({ asked: ["avif", "json", "webp"], came: "image/png" });
});
