// Each option of a preset with each engine: the same pixels, or a mistake of the configuration that says which
// bucket cannot have it.

import { hash } from "node:crypto";
import { HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import { file, network } from "../../support/emulators.ts";
import { ENGINES, type EngineName, envOf } from "../../support/engines.ts";
import { get, lines } from "../../support/run-worker.ts";
import { isAmong, RANGES } from "../../support/tables/ranges.ts";

/** PNGs can be compared byte by byte. */
const PLAIN = { width: 120, height: 80, format: "png" };

/** The options that change a picture, and the values of theirs that are compared: no ends of ranges. */
const OPTIONS = Object.entries(RANGES)
  .filter(([option, { isOfVariants }]) => !isOfVariants && option !== "draw")
  .map(([option, { valid, needs, lacking = [], notEmulated = [] }]) => {
    const values = valid.filter((value, at) => at === 0 || typeof value !== "number");
    const isLeftOut = (value: unknown) => isAmong(value, lacking) || isAmong(value, notEmulated);
    // Of "object", see focus.test.ts.
    const comparable = values.filter((value) => !isLeftOut(value) && value !== "object");
    return { option, plain: { ...PLAIN, ...needs }, comparable, changes: valid[0] };
  });

/** An `env` whose only preset is this one, and whose only route needs nothing else. */
const varsOf = (preset: object) => ({
  PRESETS: { one: preset },
  ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
});

/** @returns the status, the type, a hash of the bytes, and the lines of the log, which say why a status is not 200 */
async function picture(engine: EngineName, preset: object, path: string) {
  const answer = await get(`/images/${path}`, {}, envOf(engine, varsOf(preset)));
  const bytes = Buffer.from(await answer.arrayBuffer());
  const type = answer.headers.get("content-type");
  return [answer.status, type, hash("sha256", bytes), lines()] as const;
}

const OTHER_ENGINES = ENGINES.filter((engine) => engine !== "cf");

describe.each(OTHER_ENGINES)("%s makes what cf makes", (engine) => {
  test.each(OPTIONS)("$option (B7)", async ({ option, plain, comparable, changes }) => {
    for (const value of comparable) {
      const preset = { ...plain, [option]: value };
      const rendition = await picture(engine, preset, "one/transparent.png");
      expect(rendition[0], `${value}`).toBe(200);
      expect(rendition[3], `${value}`).toEqual([]);
      expect([value, ...rendition]).toEqual([
        value,
        ...(await picture("cf", preset, "one/transparent.png")),
      ]);

      if (value !== changes || option === "anim") continue;

      const hint =
        "valid[0] must change the picture: give its row in emulator/edge/options a filter";
      expect(rendition, hint).not.toEqual(await picture(engine, plain, "one/transparent.png"));
    }
  });

  test("a picture that EXIF rotates (B7)", async () => {
    const rendition = await picture(engine, PLAIN, "one/rotated-gps.jpg");
    expect(rendition).toEqual(await picture("cf", PLAIN, "one/rotated-gps.jpg"));
  });

  test("a density multiplies lengths: sides, trim and borders (B7)", async () => {
    const shape = { width: 60, height: 40, fit: "cover", format: "png", dpr: [1, 2] };
    const preset = { ...shape, trim: { top: 10 }, border: { color: "red", width: 2 } };
    const rendition = await picture(engine, preset, "one@2x/photos/fig.jpg");
    expect(rendition[0]).toBe(200);
    expect(rendition).toEqual(await picture("cf", preset, "one@2x/photos/fig.jpg"));
  });
});

const LOGO = "https://logo.example/a.png";

describe.each(OTHER_ENGINES)("%s draws an object of the bucket as cf draws a URL", (engine) => {
  test.each<[what: string, overlay: object]>([
    ["in the middle", { width: 40 }],
    ["in a corner", { width: 40, bottom: 5, right: 5 }],
    ["half visible", { width: 40, opacity: 0.5 }],
    ["turned and cut", { width: 40, height: 20, fit: "cover", rotate: 90 }],
  ])("%s (B5)", async (_what, overlay) => {
    network.use(
      http.get(LOGO, () => HttpResponse.arrayBuffer(file("made/transparent.png").slice().buffer)),
    );

    const byUrl = { ...PLAIN, draw: [{ ...overlay, url: LOGO }] };
    const byKey = { ...PLAIN, draw: [{ ...overlay, key: "transparent.png" }] };
    const rendition = await picture(engine, byKey, "one/key.jpg");

    expect(lines()).toEqual([]);
    expect(rendition).toEqual(await picture("cf", byUrl, "one/key.jpg"));
    expect(rendition).not.toEqual(await picture("cf", PLAIN, "one/key.jpg"));
  });
});

const mistakes = () => lines().flatMap(({ mistakes }) => mistakes);

describe.each(["binding", "R2"] as const)("%s is wrong with", (engine) => {
  test.each(Object.entries(RANGES))("%s", async (option, { lacking = [] }) => {
    for (const value of lacking) {
      const preset = { ...PLAIN, [option]: value };
      expect((await picture(engine, preset, "one/key.jpg"))[0]).toBe(500);
      const named = new RegExp(`^PRESETS\\.one\\.${option}\\b.*: bucket media `);
      expect(mistakes().at(-1)).toMatch(named);
    }
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

test.each<{ title: string; engine: EngineName; draw: object[]; mistake: string }>([
  {
    title: "cf draws no object",
    engine: "cf",
    draw: [{ key: "a.png" }],
    mistake: 'draw[0].key: bucket media has engine "cf"',
  },
  {
    title: "an overlay has one place",
    engine: "binding",
    draw: [{ key: "a", url: LOGO }],
    mistake: "draw[0]: needs url or key",
  },
  {
    title: "an overlay has a place",
    engine: "binding",
    draw: [{ width: 20 }],
    mistake: "draw[0]: needs url or key",
  },
  {
    title: "a key stays in the prefix",
    engine: "binding",
    draw: [{ key: "../a.png" }],
    mistake: "draw[0].key: ",
  },
])("$title", async ({ engine, draw, mistake }) => {
  expect((await picture(engine, { ...PLAIN, draw }, "one/key.jpg"))[0]).toBe(500);
  expect(mistakes()).toEqual([expect.stringContaining(`PRESETS.one.${mistake}`)]);
});
