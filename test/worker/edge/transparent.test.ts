// A transparent PNG never becomes an opaque JPEG, where the edge or the Images binding cannot be proved to have
// made its PNG.

import sharp from "sharp";
import { beforeEach, describe, expect, test } from "vitest";
import { envOf } from "../../support/engines.ts";
import { BASE, ENV, VARS } from "../../support/env.ts";
import { arrange, get, keepNothing, lines, MODERN, stage } from "../../support/play.ts";
import { chunk, png, SIGNATURE } from "../../support/png.ts";

keepNothing();

const OLD = { accept: "image/png,image/*;q=0.8,*/*;q=0.5" };
const WEBP = { accept: "image/webp,image/*" };
const PRESETS = {
  ...VARS.PRESETS,
  png: { width: 1200, format: "png" },
  forced: { width: 1200, format: "png-force" },
  avif: { width: 20, format: "avif" },
  jpeg: { width: 1200, format: "jpeg" },
};

const put = (body: Uint8Array) =>
  void stage.s3.objects.set("published/a.png", { body: body.slice(), type: "image/png" });

async function see(preset: string, headers: Record<string, string>, env: object = {}) {
  const answer = await get(`/images/${preset}/a.png`, { headers }, { ...ENV, PRESETS, ...env });
  return [answer.status, answer.headers.get("content-type")];
}

const SOME_JPEG = await sharp({
  create: { width: 5, height: 5, channels: 3, background: "blue" },
})
  .jpeg()
  .toBuffer();

const REFUSED = [502, "text/plain; charset=utf-8"];
const JPEG = [200, "image/jpeg"];

/** Real pictures, on an edge that warns of each that is smaller than the preset. */
describe.each(["original", "rendition"] as const)(
  "where the edge warns, and sends the %s,",
  (sent) => {
    beforeEach(() => arrange({ originalIsSmaller: { of: "sides", sent } }));

    const picture = (channels: 3 | 4) =>
      sharp({
        create: { width: 20, height: 20, channels, background: { r: 255, g: 0, b: 0, alpha: 0.3 } },
      });

    test.each([
      ["tall", MODERN, [200, "image/avif"]],
      ["tall", WEBP, [200, "image/webp"]],
      ["tall", OLD, REFUSED],
      ["png", OLD, REFUSED],
      ["png", MODERN, REFUSED],
      ["forced", OLD, REFUSED],
      ["forced", MODERN, REFUSED],
      ["jpeg", OLD, JPEG], // the preset decides that
    ] as const)("a transparent PNG as %s, for %o", async (preset, headers, expected) => {
      put(await picture(4).png().toBuffer());
      expect(await see(preset, headers)).toEqual(expected);
      if (expected === REFUSED) expect(lines()).toMatchObject([{ event: "original-is-smaller" }]);
    });

    test.each([
      ["tall", OLD],
      ["png", MODERN],
      ["forced", MODERN],
    ])("an opaque PNG as %s is a JPEG", async (preset, headers) => {
      put(await picture(3).png().toBuffer());
      expect(await see(preset, headers)).toEqual(JPEG);
    });
  },
);

test("a transparent PNG that is too large for AVIF stays transparent in a preset of AVIF (O7)", async () => {
  arrange({ avifTooLarge: "passed-through" });
  const background = { r: 0, g: 0, b: 0, alpha: 0.5 };
  put(
    await sharp({ create: { width: 20, height: 1300, channels: 4, background } })
      .png({ compressionLevel: 1 })
      .toBuffer(),
  );
  expect(await see("avif", MODERN)).toEqual([200, "image/png"]);
});

