// What the edge is asked for a rendition of the contact sheet, and what an object costs.

import { uniqueOptions } from "../../cli/config/transformations.ts";
import type { Config } from "../../worker/config/config.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { edgeOptions } from "../../worker/edge/ask-edge.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  type Readable,
} from "../../worker/request/format.ts";

/** `cf.image` as the Worker sends it; and for which originals, if there is more than one. */
export type Call = { readonly when?: string; readonly code: string };

/** Originals for which an engine may be asked in different ways. */
const ORIGINALS = [
  ["a GIF", "image/gif"],
  ["a JPEG", "image/jpeg"],
  ["another original", "image/png"],
] as const;

/** The calls for a browser; none where the Images binding makes the picture. */
export function callsFor(
  variant: Variant,
  { svg, bucket }: Pick<BoundRoute, "svg" | "bucket">,
  readable: Readable,
): Call[] {
  if (bucket.engine === "binding") return [];
  const formats = acceptedFormatsOf(variant, readable, svg);
  const all = ORIGINALS.map(([name, type]) => {
    const options = edgeOptions(createTransformRequest(variant, formats, type));
    return { name, code: JSON.stringify(options, undefined, 2) };
  });
  const groups = [...Map.groupBy(all, ({ code }) => code)];
  return groups.map(([code, group]) => {
    const when = `of ${group.map(({ name }) => name).join(" or ")}`;
    return { ...(groups.length > 1 && { when }), code };
  });
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
