// What an engine cannot make, and which engine makes a variant. Pure.

import type { Bucket } from "./bucket.ts";
import type { Engine } from "./bucket-settings.ts";
import type { Preset, Variant } from "./preset.ts";
import type { BoundRoute } from "./routes.ts";
import type { Named, Report } from "./schema.ts";

type Image = Variant["image"];

/** An option that an engine does not have, and why, or what to do. */
export type Limit = { readonly option: string; readonly why: string };

/** The options of a preset that an engine does not have (B7). */
export function limitsOf(
  engine: Engine,
  image: Image,
  format: Variant["format"],
): readonly Limit[] {
  const { draw = [], metadata, compression } = image;
  const limits: Limit[] = [];
  const add = (option: string, why: string) => void limits.push({ option, why });
  if (engine === "cf") {
    for (const [at, { key }] of draw.entries()) {
      if (key !== undefined) add(`draw[${at}].key`, "the edge draws URLs alone");
    }
    return limits;
  }
  for (const [at, { url }] of draw.entries()) {
    if (url !== undefined) {
      add(
        `draw[${at}].url`,
        "the Images binding draws objects of the bucket: set key in its place",
      );
    }
  }
  for (const [at, one] of [image, ...draw].entries()) {
    const place = at === 0 ? "" : `draw[${at - 1}].`;
    if (one.zoom !== undefined) add(`${place}zoom`, NOT_THERE);
    if (one.upscale !== undefined) add(`${place}upscale`, NOT_THERE);
    if (one.fit === "scale-up") add(`${place}fit`, NOT_THERE);
  }
  if (metadata !== "none") add("metadata", 'the Images binding has "none" alone');
  if (compression !== undefined) add("compression", NOT_THERE);
  if (format === "baseline-jpeg") add("format", NOT_THERE);
  return limits;
}

const NOT_THERE = "the Images binding does not have it";

/**
 * The engines of a bucket that can make a variant, in the order in which to try them.
 * @param svg whether the route shows SVGs, which the binding does not read (B4)
 */
export function enginesFor(
  engines: readonly [Engine, ...Engine[]],
  image: Image,
  format: Variant["format"],
  svg: boolean,
): readonly [Engine, ...Engine[]] {
  const [first, ...others] = engines.filter((engine) => {
    return !(svg && engine === "binding") && limitsOf(engine, image, format).length === 0;
  });
  return first ? [first, ...others] : engines;
}

/** Reports the options that no engine of a bucket has, of each preset that a route shows of it. Each once. */
export function checkEngines(
  routes: readonly BoundRoute[],
  presets: Named<Preset>,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const { bucket, fallback, presets: shown } of routes) {
    for (const [name, preset] of presets) {
      if (!preset || shown?.has(name) === false) continue;
      for (const one of fallback ? [bucket, fallback.bucket] : [bucket]) {
        for (const { option, why } of missing(one, preset)) {
          const at = `PRESETS.${name}.${option}`;
          const said = `${at} ${one.name}`;
          if (!seen.has(said)) report(at, `bucket ${one.name} cannot have it: ${why}`);
          seen.add(said);
        }
      }
    }
  }
}

/** What keeps the first engine of a bucket from making a preset, if no other one can. */
function missing({ engines }: Bucket, preset: Preset): readonly Limit[] {
  const { format, dpr: _dpr, widths: _widths, ...image } = preset;
  const limits = engines.map((engine) => limitsOf(engine, image, format));
  return limits.every((one) => one.length > 0) ? (limits[0] ?? []) : [];
}
