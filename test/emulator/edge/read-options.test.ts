// Which options the strict edge accepts, and what the special ones do.

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { readOptions } from "../../../src/emulator/edge/read-options.ts";
import { ask, edge, fault, KEY, stand, urlOf } from "../../support/asking.ts";
import { RANGES } from "../../support/ranges.ts";
import { file } from "../../support/stand.ts";

describe("options", () => {
  test.each<[string, unknown]>([
    ["width", 0],
    ["width", 1.5],
    ["width", "100"],
    ["height", -1],
    ["height", Number.NaN],
    ["height", null],
  ])("%s %j is 9401 (O1)", async (name, value) => {
    expect(await fault(await ask(KEY, { [name]: value }))).toBe("9401/400");
    expect(edge.originFetches).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ["dpr", 0, "O2"],
    ["dpr", -1, "O2"],
    ["fit", "fill", "O3"],
    ["gravity", "north", "O4"],
    ["gravity", { x: 2 }, "O4"],
    ["zoom", 1.1, "O4"],
    ["quality", 0, "O5"],
    ["quality", 0.5, "O5"],
    ["quality", 101, "O5"],
    ["quality", "best", "O5"],
    ["format", "gif", "O6"],
    ["format", "auto", "O6"],
    ["anim", "no", "O8"],
    ["metadata", "all", "O9"],
    ["sharpen", 10.1, "O10"],
    ["blur", 0.5, "O10"],
    ["blur", 251, "O10"],
    ["brightness", -1, "O10"],
    ["contrast", "high", "O10"],
    ["gamma", -0.1, "O10"],
    ["saturation", Number.POSITIVE_INFINITY, "O10"],
    ["rotate", 45, "O11"],
    ["flip", "x", "O11"],
    ["trim", { top: -1 }, "O12"],
    ["trim", { border: { tolerance: "much" } }, "O12"],
    ["border", { width: 2, color: 3 }, "O12"],
    ["background", 255, "O12"],
    ["compression", "best", "O12"],
    ["segment", "background", "O12"],
    ["upscale", "ai", "O12"],
    ["draw", [{}], "O12"],
    ["draw", [{ url: "https://a.example/", opacity: 2 }], "O12"],
    ["draw", [{ url: "https://a.example/", left: 1, right: 1 }], "O12"],
    ["draw", [{ url: "https://a.example/", top: 1, bottom: 1 }], "O12"],
  ])("%s %j is 9401 (%s)", async (name, value) => {
    expect(await fault(await ask(KEY, { [name]: value }))).toBe("9401/400");
    expect(edge.originFetches).toEqual([]);
  });

  test.each<[Record<string, unknown>]>([
    [{ width: 9, height: 9, fit: "aspect-crop" }],
    [{ sharpen: 0, brightness: 0 }],
    [{ sharpen: 10, blur: 250 }],
    [{ rotate: 360 }],
    [{ metadata: "copyright", format: "baseline-jpeg" }],
    [{ dpr: 3, width: 9 }],
    [{ zoom: undefined, quality: 1 }],
  ])("%j is in range (O2, O3, O5, O9, O10, O11)", async (image) => {
    expect(await fault(await ask(KEY, image))).toBe("200");
  });

  // The Worker makes one number of dpr and none of widths, and decides format auto itself.
  const { dpr: _dpr, widths: _widths, format: _format, ...given } = RANGES;
  test.each(Object.entries(given))(
    "%s is an option of the edge, as of presets",
    (option, [right]) => {
      for (const value of right) {
        expect(readOptions({ [option]: value }, false)).toMatchObject({
          image: { [option]: value },
        });
      }
    },
  );

  test.each([[null], [true], ["width=9"], [[]]])("cf.image %j is 9401 (O1)", async (image) => {
    const init: object = { cf: { image } };
    expect(await fault(await edge.fetch(urlOf(KEY), init))).toBe("9401/400");
  });

  test("format auto can be decided by the first visitor, for all visitors (O6)", async () => {
    stand({ formatAuto: "first-come" });
    for (const accept of ["image/avif,*/*", "*/*"]) {
      const answer = await ask(KEY, { format: "auto" }, { headers: { accept } });
      expect(answer.headers.get("content-type")).toBe("image/avif");
    }
    const first = await ask(
      KEY,
      { format: "auto", width: 8 },
      { headers: { accept: "image/webp" } },
    );
    expect(first.headers.get("content-type")).toBe("image/webp");
    expect((await ask(KEY)).headers.get("content-type")).toBe("image/jpeg");
  });

  test.each<[Record<string, unknown>]>([
    [{ onerror: "redirect" }],
    [{ "slow-connection-quality": 50 }],
  ])("%j is an option of the URL interface, and is ignored here (O13)", async (extra) => {
    const answer = await ask(KEY, { width: 8, ...extra });
    await ask(KEY, { width: 8 });
    expect(await fault(answer)).toBe("200");
    expect(edge.transformations.size).toBe(1);
  });

  test("unknown keys are silently ignored, also a typo in origin-auth (O14)", async () => {
    expect(await fault(await ask(KEY, { widht: 8 }))).toBe("200");
    const typo = { "origin-auth": undefined, "origin-Auth": "share-publicly" };
    // The answer that was kept for the right spelling does not help (C1).
    expect(await fault(await ask(KEY, { widht: 8, ...typo }))).toBe("9408/403");
    expect(await fault(await ask(KEY, { width: 8, ...typo }))).toBe("9408/403");
  });

  test.each<[Record<string, unknown>, string]>([
    [{ gravity: "face", fit: "cover" }, "gravity"],
    [{ segment: "foreground" }, "segment"],
    [{ upscale: "generate" }, "upscale"],
    [{ draw: [{ url: urlOf(KEY), segment: "foreground" }] }, "segment"],
  ])("%j is not implemented, and the edge says so (O4, O12)", async (image, named) => {
    await expect(ask(KEY, image)).rejects.toThrow(new RegExp(`strict edge cannot play .*${named}`));
    edge.switches.unplayable = "left-out";
    expect(await fault(await ask(KEY, image))).toBe("200");
  });
});

