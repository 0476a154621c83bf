// What the edge is asked for a rendition of the contact sheet, and what an object costs.

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

/** A request to the edge, as code; and for which originals, if there is more than one. */
export type Call = {
  readonly when?: string;
  /** `cf.image` as the Worker sends it, or the calls of the Images binding. */
  readonly by: "cf.image" | "binding";
  readonly code: string;
};

/** Originals for which an engine may be asked in different ways. */
const ORIGINALS = [
  ["a GIF", "image/gif"],
  ["a JPEG", "image/jpeg"],
  ["another original", "image/png"],
] as const;

/** The calls for a browser. */
export function callsFor(
  variant: Variant,
  { svg, bucket }: Pick<BoundRoute, "svg" | "bucket">,
  readable: Readable,
): Call[] {
  const by = bucket.engine === "binding" ? "binding" : "cf.image";
  const formats = acceptedFormatsOf(variant, readable, svg);
  const all = ORIGINALS.map(([name, type]) => {
    const request = createTransformRequest(variant, formats, type);
    const image = () => JSON.stringify(edgeOptions(request), undefined, 2);
    return { name, code: by === "binding" ? bindingText(request) : image() };
  });
  const groups = [...Map.groupBy(all, ({ code }) => code)];
  return groups.map(([code, group]) => {
    const when = `of ${group.map(({ name }) => name).join(" or ")}`;
    return { ...(groups.length > 1 && { when }), by, code };
  });
}

/** A call of the binding, as a Worker writes it. */
function bindingText(request: TransformRequest): string {
  const { variant, original: type } = request;
  const text = (options: unknown) => JSON.stringify(options);
  const drawn = (variant.image.draw ?? []).map((overlay) => {
    const { shape, draw } = overlayOptions(overlay);
    return `.draw(IMAGES.input("${overlay.key}").transform(${text(shape)}), ${text(draw)})`;
  });
  const output = outputOptions(request, { type, body: { head: new Uint8Array() } });
  const first = `.transform(${text(transformOptions(variant))})`;
  return ["IMAGES.input(original)", first, ...drawn, `.output(${text(output)})`].join("\n  ");
}

/** Unique transformations that an object can cause: by preset, and all. Those with equal options are one. */
export type Costs = {
  readonly presets: Readonly<Record<string, number>>;
  readonly all: number;
};

/** How many unique transformations an object can cause at presets, each by a route (L2). */
export function costsOf(
  { variants }: Config,
  shown: readonly { readonly preset: string; readonly route: BoundRoute }[],
): Costs {
  const all = new Set<string>();
  const presets = shown.map(({ preset, route: { bucket, facts } }) => {
    const ofPreset = [...variants.values()].filter((variant) => variant.preset === preset);
    const hasFacts = facts && bucket.engine !== "binding";
    const unique = new Set(ofPreset.flatMap((variant) => uniqueOptions(variant, hasFacts)));
    // The same key in two buckets is two objects.
    for (const options of unique) all.add(`${bucket.name} ${options}`);
    return [preset, unique.size] as const;
  });
  return { all: all.size, presets: Object.fromEntries(presets) };
}
