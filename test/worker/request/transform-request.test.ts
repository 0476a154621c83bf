// What is requested of an engine for one original: the format, the sides and the quality that fit it.

import { expect, test } from "vitest";
import type { PixelSize } from "../../../src/url/rendition-size.ts";
import type { AcceptedFormats } from "../../../src/worker/request/accept.ts";
import {
  createTransformRequest,
  type SourceImage,
} from "../../../src/worker/request/transform-request.ts";
import { configOf } from "../../support/config-of.ts";

const PRESETS = {
  card: { width: 480, dpr: [1, 2] },
  hero: { width: 1920, widths: [960, 1280] },
  box: { width: 300, height: 300, dpr: [1, 2] },
  tower: { height: 600 },
  cover: { width: 960, height: 960, fit: "cover" },
  crop: { width: 960, height: 960, fit: "crop" },
  turned: { width: 960, rotate: 90 },
  trimmed: { width: 960, trim: { left: 50 } },
  bordered: { width: 960, border: { color: "red", width: 2 } },
  marked: { width: 960, draw: [{ url: "https://assets.example/logo.png" }] },
  avif: { width: 960, format: "avif" },
};
const { variants } = configOf({ PRESETS });

function requestOf(name: string, source: SourceImage, formats: AcceptedFormats = "avif.webp") {
  const variant = variants.get(name) ?? expect.unreachable(name);
  return createTransformRequest(variant, formats, source);
}

function jpegOf(width: number, height: number): SourceImage {
  return { type: "image/jpeg", length: 9_000_000, sides: { width, height } };
}

test.each<[string, PixelSize | undefined, AcceptedFormats, string | undefined]>([
  ["card@2x", { width: 4000, height: 3000 }, "avif.webp", "avif"],
  ["card@2x", { width: 3000, height: 3750 }, "avif.webp", "avif"], // 960 × 1,200
  ["card@2x", { width: 3000, height: 3760 }, "avif.webp", "webp"], // 960 × 1,203
  ["card@2x", { width: 3000, height: 4000 }, "avif", "jpeg"],
  ["card@2x", undefined, "avif.webp", "avif"], // the edge decides
  ["hero", { width: 4000, height: 3000 }, "avif.webp", "webp"],
  ["hero", { width: 1200, height: 900 }, "avif.webp", "avif"],
  ["hero", { width: 1201, height: 900 }, "avif.webp", "webp"],
  ["hero", undefined, "avif.webp", "webp"],
  ["tower", { width: 3000, height: 1200 }, "avif.webp", "webp"], // 1,500 × 600
  ["avif", { width: 3000, height: 4000 }, "own", "webp"],
  ["avif", { width: 4000, height: 3000 }, "own", "avif"],
])("%s of %j for %s: %s (O7)", (name, sides, formats, expected) => {
  expect(requestOf(name, { ...jpegOf(1, 1), sides }, formats).format).toBe(expected);
});

test.each<[SourceImage, string | undefined]>([
  [{ type: "image/jpeg" }, "jpeg"],
  [{ type: "image/heic" }, "jpeg"],
  [{ type: "image/png", isOpaque: true }, "jpeg"],
  [{ type: "image/png", isOpaque: false }, undefined], // the edge looks at the pixels
  [{ type: "image/gif", isOpaque: false }, undefined],
  [{ type: "image/webp", isOpaque: true }, "jpeg"],
  [{ type: "image/webp", isOpaque: false }, "png"], // it would stay a WebP
  [{ type: "image/avif", isOpaque: false }, "png"],
  [{ type: "unknown" }, undefined],
])("%j for a browser that reads neither AVIF nor WebP: %s (O6)", (source, expected) => {
  expect(requestOf("card", source, "plain").format).toBe(expected);
});

test.each<[string, PixelSize | undefined, object]>([
  ["card", { width: 4000, height: 3000 }, { width: 480 }],
  ["card@2x", { width: 4000, height: 3000 }, { width: 480, dpr: 2 }],
  ["card@2x", { width: 960, height: 700 }, { width: 480, dpr: 2 }],
  ["card@2x", { width: 959, height: 700 }, { width: 959 }],
  ["hero", { width: 959, height: 700 }, { width: 959 }],
  ["hero@960w", { width: 959, height: 700 }, { width: 959 }],
  ["box", { width: 299, height: 200 }, { width: 299 }],
  ["box", { width: 299, height: 900 }, { width: 299, height: 300 }],
  ["box@2x", { width: 900, height: 500 }, { width: 600, height: 500 }],
  ["tower", { width: 300, height: 599 }, { width: 300 }],
  ["tower", { width: 300, height: 601 }, { height: 600 }],
  ["turned", { width: 700, height: 800 }, { width: 800, rotate: 90 }],
  ["cover", { width: 300, height: 200 }, { width: 960, height: 960 }],
  ["crop", { width: 300, height: 200 }, { width: 960, height: 960 }],
  ["trimmed", { width: 300, height: 200 }, { width: 960 }],
  ["bordered", { width: 300, height: 200 }, { width: 960 }],
  ["marked", { width: 300, height: 200 }, { width: 960 }],
  ["card@2x", undefined, { width: 480, dpr: 2 }],
  // The edge takes no side over 12,000 px, and would call it a fault of the request (L1, O1).
  ["tower", { width: 2 ** 31, height: 1 }, { height: 600 }],
  ["card", { width: 1, height: 2 ** 31 }, { width: 480 }],
])(
  "%s of %j: a side above the object's own is asked as its own, %j (L2, R6)",
  (name, sides, expected) => {
    const { image } = requestOf(name, { ...jpegOf(1, 1), sides });
    const { width, height, dpr, rotate } = image;
    expect(JSON.parse(JSON.stringify({ width, height, dpr, rotate }))).toEqual(expected);
  },
);

test("the quality is the same for all formats, and for facts (L2)", () => {
  const source: SourceImage = {
    type: "image/webp",
    length: 50_000,
    sides: { width: 640, height: 480 },
    isOpaque: true,
  };

  for (const formats of ["avif.webp", "webp", "avif", "plain", "facts"] as const) {
    const { image, maxBytes } = requestOf("hero", source, formats);
    expect(image.quality, formats).toBe(66);
    expect(maxBytes, formats).toBe(62_048);
  }
});

test("a route for SVGs has no limit of bytes", () => {
  expect(requestOf("card", jpegOf(300, 200), "svg").maxBytes).toBeUndefined();
});
