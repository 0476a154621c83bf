// Says what the engine is asked for, by what a browser reads, and what Cloudflare bills at most (L2). The object itself is
// not opened, so the original is taken to be a large one of the type that its name says.

import { outputOptions, overlayOptions, transformOptions } from "../../worker/binding/options.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { edgeOptions } from "../../worker/edge/render-at-edge.ts";
import type { ObjectType } from "../../worker/http/refusal.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import type { TransformRequest } from "../../worker/request/transform-request.ts";
import { createTransformRequest } from "../../worker/request/transform-request.ts";
import { page } from "../command.ts";
import { money, PRICE, uniqueOptions } from "../config/transformations.ts";
import { BROWSERS } from "../http/ask-picture.ts";
import { counted } from "../terminal/progress.ts";
import type { Row } from "./describe-token.ts";

const FORMAT_LABELS = { avif: "AVIF and WebP", webp: "WebP", none: "neither" } as const;

export function renditionRows(route: BoundRoute, variant: Variant, key: string): Row[] {
  const type = typeByName(key);
  const isBinding = route.bucket.engine === "binding";

  const options: Row[] = [];
  for (const { browser, readable } of BROWSERS) {
    const formats = acceptedFormatsOf(variant, readable, route.svg);
    const request = createTransformRequest(variant, formats, { type });
    const engineOptions = isBinding ? bindingOptions(request, type) : edgeOptions(request);
    options.push([`  ${FORMAT_LABELS[browser]}`, JSON.stringify(engineOptions)]);
  }

  const isFocused = variant.image.gravity === "object";
  const original = isFocused ? `${type} without a focal point` : type;
  const unique = counted(uniqueOptions(variant, false).length, "unique transformation");
  const costs = page("docs/costs.md");
  return [
    ["Engine", isBinding ? "the Images binding" : "the image edge"],
    ["Options", `by what the browser reads, if the original is a large ${original}`],
    ...withoutRepetition(options),
    ["Cost", `at most ${unique}: free, or ${money(PRICE * 1000)} for 1,000 (${costs})`],
  ];
}

/** The types that the engine treats unlike a JPEG. */
function typeByName(key: string): "image/gif" | "image/png" | "image/jpeg" {
  if (/\.gif$/i.test(key)) return "image/gif";
  if (/\.png$/i.test(key)) return "image/png";
  return "image/jpeg";
}

/** The options of the Images binding for an original whose first bytes are not known. */
function bindingOptions(request: TransformRequest, type: ObjectType): object {
  const { image, focus } = request;
  return {
    ...transformOptions(image, focus),
    ...(image.draw && { draw: image.draw.map(overlayOptions) }),
    ...outputOptions(request, type, new Uint8Array()),
  };
}

/** One row stands for all browsers where all get the same. */
function withoutRepetition(options: readonly Row[]): readonly Row[] {
  const [first, ...others] = options;
  if (first === undefined) return [];

  const [, value] = first;
  const isSame = others.every(([, otherValue]) => otherValue === value);
  return isSame ? [["  any", value]] : options;
}
