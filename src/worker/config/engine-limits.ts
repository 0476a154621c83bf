// Checks that the engine of each bucket can make the presets that a route shows of the bucket. An engine makes the
// pictures. It is `cf`, Cloudflare's image edge, or `binding`, the Images binding, which has fewer options. Without
// this check, only a visitor's request would show that an option is lacking. No I/O.

import { isPlainObject, parseJson } from "../util/json.ts";
import type { Bucket } from "./bucket.ts";
import type { Engine } from "./bucket-settings.ts";
import { bindingLacks, type Preset } from "./preset.ts";
import { parseObjectPattern } from "./routes.ts";
import type { ReportMistake, Tables, Vars } from "./schema.ts";

/** A bucket, and the presets that one route shows of it. */
type BucketUse = {
  readonly bucket: Bucket;
  /** The list of the route, which nobody has checked. Undefined means all presets. */
  readonly presetNames: readonly unknown[] | undefined;
};

/** An option of a preset that an engine lacks. */
type Limit = {
  /** The path in the preset: `zoom`, or `draw[0].zoom` in an overlay. */
  readonly path: string;
  /** What is lacking: the option `zoom`, or one of its values, such as `fit "scale-up"`. */
  readonly lacking: string;
};

/** The options of an image, or of an overlay that is drawn on it. */
type Layer = Omit<Preset, "draw"> | NonNullable<Preset["draw"]>[number];

/** Reports the options that the engine of a bucket lacks, for each preset that a route shows of the bucket. */
export function checkEngines(
  vars: Vars,
  buckets: Tables<Bucket>,
  presets: Tables<Preset>,
  report: ReportMistake,
): void {
  for (const { bucket, presetNames } of bucketUsesOf(vars, buckets)) {
    const engine = `bucket ${bucket.name} has engine "${bucket.engine}"`;

    for (const [name, preset] of presets) {
      const isShown = !presetNames || presetNames.includes(name);
      if (!preset || !isShown) continue;

      for (const { path, lacking } of limitsOf(bucket.engine, preset)) {
        const remedy =
          lacking === "key"
            ? "set url in its place"
            : "remove it, or leave the preset out of the bucket's routes";
        report(`PRESETS.${name}.${path}`, `${engine}, which has no ${lacking}: ${remedy}`);
      }
    }
  }
}

/** Reads `ROUTES` unchecked: `readRoutes` returns no route at all if one of them has a mistake. */
function bucketUsesOf(vars: Vars, buckets: Tables<Bucket>): readonly BucketUse[] {
  const routes = parseJson(vars["ROUTES"]);
  if (!Array.isArray(routes)) return [];

  const uses: BucketUse[] = [];
  for (const { object, fallback, presets } of routes.filter(isPlainObject)) {
    const presetNames: readonly unknown[] | undefined = Array.isArray(presets)
      ? presets
      : undefined;

    // `object` may be a list of patterns.
    const patterns: readonly unknown[] = [object, fallback].flat();
    for (const pattern of patterns) {
      if (typeof pattern !== "string") continue;

      const { bucket } = parseObjectPattern(pattern, buckets);
      if (bucket) uses.push({ bucket, presetNames });
    }
  }
  return uses;
}

/** Returns the options of a preset that an engine does not have (B7). */
function limitsOf(engine: Engine, preset: Preset): readonly Limit[] {
  const { draw: overlays = [], ...image } = preset;
  const limits: Limit[] = [];

  // The edge reads an overlay by its URL only, and the binding by its key only.
  const lacking = engine === "cf" ? "key" : "url";
  for (const [index, overlay] of overlays.entries()) {
    if (overlay[lacking]) limits.push({ path: `draw[${index}].${lacking}`, lacking });
  }
  if (engine === "cf") return limits;

  limits.push(...bindingLimitsOf(image, ""));
  for (const [index, overlay] of overlays.entries()) {
    limits.push(...bindingLimitsOf(overlay, `draw[${index}].`));
  }
  return limits;
}

/**
 * Returns the options that the Images binding lacks.
 * @param prefix of the paths: empty for the image itself, `draw[0].` for an overlay
 */
function bindingLimitsOf(layer: Layer, prefix: string): readonly Limit[] {
  const limits: Limit[] = [];

  for (const [option, value] of Object.entries(layer)) {
    if (!bindingLacks(option, value)) continue;

    // If the value is text, the binding may have the option with another text.
    const lacking = typeof value === "string" ? `${option} "${value}"` : option;
    limits.push({ path: prefix + option, lacking });
  }
  return limits;
}