/** Beginnings of PNGs, and whether no pixel can be transparent. What is not certain counts as transparent. */
const BEGINNINGS: [what: string, bytes: Uint8Array, isOpaque: boolean][] = [
  ["grey", png({ colour: 0 }), true],
  ["RGB", png({ colour: 2 }), true],
  ["RGB, with harmless chunks", png({ colour: 2 }, chunk("gAMA", 4), chunk("iCCP", 9_000)), true],
  ["RGB, with a palette to choose from", png({ colour: 2 }, chunk("PLTE", 9)), true],
  [
    "RGB, with a tRNS that comes too late",
    png({ colour: 2 }, chunk("IDAT", 9), chunk("tRNS", 6)),
    true,
  ],
  ["a palette", png({ colour: 3 }, chunk("PLTE", 9)), false],
  ["a palette with tRNS", png({ colour: 3 }, chunk("PLTE", 9), chunk("tRNS", 3)), false],
  ["grey and alpha", png({ colour: 4 }), false],
  ["RGB and alpha", png({ colour: 6 }), false],
  ["no such colour type", png({ colour: 1 }), false],
  ["grey with tRNS", png({ colour: 0 }, chunk("tRNS", 2)), false],
  ["RGB with tRNS", png({ colour: 2 }, chunk("tRNS", 6)), false],
  [
    "RGB with tRNS after a long chunk",
    png({ colour: 2 }, chunk("iTXt", 300_000), chunk("tRNS", 6)),
    false,
  ],
  ["RGB behind a long chunk", png({ colour: 2 }, chunk("iTXt", 300_000)), false],
  [
    "RGB with a chunk that claims 4 GB",
    png({ colour: 2 }, chunk("iTXt", 9, 0xffffffff), chunk("tRNS", 6)),
    false,
  ],
  ["RGB with a second header", png({ colour: 2 }, chunk("IHDR", 13)), false],
  ["an animation", png({ colour: 2 }, chunk("acTL", 8)), false],
  ["no picture", png({ colour: 2 }).subarray(0, 37), false],
  ["half a header", png({ colour: 2 }).subarray(0, 20), false],
  ["a header of another length", png({ colour: 2, length: 12 }), false],
  ["no header first", Uint8Array.from([...SIGNATURE, ...chunk("IDAT", 9)]), false],
];

describe.each(BEGINNINGS)("where the original begins as %s,", (_what, bytes, isOpaque) => {
  const answerOf = (type: string, body: Uint8Array, more = {}) => {
    const headers = { "content-type": type, "cf-resized": "internal=ok/m", ...more };
    return new Response(body.slice(), { headers });
  };

  test("the edge is asked for a JPEG only if nothing can be transparent", async () => {
    put(bytes);
    stage.edge.fetch = async (_url, init) => {
      const { format } = Object(init?.cf?.image);
      if (format === "json")
        return Response.json(
          { original: { format: "png" } },
          { headers: { "cf-resized": "internal=ok" } },
        );
      if (format === "jpeg") return answerOf("image/jpeg", SOME_JPEG);
      return answerOf("image/png", bytes, { warning: 'cf-images 299 "original is smaller"' });
    };
    expect(await see("forced", OLD)).toEqual(isOpaque ? JPEG : REFUSED);
  });

  test("the Images binding is asked for a JPEG only if nothing can be transparent", async () => {
    put(bytes);
    const IMAGES = {
      info: async () => ({}),
      input: (stream: ReadableStream<Uint8Array>) => {
        const chain = {
          transform: () => chain,
          draw: () => chain,
          output: async ({ format }: ImageOutputOptions) => {
            const original = new Uint8Array(await new Response(stream).arrayBuffer());
            const made = format === "image/jpeg" ? SOME_JPEG : original;
            return { image: () => new Blob([made.slice()]).stream() };
          },
        };
        return chain;
      },
    };
    const [status, type] = await see("forced", OLD, envOf("binding", { IMAGES, PRESETS }));
    expect(type === "image/jpeg").toBe(isOpaque);
    if (!isOpaque) expect([415, 502]).toContain(status);
  });
});

test("what S3 has by now is no proof of what the edge made (C1)", async () => {
  const old = await sharp({ create: { width: 9, height: 9, channels: 4, background: "#f003" } })
    .png()
    .toBuffer();
  arrange({ originalIsSmaller: { of: "sides", sent: "rendition" } });
  put(old);
  await see("jpeg", OLD);
  put(png({ colour: 2 }));
  expect(await see("forced", OLD)).toEqual(REFUSED);
  expect(stage.s3.requests.every(({ url }) => url.startsWith(BASE))).toBe(true);
});