describe("AVIF, animations, SVG", () => {
  test.each([
    ["webp", "image/webp", null],
    ["jpeg", "image/jpeg", null],
    ["passed-through", "image/jpeg", 'cf-images 299 "image too large for AVIF"'],
  ] as const)("AVIF above 1,200 px can be %s (O7, R5, R6)", async (avifTooLarge, type, warning) => {
    stand({ avifTooLarge });
    const answer = await ask(KEY, { width: 1201, fit: "contain", format: "avif" });
    expect(answer.headers.get("cf-resized")).toMatch(/^internal=ok/);
    expect(answer.headers.get("content-type")).toBe(type);
    expect(answer.headers.get("warning")).toBe(warning);
    const { width } = await sharp(await answer.arrayBuffer()).metadata();
    const own = (await sharp(file("made/key.jpg")).metadata()).width;
    expect(width).toBe(avifTooLarge === "passed-through" ? own : 1201);
    const small = await ask(KEY, { width: 1200, fit: "contain", format: "avif" });
    expect(small.headers.get("content-type")).toBe("image/avif");
  });

  test.each(["marked", "unmarked"] as const)(
    "an animation with too many pixels comes back unchanged, %s (O8)",
    async (animationTooLarge) => {
      const gif = file("made/animated.gif");
      const { width, height, pages = 0 } = await sharp(gif).metadata();
      const animation = width * height * pages - 1;
      const limits = { ...edge.switches.limits, animation };
      stand({ limits, animationTooLarge });
      for (const [anim, untouched] of [
        [true, true],
        [undefined, true],
        [false, false],
      ] as const) {
        const answer = await ask("animated.gif", { width: 20, format: "webp", anim });
        const bytes = new Uint8Array(await answer.arrayBuffer());
        expect(bytes.length === gif.length).toBe(untouched);
        const marked = !untouched || animationTooLarge === "marked";
        expect(answer.headers.has("cf-resized")).toBe(marked);
      }
      edge.switches.limits = { ...limits, animation: animation + 1 };
      const answer = await ask("animated.gif", { width: 21, format: "webp" });
      const made = await sharp(await answer.arrayBuffer()).metadata();
      expect([made.format, made.width, made.pages]).toEqual(["webp", 21, pages]);
    },
  );

  test.each(["marked", "unmarked"] as const)(
    "an SVG is sanitised and passed on, %s (R8)",
    async (svg) => {
      stand({ svg });
      for (const format of [undefined, "svg"]) {
        const answer = await ask("broken/script.svg", { width: 9, format });
        expect(answer.headers.get("content-type")).toBe("image/svg+xml");
        expect(answer.headers.has("cf-resized")).toBe(svg === "marked");
        const text = await answer.text();
        expect(text).toContain("<svg");
        expect(text).not.toMatch(/<script|alert|onload|href=.(?!#)/i);
        expect(text).toContain('<use href="#a"/>');
      }
    },
  );

  test("an SVG does not become a raster image, nor a raster image an SVG (R8)", async () => {
    for (const format of ["avif", "webp", "jpeg", "png"]) {
      expect(await fault(await ask("broken/script.svg", { format }))).toBe("9412/415");
    }
    expect(await fault(await ask(KEY, { format: "svg" }))).toBe("9412/415");
  });
});
