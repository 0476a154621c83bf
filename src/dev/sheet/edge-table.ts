// What the edge is asked for each rendition of the contact sheet, and what an object costs.

import { uniqueOptions } from "../../cli/config/transformations.ts";
import type { Config } from "../../worker/config/config.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { edgeOptions } from "../../worker/edge/ask-edge.ts";
import { outputOptions, overlayOptions, transformOptions } from "../../worker/images/options.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  type Readable,
  type TransformRequest,
} from "../../worker/request/format.ts";
import type { BrowserReads, Call, Costs, EdgeTable, RenditionRef } from "./data.ts";

const READABLE = {
  "avif.webp": { avif: true, webp: true },
  avif: { avif: true, webp: false },
  webp: { avif: false, webp: true },
  plain: { avif: false, webp: false },
} as const satisfies Record<BrowserReads, Readable>;

/** What the edge is asked for each variant that a route shows, by preset. */
export function edgeTable({ variants }: Config, route: BoundRoute): EdgeTable {
  const { presets } = route;
  const shown = [...variants].filter(([, { preset }]) => presets?.has(preset) ?? true);
  const names = new Set(shown.map(([, { preset }]) => preset));
  return Object.fromEntries(
    [...names].map((name) => {
      const own = shown.filter(([, { preset }]) => preset === name);
      return [
        name,
        Object.fromEntries(own.map(([one, variant]) => [one, callsFor(variant, route)])),
      ];
    }),
  );
}

function callsFor(variant: Variant, route: BoundRoute): EdgeTable[string][string] {
  const calls = (reads: BrowserReads) => callsBy(variant, route, READABLE[reads]);
  return {
    "avif.webp": calls("avif.webp"),
    avif: calls("avif"),
    webp: calls("webp"),
    plain: calls("plain"),
  };
}

/** Originals for which an engine may be asked in different ways. */
const ORIGINALS = [
  ["a GIF", "image/gif"],
  ["a JPEG", "image/jpeg"],
  ["another original", "image/png"],
] as const;

/** The calls for a browser; and for which originals, if there is more than one. */
function callsBy(variant: Variant, { svg, bucket }: BoundRoute, readable: Readable): Call[] {
  const formats = acceptedFormatsOf(variant, readable, svg);
  const all = ORIGINALS.map(([name, type]) => {
    const request = createTransformRequest(variant, formats, type);
    const call =
      bucket.engine === "binding"
        ? { binding: bindingText(request) }
        : { image: edgeOptions(request) };
    return { name, call, text: JSON.stringify(call) };
  });
  const groups = [...Map.groupBy(all, ({ text }) => text).values()];
  return groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const when = `of ${group.map(({ name }) => name).join(" or ")}`;
    return [groups.length === 1 ? first.call : { when, ...first.call }];
  });
}

/** A call of the binding, as a Worker writes it. */
function bindingText(request: TransformRequest): string {
  const { transform, draw = [], output } = bindingCall(request);
  const drawn = draw.map(({ key, transform: shape, ...options }) => {
    const overlay = `IMAGES.input("${key}").transform(${textOf(shape)})`;
    return `.draw(${overlay}, ${textOf(options)})`;
  });
  const steps = [`.transform(${textOf(transform)})`, ...drawn, `.output(${textOf(output)})`];
  return ["IMAGES.input(original)", ...steps.map((step) => `  ${step}`)].join("\n");
}

const textOf = (options: unknown) => JSON.stringify(options);

/** How many unique transformations an object can cause by these renditions (L2). */
export function costsOf({ variants, routes }: Config, shown: readonly RenditionRef[]): Costs {
  const all = new Set<string>();
  const presets = shown.map(({ preset, route }) => {
    const ofPreset = [...variants.values()].filter((variant) => variant.preset === preset);
    const { bucket, facts = false } = routes[route] ?? {};
    const hasFacts = facts && bucket?.engine !== "binding";
    const unique = new Set(ofPreset.flatMap((variant) => uniqueOptions(variant, hasFacts)));
    // The same key in two buckets is two objects.
    for (const options of unique) all.add(`${bucket?.name} ${options}`);
    return [preset, unique.size] as const;
  });
  return { all: all.size, presets: Object.fromEntries(presets) };
}

/** The options of `.transform()`, the objects that are drawn, by their keys, and the options of `.output()`. */
function bindingCall(request: TransformRequest) {
  const { variant, original: type } = request;
  const draw = (variant.image.draw ?? []).map((overlay) => {
    const { shape, draw: place } = overlayOptions(overlay);
    return { key: overlay.key, transform: shape, ...place };
  });
  return {
    transform: transformOptions(variant),
    ...(draw.length > 0 && { draw }),
    output: outputOptions(request, { type, body: { head: new Uint8Array() } }),
  };
}
