// Each option of a preset with each engine: the same pixels, or a mistake of the configuration that says which
// bucket cannot have it.

import { HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import { ENGINES, type EngineName, envOf } from "../../support/engines.ts";
import { get, lines } from "../../support/play.ts";
import { file, network } from "../../support/stand.ts";

/** PNGs can be compared byte by byte. */
const PLAIN = { width: 120, height: 80, format: "png" };

type Row = [what: string, preset: object, cannot?: string | undefined, key?: string];

const BINDING_CANNOT: Row[] = [
  ["zoom", { ...PLAIN, fit: "cover", gravity: "face", zoom: 0.5 }, "zoom"],
  ["upscale", { ...PLAIN, upscale: "interpolate" }, "upscale"],
  ["compression", { ...PLAIN, compression: "fast" }, "compression"],
  ["metadata copyright", { ...PLAIN, metadata: "copyright" }, "metadata"],
  ["metadata keep", { ...PLAIN, metadata: "keep" }, "metadata"],
  ["fit scale-up", { ...PLAIN, fit: "scale-up" }, "fit"],
  ["format baseline-jpeg", { ...PLAIN, format: "baseline-jpeg" }, "format"],
  ["draw by URL", { ...PLAIN, draw: [{ url: "https://logo.example/a.png" }] }, "draw[0].url"],
];

const CAN: Row[] = [
  ["width", { width: 120, format: "png" }],
  ["height", { height: 80, format: "png" }],
  ["fit scale-down", { ...PLAIN, fit: "scale-down" }],
  ["fit contain", { ...PLAIN, fit: "contain" }],
  ["fit cover", { ...PLAIN, fit: "cover" }],
  ["fit crop", { ...PLAIN, fit: "crop" }],
  ["fit pad", { ...PLAIN, fit: "pad", background: "#ff0000" }],
  ["fit squeeze", { ...PLAIN, fit: "squeeze" }],
  ["gravity by name", { ...PLAIN, fit: "cover", gravity: "left" }],
  ["gravity by point", { ...PLAIN, fit: "cover", gravity: { x: 0.1, y: 0.9 } }],
  ["rotate", { ...PLAIN, rotate: 90 }],
  ["flip", { ...PLAIN, flip: "hv" }],
  ["sharpen", { ...PLAIN, sharpen: 3 }],
  ["blur", { ...PLAIN, blur: 5 }],
  ["brightness", { ...PLAIN, brightness: 1.2 }],
  ["contrast", { ...PLAIN, contrast: 0.8 }],
  ["gamma", { ...PLAIN, gamma: 1.5 }],
  ["saturation", { ...PLAIN, saturation: 0 }],
  ["background", { ...PLAIN, background: "#00ff00" }, undefined, "transparent.png"],
  ["trim by sides", { ...PLAIN, trim: { top: 10, left: 20 } }],
  ["trim by surroundings", { ...PLAIN, trim: "border" }, undefined, "transparent.png"],
  ["border", { ...PLAIN, border: { color: "#0000ff", width: 4 } }],
  ["border by sides", { ...PLAIN, border: { color: "red", top: 1, right: 2, bottom: 3, left: 4 } }],
  ["EXIF rotation", PLAIN, undefined, "rotated-gps.jpg"],
  ["format png-force", { ...PLAIN, format: "png-force" }],
  ["quality by number", { ...PLAIN, format: "jpeg", quality: 40 }],
  ["quality high", { ...PLAIN, format: "jpeg", quality: "high" }],
  ["quality low", { ...PLAIN, format: "webp", quality: "low" }],
];

/** An `env` whose only preset is this one, and whose only route needs nothing else. */
const varsOf = (preset: object) => ({
  PRESETS: { one: preset },
  ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
});

async function picture(engine: EngineName, preset: object, path: string) {
  const answer = await get(`/images/${path}`, {}, envOf(engine, varsOf(preset)));
  const bytes = Buffer.from(await answer.arrayBuffer());
  return [answer.status, answer.headers.get("content-type"), bytes.toString("base64")] as const;
}

const OTHERS = ENGINES.filter((engine) => engine !== "cf");

describe.each(OTHERS)("%s makes what cf makes", (engine) => {
  test.each(CAN)("%s (B7)", async (_what, preset, _cannot, key = "key.jpg") => {
    const made = await picture(engine, preset, `one/${key}`);
    expect(lines()).toEqual([]);
    expect(made[0]).toBe(200);
    expect(made).toEqual(await picture("cf", preset, `one/${key}`));
  });

  test("a density multiplies lengths: sides, trim and borders (B7)", async () => {
    const shape = { width: 60, height: 40, fit: "cover", format: "png", dpr: [1, 2] };
    const preset = { ...shape, trim: { top: 10 }, border: { color: "red", width: 2 } };
    const made = await picture(engine, preset, "one@2x/photos/fig.jpg");
    expect(made[0]).toBe(200);
    expect(made).toEqual(await picture("cf", preset, "one@2x/photos/fig.jpg"));
  });
});

const LOGO = "https://logo.example/a.png";

describe.each(OTHERS)("%s draws an object of the bucket as cf draws a URL", (engine) => {
  test.each<[what: string, overlay: object]>([
    ["in the middle", { width: 40 }],
    ["in a corner", { width: 40, bottom: 5, right: 5 }],
    ["half visible", { width: 40, opacity: 0.5 }],
    ["again and again", { width: 20, repeat: true }],
    ["along a side", { width: 20, repeat: "x", top: 0 }],
    ["only on top", { width: 40, composite: "atop" }],
    ["turned and cut", { width: 40, height: 20, fit: "cover", rotate: 90 }],
  ])("%s (B5)", async (_what, overlay) => {
    network.use(
      http.get(LOGO, () => HttpResponse.arrayBuffer(file("made/transparent.png").slice().buffer)),
    );
    const byUrl = { ...PLAIN, draw: [{ ...overlay, url: LOGO }] };
    const byKey = { ...PLAIN, draw: [{ ...overlay, key: "transparent.png" }] };
    const made = await picture(engine, byKey, "one/key.jpg");
    expect(lines()).toEqual([]);
    expect(made).toEqual(await picture("cf", byUrl, "one/key.jpg"));
    expect(made).not.toEqual(await picture("cf", PLAIN, "one/key.jpg"));
  });
});

const mistakes = () => lines().flatMap(({ mistakes }) => mistakes);

describe.each(["binding", "R2"] as const)("%s is wrong with", (engine) => {
  test.each(BINDING_CANNOT)("%s", async (_what, preset, option) => {
    expect((await picture(engine, preset, "one/key.jpg"))[0]).toBe(500);
    expect(mistakes()).toEqual([
      expect.stringMatching(
        `^PRESETS\\.one\\.${option?.replace(/[[\].]/g, "\\$&")}: bucket media `,
      ),
    ]);
  });

  test("a route that shows SVGs", async () => {
    const { PRESETS, ROUTES } = varsOf(PLAIN);
    const vars = { PRESETS, ROUTES: ROUTES.map((route) => ({ ...route, svg: true })) };
    expect((await get("/images/one/key.jpg", {}, envOf(engine, vars))).status).toBe(500);
    expect(mistakes()).toEqual([
      expect.stringMatching(
        /^ROUTES\[0\]\.svg: bucket media has engine "binding", which has no SVGs: remove it/,
      ),
    ]);
  });
});

test.each<[what: string, engine: EngineName, draw: object[], mistake: string]>([
  ["cf draws no object", "cf", [{ key: "a.png" }], 'draw[0].key: bucket media has engine "cf"'],
  [
    "an overlay has one place",
    "binding",
    [{ key: "a.png", url: LOGO }],
    "draw[0]: needs url or key",
  ],
  ["an overlay has a place", "binding", [{ width: 20 }], "draw[0]: needs url or key"],
  ["a key stays in the prefix", "binding", [{ key: "../a.png" }], "draw[0].key: "],
])("%s", async (_what, engine, draw, mistake) => {
  expect((await picture(engine, { ...PLAIN, draw }, "one/key.jpg"))[0]).toBe(500);
  expect(mistakes()).toEqual([expect.stringContaining(`PRESETS.one.${mistake}`)]);
});
