// What the edge is asked for each rendition of the contact sheet, and what an object costs.

import { bindingCalls, edgeCalls, uniqueOptions } from "../../cli/config/transformations.ts";
import type { Config } from "../../worker/config/config.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Readable } from "../../worker/request/format.ts";
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

function callsFor(
  variant: Variant,
  { svg, bucket: { engine } }: BoundRoute,
): EdgeTable[string][string] {
  const calls = (reads: BrowserReads) =>
    engine === "binding"
      ? bindingTexts(variant, READABLE[reads])
      : edgeCalls(variant, READABLE[reads], svg);
  return {
    "avif.webp": calls("avif.webp"),
    avif: calls("avif"),
    webp: calls("webp"),
    plain: calls("plain"),
  };
}

/** The calls of the binding, as a Worker writes them. */
function bindingTexts(variant: Variant, readable: Readable): readonly Call[] {
  const all = bindingCalls("", variant, readable);
  return all.map(({ of, transform, draw = [], output }) => {
    const drawn = draw.map(({ key, transform: shape, ...options }) => {
      const overlay = `IMAGES.input("${key}").transform(${textOf(shape)})`;
      return `.draw(${overlay}, ${textOf(options)})`;
    });
    const steps = [`.transform(${textOf(transform)})`, ...drawn, `.output(${textOf(output)})`];
    const binding = ["IMAGES.input(original)", ...steps.map((step) => `  ${step}`)].join("\n");
    return all.length === 1 ? { binding } : { when: `of ${of}`, binding };
  });
}

const textOf = (options: unknown) => JSON.stringify(options);

/** How many unique transformations an object can cause by these renditions (L2). */
export function costsOf({ variants, routes }: Config, shown: readonly RenditionRef[]): Costs {
  const all = new Set<string>();
  const presets = shown.map(({ preset, route }) => {
    const ofPreset = [...variants.values()].filter((variant) => variant.preset === preset);
    const { bucket, facts = false } = routes[route] ?? {};
    const hasEdge = bucket?.engine !== "binding";
    const unique = new Set(ofPreset.flatMap((variant) => uniqueOptions(variant, facts, hasEdge)));
    // The same key in two buckets is two objects.
    for (const options of unique) all.add(`${bucket?.name} ${options}`);
    return [preset, unique.size] as const;
  });
  return { all: all.size, presets: Object.fromEntries(presets) };
}
