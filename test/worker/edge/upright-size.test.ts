// Which way up an original is, whatever the edge tells of it (R9, O9).

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { uprightSize } from "../../../src/worker/edge/facts.ts";
import type { ObjectType } from "../../../src/worker/http/refusal.ts";
import { isPlainObject } from "../../../src/worker/util/json.ts";
import { ENV, VARS } from "../../support/env.ts";
import { arrange, disableCacheInEachTest, get, stage } from "../../support/run-worker.ts";

/** Sizes as short texts: `100×60`. */
const size = (text: string) => {
  const [width = 0, height = 0] = text.split("×").map(Number);
  return { width, height };
};
const write = ({ width, height }: ReturnType<typeof size>) => `${width}×${height}`;

disableCacheInEachTest(); // each request is to reach the edge

const ANY = "image/jpeg";

describe("the shape of the rendition shows which way up it is (O9):", () => {
  test.each<
    [reported: string, rendition: string, image: object, type: ObjectType, upright?: string]
  >([
    ["4000×3000", "400×300", {}, ANY, "4000×3000"],
    ["4000×3000", "300×400", {}, ANY, "3000×4000"],
    ["4000×3000", "160×120", {}, "unknown", "4000×3000"],
    ["4000×3000", "4000×3000", { fit: "contain" }, ANY, "4000×3000"],
    ["40×30", "300×400", { fit: "scale-up" }, ANY, "30×40"],
    // Rounded up or down.
    ["4000×3001", "159×120", {}, ANY, "4000×3001"],
    // So thin that the shorter side would be less than a pixel.
    ["12000×1", "100×1", {}, ANY, "12000×1"],
    ["12000×1", "1×1", {}, ANY],
    // A square is upright in every way.
    ["300×300", "160×160", {}, ANY, "300×300"],
    // Nearly a square: both ways give the same rendition.
    ["1000×1001", "160×160", {}, ANY],
    ["1000×1010", "500×505", {}, ANY, "1000×1010"],
    ["4×3", "1×1", {}, ANY],
    // Neither way.
    ["4000×3000", "160×160", {}, ANY],
    ["100×110", "50×58", {}, ANY],
    // The rendition is turned on purpose (O11).
    ["4000×3000", "300×400", { rotate: 90 }, ANY, "4000×3000"],
    ["4000×3000", "400×300", { rotate: 270 }, ANY, "3000×4000"],
    // The preset changes the shape, or may do so.
    ...["cover", "crop", "pad", "squeeze"].map((fit): [string, string, object, ObjectType] => {
      return ["4000×3000", "400×300", { fit }, ANY];
    }),
    ["4000×3000", "400×300", { trim: "border" }, ANY],
    ["4000×3000", "400×300", { trim: { top: 10 } }, ANY],
    ["4000×3000", "420×320", { border: { color: "red", width: 10 } }, ANY],
    // A GIF has no EXIF data; a PNG, a WebP and an AVIF can have them.
    ["4000×3000", "160×160", { fit: "cover" }, "image/gif", "4000×3000"],
    ...(["png", "webp", "avif", "heic"] as const).map(
      (type): [string, string, object, ObjectType] => {
        return ["4000×3000", "160×160", { fit: "cover" }, `image/${type}`];
      },
    ),
  ])("told %s, made %s, %j, %s: %s", (reported, rendition, image, type, upright) => {
    const shape = { fit: "scale-down", ...image } as const;
    const result = uprightSize(size(reported), size(rendition), shape, type);
    expect(result && write(result)).toBe(upright);
  });
});

const PRESETS = {
  ...VARS.PRESETS,
  thin: { width: 37 },
  low: { height: 41 },
  large: { width: 330, height: 330, fit: "contain" },
  larger: { width: 330, fit: "scale-up" },
  turned: { width: 150, rotate: 90 },
  padded: { width: 100, height: 100, fit: "pad" },
  framed: { width: 100, border: { color: "red", width: 7 } },
  trimmed: { width: 100, trim: { left: 30 } },
};
const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
const env = { ...ENV, PRESETS, ROUTES };

/** Presets that keep the shape. */
const SURE = ["hero", "hero@640w", "thin", "low", "large", "larger", "turned", "plain"];
const UNSURE = ["card", "card@2x", "padded", "framed", "trimmed"];

describe.each(["stored", "upright"] as const)("the edge tells the %s size:", (originalSides) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("orientation %i (O9, R9)", async (orientation) => {
    arrange({ originalSides });
    const plain = sharp({ create: { width: 301, height: 200, channels: 3, background: "teal" } });
    const jpeg = await plain.jpeg().withMetadata({ orientation }).toBuffer();
    stage.s3.objects.set("published/a.jpg", { body: new Uint8Array(jpeg), type: "image/jpeg" });

    const upright = orientation < 5 ? "301×200" : "200×301";
    for (const preset of [...SURE, ...UNSURE]) {
      const picture = await get(`/facts/${preset}/a.jpg`, {}, env);
      const rendition = await sharp(Buffer.from(await picture.arrayBuffer())).metadata();
      const answer = await get(`/facts/${preset}/a.jpg?facts`, {}, env);
      const facts: unknown = await answer.json();
      const { original, ...renditionSides } = isPlainObject(facts) ? facts : {};

      expect(renditionSides, preset).toEqual({ width: rendition.width, height: rendition.height });

      const sides = SURE.includes(preset) ? size(upright) : {};
      expect(original, preset).toEqual({ ...sides, type: "image/jpeg" });
    }
  });
});
