// Checks for each route that the engines of its buckets can make its presets. An engine makes the pictures: it is `cf`,
// Cloudflare's image edge, or `binding`, the Images binding, which has fewer options. Without this check, only
// a visitor's request would show that an option is lacking. No I/O.

import { isPlainObject } from "../util/json.ts";
import type { Bucket } from "./bucket.ts";
import type { Engine } from "./bucket-settings.ts";
import { bindingLacks, type Preset } from "./preset.ts";
import { parseObjectPattern } from "./routes.ts";
import type { ReportMistake, Tables, Vars } from "./schema.ts";
import { presetOption, writtenRoutes } from "./split-vars.ts";

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

/** The options of an image, without those of the overlays that are drawn on it. */
type Image = Omit<Preset, "draw">;

/** The options of one overlay. */
type Overlay = NonNullable<Preset["draw"]>[number];

/**
 * Reports the options that the engine of a bucket lacks, for each preset that a route shows of the bucket. A bucket or
 * a preset with mistakes is undefined, and has been reported.
 */
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
        // Only an overlay that names an object by its `key` has something else to set.
        const remedy =
          lacking === "key"
            ? "set url in its place"
            : "remove it, or leave the preset out of the bucket's routes";
        report(
          `${presetOption(vars, name)}.${path}`,
          `${engine}, which has no ${lacking}: ${remedy}`,
        );
      }
    }
  }
}

/**
 * Reads the routes as they are written. The result of `readRoutes` would not do: it is empty if any route has a mistake, and
 * then no engine would be checked.
 */
function bucketUsesOf(vars: Vars, buckets: Tables<Bucket>): readonly BucketUse[] {
  const routes = writtenRoutes(vars).map(({ value }) => value);

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

/** Returns the options of a preset that an engine does not have (B7 of docs/rules.md). */
function limitsOf(engine: Engine, preset: Preset): readonly Limit[] {
  const { draw: overlays = [], ...image } = preset;
  const limits: Limit[] = [];

  // The edge reads an overlay by its URL only, and the binding by its key only.
  const unreadable = engine === "cf" ? "key" : "url";
  for (const [index, overlay] of overlays.entries()) {
    if (!overlay[unreadable]) continue;
    limits.push({ path: `draw[${index}].${unreadable}`, lacking: unreadable });
  }

  // The edge has all other options.
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
function bindingLimitsOf(options: Image | Overlay, prefix: string): readonly Limit[] {
  const limits: Limit[] = [];

  for (const [option, value] of Object.entries(options)) {
    if (!bindingLacks(option, value)) continue;

    // An option with a text, such as `fit`, is named with this text: the binding may have it with another one.
    const lacking = typeof value === "string" ? `${option} "${value}"` : option;
    limits.push({ path: prefix + option, lacking });
  }
  return limits;
}
