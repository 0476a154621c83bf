// The options of a preset, each with values that it takes and values that it does not.

import type { Preset } from "../../src/worker/config/preset.ts";

type Range = readonly [right: readonly unknown[], wrong: readonly unknown[]];

/** Each at the ends of its range, and just beyond them. An option that is not here is an error of types. */
export const RANGES = {
  width: [
    [1, 12_000],
    [0, -1, 1.5, 12_001, "100", null, Number.NaN, Number.POSITIVE_INFINITY],
  ],
  height: [
    [1, 12_000],
    [0, 12_001, true],
  ],
  dpr: [
    [[1], [1.5, 2]],
    [[0.5], [3], 2, ["2"], []],
  ],
  widths: [
    [[1], [640, 12_000]],
    [[0], [1.5], [640, 12_001], ["640"], 640, []],
  ],
  fit: [
    ["scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze"],
    ["aspect", 1],
  ],
  gravity: [
    ["auto", "face", "center", { x: 0, y: 1 }],
    ["middle", { x: 2 }, { z: 0 }, 1, null, new Date(0)],
  ],
  zoom: [
    [0, 1],
    [-0.1, 1.1],
  ],
  quality: [
    [1, 100, "high", "medium-high", "medium-low", "low"],
    [0, 101, 50.5, "best"],
  ],
  format: [
    ["auto", "avif", "webp", "jpeg", "baseline-jpeg", "png", "png-force"],
    ["json", "svg", "gif", "AVIF"],
  ],
  anim: [
    [true, false],
    ["true", 1],
  ],
  metadata: [["none", "copyright", "keep"], ["all"]],
  sharpen: [
    [0, 10],
    [-1, 11],
  ],
  blur: [
    [1, 250],
    [0, 251],
  ],
  brightness: [
    [0, 1.5],
    [-1, "1", Number.POSITIVE_INFINITY],
  ],
  contrast: [[0, 1.5], [-1]],
  gamma: [[0, 1.5], [-1]],
  saturation: [[0, 1.5], [-1]],
  rotate: [
    [0, 90, 180, 270],
    [45, 360, "90"],
  ],
  flip: [["h", "v", "hv"], ["vh"]],
  trim: [
    [
      ...["border", { top: 0 }, { border: true }, { border: { keep: 1 } }],
      { width: 1, height: 12_000 },
      { border: { keep: 12_000, tolerance: 0 } },
    ],
    [
      ...[
        "all",
        { top: -1 },
        { left: 12_001 },
        { width: 0 },
        { width: 12_001 },
        { height: 12_001 },
      ],
      { border: { keep: 12_001 } },
    ],
  ],
  border: [
    [
      { color: "red", width: 1 },
      { color: "red", top: 1, right: 1, bottom: 1, left: 1 },
    ],
    [
      ...[{ color: "red" }, { width: 1 }, "red", { color: "red", width: 1, top: 1 }],
      { color: "red", width: 12_001 },
    ],
  ],
  background: [["#fff"], ["", 7]],
  compression: [["fast"], ["slow"]],
  segment: [["foreground"], ["background"]],
  upscale: [["interpolate", "generate"], [true]],
  draw: [
    [[{ url: "https://x.example/a.png", opacity: 0.5, repeat: "x", bottom: 1 }]],
    [
      [{}],
      [],
      [{ url: "https://x.example/a b" }],
      [{ url: "http://x.example/a.png" }],
      [{ url: "https://x", opacity: 2 }],
      [{ url: "https://x", width: 0 }],
      [{ url: "https://x", width: 12_001 }],
      [{ url: "https://x", top: 12_001 }],
      {},
    ],
  ],
} as const satisfies Record<keyof Preset, Range>;
