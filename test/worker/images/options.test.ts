// Which format and quality the Images binding is asked for.

import { expect, test } from "vitest";
import type { ObjectType } from "../../../src/worker/base/refusal.ts";
import type { OutputFormat, Variant } from "../../../src/worker/config/preset.ts";
import { outputOptions } from "../../../src/worker/images/options.ts";
import { ASKED } from "../../support/env.ts";
import { png } from "../../support/png.ts";

const OPAQUE = png({ colour: 2 });
const TRANSPARENT = png({ colour: 6 });

test.each<
  [format: OutputFormat | undefined, Variant["format"], ObjectType, Uint8Array, output: string]
>([
  ["avif", "auto", "image/png", TRANSPARENT, "image/avif 40"],
  ["webp", "auto", "image/jpeg", OPAQUE, "image/webp 40"],
  [undefined, "auto", "image/jpeg", OPAQUE, "image/jpeg 40"],
  [undefined, "auto", "image/heic", OPAQUE, "image/jpeg 40"],
  // A JPEG that no preset asks for only where nothing is lost; a PNG without quality (O5).
  [undefined, "auto", "image/png", OPAQUE, "image/jpeg 40"],
  [undefined, "auto", "image/png", TRANSPARENT, "image/png"],
  [undefined, "auto", "image/gif", TRANSPARENT, "image/png"],
  ["jpeg", "auto", "image/png", TRANSPARENT, "image/png"],
  ["png-force", "auto", "image/jpeg", OPAQUE, "image/png"],
  ["jpeg", "jpeg", "image/png", TRANSPARENT, "image/jpeg 40"],
  ["png", "png", "image/png", TRANSPARENT, "image/png 40"],
])("%s in a preset of %s, of %s", (format, own, original, head, output) => {
  const variant = { ...ASKED.variant, format: own, image: { ...ASKED.variant.image, quality: 40 } };
  const request = { ...ASKED, variant, format, original };
  const found = outputOptions(request, { type: original, body: { head } });
  expect([found.format, found.quality].filter((one) => one !== undefined).join(" ")).toBe(output);
});
