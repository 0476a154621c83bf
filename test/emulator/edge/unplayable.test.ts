// The options that the emulator does not implement.

import { expect, test } from "vitest";
import type { ImageOptions } from "../../../src/emulator/edge/image-options.ts";
import { unplayable } from "../../../src/emulator/edge/unplayable.ts";
import { colours, exact } from "../../support/painting.ts";

test.each<[ImageOptions, readonly string[]]>([
  [{ width: 1, gravity: "auto", upscale: "interpolate" }, []],
  [{ gravity: "face" }, ['gravity "face"']],
  [{ gravity: "face", zoom: 0 }, ['gravity "face"', "zoom"]],
  [{ segment: "foreground", upscale: "generate" }, ["segment", 'upscale "generate"']],
  [{ draw: [{ url: "a" }, { url: "b", segment: "foreground" }] }, ["draw[1] segment"]],
  [{ background: "oklch(60% 0.2 20)" }, ["the colour oklch(60% 0.2 20)"]],
  [{ draw: [{ url: "a", background: "reddish" }] }, ["draw[0] the colour reddish"]],
])("%j leaves out and names: %j (O4, O12)", async (image, expected) => {
  expect(unplayable(image)).toEqual(expected);
  const { gravity: _gravity, background: _background, ...others } = image;
  expect((await exact(colours, image)).data).toEqual((await exact(colours, others)).data);
});
