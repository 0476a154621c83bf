// A transparent picture never becomes an opaque JPEG, where the edge cannot be proved to have made a PNG of it, or
// answers with a type that the browser does not read.

import sharp from "sharp";
import { beforeEach, describe, expect, test } from "vitest";
import { ENV, VARS } from "../../support/env.ts";
import {
  arrange,
  disableCacheInEachTest,
  get,
  lines,
  MODERN,
  stage,
} from "../../support/run-worker.ts";

disableCacheInEachTest();

const OLD = { accept: "image/png,image/*;q=0.8,*/*;q=0.5" };
const PRESETS = {
  ...VARS.PRESETS,
  png: { width: 1200, format: "png" },
  forced: { width: 1200, format: "png-force" },
  avif: { width: 20, format: "avif" },
  jpeg: { width: 1200, format: "jpeg" },
};

const put = (body: Uint8Array) =>
  void stage.s3.objects.set("published/a.png", { body: body.slice(), type: "image/png" });

async function see(preset: string, headers: Record<string, string>) {
  const answer = await get(`/images/${preset}/a.png`, { headers }, { ...ENV, PRESETS });
  return [answer.status, answer.headers.get("content-type")];
}

const PNG = [200, "image/png"];
const JPEG = [200, "image/jpeg"];

/** Real pictures, on an edge that warns of each that is smaller than the preset. */
describe.each(["original", "rendition"] as const)("if the edge warns and sends the %s,", (sent) => {
  beforeEach(() => arrange({ originalIsSmaller: { comparedBy: "sides", sent } }));

  const picture = (channels: 3 | 4) =>
    sharp({
      create: { width: 20, height: 20, channels, background: { r: 255, g: 0, b: 0, alpha: 0.3 } },
    });

  test.each([
    ["tall", MODERN, [200, "image/avif"]],
    ["tall", OLD, PNG],
    ["png", OLD, PNG],
    ["png", MODERN, PNG],
    ["forced", MODERN, PNG],
    ["jpeg", OLD, JPEG], // the preset decides that
  ] as const)("a transparent PNG as %s, for %o", async (preset, headers, expected) => {
    put(await picture(4).png({ compressionLevel: 1 }).toBuffer()); // unlike the rendition
    expect(await see(preset, headers)).toEqual(expected);
    expect(lines()).toEqual([]);
  });

  test.each([
    ["tall", OLD, JPEG],
    ["forced", MODERN, PNG], // the preset decides that
  ] as const)("an opaque PNG as %s, for %o", async (preset, headers, expected) => {
    put(await picture(3).png({ compressionLevel: 1 }).toBuffer());
    expect(await see(preset, headers)).toEqual(expected);
  });
});

/** On an edge that passes on what is too large for AVIF (O7). */
test.for([
  ["png", "avif", MODERN, [200, "image/webp"]],
  ["webp", "avif", MODERN, [200, "image/webp"]],
  ["webp", "tall", OLD, PNG],
] as const)("a long transparent %s, as %s, for %o, stays transparent (R5)", async (row) => {
  const [format, preset, headers, expected] = row;
  const background = { r: 0, g: 0, b: 0, alpha: 0.5 };
  const long = sharp({ create: { width: 20, height: 1300, channels: 4, background } });
  put(await long.toFormat(format, { compressionLevel: 1 }).toBuffer());
  expect(await see(preset, headers)).toEqual(expected);
});

test("an opaque WebP is a JPEG for a browser that does not read it", async () => {
  const create = { width: 20, height: 20, channels: 3, background: "red" } as const;
  put(await sharp({ create }).webp().toBuffer());
  expect(await see("card", OLD)).toEqual(JPEG);
});
